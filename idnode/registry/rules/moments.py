"""Dates and moments as text: ISO 8601 calendar dates and RFC 3339 date-times, and the node's own day."""

import re
from datetime import date, datetime

from idnode.model.beijing import BEIJING

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?"
)


def date_of(text: str) -> date | str:
    """The day that `text` names as YYYY-MM-DD (ISO 8601 §5.2.2), or why it names none."""
    if not _DATE.fullmatch(text):
        return "is not a date written YYYY-MM-DD"
    try:
        return date.fromisoformat(text)
    except ValueError:
        return "is not a day of the calendar"


def datetime_of(text: str) -> datetime | str:
    """The moment that `text` names (RFC 3339 §5.6, upper-case T and Z), in Beijing, or why it names none."""
    match = _DATETIME.fullmatch(text)
    if match is None:
        return "is not a moment written YYYY-MM-DDThh:mm:ssZ or with an offset such as +08:00"
    if match["offset"] is None:
        return "has no offset: add Z or one such as +08:00"
    try:
        # At the ends of the calendar the moment may have no year in Beijing: OverflowError.
        return datetime.fromisoformat(text).astimezone(BEIJING)
    except (ValueError, OverflowError):
        return "is not a moment of the calendar"


def node_day(moment: datetime) -> date:
    """The node's day at `moment`."""
    return moment.astimezone(BEIJING).date()
