"""Request ids: the client's own if it is harmless, else a fresh one; in every answer, log line and change row."""

import re
from collections.abc import Callable
from uuid import UUID

HEADER = "X-Request-Id"
_HARMLESS = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


def request_id_of(sent: str | None, new_id: Callable[[], UUID]) -> str:
    """At most 64 characters of letters, digits and `._:-`; anything else is replaced."""
    if sent is not None and _HARMLESS.fullmatch(sent):
        return sent
    return new_id().hex
