"""The connection pool: bounded waits everywhere, and foreign errors stop here."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Set
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Self

import asyncpg

from idnode.model.errors import IdnodeError, Unavailable
from idnode.storage.dedicated import PooledConnection, cut_off, terminate
from idnode.storage.kept import KeptConnections
from idnode.storage.statements import statements

SQL = statements("connection")

CONNECT_SECONDS_MAX = 5.0
SESSION_SECONDS_MAX = 5.0
"""Of a session: its wait for a connection and all its statements together, but for those with a limit of their own."""
UPKEEP_SECONDS_MAX = 60.0
"""Of a statement that nobody waits for, and that may have much to do."""
CLOSE_SECONDS_MAX = 5.0
KEPT_CONNECTIONS_MAX = 2
"""Connections that the statements of `Database.row` keep: as many as groups of writes are under way."""
SERVER_VERSION_MIN = 140_000

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg makes of a connection that breaks in the middle of an exchange
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""What tells that the server is away, restarting, failing over or full (connections, memory, disk), rather than that
a statement is wrong."""


class StorageFault(IdnodeError):
    """PostgreSQL refused a statement that should not have been refused: a fault of ours, or two writers in a ring."""

    code = "storage-fault"


class Session:
    """One connection for the length of a block; the only object above asyncpg that runs statements.

    Its statements have `seconds_max` together. Where they take longer the connection is terminated, and Unavailable
    raised.
    """

    def __init__(self, connection: PooledConnection, seconds_max: float) -> None:
        self._connection = connection
        self._seconds_left = seconds_max

    async def rows(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """All rows of a statement."""
        with self._bounded():
            return await self._connection.fetch(sql, *arguments)

    async def row(self, sql: str, *arguments: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        with self._bounded():
            return await self._connection.fetchrow(sql, *arguments)

    async def run(self, sql: str, *arguments: Any, seconds_max: float | None = None) -> None:
        """A statement whose rows do not matter; it may take `seconds_max`, without it what the session has left."""
        with self._bounded(seconds_max):
            await self._connection.execute(sql, *arguments)

    @asynccontextmanager
    async def in_transaction(self) -> AsyncIterator[None]:
        """Commit what the block has done, or roll it back when it raises. Transactions are not nested."""
        transaction = self._connection.transaction()
        with self._bounded():
            await transaction.start()
        try:
            yield
        except BaseException:
            # A connection that is closed says so, having nothing to roll back; what the block raised is what matters.
            with suppress(*AWAY, asyncpg.PostgresError), self._bounded():
                await transaction.rollback()
            raise
        with self._bounded():
            await transaction.commit()

    @contextmanager
    def _bounded(self, seconds_max: float | None = None) -> Iterator[None]:
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            with cut_off(self._connection, self._seconds_left if seconds_max is None else seconds_max):
                yield
        except asyncio.CancelledError:
            # asyncpg would ask the server to cancel, and wait for its answer before the connection is used again.
            terminate(self._connection)
            raise
        finally:
            if seconds_max is None:
                self._seconds_left = max(self._seconds_left - (clock() - began), 0.0)


class Database:
    """A pool of connections to one PostgreSQL. Raises Unavailable when the server is away."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", backends: Set[int], *, connections_max: int = 1) -> None:
        self._pool = pool
        self._backends = backends
        # Half of a small pool stays everybody's.
        self._kept = KeptConnections(pool, kept_max=min(KEPT_CONNECTIONS_MAX, connections_max // 2))

    @classmethod
    async def open(cls, dsn: str, *, connections_max: int = 16) -> Self:
        """Connect; refuses servers older than PostgreSQL 14."""
        backends: set[int] = set()

        async def note(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
            backend = connection.get_server_pid()
            backends.add(backend)
            connection.add_termination_listener(lambda _: backends.discard(backend))

        try:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=connections_max,
                timeout=CONNECT_SECONDS_MAX,
                init=note,
                reset=_nothing_to_reset,
                server_settings={"application_name": "idnode", "timezone": "UTC"},
            )
        except (*AWAY, asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
            raise Unavailable(f"cannot connect to PostgreSQL: {error or type(error).__name__}") from error
        database = cls(pool, backends, connections_max=connections_max)
        try:
            await database._require_version()
        except IdnodeError:
            await database.close()
            raise
        return database

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A connection, each statement its own transaction. Raises Unavailable after SESSION_SECONDS_MAX of waiting."""
        with _errors_translated():
            async with self._connection() as session:
                yield session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """The same in one transaction: committed at the end of the block, rolled back when it raises."""
        with _errors_translated():
            async with self._connection() as session, session.in_transaction():
                yield session

    async def row(self, sql: str, *arguments: Any) -> asyncpg.Record | None:
        """The first row of a statement that is alone in its transaction, as in a session but at half its cost.

        For the few statements that run all the time: each connection that they run on stays theirs.
        """
        if not self._kept.has_room:
            async with self.session() as session:
                return await session.row(sql, *arguments)
        with _errors_translated():
            return await self._kept.row(sql, arguments, seconds_max=SESSION_SECONDS_MAX)

    def owns(self, backend: int) -> bool:
        """Whether this process of the server (its pid) works for one of our connections."""
        return backend in self._backends

    async def ping(self) -> None:
        """A round trip. Raises Unavailable."""
        async with self.session() as session:
            await session.row(SQL["ping"])

    @property
    def connections_open(self) -> int:
        """Connections that the pool holds now."""
        return self._pool.get_size()

    async def close(self) -> None:
        """Give running statements their time, then close."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self._kept.give_back()
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Session]:
        clock = asyncio.get_running_loop().time
        until = clock() + SESSION_SECONDS_MAX
        async with self._pool.acquire(timeout=SESSION_SECONDS_MAX) as connection:
            yield Session(connection, max(until - clock(), 0.0))

    async def _require_version(self) -> None:
        async with self.session() as session:
            row = await session.row(SQL["server_version"])
        version = int(row[0]) if row is not None else 0
        if version < SERVER_VERSION_MIN:
            found = f"{version // 10_000}.{version % 10_000}"
            raise Unavailable(f"PostgreSQL 14 or newer is needed, this server is {found}")


async def _nothing_to_reset(_: object) -> None:
    """asyncpg would send a round trip of resets whenever a connection goes back; ours leave nothing behind."""


@contextmanager
def _errors_translated() -> Iterator[None]:
    try:
        yield
    except AWAY as error:
        raise Unavailable("the database is away; the same request will work when it is back") from error
    except asyncpg.PostgresError as error:
        raise StorageFault(f"PostgreSQL refused: {error.sqlstate} {error}") from error
