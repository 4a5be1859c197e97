"""The ledger as everybody but the relay sees it: read, added to, and its records sent once more."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from idnode.model.reporting import WHOLE_STATE, RecordState, Report, SyncRecord
from idnode.storage.database import Database
from idnode.storage.ledger import IN_ORDER, REAL_TIME, LedgerState, NewRecord
from idnode.storage.statements import statements

SQL = statements("sync_records")
RELAY = statements("sync")

COUNTED_MAX = 1_000_000
"""Where the counts of a summary end: to count more takes too long for somebody who waits."""
STEP_RECORDS = 10_000
"""Records of one transaction that sends records again."""
REFUSED = (RecordState.REJECTED, RecordState.DEAD)


@dataclass(frozen=True, slots=True)
class RecordFilters:
    """Which records; None is any."""

    report: Report | None = None
    state: RecordState | None = None
    subject: str | None = None
    number: int | None = None

    @property
    def reports(self) -> Sequence[Report]:
        """Of these reports."""
        return list(Report) if self.report is None else [self.report]


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
            return [found] if found is not None and _matches(found, filters, after_number) else []
        common = (after_number, limit)
        async with self._database.session() as session:
            if filters.subject is not None:
                sql = SQL["page_by_subject"]
                rows = await session.rows(sql, *common, filters.report, filters.state, filters.subject)
            elif filters.report in (Report.T9, None) and filters.state in (RecordState.ACCEPTED, None):
                rows = await session.rows(SQL["page_by_number"], *common, filters.report, filters.state)
            else:
                states = list(RecordState) if filters.state is None else [filters.state]
                rows = await session.rows(SQL["page_by_state"], *common, filters.reports, states)
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
        """Send rejected and dead records again, in steps; what came before a failure stays done.

        Where a later version of the subject went up already, a record is superseded instead.
        """
        states = [state for state in REFUSED if filters.state in (state, None)]
        arguments = (filters.reports, states, filters.subject, filters.number, list(IN_ORDER), list(WHOLE_STATE))
        total = Retried(0, 0)
        while True:
            row = await self._row(SQL["retry_records"], *arguments, STEP_RECORDS)
            total = Retried(total.pending + row["pending"], total.superseded + row["superseded"])
            if row["pending"] + row["superseded"] < STEP_RECORDS:
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
        await self._run(RELAY["release"], list(reports), None)

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


def _matches(record: SyncRecord, filters: RecordFilters, after_number: int) -> bool:
    return (
        record.number > after_number
        and filters.report in (record.report, None)
        and filters.state in (record.state, None)
        and filters.subject in (record.subject, None)
    )


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
