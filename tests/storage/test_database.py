"""The pool: what is away is Unavailable, what is wrong is a StorageFault, and no wait is without end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import pytest
from hanging_server import hanging, server_of_its_own

from idnode.model.errors import NotFound, Unavailable
from idnode.storage.database import Database, StorageFault
from idnode.storage.embedded import EmbeddedPostgres

NOBODY_LISTENS = "postgresql://idnode:geheim@127.0.0.1:1/idnode"


async def execute(dsn: str, statement: str, *arguments: object) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement, *arguments)
    finally:
        await connection.close()


async def test_a_dead_server_is_unavailable_and_its_password_is_not_told() -> None:
    with pytest.raises(Unavailable, match=r"cannot connect to PostgreSQL: .*Connection refused") as caught:
        await Database.open(NOBODY_LISTENS)

    assert "geheim" not in str(caught.value)


async def test_a_wrong_password_and_an_unknown_database_are_unavailable(dsn: str) -> None:
    unknown = dsn.replace("/test_", "/no_such_")
    guessed = dsn.replace(dsn.partition("@")[0], "postgresql://idnode:guessed", 1)

    with pytest.raises(Unavailable, match=r'cannot connect to PostgreSQL: database "no_such_.*" does not exist'):
        await Database.open(unknown)
    with pytest.raises(Unavailable, match="cannot connect to PostgreSQL: password authentication failed"):
        await Database.open(guessed)


async def test_what_is_no_url_of_a_database_is_unavailable() -> None:
    with pytest.raises(
        Unavailable, match=r"cannot connect to PostgreSQL: invalid DSN: scheme is expected .* got .mysql"
    ):
        await Database.open("mysql://127.0.0.1/idnode")


async def test_a_server_that_is_too_old_is_refused_with_both_versions(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = str(await execute(dsn, "SHOW server_version"))
    monkeypatch.setattr("idnode.storage.database.SERVER_VERSION_MIN", 990_000)

    with pytest.raises(Unavailable) as caught:
        await Database.open(dsn)

    assert str(caught.value) == f"PostgreSQL 14 or newer is needed, this server is {version}"
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'idnode'"
    assert await execute(dsn, others) == 0


async def test_a_session_speaks_utc_under_the_node_s_name(database: Database) -> None:
    async with database.session() as session:
        row = await session.row("SELECT current_setting('timezone'), current_setting('application_name')")

    assert row is not None
    assert tuple(row) == ("UTC", "idnode")


@pytest.mark.parametrize(
    ("statement", "argument", "message"),
    [
        ("SELECT 1 / $1::int", 0, "PostgreSQL refused: 22012 division by zero"),
        ("SELECT $1::int FROM nowhere", 1, '42P01 relation "nowhere" does not exist'),
        ("SELECT $1::int", 2**40, "value out of int32 range"),
        ("SELECT $1::text", "\ud800", "surrogates not allowed"),
    ],
)
async def test_a_refused_statement_is_a_storage_fault(
    database: Database, statement: str, argument: object, message: str
) -> None:
    with pytest.raises(StorageFault, match=message):
        async with database.session() as session:
            await session.row(statement, argument)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.DiskFullError("could not extend file"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
        ConnectionResetError(104, "Connection reset by peer"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_server_that_is_full_failing_over_or_breaking_off_is_unavailable(
    database: Database, error: Exception
) -> None:
    with pytest.raises(Unavailable, match="the database is away; the same request will work when it is back"):
        async with database.transaction():
            raise error


async def test_a_connection_that_the_server_ends_is_unavailable_and_the_next_one_works(
    database: Database, dsn: str
) -> None:
    async def lose_the_connection() -> None:
        async with database.session() as session:
            row = await session.row("SELECT pg_backend_pid()")
            assert row is not None
            await execute(dsn, "SELECT pg_terminate_backend($1, 10_000)", row[0])
            await session.row("SELECT 1")

    with pytest.raises(Unavailable, match="the same request will work when it is back"):
        await lose_the_connection()

    await database.ping()


async def test_a_transaction_stands_as_a_whole_or_not_at_all(database: Database) -> None:
    async with database.transaction() as session:
        await session.run("CREATE TABLE kept (number integer)")
        await session.run("INSERT INTO kept VALUES (1)")
    with pytest.raises(StorageFault):
        async with database.transaction() as session:
            await session.run("INSERT INTO kept VALUES (2)")
            await session.run("INSERT INTO nowhere VALUES (3)")

    async with database.session() as session:
        rows = await session.rows("SELECT number FROM kept")

    assert [row["number"] for row in rows] == [1]


async def test_who_finds_all_connections_taken_is_told_so(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = await Database.open(dsn, connections_max=1)

    async with database.session():
        with monkeypatch.context() as patch:
            patch.setattr("idnode.storage.database.SESSION_SECONDS_MAX", 0.05)
            with pytest.raises(Unavailable):
                await database.ping()

    assert database.connections_open == 1

    await database.ping()
    await database.close()


async def test_a_statement_without_end_is_cut_off(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idnode.storage.database.SESSION_SECONDS_MAX", 0.5)
    database = await Database.open(dsn, connections_max=1)

    with pytest.raises(Unavailable):
        async with database.session() as session:
            await session.row("SELECT pg_sleep(600)")

    await database.close()


async def test_close_does_not_wait_for_a_connection_that_nobody_gives_back(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await Database.open(dsn, connections_max=1)

    async def keep_it_while_the_pool_is_closed() -> None:
        async with database.session() as session:
            monkeypatch.setattr("idnode.storage.database.CLOSE_SECONDS_MAX", 0.05)
            async with asyncio.timeout(10):
                await database.close()
            await session.row("SELECT 1")

    with pytest.raises(Unavailable):
        await keep_it_while_the_pool_is_closed()


@pytest.fixture
async def hung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[EmbeddedPostgres, Database]]:
    """A server that a test may stop, and a pool on it that waits half a second."""
    async with server_of_its_own(tmp_path) as server:
        database = await Database.open(server.dsn, connections_max=2)
        monkeypatch.setattr("idnode.storage.database.SESSION_SECONDS_MAX", 0.5)
        yield server, database
        await database.close()


async def test_a_server_that_hangs_is_unavailable_at_every_step(hung: tuple[EmbeddedPostgres, Database]) -> None:
    server, database = hung

    async def ask_within_a_session() -> None:
        async with database.session() as session:
            with hanging(server):
                await session.row("SELECT 1")

    async def commit() -> None:
        async with database.transaction() as session:
            await session.run("SELECT 1")
            stack.enter_context(hanging(server))

    async def roll_back() -> None:
        async with database.transaction() as session:
            await session.run("SELECT 1")
            stack.enter_context(hanging(server))
            raise NotFound("what the block raised")

    for step in (ask_within_a_session, commit):
        with ExitStack() as stack, pytest.raises(Unavailable):
            async with asyncio.timeout(20):
                await step()
    with ExitStack() as stack, pytest.raises(NotFound, match="what the block raised"):
        async with asyncio.timeout(20):
            await roll_back()

    await database.ping()


async def test_whoever_gives_up_waiting_for_a_server_that_hangs_is_let_go(
    hung: tuple[EmbeddedPostgres, Database],
) -> None:
    server, database = hung

    with hanging(server):
        # More callers than connections: some wait for an answer, some for a connection.
        waiting = [asyncio.create_task(database.ping()) for _ in range(6)]
        await asyncio.sleep(0.05)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=20)
        let_go = [task.cancelled() for task in waiting]

    assert let_go == [True] * 6
    await database.ping()


async def test_a_statement_with_a_time_of_its_own_leaves_the_session_its_own(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.database.SESSION_SECONDS_MAX", 0.5)
    database = await Database.open(dsn, connections_max=1)

    async with database.transaction() as session:
        await session.run("SELECT pg_sleep(0.6)", seconds_max=20)
        row = await session.row("SELECT 1")

    assert row is not None
    assert row[0] == 1
    await database.close()
