"""The rows of a deposit: read in one snapshot of the whole database, and put back into an empty one, all or nothing.

Every table of the schema is part of a deposit unless LEFT_OUT names it: one that is added later is not forgotten.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from graphlib import TopologicalSorter

import asyncpg

from idnode.model.errors import Conflict, Unavailable
from idnode.storage.database import AWAY, StorageFault
from idnode.storage.dedicated import Connection, connect, terminate
from idnode.storage.deposits import Watermark
from idnode.storage.statements import statements

SQL = statements("deposits")

APPLICATION_NAME = "idnode deposit"
STALL_SECONDS_MAX = 300.0
"""Without a row coming or going."""
QUIET_SECONDS_MAX = 21_600.0
"""Of what shows no progress: a merge, and looking through a large table up to the first row that is selected."""
USAGE_DAYS = 40
"""Statistics of this many days back are in a full deposit; reports are caught up with no further back."""
BEFORE_EVERYTHING = "3:3:"
"""A snapshot that saw no transaction. PostgreSQL copies a partitioned table by a statement only."""
OVERLAP = timedelta(minutes=10)
"""What is told from its time rather than its transaction is taken from this long before the watermark."""

LEFT_OUT: Mapping[str, str] = {
    "schema_migration": "the target has its own; the head tells the number of the last one",
    "idempotency": "answers to requests that will not be repeated elsewhere",
    "handle_session": "clients open new ones",
    "native_challenge": "requests that wait a minute for who asks to prove it",
    "native_session": "clients open new ones",
    "resolution_second": "counts of the last minute",
    "usage_flush": "workers of this node",
    "snms_token": "who is logged in at this node; users log in again",
    "import_job": "imports of files that lie at this node; what they wrote is there",
    "import_verdicts": "what became of the rows of these files",
    "deposit": "files that lie at this node, watermarks of this cluster",
}
"""Tables that are in no deposit, and why."""

LEFT_OUT_COLUMNS: Mapping[str, frozenset[str]] = {
    "sync_state": frozenset(
        {
            "cluster",
            "lineage",
            "relay",
            "relay_since",
            "relay_seen",
            "breaker",
            "last_error",
            "last_error_at",
            "restored_at",
        }
    )
}
"""Columns that tell of this cluster and its processes."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "identifier": ("folded",),
    "sync_record": ("subject", "report", "version"),
    "usage_day": ("day", "prefix"),
    "usage_source": ("day", "prefix", "address"),
    "probe_round": ("at",),
    "probe_result": ("at", "subject", "kind", "point"),
}
"""Tables of which a differential has the rows that changed, and what tells them apart."""
APPENDED = frozenset({"change"})
"""Tables of which a differential has the rows that came; a row never changes."""


class Extent(Enum):
    """What of a table a differential has: all rows, those that changed, those that came."""

    WHOLE = auto()
    KEYED = auto()
    APPENDED = auto()


@dataclass(frozen=True, slots=True)
class DepositTable:
    """A table of the schema, and those of its columns that a deposit carries."""

    name: str
    columns: tuple[str, ...]
    are_bytes: tuple[bool, ...]

    @property
    def extent(self) -> Extent:
        """How differentials treat it."""
        if self.name in KEYS:
            return Extent.KEYED
        return Extent.APPENDED if self.name in APPENDED else Extent.WHOLE


class NotEmpty(Conflict):
    """The database that should be restored into holds a node already."""

    code = "database-not-empty"


class DepositSource:
    """A database as one snapshot shows it."""

    def __init__(
        self, connection: Connection, watermark: Watermark, schema: int, tables: Sequence[DepositTable]
    ) -> None:
        self._connection = connection
        self.watermark = watermark
        self.schema = schema
        self.tables = tables

    async def sequences(self) -> dict[str, int]:
        """Where the counters stand; read last, they are not behind any row."""
        with _errors_translated(), _stall(self._connection):
            rows = await self._connection.fetch(SQL["list_deposit_sequences"])
        return {row["name"]: row["value"] for row in rows}

    async def copy(
        self, table: DepositTable, since: Watermark | None, sink: Callable[[bytes], Awaitable[None]]
    ) -> None:
        """Hand the rows of a table to `sink`, as lines of COPY; of a differential those after `since`."""
        with _errors_translated(), _stall(self._connection, seconds_max=QUIET_SECONDS_MAX) as stirred:

            async def take(lines: bytes) -> None:
                await sink(lines)
                stirred()

            selection = self._selection(table.name, since)
            if selection is None:
                await self._connection.copy_from_table(table.name, columns=table.columns, output=take)
            else:
                sql, argument = selection
                await self._connection.copy_from_query(sql, argument, output=take)

    def _selection(self, table: str, since: Watermark | None) -> tuple[str, object] | None:
        """The statement that picks rows, and its argument; None for all rows.

        sync_record is looked through from end to end: a million rows of accepted T9 are 172 MB and take 0.12 s in
        memory; ten million little more than a second, or as long as reading 1.7 GB takes, once a day. An index on
        `updated` would be written at every step of every record, all day long, and keep the step from staying within
        its page.
        """
        if table in ("usage_day", "usage_source"):
            first = (
                self.watermark.seen_at - timedelta(days=USAGE_DAYS) if since is None else since.seen_at - OVERLAP
            ).date()
            # The node's day begins before that of UTC.
            sql = SQL["select_usage_days"] if table == "usage_day" else SQL["select_usage_sources"]
            return sql, first - timedelta(days=1)
        if table == "change":
            return SQL["select_later_changes"], BEFORE_EVERYTHING if since is None else since.snapshot
        if since is None:
            return None
        match table:
            case "identifier":
                return SQL["select_changed_identifiers"], since.snapshot
            case "sync_record":
                return SQL["select_later_sync_records"], since.seen_at - OVERLAP
            case "probe_round":
                return SQL["select_later_probe_rounds"], since.seen_at - OVERLAP
            case "probe_result":
                return SQL["select_later_probe_results"], since.seen_at - OVERLAP
            case _:
                return None


@asynccontextmanager
async def reading_for_deposit(dsn: str) -> AsyncIterator[DepositSource]:
    """One snapshot of the database for the length of a block. Raises Unavailable."""
    async with _connected(dsn) as connection:
        with _errors_translated():
            lineage = await _lineage(connection)
            transaction = connection.transaction(isolation="repeatable_read", readonly=True)
            with _stall(connection):
                await transaction.start()
                row = await connection.fetchrow(SQL["take_watermark"])
                tables = await _tables(connection)
        assert row is not None  # noqa: S101  # a SELECT without FROM
        watermark = Watermark(row["snapshot"], lineage, row["seen_at"])
        yield DepositSource(connection, watermark, row["schema"], tables)


class RestoreTarget:
    """An empty database that is being filled in one transaction."""

    def __init__(self, connection: Connection, schema: int, tables: Sequence[DepositTable]) -> None:
        self._connection = connection
        self.schema = schema
        self.tables = {table.name: table for table in tables}
        """By name, those first that others refer to."""

    async def replace(self, table: str, columns: Sequence[str], lines: AsyncIterator[bytes]) -> None:
        """These rows instead of those that the migrations put there."""
        await self._run(SQL["empty_for_restore"], table)
        await self.append(table, columns, lines)

    async def append(self, table: str, columns: Sequence[str], lines: AsyncIterator[bytes]) -> None:
        """These rows beside those that are there."""
        await self._copy(table, columns, lines)

    async def merge(self, table: str, columns: Sequence[str], lines: AsyncIterator[bytes]) -> None:
        """These rows instead of those with the same key."""
        await self._run(SQL["stage_for_restore"], table)
        await self._copy(f"restore_{table}", columns, lines)
        await self._run(SQL["merge_for_restore"], table, list(KEYS[table]))

    async def settle(self, sequences: Mapping[str, int]) -> None:
        """Counters go on where they stood; the change log gets the months it lacks; who listens looks again."""
        for name, value in sequences.items():
            await self._run(SQL["restore_sequence"], name, value)
        await self._run(SQL["partition_restored_changes"])
        await self._run(SQL["note_restore"])
        await self._run(SQL["ring_after_restore"])

    async def _run(self, sql: str, *arguments: object) -> None:
        with _errors_translated(), _stall(self._connection, seconds_max=QUIET_SECONDS_MAX):
            await self._connection.execute(sql, *arguments)

    async def _copy(self, table: str, columns: Sequence[str], lines: AsyncIterator[bytes]) -> None:
        with _errors_translated(), _stall(self._connection) as stirred:

            async def stirring() -> AsyncIterator[bytes]:
                async for lot in lines:
                    yield lot
                    stirred()

            await self._connection.copy_to_table(table, columns=columns, source=stirring())


@asynccontextmanager
async def restoring_into(dsn: str) -> AsyncIterator[RestoreTarget]:
    """One transaction into a migrated database, committed at the end of the block, and nothing when it raises.

    Raises NotEmpty when a node has worked with it, Unavailable when it is away.
    """
    async with _connected(dsn) as connection:
        with _errors_translated():
            transaction = connection.transaction()
            with _stall(connection):
                await transaction.start()
                await connection.execute(SQL["lock_for_restore"])
                present = [row["name"] for row in await connection.fetch(SQL["find_present_rows"])]
                row = await connection.fetchrow(SQL["take_watermark"])
                tables = await _tables(connection)
        if present:
            listed = ", ".join(present)
            raise NotEmpty(f"the database to restore into has rows in {listed}; it must be empty (limit 0 rows)")
        assert row is not None  # noqa: S101  # a SELECT without FROM
        yield RestoreTarget(connection, row["schema"], tables)
        with _errors_translated(), _stall(connection):
            await transaction.commit()


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Connection]:
    """A connection of its own; what it has not committed at the end is rolled back by the server."""
    with _errors_translated():
        connection = await connect(dsn, APPLICATION_NAME)
    try:
        yield connection
    finally:
        connection.terminate()


async def _tables(connection: Connection) -> list[DepositTable]:
    """What a deposit carries, those first that others refer to."""
    known = {
        row["name"]: row for row in await connection.fetch(SQL["list_deposit_tables"]) if row["name"] not in LEFT_OUT
    }
    order: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(known, ()))
    for row in await connection.fetch(SQL["list_deposit_references"]):
        if row["child"] in known:
            order.add(row["child"], row["parent"])
    return [_table(known[name]) for name in order.static_order() if name in known]


def _table(row: asyncpg.Record) -> DepositTable:
    left_out = LEFT_OUT_COLUMNS.get(row["name"], frozenset())
    kept = [each for each in zip(row["columns"], row["are_bytes"], strict=True) if each[0] not in left_out]
    return DepositTable(row["name"], tuple(name for name, _ in kept), tuple(is_bytes for _, is_bytes in kept))


async def _lineage(connection: Connection) -> str | None:
    """Before the transaction, which a refusal would end."""
    with (
        suppress(asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError, asyncpg.UndefinedFunctionError),
        _stall(connection),
    ):
        lineage: str | None = await connection.fetchval(SQL["describe_deposit_lineage"])
        return lineage
    return None


@contextmanager
def _stall(connection: Connection, *, seconds_max: float = STALL_SECONDS_MAX) -> Iterator[Callable[[], None]]:
    """Terminate the connection when nothing has stirred for `seconds_max`, and after that for STALL_SECONDS_MAX.

    What is yielded tells that something did.
    """
    loop = asyncio.get_running_loop()
    timer = loop.call_later(seconds_max, terminate, connection)

    def stirred() -> None:
        nonlocal timer
        timer.cancel()
        timer = loop.call_later(STALL_SECONDS_MAX, terminate, connection)

    try:
        yield stirred
    finally:
        timer.cancel()


@contextmanager
def _errors_translated() -> Iterator[None]:
    try:
        yield
    except AWAY as error:
        raise Unavailable(f"the database is away or hangs: {error or type(error).__name__}") from error
    except asyncpg.PostgresError as error:
        raise StorageFault(f"PostgreSQL refused: {error.sqlstate} {error}") from error
