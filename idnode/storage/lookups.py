"""Lookups of records over connections of their own: each with its prepared statement, each read within its time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from idnode.model.errors import Unavailable
from idnode.storage.database import AWAY, StorageFault
from idnode.storage.dedicated import Connection, connect, cut_off
from idnode.storage.identifiers import StoredRecord, stored_record
from idnode.storage.statements import statements

CONNECTIONS = 2
APPLICATION_NAME = "idnode lookups"
READ_SECONDS_MAX = 0.8
"""Of one read, waiting for a connection included."""
ATTEMPTS_MAX = CONNECTIONS + 1
"""All connections may have broken since they were last used."""
RETRY_SECONDS = 0.25

# A migration under our feet makes a prepared statement useless; prepared anew it works.
BROKEN = (*AWAY, asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """A connection and the statement prepared on it."""

    connection: Connection
    statement: "PreparedStatement[Any]"


class Lookups:
    """CONNECTIONS readers, each used by one read at a time. What breaks is terminated and made anew by `run`.

    A read that finds a broken connection tries another one. While the database is known to be away a read without an
    open connection fails at once.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._open: set[Reader] = set()
        self._idle: list[Reader] = []
        self._is_away = False
        self._missing = asyncio.Event()
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Keep the connections open until cancelled; nothing is found without it."""
        try:
            while True:
                self._missing.clear()
                while len(self._open) < CONNECTIONS:
                    if not await self._connect():
                        await asyncio.sleep(RETRY_SECONDS)
                await self._missing.wait()
        finally:
            for reader in self._open:
                reader.connection.terminate()

    @property
    def connections_open(self) -> int:
        """Connections that are open now; fewer than CONNECTIONS while the database is away or was."""
        return len(self._open)

    async def find_many(self, folded: Sequence[str], seconds_max: float = READ_SECONDS_MAX) -> dict[str, StoredRecord]:
        """Records by folded identifier; what does not exist is absent. Raises Unavailable after `seconds_max`."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds_max
        for _ in range(ATTEMPTS_MAX):
            reader = self._idle.pop() if self._idle else await self._take(until - clock())
            rows = await self._read(reader, folded, until - clock())
            if rows is not None:
                return {row[0]: stored_record(row) for row in rows}
        raise _away()

    async def _take(self, seconds_max: float) -> Reader:
        try:
            async with asyncio.timeout(seconds_max):
                while not self._idle:
                    if self._is_away:
                        raise _away()
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError as error:
            if not self._open:
                self._told_away()
            raise _away() from error
        return self._idle.pop()

    async def _read(self, reader: Reader, folded: Sequence[str], seconds_max: float) -> list[asyncpg.Record] | None:
        """The rows, or None when the connection broke and another one may do."""
        is_sound = False
        try:
            with cut_off(reader.connection, seconds_max) as cut:
                rows = await reader.statement.fetch(folded)
            is_sound = True
        except BROKEN as error:
            if cut.has_come:
                self._told_away()
                raise _away() from error
            return None
        except asyncpg.PostgresError as error:
            is_sound = True
            raise StorageFault(f"PostgreSQL refused: {error.sqlstate} {error}") from error
        finally:
            if is_sound:
                self._put_back(reader)
            else:
                self._discard(reader)
        self._is_away = False
        return rows

    async def _connect(self) -> bool:
        try:
            connection = await connect(self._dsn, APPLICATION_NAME)
            try:
                with cut_off(connection, READ_SECONDS_MAX):
                    statement = await connection.prepare(statements("identifiers")["find_records"])
                    # asyncpg prepares without ending the transaction; until it is run, the table stays locked.
                    await statement.fetch([])
            except BaseException:
                connection.terminate()
                raise
        except (*AWAY, asyncpg.PostgresError):
            if not self._open:
                self._told_away()
            return False
        reader = Reader(connection, statement)
        self._open.add(reader)
        self._is_away = False
        self._put_back(reader)
        return True

    def _put_back(self, reader: Reader) -> None:
        self._idle.append(reader)
        self._moved.set()

    def _discard(self, reader: Reader) -> None:
        reader.connection.terminate()
        self._open.discard(reader)
        self._missing.set()

    def _told_away(self) -> None:
        self._is_away = True
        self._moved.set()


def _away() -> Unavailable:
    return Unavailable("the database is away; the same request will work when it is back")
