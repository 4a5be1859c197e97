"""The ledger as everybody but the relay sees it: read, added to, and its records sent once more."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from idnode.model.reporting import WHOLE_STATE, RecordState, Report, SyncRecord
from idnode.storage.database import Database, Session
from idnode.storage.ledger import CLOCK_AHEAD_MAX, IN_ORDER, REAL_TIME, LedgerState, NewRecord
from idnode.storage.statements import statements

SQL = statements("sync_records")
RELAY = statements("sync")

COUNTED_MAX = 1_000_000
"""Where the counts of a summary end: to count more takes too long for somebody who waits."""
STEP_RECORDS = 10_000
"""Records of one transaction that sends records again."""
NEAR_RECORDS = 10_000
"""So many numbers are gone through for a page of a time, before the index by time is asked."""
REFUSED = (RecordState.REJECTED, RecordState.DEAD)


@dataclass(frozen=True, slots=True)
class RecordFilters:
    """Which records; None is any. They occurred from `since` on and before `until`."""

    report: Report | None = None
    state: RecordState | None = None
    subject: str | None = None
    number: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def reports(self) -> Sequence[Report]:
        """Of these reports."""
        return list(Report) if self.report is None else [self.report]

    @property
    def is_of_mass(self) -> bool:
        """Accepted identifiers are among them, which are most of the ledger."""
        return self.report in (Report.T9, None) and self.state in (RecordState.ACCEPTED, None)

    def match(self, record: SyncRecord) -> bool:
        """Whether it is one of them."""
        return (
            self.report in (record.report, None)
            and self.state in (record.state, None)
            and self.subject in (record.subject, None)
            and self.number in (record.number, None)
            and (self.since is None or record.occurred >= self.since)
            and (self.until is None or record.occurred < self.until)
        )


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """How a report stands; each count ends at COUNTED_MAX.

    `pending` are released, `waiting` are pending too, but for the end of the period; `oldest_pending` is when the first
    of the released occurred.
    """

    report: Report
    pending: int
    waiting: int
    sent: int
    rejected: int
    dead: int
    oldest_pending: datetime | None
    last_accepted: datetime | None
    released_number: int
    released_at: datetime | None


class Retried(NamedTuple):
    """Records that are pending again, and those that were given up because a later version went up before."""

    pending: int
    superseded: int


class SyncRecords:
    """The ledger over the pool. Everything raises Unavailable when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, records: Sequence[NewRecord]) -> int:
        """Enter records that are not there yet; how many were new. Of WHOLE_STATE they supersede older pending ones."""
        if not records:
            return 0
        row = await self._row(SQL["add_records"], *zip(*records, strict=True), list(WHOLE_STATE))
        return int(row[0])

    async def page(self, filters: RecordFilters, *, after_number: int, limit: int) -> list[SyncRecord]:
        """A page in the order of numbers."""
        if filters.number is not None:
            found = await self.find(filters.number)
            return [found] if found is not None and found.number > after_number and filters.match(found) else []
        async with self._database.session() as session:
            rows = await _page(session, filters, after_number, limit)
        return [_record(row) for row in rows]

    async def find(self, number: int) -> SyncRecord | None:
        """One record."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_sync_record"], number)
        return None if row is None else _record(row)

    async def summary(self) -> list[ReportSummary]:
        """One for each report, in the order of Report."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["summarize"], list(Report), REAL_TIME, COUNTED_MAX)
        return [ReportSummary(Report(row[0]), *row[1:]) for row in rows]

    async def retry(self, filters: RecordFilters) -> Retried:
        """Send rejected and dead records again, in steps; what came before a failure stays done. No filter by time.

        Where a later version of the subject went up already, a record is superseded instead.
        """
        states = [state for state in REFUSED if filters.state in (state, None)]
        arguments = (states, filters.subject, filters.number, list(IN_ORDER), list(WHOLE_STATE), STEP_RECORDS)
        total = Retried(0, 0)
        for report in filters.reports:
            reached: int | None = 0
            while reached is not None:
                row = await self._row(SQL["retry_records"], report, *arguments, reached)
                total = Retried(total.pending + row["pending"], total.superseded + row["superseded"])
                reached = row["reached"]
        return total

    async def replay(self, since: datetime, report: Report | None) -> int:
        """Send accepted records again that occurred since, in steps; how many. What precedes a failure stays done."""
        span = await self._row(SQL["find_replay_span"], since)
        beginning, ending, replayed = span["beginning"], span["ending"], 0
        while beginning is not None and beginning <= ending:
            following = beginning + STEP_RECORDS
            row = await self._row(SQL["replay_records"], beginning, following, since, report, list(WHOLE_STATE))
            beginning, replayed = following, replayed + row[0]
        return replayed

    async def pause(self, by: str) -> None:
        """Nothing is sent any more."""
        await self._run(SQL["pause_relay"], by)

    async def resume(self, by: str) -> None:
        """Sending goes on."""
        await self._run(SQL["resume_relay"], by)

    async def release_now(self, reports: Collection[Report]) -> None:
        """Let everything that is entered now be sent, without waiting for the end of the period."""
        await self._run(RELAY["release"], list(reports), None, CLOCK_AHEAD_MAX)

    async def state(self) -> LedgerState:
        """As it stands."""
        return LedgerState(*await self._row(RELAY["find_state"]))

    async def _row(self, sql: str, *arguments: Any) -> asyncpg.Record:
        async with self._database.session() as session:
            [row] = await session.rows(sql, *arguments)
        return row

    async def _run(self, sql: str, *arguments: Any) -> None:
        async with self._database.session() as session:
            await session.run(sql, *arguments)


async def _page(session: Session, filters: RecordFilters, after_number: int, limit: int) -> list[asyncpg.Record]:
    """By whichever index leads there."""
    within = (after_number, limit, filters.report, filters.state)
    times = (filters.since, filters.until)
    if filters.subject is not None:
        return await session.rows(SQL["page_by_subject"], *within, *times, filters.subject)
    if not filters.is_of_mass:
        states = list(RecordState) if filters.state is None else [filters.state]
        return await session.rows(SQL["page_by_state"], after_number, limit, filters.reports, states, *times)
    if times == (None, None):
        return await session.rows(SQL["page_by_number"], *within)
    near = await session.rows(SQL["page_among"], *within, *times, NEAR_RECORDS)
    return near if len(near) == limit else await session.rows(SQL["page_by_time"], *within, *times)


def _record(row: asyncpg.Record) -> SyncRecord:
    return SyncRecord(
        row["number"],
        Report(row["report"]),
        row["subject"],
        row["version"],
        row["operation"],
        row["occurred"],
        RecordState(row["state"]),
        row["attempts"],
        row["receipt"],
        row["reason"],
        row["updated"],
    )
