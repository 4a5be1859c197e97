"""Reconciliation with the top node: what was asked for and found, and the day of the ledger that is compared."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

import asyncpg

from idnode.model.errors import Unavailable
from idnode.model.reporting import Report
from idnode.storage.database import AWAY, UPKEEP_SECONDS_MAX, Database, Session, StorageFault
from idnode.storage.dedicated import Connection, connect, cut_off, terminate
from idnode.storage.ledger import Claimed
from idnode.storage.statements import statements

SQL = statements("reconciliation")

APPLICATION_NAME = "idnode reconciliation"
PAGE_RECORDS = 1_000
NUMBER_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class PrefixDrift:
    """How far apart the two sides were on a prefix, in records; `repaired` of them are right now, or on their way."""

    prefix: str
    missing: int
    extra: int
    changed: int
    repaired: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One comparison of a day (UTC+8), of so many prefixes and records; `failure` is what stood in its way."""

    number: int
    day: date
    repair: bool
    asked_by: str
    asked: datetime
    begun: datetime | None
    ended: datetime | None
    prefixes: int | None
    records: int | None
    failure: str | None
    drift: tuple[PrefixDrift, ...] = ()


class DriftTotals(NamedTuple):
    """Records over all reconciliations."""

    missing: int
    extra: int
    changed: int
    repaired: int


class ReconciliationStore:
    """Requests and results. Raises Unavailable when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, day: date, *, repair: bool, by: str, at: datetime) -> Reconciliation:
        """Have a day compared by the relay, soon."""
        async with self._database.session() as session:
            [row] = await session.rows(SQL["ask_reconciliation"], day, repair, by, at)
        return _reconciliation(row)

    async def schedule(self, days: Sequence[date], *, repair: bool, by: str, at: datetime, scheduled: date) -> None:
        """The same for several days, once for each `scheduled`."""
        async with self._database.session() as session:
            await session.run(SQL["schedule_reconciliations"], days, repair, by, at, scheduled)

    async def begin(self, at: datetime) -> Reconciliation | None:
        """The oldest that has not ended, without what was found by a relay that has fallen. None while paused."""
        async with self._database.session() as session:
            row = await session.row(SQL["begin_reconciliation"], at)
        return None if row is None else _reconciliation(row)

    async def add_drift(self, number: int, drift: PrefixDrift) -> None:
        """What was found of a prefix."""
        columns = (drift.prefix, drift.missing, drift.extra, drift.changed, drift.repaired)
        async with self._database.session() as session:
            await session.run(SQL["add_drift"], number, *columns)

    async def end(self, number: int, at: datetime, *, prefixes: int, records: int, failure: str | None) -> None:
        """It has ended, well or with a failure."""
        async with self._database.session() as session:
            await session.run(SQL["end_reconciliation"], number, at, prefixes, records, failure)

    async def page(self, *, below: int, day: date | None, limit: int) -> list[Reconciliation]:
        """The newest first, with what they found."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_reconciliations"], below, day, limit)
            return await _with_drift(session, rows)

    async def find(self, number: int) -> Reconciliation | None:
        """One, with what it found."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_reconciliation"], number)
            return None if row is None else (await _with_drift(session, [row]))[0]

    async def totals(self) -> DriftTotals:
        """What was ever found and repaired."""
        async with self._database.session() as session:
            [row] = await session.rows(SQL["sum_drift"])
        return DriftTotals(*row)

    async def known(self, keys: Sequence[tuple[str, int]]) -> set[tuple[str, int]]:
        """Which records of T9 the ledger has in any state, by subject and version."""
        subjects, versions = [subject for subject, _ in keys], [version for _, version in keys]
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_known"], subjects, versions)
        return {(row["subject"], row["version"]) for row in rows}

    async def return_records(self, numbers: Sequence[int], *, reason: str, at: datetime) -> int:
        """Accepted records become pending; how many were accepted still."""
        async with self._database.session() as session:
            return len(await session.rows(SQL["return_records"], numbers, reason, at))


class DayOfLedger:
    """What the top node has accepted of T9 and a day, as it stood when the block began."""

    def __init__(self, connection: Connection, first: datetime, until: datetime) -> None:
        self._connection = connection
        self._first = first
        self._until = until

    @classmethod
    @asynccontextmanager
    async def opened(cls, dsn: str, first: datetime, until: datetime) -> AsyncIterator["DayOfLedger"]:
        """Records that occurred from `first` on and before `until`. Raises Unavailable."""
        with _errors_translated():
            connection = await connect(dsn, APPLICATION_NAME)
            try:
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    yield cls(connection, first, until)
            finally:
                terminate(connection)

    async def pages(self, prefix: str | None = None) -> AsyncIterator[list[Claimed]]:
        """Pages of records of one prefix (folded) or of all, by prefix and within it in the order of their ids."""
        with cut_off(self._connection, UPKEEP_SECONDS_MAX):
            cursor = await self._connection.cursor(SQL["list_day"], self._first, self._until, prefix)
        while True:
            with cut_off(self._connection, UPKEEP_SECONDS_MAX):
                keys = await cursor.fetch(PAGE_RECORDS)
            if not keys:
                return
            found = await self.records([row["number"] for row in keys])
            yield [found[row["number"]] for row in keys]

    async def records(self, numbers: Sequence[int]) -> dict[int, Claimed]:
        """Records of the day by their numbers, with the documents of their changes."""
        with cut_off(self._connection, UPKEEP_SECONDS_MAX):
            rows = await self._connection.fetch(SQL["list_day_records"], numbers, self._first, self._until)
        return {row["number"]: _claimed(row) for row in rows}


async def _with_drift(session: Session, rows: Sequence[asyncpg.Record]) -> list[Reconciliation]:
    found: dict[int, list[PrefixDrift]] = {row["number"]: [] for row in rows}
    for row in await session.rows(SQL["list_drift"], list(found)):
        counts = (row["missing"], row["extra"], row["changed"], row["repaired"])
        found[row["reconciliation"]].append(PrefixDrift(row["prefix"], *counts))
    return [_reconciliation(row, tuple(found[row["number"]])) for row in rows]


def _reconciliation(row: asyncpg.Record, drift: tuple[PrefixDrift, ...] = ()) -> Reconciliation:
    return Reconciliation(
        number=row["number"],
        day=row["day"],
        repair=row["repair"],
        asked_by=row["asked_by"],
        asked=row["asked"],
        begun=row["begun"],
        ended=row["ended"],
        prefixes=row["prefixes"],
        records=row["records"],
        failure=row["failure"],
        drift=drift,
    )


def _claimed(row: asyncpg.Record) -> Claimed:
    return Claimed(
        row["number"],
        Report.T9,
        row["subject"],
        row["version"],
        row["operation"],
        row["occurred"],
        row["attempts"],
        row["payload"],
        row["old"],
        row["new"],
    )


@contextmanager
def _errors_translated() -> Iterator[None]:
    try:
        yield
    except AWAY as error:
        raise Unavailable("the database is away; the comparison will begin anew") from error
    except asyncpg.PostgresError as error:
        raise StorageFault(f"PostgreSQL refused: {error.sqlstate} {error}") from error
