"""How a test holds other sessions of a database up at one point, and knows that they have arrived there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from idnode.storage.database import Database

BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@asynccontextmanager
async def held_up(database: Database, lock: str, *, sessions: int) -> AsyncIterator[None]:
    """Hold what the statement `lock` takes, let the block begin `sessions` waits for it, release it when all wait."""
    async with held(database, lock):
        yield
        await until_blocked(database, sessions=sessions)


@asynccontextmanager
async def held(database: Database, lock: str) -> AsyncIterator[None]:
    """Hold what the statement `lock` takes for the length of the block."""
    async with database.transaction() as session:
        await session.run(lock)
        yield


async def until_blocked(database: Database, *, sessions: int) -> None:
    """Wait until this many sessions wait for a lock."""
    # They set no event of ours; each look is a round trip, so this is no busy loop.
    while await _blocked(database) < sessions:
        pass


async def _blocked(database: Database) -> int:
    async with database.session() as session:
        row = await session.row(BLOCKED)
    return 0 if row is None else int(row[0])
