"""Makes the monthly report of a node from what its probes and its operator left behind."""

from collections.abc import Callable
from datetime import datetime

from idnode.model.errors import NotFound
from idnode.storage.monitoring import ProbeStore
from idnode.storage.monitoring_events import EventStore
from idnode.sync.monitoring.monthly import Figures, MonthlyReport, monthly_report
from idnode.sync.monitoring.months import Month

PAST_MONTHS_MAX = 12


class MonthlyReports:
    """Reports of any month up to the present one."""

    def __init__(self, probes: ProbeStore, events: EventStore, *, node: str, now: Callable[[], datetime]) -> None:
        self._probes = probes
        self._events = events
        self._node = node
        self._now = now

    async def of(self, month: Month) -> MonthlyReport:
        """Raises NotFound for a month that has not begun, Unavailable."""
        now = self._now()
        since, until = month.begins_at, min(month.ends_at, now)
        if since >= now:
            raise NotFound(f"month {month} has not begun")
        first = month.before(PAST_MONTHS_MAX)
        return monthly_report(
            Figures(
                node=self._node,
                month=month,
                made=now,
                rounds=await self._probes.rounds_by_month(first.first, month.end),
                gaps=await self._probes.gaps(first.begins_at, until),
                stops=await self._events.stops_within(first.begins_at, until),
                latencies_ms=await self._probes.mean_latencies_ms(month.first, month.end),
                approvals=await self._probes.approvals(since, until),
                emergencies=await self._events.emergencies(since, until),
            )
        )
