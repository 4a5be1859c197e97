"""Lookups: what is found, what a broken connection costs, and that nobody waits for a server that hangs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from blocking import held, until_blocked
from hanging_server import at_work, hanging, server_of_its_own

from idnode.model.change import Trace
from idnode.model.errors import Unavailable
from idnode.model.record import Operation, State
from idnode.storage.database import Database, StorageFault
from idnode.storage.identifiers import IdentifierStore, RecordWrite, StoredRecord
from idnode.storage.lookups import Lookups

TRACE = Trace("test", "r-1", datetime(2026, 3, 9, tzinfo=UTC))
A = StoredRecord("88.118.8/A", 1, State.ACTIVE, True, 10, b'{"values":[]}')
B = A._replace(folded="88.118.8/B")
BACKENDS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'idnode lookups'"


@asynccontextmanager
async def looking_up(dsn: str, *, is_there: bool = True) -> AsyncIterator[Lookups]:
    """Lookups at work, their connections open unless no server is there."""
    lookups = Lookups(dsn)
    async with at_work(lookups), asyncio.timeout(30):
        while is_there and lookups.connections_open < 2:  # noqa: ASYNC110  # it sets no event of ours
            await asyncio.sleep(0.001)
        yield lookups


async def register(database: Database, *records: StoredRecord) -> None:
    await IdentifierStore(database).commit([RecordWrite(record, Operation.REGISTER, TRACE) for record in records])


async def until_found(lookups: Lookups, folded: Sequence[str]) -> dict[str, StoredRecord]:
    """Ask until the database is back."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await lookups.find_many(folded)
            except Unavailable:
                await asyncio.sleep(0.01)


async def execute(dsn: str, statement: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_records_are_found_as_they_are_stored_and_what_does_not_exist_is_absent(
    dsn: str, database: Database
) -> None:
    await register(database, A, B)
    async with looking_up(dsn) as lookups:
        found = await lookups.find_many(["88.118.8/B", "88.118.8/NONE", "88.118.8/A"])

    assert found == {"88.118.8/A": A, "88.118.8/B": B}
    assert found["88.118.8/A"].state is State.ACTIVE


async def test_two_reads_go_on_at_once_and_a_third_waits_for_a_connection(dsn: str, database: Database) -> None:
    await register(database, A)
    async with looking_up(dsn) as lookups:
        async with held(database, "LOCK TABLE identifier IN ACCESS EXCLUSIVE MODE"):
            reads = [asyncio.create_task(lookups.find_many(["88.118.8/A"], 20)) for _ in range(3)]
            await until_blocked(database, sessions=2)
            connections = await execute(dsn, f"SELECT count(*) {BACKENDS}")
        found = await asyncio.gather(*reads)

    assert connections == 2
    assert found == [{"88.118.8/A": A}] * 3


async def test_a_connection_that_the_server_ended_costs_nobody_an_answer(dsn: str, database: Database) -> None:
    await register(database, A)
    async with looking_up(dsn) as lookups:
        await lookups.find_many(["88.118.8/A"])
        ended = await execute(dsn, f"SELECT count(pg_terminate_backend(pid, 10_000)) {BACKENDS}")
        found = await lookups.find_many(["88.118.8/A"], 20)

    assert ended == 2
    assert found == {"88.118.8/A": A}


async def test_a_statement_that_a_migration_made_useless_is_prepared_anew(dsn: str, database: Database) -> None:
    await register(database, A)
    async with looking_up(dsn) as lookups:
        await lookups.find_many(["88.118.8/A"])
        await execute(dsn, "ALTER TABLE identifier ALTER COLUMN version TYPE bigint")
        found = await until_found(lookups, ["88.118.8/A"])

    assert found == {"88.118.8/A": A}


async def test_a_read_that_postgresql_refuses_is_a_fault_and_leaves_the_connection_usable(
    dsn: str, database: Database
) -> None:
    await register(database, A)
    async with looking_up(dsn) as lookups:
        with pytest.raises(StorageFault, match="PostgreSQL refused"):
            await lookups.find_many(["88.118.8/\x00"])

        assert await lookups.find_many(["88.118.8/A"]) == {"88.118.8/A": A}


async def test_once_the_database_is_known_to_be_away_a_read_fails_without_waiting() -> None:
    async with looking_up("postgresql://idnode:x@127.0.0.1:1/idnode", is_there=False) as lookups:
        with pytest.raises(Unavailable):
            await lookups.find_many(["88.118.8/A"])
        read = asyncio.create_task(lookups.find_many(["88.118.8/A"], 3600))
        await asyncio.wait([read], timeout=20)

    assert isinstance(read.exception(), Unavailable)


async def test_a_caller_that_goes_away_in_the_middle_of_a_read_takes_no_connection_along(
    dsn: str, database: Database
) -> None:
    await register(database, A)
    async with looking_up(dsn) as lookups:
        async with held(database, "LOCK TABLE identifier IN ACCESS EXCLUSIVE MODE"):
            reads = [asyncio.create_task(lookups.find_many(["88.118.8/A"], 20)) for _ in range(2)]
            await until_blocked(database, sessions=2)
            for read in reads:
                read.cancel()
            await asyncio.wait(reads)
        found = await lookups.find_many(["88.118.8/A"], 20)

    assert found == {"88.118.8/A": A}


async def test_a_server_that_hangs_is_given_up_and_used_again_when_it_goes_on(tmp_path: Path) -> None:
    async with server_of_its_own(tmp_path) as server, looking_up(server.dsn) as lookups:
        database = await Database.open(server.dsn, connections_max=1)
        await register(database, A)
        await database.close()
        before = await lookups.find_many(["88.118.8/A"])
        with hanging(server):
            reads = [asyncio.create_task(lookups.find_many(["88.118.8/A"], 0.1)) for _ in range(5)]
            # pytest would wait for the server for ever; these wait for 0.1 s.
            await asyncio.wait(reads, timeout=20)
            outcomes = [type(read.exception()) for read in reads]
        after = await until_found(lookups, ["88.118.8/A"])

    assert outcomes == [Unavailable] * 5
    assert before == after == {"88.118.8/A": A}
