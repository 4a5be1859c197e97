"""The connection pool: bounded waits everywhere, and foreign errors stop here."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from idnode.model.errors import IdnodeError, Unavailable
from idnode.storage.statements import statements

SQL = statements("connection")

CONNECT_SECONDS_MAX = 5.0
ACQUIRE_SECONDS_MAX = 5.0
STATEMENT_SECONDS_MAX = 30.0
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
    """One connection for the length of a block; the only object above asyncpg that runs statements."""

    def __init__(self, connection: "PoolConnectionProxy[asyncpg.Record]") -> None:
        self._connection = connection

    async def rows(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """All rows of a statement."""
        return await self._connection.fetch(sql, *arguments)

    async def row(self, sql: str, *arguments: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        return await self._connection.fetchrow(sql, *arguments)

    async def run(self, sql: str, *arguments: Any, seconds_max: float | None = None) -> None:
        """A statement whose rows do not matter; it may take `seconds_max`, without it STATEMENT_SECONDS_MAX."""
        await self._connection.execute(sql, *arguments, timeout=seconds_max)


class Database:
    """A pool of connections to one PostgreSQL. Raises Unavailable when the server is away."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    @classmethod
    async def open(cls, dsn: str, *, connections_max: int = 16) -> Self:
        """Connect; refuses servers older than PostgreSQL 14."""
        try:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=connections_max,
                timeout=CONNECT_SECONDS_MAX,
                command_timeout=STATEMENT_SECONDS_MAX,
                reset=_nothing_to_reset,
                server_settings={"application_name": "idnode", "timezone": "UTC"},
            )
        except (*AWAY, asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
            raise Unavailable(f"cannot connect to PostgreSQL: {error or type(error).__name__}") from error
        database = cls(pool)
        try:
            await database._require_version()
        except IdnodeError:
            await database.close()
            raise
        return database

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A connection, each statement its own transaction."""
        with _errors_translated():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
                yield Session(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """A connection in one transaction: committed at the end of the block, rolled back when it raises."""
        with _errors_translated():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection, connection.transaction():
                yield Session(connection)

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
            async with asyncio.timeout(ACQUIRE_SECONDS_MAX):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

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
