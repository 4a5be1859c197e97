"""Connections of the pool that are not given back between statements: taking one costs more than what runs on it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from idnode.storage.dedicated import PooledConnection, cut_off, terminate


@dataclass(slots=True, eq=False)
class Kept:
    """A connection, and the statements that were prepared on it."""

    connection: PooledConnection
    statements: "dict[str, PreparedStatement[Any]]" = field(default_factory=dict)


class KeptConnections:
    """As many as `kept_max` of a pool's connections, for statements that are few, frequent and alone in a transaction.

    Raises what asyncpg raises; a connection on which that happened goes back to the pool.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, kept_max: int) -> None:
        self._pool = pool
        self._kept_max = kept_max
        self._idle: list[Kept] = []
        self._count = 0

    @property
    def has_room(self) -> bool:
        """One is idle, or may be taken from the pool."""
        return bool(self._idle) or self._count < self._kept_max

    async def row(self, sql: str, arguments: tuple[Any, ...], *, seconds_max: float) -> asyncpg.Record | None:
        """The first row of a statement that is a transaction of its own, within `seconds_max`."""
        kept = await self._take(seconds_max)
        is_sound = False
        try:
            with cut_off(kept.connection, seconds_max), _terminated_if_cancelled(kept):
                statement = kept.statements.get(sql)
                if statement is None:
                    statement = kept.statements[sql] = await kept.connection.prepare(sql)
                row = await statement.fetchrow(*arguments)
            is_sound = True
        finally:
            if is_sound:
                self._idle.append(kept)
            else:
                await self._give_back(kept)
        return row

    async def give_back(self) -> None:
        """Whatever is idle goes back to the pool, and nothing is kept any more: the pool is to close."""
        self._kept_max = 0
        while self._idle:
            await self._give_back(self._idle.pop())

    async def _take(self, seconds_max: float) -> Kept:
        while self._idle:
            kept = self._idle.pop()
            if _is_open(kept.connection):
                return kept
            await self._give_back(kept)
        self._count += 1
        try:
            return Kept(await self._pool.acquire(timeout=seconds_max))
        except BaseException:
            self._count -= 1
            raise

    async def _give_back(self, kept: Kept) -> None:
        self._count -= 1
        await self._pool.release(kept.connection)


def _is_open(connection: PooledConnection) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        # The server has ended it, and the pool has it back already.
        return False


@contextmanager
def _terminated_if_cancelled(kept: Kept) -> Iterator[None]:
    try:
        yield
    except asyncio.CancelledError:
        # asyncpg would ask the server to cancel, and wait for its answer before the connection is used again.
        terminate(kept.connection)
        raise
