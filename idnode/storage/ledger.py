"""The ledger of what the top node is owed, over the one connection that holds the relay's lock."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

import asyncpg

from idnode.model.errors import IdnodeError, escaped
from idnode.model.reporting import (
    CADENCE,
    REASON_CHARACTERS_MAX,
    RECORD_TRANSITIONS,
    WHOLE_STATE,
    Cadence,
    RecordState,
    Report,
)
from idnode.storage.database import AWAY
from idnode.storage.dedicated import Connection, connect, cut_off
from idnode.storage.feed import REUSED_IDS_MAX
from idnode.storage.statements import statements

SQL = statements("sync")

APPLICATION_NAME = "idnode relay"
STATEMENT_SECONDS_MAX = 10.0
COLLECT_SECONDS_MAX = 600.0
"""Of one step, which may hold one transaction that wrote very much: a restored deposit. A million changes take 17 s."""
STEP_ROWS = 10_000
"""Change rows of one step of collecting; the last transaction's may be more."""
OVERDUE_RECORDS_MAX = 50_000
"""Records that one call of `overdue` looks at."""
CLOCK_AHEAD_MAX = timedelta(hours=1)
"""Clocks of hosts differ by less: a release that is further in the future was noted by a clock that was wrong."""
RECEIPT_CHARACTERS_MAX = 200
VERSION_MAX = 2**63 - 1

# A host that vanished is noticed within 8 seconds, waiting or in the middle of a statement, and its lock is given up.
_KEEPALIVE = {
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "8000",
    "client_connection_check_interval": "1s",
}
# Statistics never know the newest rows, and a plan made from them may read a whole table for a batch of records.
_PLANNING = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
# What a crash of the server takes back of the last milliseconds is done again: changes are collected anew, and what was
# delivered is delivered once more under the same ids. So nobody waits for the disk, least of all those who register.
_COMMITTING = {"synchronous_commit": "off"}

REAL_TIME = tuple(report for report in Report if CADENCE[report] is Cadence.REAL_TIME)
"""Their records are released as they are entered."""
IN_ORDER = WHOLE_STATE | {Report.T9}
"""Where an older version must not be sent after a newer one."""


class LeadershipLost(IdnodeError):
    """The connection is gone, and with it the lock: another relay may lead by now."""

    code = "leadership-lost"
    is_retryable = True


class NewRecord(NamedTuple):
    """A record to be entered. `payload` is the JSON object of its data, None where a change row holds what it says."""

    report: Report
    subject: str
    version: int
    operation: str
    occurred: datetime
    payload: bytes | None


class Claimed(NamedTuple):
    """A record to be sent. `old` and `new` are the documents of its change row, None without one."""

    number: int
    report: Report
    subject: str
    version: int
    operation: str
    occurred: datetime
    attempts: int
    payload: bytes | None
    old: bytes | None
    new: bytes | None


class Settlement(NamedTuple):
    """What became of a record."""

    number: int
    state: RecordState
    receipt: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerState:
    """How far the ledger is, who keeps it, and whether it is paused. `snapshot` is PostgreSQL's text of it.

    `paused_by` paused it or, when it is not paused, let it go on last.
    """

    snapshot: str | None
    verdict_cursor: str
    paused_at: datetime | None
    paused_by: str | None
    relay: str | None
    relay_since: datetime | None
    relay_seen: datetime | None
    breaker: str
    last_error: str | None
    last_error_at: datetime | None

    @property
    def is_paused(self) -> bool:
        """The operator has stopped the relay."""
        return self.paused_at is not None


class _Beginning(NamedTuple):
    """No pending record of a report has a lower number, unless records were reopened since (a transaction)."""

    number: int
    reopened: int


class Ledger:
    """Collects, hands out and settles records, one statement at a time.

    Every method raises LeadershipLost, and nothing else, when it cannot; the ledger is of no use any more then. A call
    that is cancelled gives up the lead likewise. Times are those of the database, the one clock of all hosts.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()
        self._beginnings: dict[Report, _Beginning] = {}
        self._overdue_after = 0
        self._superseded: Counter[Report] = Counter()

    @classmethod
    async def elected(cls, dsn: str, *, relay: str) -> Self | None:
        """Take the lead under the name `relay`; None while somebody else has it. Raises LeadershipLost."""
        with _losing():
            connection = await connect(dsn, APPLICATION_NAME, **_KEEPALIVE, **_PLANNING, **_COMMITTING)
        ledger = cls(connection)
        is_begun = False
        try:
            is_begun = await ledger._begin(relay)
        finally:
            if not is_begun:
                connection.terminate()
        return ledger if is_begun else None

    async def collect(self) -> int:
        """Enter what was committed since the last time; how many changes it went through. To be called until 0."""
        rows = await self._rows(SQL["collect"], STEP_ROWS, seconds_max=COLLECT_SECONDS_MAX)
        self._superseded.update({Report(row["report"]): row["changes"] for row in rows if row["report"] is not None})
        return sum(row["changes"] for row in rows if row["report"] is None)

    async def release(self, reports: Collection[Report], at: datetime) -> None:
        """Let everything that is entered now be sent: the period that ended at `at` is to be collected before."""
        await self._rows(SQL["release"], list(reports), at, CLOCK_AHEAD_MAX)

    async def releases(self) -> dict[Report, datetime]:
        """When reports were released last; those that never were are absent."""
        return {Report(report): at for report, at in await self._rows(SQL["list_releases"])}

    async def claim(self, reports: Collection[Report], limit: int) -> list[Claimed]:
        """The oldest released pending records of one report, the first in the order of Report that has any.

        They stay pending: what is not settled before the next claim is claimed again.
        """
        among = [report for report in Report if report in reports]
        while True:
            beginnings = [self._beginnings.get(report, _Beginning(0, -1)) for report in among]
            numbers, reopened = [each.number for each in beginnings], [each.reopened for each in beginnings]
            rows = await self._rows(SQL["claim"], among, REAL_TIME, limit, numbers, reopened, list(IN_ORDER))
            if not rows:
                return []
            report = Report(rows[0]["report"])
            self._beginnings[report] = _Beginning(rows[0]["number"], rows[0]["reopened"])
            claimed = [Claimed(row[0], report, *row[2:10]) for row in rows if not row["is_overtaken"]]
            if len(claimed) < len(rows):
                overtaken = [row["number"] for row in rows if row["is_overtaken"]]
                self._superseded[report] += await self.settle(
                    [Settlement(number, RecordState.SUPERSEDED) for number in overtaken]
                )
            if claimed:
                return claimed

    async def settle(self, settlements: Sequence[Settlement]) -> int:
        """Move records along RECORD_TRANSITIONS; how many moved. Others stay as they are.

        What was refused of a subject is superseded when a later version is accepted.
        """
        moved = 0
        for state in RecordState:
            among = [each for each in settlements if each.state is state]
            if among:
                moved += await self._move(state, among)
        return moved

    async def tried(self, numbers: Sequence[int], *, tries_max: int, reason: str) -> int:
        """A delivery was refused: count it; how many records are dead now, having had `tries_max`."""
        rows = await self._rows(SQL["count_tries"], numbers, tries_max, _kept(reason, REASON_CHARACTERS_MAX))
        return sum(row["state"] == RecordState.DEAD for row in rows)

    async def overdue(self, before: datetime) -> int:
        """Records sent before a time and not judged become pending; how many.

        One call looks at OVERDUE_RECORDS_MAX, the next one goes on from there, and in the end from the beginning.
        """
        [row] = await self._rows(SQL["recall_overdue"], before, list(Report), OVERDUE_RECORDS_MAX, self._overdue_after)
        self._overdue_after = row["reached"] or 0
        return int(row["recalled"])

    def take_superseded(self) -> dict[Report, int]:
        """How many records were superseded here since this was asked last."""
        taken, self._superseded = dict(self._superseded), Counter()
        return taken

    async def numbers_of(self, report: Report, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Numbers by subject and version; what is not in the ledger is absent."""
        asked = [key for key in keys if _is_storable(*key)]
        subjects, versions = [subject for subject, _ in asked], [version for _, version in asked]
        rows = await self._rows(SQL["find_numbers"], report, subjects, versions)
        return {(row[0], row[1]): row[2] for row in rows}

    async def state(self) -> LedgerState:
        """As it stands."""
        [row] = await self._rows(SQL["find_state"])
        return LedgerState(*row)

    async def keep_cursor(self, cursor: str) -> None:
        """Verdicts were settled up to here."""
        await self._rows(SQL["keep_cursor"], cursor)

    async def heartbeat(self, *, breaker: str, last_error: str | None) -> None:
        """The relay is alive. An error is kept until another one comes."""
        kept = None if last_error is None else _kept(last_error, REASON_CHARACTERS_MAX)
        await self._rows(SQL["heartbeat"], breaker, kept)

    async def close(self) -> None:
        """Give up the lead; statements under way are broken off."""
        with suppress(*AWAY):
            await self._connection.close(timeout=1.0)
        self._connection.terminate()

    async def _begin(self, relay: str) -> bool:
        [(has_lock,)] = await self._rows(SQL["lead"])
        if not has_lock:
            return False
        await self._status(SQL["defer_changes"])
        while (await self._status(SQL["adopt_changes"], STEP_ROWS)) != "UPDATE 0":
            pass
        await self._rows(SQL["begin_ledger"], await self._cluster(), relay, REUSED_IDS_MAX)
        return True

    async def _cluster(self) -> int | None:
        """None where the server does not tell."""
        with _losing(), cut_off(self._connection, STATEMENT_SECONDS_MAX):
            try:
                return int(await self._connection.fetchval(SQL["describe_cluster"]))
            except (
                asyncpg.InsufficientPrivilegeError,
                asyncpg.FeatureNotSupportedError,
                asyncpg.UndefinedFunctionError,
            ):
                return None

    async def _move(self, state: RecordState, among: Sequence[Settlement]) -> int:
        numbers = [each.number for each in among]
        receipts = [None if each.receipt is None else _kept(each.receipt, RECEIPT_CHARACTERS_MAX) for each in among]
        reasons = [None if each.reason is None else _kept(each.reason, REASON_CHARACTERS_MAX) for each in among]
        sources = [source for source, targets in RECORD_TRANSITIONS.items() if state in targets]
        [(moved,)] = await self._rows(SQL["settle"], numbers, receipts, reasons, state, sources)
        if state is RecordState.ACCEPTED:
            rows = await self._rows(SQL["supersede_overtaken"], numbers, list(IN_ORDER))
            self._superseded.update(Report(row["report"]) for row in rows)
        return int(moved)

    async def _rows(
        self, sql: str, *arguments: Any, seconds_max: float = STATEMENT_SECONDS_MAX
    ) -> list[asyncpg.Record]:
        async with self._turn:
            with self._bounded(seconds_max):
                return await self._connection.fetch(sql, *arguments)

    async def _status(self, sql: str, *arguments: Any) -> str:
        async with self._turn:
            with self._bounded(COLLECT_SECONDS_MAX):
                return await self._connection.execute(sql, *arguments)

    @contextmanager
    def _bounded(self, seconds_max: float) -> Iterator[None]:
        try:
            with _losing(), cut_off(self._connection, seconds_max):
                yield
        except (LeadershipLost, asyncio.CancelledError):
            # Whatever broke: who cannot tell what was written begins anew.
            self._connection.terminate()
            raise


@contextmanager
def _losing() -> Iterator[None]:
    try:
        yield
    except (*AWAY, asyncpg.PostgresError) as error:
        raise LeadershipLost(f"the relay's connection to PostgreSQL: {str(error) or type(error).__name__}") from error


def _kept(text: str, characters_max: int) -> str:
    """Somebody else's text as it is stored: NUL and halves of pairs would be refused."""
    return escaped(text[:characters_max])[:characters_max]


def _is_storable(subject: str, version: int) -> bool:
    """Whether the ledger could hold it; what names a record may have been made up by others."""
    try:
        subject.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in subject and -VERSION_MAX <= version <= VERSION_MAX
