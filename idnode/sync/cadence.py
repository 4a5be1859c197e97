"""When records are due: hours, days and months end in Beijing time; pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from idnode.model.beijing import BEIJING
from idnode.model.reporting import Cadence
from idnode.storage.ledger import CLOCK_AHEAD_MAX

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_DAYS_PAST_ANY_MONTH = timedelta(days=32)


def period_end(cadence: Cadence, at: datetime) -> datetime:
    """The first end of a period after `at`, in Beijing time; of real time it is `at` itself.

    An end belongs to the period that it begins.
    """
    moment = at.astimezone(BEIJING)
    hour = moment.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    match cadence:
        case Cadence.REAL_TIME:
            return moment
        case Cadence.HOURLY:
            return hour + _HOUR
        case Cadence.DAILY:
            return day + _DAY
        case Cadence.MONTHLY:
            return (day.replace(day=1) + _DAYS_PAST_ANY_MONTH).replace(day=1)


def due(cadence: Cadence, last_release: datetime | None, now: datetime) -> bool:
    """Whether a period has ended since the last release. Without one it is due at once: nobody knows what waits.

    Likewise when the last one is far in the future: a clock that was wrong once would hold it up until then.
    """
    if last_release is None or last_release - now > CLOCK_AHEAD_MAX:
        return True
    return period_end(cadence, last_release) <= now


def ends_between(cadence: Cadence, after: datetime, until: datetime) -> Iterator[datetime]:
    """Every end of a period later than `after` and not later than `until`, oldest first; none of real time."""
    if cadence is Cadence.REAL_TIME:
        return
    end = period_end(cadence, after)
    while end <= until:
        yield end
        end = period_end(cadence, end)
