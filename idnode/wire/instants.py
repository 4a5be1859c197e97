"""Instants as RFC 3339 text, UTC with a Z, milliseconds."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=256)  # a write shows its moment several times
def instant_text(moment: datetime) -> str:
    """`2026-11-24T07:18:31.250Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def optional_instant_text(moment: datetime | None) -> str | None:
    """The same, or None."""
    return None if moment is None else instant_text(moment)


def instant_of(text: str) -> datetime:
    """The inverse. Raises ValueError for text that is no instant with an offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"'{text}' has no offset from UTC; write it as 2026-11-24T07:18:31Z")
    return moment
