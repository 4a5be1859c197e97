"""Daily and monthly reports: entered into the ledger with what they say, once for each day and month that is over."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

import orjson

from idnode.model.application import Application
from idnode.model.beijing import BEIJING
from idnode.model.identifier import Prefix
from idnode.model.reporting import Report
from idnode.storage.applications import ApplicationStore
from idnode.storage.ledger import NewRecord
from idnode.storage.statistics import PrefixFigures, StatisticsStore
from idnode.storage.sync_records import SyncRecords
from idnode.storage.usage import NODE, UsageDay, UsageStore
from idnode.sync.report.figures import (
    application,
    day_number,
    end_of,
    enterprise_statistics,
    finished_days,
    monitoring,
    month_number,
    node_statistics,
)

DAYS_BACK_MAX = 40
"""Days that are made up for after the relay was away; usage is believed that long."""
SETTLED_AFTER = timedelta(minutes=10)
"""After midnight: workers store the last counts of a day within seconds, and settle its busiest second in minutes."""
PREFIXES_AT_ONCE = 20
"""Each with up to 10,001 sources."""
OPERATION = "report"


class Statistics:
    """Enters T3, T8 and annex 2's values 1 to 12 by day, T5 and T10 by month; `own` is the node's prefix."""

    def __init__(
        self,
        store: StatisticsStore,
        usage: UsageStore,
        applications: ApplicationStore,
        records: SyncRecords,
        *,
        own: Prefix,
    ) -> None:
        self._store = store
        self._usage = usage
        self._applications = applications
        self._records = records
        self._own = own
        self._caught_up: date | None = None

    async def catch_up(self, now: datetime) -> int:
        """Enter what is missing of the days and the month that are over; how many records were new.

        Identifiers are counted as the ledger takes their changes in: the caller collects first.
        Raises Unavailable when the database is away; what was entered by then stays, and the next call goes on.
        """
        running = (now - SETTLED_AFTER).astimezone(BEIJING).date()
        if running == self._caught_up:
            return 0
        first = await self._store.first_day()
        if first is None:
            return 0
        entered = 0
        for day in await self._days_wanted(first, now):
            entered += await self._enter_day(day)
        if first < running.replace(day=1):
            entered += await self._enter_month(running.replace(day=1) - timedelta(days=1))
        self._caught_up = running
        return entered

    async def _days_wanted(self, first: date, now: datetime) -> list[date]:
        days = finished_days(first, now, settled_after=SETTLED_AFTER, days_max=DAYS_BACK_MAX)
        if not days:
            return []
        told = await self._store.told(Report.T3, NODE, day_number(days[0]), day_number(days[-1]))
        return [day for day in days if day_number(day) not in told]

    async def _enter_day(self, day: date) -> int:
        prefixes = await self._store.prefixes(day)
        usage = {each.prefix: each for each in await self._usage.days(day, day)}
        entered = 0
        for begin in range(0, len(prefixes), PREFIXES_AT_ONCE):
            some = prefixes[begin : begin + PREFIXES_AT_ONCE]
            entered += await self._records.add([record async for record in self._of_prefixes(day, some, usage)])
        # T3 last: with it the day is told, and all of the day is in the ledger by then.
        return entered + await self._records.add(await self._of_node(day, prefixes, usage.get(NODE)))

    async def _of_prefixes(
        self, day: date, prefixes: Iterable[PrefixFigures], usage: Mapping[str, UsageDay]
    ) -> AsyncIterator[NewRecord]:
        for prefix in prefixes:
            counted = usage.get(prefix.folded)
            sources = await self._usage.sources(day, prefix.folded) if counted is not None else []
            figures = enterprise_statistics(prefix.shown, prefix.added, prefix.total, counted, sources)
            yield _daily(Report.T8, prefix.folded, day, figures)
            yield _daily(Report.MONITORING, prefix.folded, day, monitoring(counted))

    async def _of_node(self, day: date, prefixes: Sequence[PrefixFigures], counted: UsageDay | None) -> list[NewRecord]:
        added = sum(prefix.is_new for prefix in prefixes)
        sources = await self._usage.sources(day) if counted is not None else []
        figures = node_statistics(self._own.text, added, len(prefixes), counted, sources)
        return [_daily(Report.MONITORING, NODE, day, monitoring(counted)), _daily(Report.T3, NODE, day, figures)]

    async def _enter_month(self, last_day: date) -> int:
        """Of the last month only: what applications were before is not known any more."""
        ended = end_of(last_day)
        known = [each for each in await self._applications.active() if each.created < ended]
        return await self._records.add(list(_monthly(known, last_day, ended)))


def _daily(report: Report, subject: str, day: date, data: Mapping[str, object]) -> NewRecord:
    return NewRecord(report, subject, day_number(day), OPERATION, end_of(day), orjson.dumps(data))


def _monthly(known: Iterable[Application], last_day: date, ended: datetime) -> Iterator[NewRecord]:
    """T10's fields do not say whose application it is: its subject does."""
    for each in known:
        report = Report.T5 if each.enterprise is None else Report.T10
        subject = str(each.id) if each.enterprise is None else f"{each.enterprise}/{each.id}"
        yield NewRecord(report, subject, month_number(last_day), OPERATION, ended, orjson.dumps(application(each)))
