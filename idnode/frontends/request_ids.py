"""Request ids: the client's own if it is harmless, else a fresh one; in every answer, log line and change row."""

import re
from itertools import count

HEADER = "X-Request-Id"
_HARMLESS = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


class RequestIds:
    """Gives out ids that begin with `origin`, which tells this process from all others, and go on with a number."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._numbers = count(1)

    def of(self, sent: str | None) -> str:
        """What the client sent, if it is at most 64 characters of letters, digits and `._:-`; else a fresh id."""
        if sent is not None and _HARMLESS.fullmatch(sent):
            return sent
        return f"{self._origin}-{next(self._numbers):x}"
