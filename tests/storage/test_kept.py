"""Statements on connections that are kept: as good as the pool's, also when the server ends them or the pool closes."""

import asyncio

import pytest

from idnode.model.errors import Unavailable
from idnode.storage.database import Database, StorageFault

BACKEND = "SELECT pg_backend_pid()"


async def backend(database: Database) -> int:
    row = await database.row(BACKEND)
    assert row is not None
    return int(row[0])


async def test_a_connection_is_kept_and_a_fault_or_a_cancellation_gives_it_back(database: Database) -> None:
    first, second = await backend(database), await backend(database)
    with pytest.raises(StorageFault, match="22012"):
        await database.row("SELECT 1 / $1::integer", 0)
    waiting = asyncio.create_task(database.row("SELECT pg_sleep(60)"))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert first == second
    assert database.owns(await backend(database))


async def test_a_connection_that_the_server_has_ended_is_replaced(database: Database) -> None:
    ended = await backend(database)
    async with database.session() as session:
        await session.run("SELECT pg_terminate_backend($1, 1000)", ended)
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await database.row("SELECT pg_terminate_backend(pg_backend_pid())")

    assert await backend(database) != ended


async def test_more_statements_than_are_kept_take_the_pool_and_close_waits_for_none_of_them(dsn: str) -> None:
    database = await Database.open(dsn, connections_max=3)
    together = await asyncio.gather(*(backend(database) for _ in range(6)))
    async with asyncio.timeout(2):
        await database.close()

    assert len(set(together)) <= 3


async def test_a_pool_of_one_keeps_nothing_back_from_others(dsn: str) -> None:
    database = await Database.open(dsn, connections_max=1)
    first = await backend(database)
    async with database.session() as session:
        row = await session.row(BACKEND)
    await database.close()

    assert row is not None
    assert row[0] == first
