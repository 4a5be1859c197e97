"""All records of a prefix as one snapshot shows them, a page at a time over a connection of its own."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
from asyncpg.cursor import Cursor

from idnode.model.errors import Unavailable
from idnode.model.identifier import Prefix
from idnode.model.record import State
from idnode.storage.database import AWAY, StorageFault
from idnode.storage.dedicated import Connection, connect, cut_off
from idnode.storage.statements import statements

SQL = statements("exports")

APPLICATION_NAME = "idnode export"
FETCH_SECONDS_MAX = 30.0
"""Of one page. The first one of a state that is rare may look through many records of others."""
PAGE_ROWS = 1_000


class Snapshot:
    """Records of one prefix, in key order."""

    def __init__(self, connection: Connection, cursor: "Cursor[asyncpg.Record]") -> None:
        self._connection = connection
        self._cursor = cursor

    async def page(self) -> list[bytes]:
        """The next PAGE_ROWS records as JSON of /v1; none after the last. Raises Unavailable."""
        with _errors_translated(), cut_off(self._connection, FETCH_SECONDS_MAX):
            return [row["record"] for row in await self._cursor.fetch(PAGE_ROWS)]


class ExportStore:
    """Reads whole prefixes. `dsn` is the database's: what takes minutes must not hold a connection of the pool."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    @asynccontextmanager
    async def snapshot(self, prefix: Prefix, *, state: State | None) -> AsyncIterator[Snapshot]:
        """A snapshot for the length of a block, however it is left. Raises Unavailable."""
        with _errors_translated():
            connection = await connect(self._dsn, APPLICATION_NAME)
        try:
            with _errors_translated(), cut_off(connection, FETCH_SECONDS_MAX):
                await connection.transaction(isolation="repeatable_read", readonly=True).start()
                # "0" is the character after "/": everything between is below this prefix.
                low, high = prefix.folded + "/", prefix.folded + "0"
                cursor = await connection.cursor(SQL["export_records"], low, high, state)
            yield Snapshot(connection, cursor)
        finally:
            # There is nothing to commit, and nobody to wait for: the server ends the transaction with the connection.
            connection.terminate()


@contextmanager
def _errors_translated() -> Iterator[None]:
    try:
        yield
    except AWAY as error:
        raise Unavailable(f"the database is away or hangs: {error or type(error).__name__}") from error
    except asyncpg.PostgresError as error:
        raise StorageFault(f"PostgreSQL refused: {error.sqlstate} {error}") from error
