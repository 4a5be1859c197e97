"""Whole seconds in UTC as the JSON of Handle values writes them: 2023-11-14T22:13:20Z (handle-protocol.md §2)."""

import re
from datetime import UTC, datetime
from functools import lru_cache

_SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})")


@lru_cache(maxsize=256)  # the values of one write share their moment, and neighbours in a group often do
def iso_time(moment: datetime) -> str:
    """`moment`, which must be in UTC, cut to the second."""
    return moment.isoformat()[:19] + "Z"


def iso_seconds(seconds: int) -> str:
    """The Unix second as a date."""
    return iso_time(datetime.fromtimestamp(seconds, UTC))


def moment_of(text: str) -> datetime | None:
    """The moment in UTC; None unless `text` is RFC 3339 with whole seconds and Z or a numeric offset."""
    if _SHAPE.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
