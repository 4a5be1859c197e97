"""Annex 3: from the figures of a month to its report; pure.

**SLA %** of a month = rounds up / rounds counted × 100.

- A round is up when neither resolution nor registration was seen down by 51 % or more of the probe points in it.
- Rounds in a maintenance stop that was announced before it began are not counted, and shown apart.
- Rounds that were due and did not take place (a gap of four rounds and a minute at least, since the first round ever)
  count as down: what nobody saw is not claimed to have been up. The part of a gap in an announced stop is not counted.

**Hours in operation** = the sum of the intervals of the rounds in which resolution or registration was up.
**From approval to resolvable**: 0 for a hosted prefix (it is answered with the commit of its approval); for one that
hosts itself the time from its approval to the first probe that reached its site. The mean is over those reached.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from idnode.model.prefix_registration import Hosting
from idnode.storage.monitoring import Approval, Gap, MonthRounds, ProbeKind
from idnode.storage.monitoring_events import Emergency, Stop
from idnode.sync.monitoring.months import Month

SECONDS_PER_HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Figures:
    """What a report is made from. Rounds, gaps and stops reach back over the past months too."""

    node: str
    month: Month
    made: datetime
    rounds: Sequence[MonthRounds]
    gaps: Sequence[Gap]
    stops: Sequence[Stop]
    latencies_ms: dict[ProbeKind, float]
    approvals: Sequence[Approval]
    emergencies: Sequence[Emergency]


@dataclass(frozen=True, slots=True)
class MonthSla:
    """The share of a month; None where no round was due."""

    month: Month
    rounds: int
    up: int
    missed: int
    announced: int

    @property
    def percent(self) -> float | None:
        """To three digits, cut off: 100 is said of a month without a fault only."""
        counted = self.rounds + self.missed
        return self.up * 100_000 // counted / 1_000 if counted else None


@dataclass(frozen=True, slots=True)
class ReportedStop:
    """A stop within the month. `is_planned`: the operator wrote it down; else no process probed."""

    begins: datetime
    ends: datetime
    is_planned: bool
    is_excused: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class MonthlyReport:
    """Annex 3 of one month."""

    node: str
    month: Month
    made: datetime
    due: date
    is_complete: bool
    sla: MonthSla
    past: tuple[MonthSla, ...]
    average_percent: float | None
    registration_rtt_ms: float | None
    resolution_rtt_ms: float | None
    approvals: int
    approvals_reached: int
    approval_hours: float | None
    operation_hours: float
    stops: tuple[ReportedStop, ...]
    emergencies: tuple[Emergency, ...]


def monthly_report(figures: Figures) -> MonthlyReport:
    """The report of a month; one that is not over yet is told up to `made`."""
    month = figures.month
    shares = {each.month: each for each in _shares(figures)}
    sla = shares.pop(month, MonthSla(month, 0, 0, 0, 0))
    known = [each.percent for each in (*shares.values(), sla) if each.percent is not None]
    hours = [hours for hours in map(_hours_until_resolvable, figures.approvals) if hours is not None]
    seconds = next((each.seconds_working for each in figures.rounds if each.month == month.first), 0)
    return MonthlyReport(
        node=figures.node,
        month=month,
        made=figures.made,
        due=month.report_due,
        is_complete=figures.made >= month.ends_at,
        sla=sla,
        past=tuple(sorted(shares.values(), key=lambda each: each.month)),
        average_percent=_mean_percent(known),
        registration_rtt_ms=_rounded(figures.latencies_ms.get(ProbeKind.REGISTRATION)),
        resolution_rtt_ms=_rounded(figures.latencies_ms.get(ProbeKind.RESOLUTION)),
        approvals=len(figures.approvals),
        approvals_reached=len(hours),
        approval_hours=_mean(hours, 4),
        operation_hours=round(seconds / SECONDS_PER_HOUR, 2),
        stops=tuple(_stops(figures)),
        emergencies=tuple(figures.emergencies),
    )


def _shares(figures: Figures) -> Iterable[MonthSla]:
    counted = {Month(each.month): each for each in figures.rounds}
    missed: dict[Month, int] = {}
    for gap in figures.gaps:
        for month in _months_of(gap):
            missed[month] = missed.get(month, 0) + _missed(gap, month, figures.stops)
    for month in sorted(counted.keys() | missed.keys()):
        if month <= figures.month:
            _, rounds, up, announced, _ = counted.get(month, MonthRounds(month.first, 0, 0, 0, 0))
            yield MonthSla(month, rounds, up, missed.get(month, 0), announced)


def _months_of(gap: Gap) -> Iterable[Month]:
    month = Month.of(gap.begins)
    while month.begins_at < gap.ends:
        yield month
        month = Month(month.end)


def _missed(gap: Gap, month: Month, stops: Sequence[Stop]) -> int:
    """Rounds that were due in the part of a gap that lies in a month and in no announced stop."""
    begins, ends = max(gap.begins, month.begins_at), min(gap.ends, month.ends_at)
    seconds = (ends - begins).total_seconds() - _announced_seconds(begins, ends, stops)
    # The gap begins with a round that did take place.
    return max(int(seconds // gap.every_seconds) - (begins == gap.begins), 0)


def _announced_seconds(begins: datetime, ends: datetime, stops: Sequence[Stop]) -> float:
    """Of a span, in stops that were announced; where two overlap their time counts once."""
    seconds, reached = 0.0, begins
    for stop in sorted(stops, key=lambda each: each.begins):
        first, last = max(stop.begins, reached), min(stop.ends, ends)
        if stop.is_announced and last > first:
            seconds += (last - first).total_seconds()
            reached = last
    return seconds


def _hours_until_resolvable(approval: Approval) -> float | None:
    if approval.hosting is Hosting.HOSTED:
        return 0.0
    if approval.resolved is None:
        return None
    return (approval.resolved - approval.at).total_seconds() / SECONDS_PER_HOUR


def _stops(figures: Figures) -> Iterable[ReportedStop]:
    since, until = figures.month.begins_at, figures.month.ends_at
    planned = [ReportedStop(each.begins, each.ends, True, each.is_announced, each.reason) for each in figures.stops]
    unplanned = [ReportedStop(each.begins, each.ends, False, False, None) for each in figures.gaps]
    within = [each for each in (*planned, *unplanned) if each.begins < until and each.ends > since]
    return sorted(within, key=lambda each: each.begins)


def _mean_percent(shares: Sequence[float]) -> float | None:
    """Of the months, each with the same weight; cut off like them."""
    return sum(round(share * 1_000) for share in shares) // len(shares) / 1_000 if shares else None


def _mean(numbers: Sequence[float], digits: int) -> float | None:
    return round(sum(numbers) / len(numbers), digits) if numbers else None


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)
