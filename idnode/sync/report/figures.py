"""Tables T3 and T8, annex 2's values 1 to 12, T5 and T10: from what was counted and is known. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from idnode.model.application import Application
from idnode.model.beijing import BEIJING
from idnode.storage.usage import OTHERS, Latency, SourceCount, UsageDay

OTHER_SOURCES = "other"
"""In place of an address: all that were not counted one by one."""
NANOSECONDS_PER_MILLISECOND = 1_000_000
MILLISECOND_DIGITS = 6


def node_statistics(
    prefix: str, added: int, total: int, usage: UsageDay | None, sources: Iterable[SourceCount]
) -> dict[str, object]:
    """T3: enterprise prefixes of the node, and who asked it how often."""
    figures: dict[str, object] = {"enterprise_prefixes_added": added, "enterprise_prefixes_total": total}
    return {"prefix": prefix, **figures, **_requests(usage, sources)}


def enterprise_statistics(
    prefix: str, added: int, total: int, usage: UsageDay | None, sources: Iterable[SourceCount]
) -> dict[str, object]:
    """T8: identifiers of an enterprise's prefix, and who asked for them how often."""
    figures: dict[str, object] = {"identifiers_added": added, "identifiers_total": total}
    return {"prefix": prefix, **figures, **_requests(usage, sources)}


def monitoring(usage: UsageDay | None) -> dict[str, object]:
    """Annex 2, values 1 to 12; those of what was not done that day are left out."""
    if usage is None:
        return {}
    data = _latency("resolution", usage.latency)
    if usage.peak is not None:
        data["resolution_peak_per_second"] = usage.peak.requests
        data["resolution_peak_at"] = moment_text(usage.peak.at)
    return data | _latency("registration", usage.registration_latency)


def application(known: Application) -> dict[str, object]:
    """T5 and T10."""
    told = {
        "name": known.name,
        "type": int(known.kind),
        "description": known.description,
        "users": known.users,
        "recursive_node": known.recursive_node,
        "developed_by": known.developed_by,
    }
    return {field: value for field, value in told.items() if value is not None}


def finished_days(first: date, now: datetime, *, settled_after: timedelta, days_max: int) -> Sequence[date]:
    """The days since `first`, at most `days_max`, that ended in Beijing at least `settled_after` ago."""
    running = (now - settled_after).astimezone(BEIJING).date()
    begin = max(first, running - timedelta(days=days_max))
    return [begin + timedelta(days=ahead) for ahead in range((running - begin).days)]


def end_of(day: date) -> datetime:
    """The moment at which a day is over in Beijing."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), BEIJING)


def day_number(day: date) -> int:
    """20261124."""
    return day.year * 10_000 + day.month * 100 + day.day


def month_number(day: date) -> int:
    """202611."""
    return day.year * 100 + day.month


def moment_text(moment: datetime) -> str:
    """To the second, in Beijing."""
    return moment.astimezone(BEIJING).isoformat(timespec="seconds")


def _requests(usage: UsageDay | None, sources: Iterable[SourceCount]) -> dict[str, object]:
    return {
        "resolution_requests": 0 if usage is None else usage.requests,
        "resolution_successes": 0 if usage is None else usage.successes,
        "sources": [
            {"address": OTHER_SOURCES if source.address == OTHERS else source.address, "requests": source.requests}
            for source in sources
        ],
    }


def _latency(what: str, latency: Latency | None) -> dict[str, object]:
    if latency is None:
        return {}
    return {
        f"{what}_average_ms": _milliseconds(latency.average_ns),
        f"{what}_maximum_at": moment_text(latency.max_at),
        f"{what}_maximum_ms": _milliseconds(latency.max_ns),
        f"{what}_minimum_at": moment_text(latency.min_at),
        f"{what}_minimum_ms": _milliseconds(latency.min_ns),
    }


def _milliseconds(nanoseconds: float) -> float:
    return round(nanoseconds / NANOSECONDS_PER_MILLISECOND, MILLISECOND_DIGITS)
