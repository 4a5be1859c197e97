"""The change feed: every commit is told once, however transactions end, bells are lost and connections break."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
import pytest
from hanging_server import hanging, server_of_its_own

from idnode.model.change import Change, Subject, Trace
from idnode.model.record import Operation, State
from idnode.storage.changes import append_change
from idnode.storage.database import Database
from idnode.storage.feed import PLANNING, SQL, ChangedThing, ChangeFeed, resumed, retry_seconds
from idnode.storage.identifiers import IdentifierStore, RecordWrite, StoredRecord
from idnode.storage.migrate import ensure_change_partitions

AT = datetime(2026, 3, 9, tzinfo=UTC)
TRACE = Trace("test", "r-1", AT)
QUIET_ROW = """
INSERT INTO change (at, subject, name, version, operation, actor, request_id)
VALUES ('2026-03-09Z', 'identifier', $1, 1, 'register', 'test', 'r-1')
"""
FEED_BACKENDS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'idnode feed'"
BEYOND_COUNTING = "beyond counting"
LOST = "lost"


class Heard:
    """A follower that notes what it was told, and when the reads began that were confirmed."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.reads: list[float] = []
        self._moved = asyncio.Event()

    def changed(self, things: Sequence[ChangedThing]) -> None:
        self.told += [" ".join(thing) for thing in things]

    def changed_beyond_counting(self) -> None:
        self.told.append(BEYOND_COUNTING)

    def confirmed(self, began: float) -> None:
        self.reads.append(began)
        self._moved.set()

    def lost(self) -> None:
        self.told.append(LOST)
        self._moved.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not is_so():
                self._moved.clear()
                await self._moved.wait()

    async def confirms(self) -> None:
        """Wait until a read is confirmed that begins from now on."""
        now = asyncio.get_running_loop().time()
        await self.until(lambda: self.reads[-1:] > [now])


@asynccontextmanager
async def following(dsn: str, heard: Heard) -> AsyncIterator[ChangeFeed]:
    """A feed that has begun, for the length of a block; `heard` knows nothing of the beginning."""
    feed = ChangeFeed(dsn, follower=heard, monotonic=asyncio.get_running_loop().time)
    running = asyncio.create_task(feed.run())
    try:
        await heard.until(lambda: bool(heard.reads))
        heard.told.clear()
        yield feed
    finally:
        running.cancel()
        await asyncio.wait([running])


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed that polls often."""
    monkeypatch.setattr("idnode.storage.feed.POLL_SECONDS", 0.02)


@pytest.fixture
def by_bell_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed that reads when the bell rings and at no other time."""
    monkeypatch.setattr("idnode.storage.feed.POLL_SECONDS", 3600)


async def quietly(connection: "asyncpg.Connection[asyncpg.Record]", name: str) -> None:
    """A change row without a bell."""
    await connection.execute(QUIET_ROW, name)


@pytest.fixture
async def connection(dsn: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    opened = await asyncpg.connect(dsn)
    yield opened
    await opened.close()


def write(version: int) -> RecordWrite:
    record = StoredRecord("88.118.8/A", version, State.ACTIVE, True, 10, b'{"values":[]}')
    return RecordWrite(record, Operation.REGISTER if version == 1 else Operation.REPLACE, TRACE)


async def register(database: Database) -> None:
    await IdentifierStore(database).commit([write(1)])


async def revise(database: Database) -> None:
    await IdentifierStore(database).commit([write(2)])


async def change_a_prefix(database: Database) -> None:
    async with database.transaction() as session:
        await append_change(session, Change(Subject.PREFIX, "88.118.8", 1, "register", TRACE, None, b"{}"))


@pytest.mark.usefixtures("by_bell_only")
async def test_every_kind_of_write_rings_the_bell(dsn: str, database: Database) -> None:
    heard = Heard()
    acts: list[tuple[Callable[[Database], Awaitable[None]], str]] = [
        (register, "identifier 88.118.8/A register"),
        (revise, "identifier 88.118.8/A replace"),
        (change_a_prefix, "prefix 88.118.8 register"),
    ]
    async with following(dsn, heard):
        for act, told in acts:
            await act(database)
            await heard.until(lambda told=told: told in heard.told)  # type: ignore[misc]  # a default binds the loop's value

    assert heard.told == [told for _, told in acts]


@pytest.mark.usefixtures("by_bell_only")
async def test_a_write_that_wrote_nothing_rings_no_bell(dsn: str, database: Database) -> None:
    heard = Heard()
    await register(database)
    async with following(dsn, heard):
        reads = len(heard.reads)
        await register(database)
        await change_a_prefix(database)
        await heard.until(lambda: bool(heard.told))

    assert heard.told == ["prefix 88.118.8 register"]
    assert len(heard.reads) == reads + 1


async def test_the_first_read_knows_only_that_anything_may_have_changed(dsn: str, database: Database) -> None:
    heard = Heard()
    await register(database)
    feed = ChangeFeed(dsn, follower=heard, monotonic=asyncio.get_running_loop().time)
    running = asyncio.create_task(feed.run())

    await heard.until(lambda: bool(heard.reads))
    running.cancel()
    await asyncio.wait([running])

    assert heard.told == [BEYOND_COUNTING]


@pytest.mark.usefixtures("often")
async def test_a_change_is_told_when_it_is_committed_though_later_ones_were_before_it(
    dsn: str, connection: "asyncpg.Connection[asyncpg.Record]", database: Database
) -> None:
    heard = Heard()
    async with following(dsn, heard):
        async with connection.transaction():
            await quietly(connection, "88.118.8/EARLY")
            await register(database)
            await heard.confirms()
            before = list(heard.told)
        await heard.confirms()
        await heard.confirms()

    assert before == ["identifier 88.118.8/A register"]
    assert heard.told == ["identifier 88.118.8/A register", "identifier 88.118.8/EARLY register"]


@pytest.mark.usefixtures("often")
async def test_what_is_rolled_back_is_never_told(
    dsn: str, connection: "asyncpg.Connection[asyncpg.Record]", database: Database
) -> None:
    heard = Heard()
    async with following(dsn, heard):
        transaction = connection.transaction()
        await transaction.start()
        await quietly(connection, "88.118.8/NEVER")
        await transaction.rollback()
        await register(database)
        await heard.confirms()

    assert heard.told == ["identifier 88.118.8/A register"]


@pytest.mark.usefixtures("often")
async def test_a_change_whose_bell_nobody_heard_is_told_by_the_next_poll(
    dsn: str, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    heard = Heard()
    async with following(dsn, heard):
        await quietly(connection, "88.118.8/A")
        await heard.confirms()

    assert heard.told == ["identifier 88.118.8/A register"]


async def test_a_broken_connection_is_told_at_once_and_what_fell_into_the_gap_afterwards(
    dsn: str, database: Database, connection: "asyncpg.Connection[asyncpg.Record]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.feed.POLL_SECONDS", 3600)
    heard = Heard()
    async with following(dsn, heard):
        ended = await connection.fetchval(f"SELECT count(pg_terminate_backend(pid, 10_000)) {FEED_BACKENDS}")
        await register(database)
        await heard.until(lambda: len(heard.told) >= 2)

    assert ended == 1
    assert heard.told == [LOST, "identifier 88.118.8/A register"]


async def test_a_server_that_hangs_is_told_as_a_loss_and_caught_up_with_when_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.feed.READ_SECONDS_MAX", 0.1)
    monkeypatch.setattr("idnode.storage.feed.POLL_SECONDS", 0.02)
    heard = Heard()
    async with server_of_its_own(tmp_path) as server:
        database = await Database.open(server.dsn, connections_max=1)
        async with following(server.dsn, heard):
            with hanging(server):
                await heard.until(lambda: LOST in heard.told)
            await register(database)
            await heard.until(lambda: "identifier 88.118.8/A register" in heard.told)
        await database.close()

    assert set(heard.told) == {LOST, "identifier 88.118.8/A register"}


async def test_a_server_that_is_not_there_is_told_as_a_loss_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idnode.storage.feed.RETRY_SECONDS_MIN", 0.001)
    heard = Heard()
    feed = ChangeFeed("postgresql://idnode:x@127.0.0.1:1/idnode", follower=heard, monotonic=lambda: 0.0)
    running = asyncio.create_task(feed.run())

    await heard.until(lambda: len(heard.told) >= 3)
    running.cancel()
    await asyncio.wait([running])

    assert set(heard.told) == {LOST}
    assert heard.reads == []


async def test_more_changes_than_are_worth_counting_are_told_as_one(
    dsn: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.feed.ROWS_MAX", 3)
    heard = Heard()
    store = IdentifierStore(database)
    names = [f"88.118.8/{number}" for number in range(7)]
    writes = [RecordWrite(write(1).record._replace(folded=name), Operation.REGISTER, TRACE) for name in names]
    async with following(dsn, heard):
        await store.commit(writes[:3])
        await heard.confirms()
        await store.commit(writes[3:])
        await heard.until(lambda: BEYOND_COUNTING in heard.told)

    assert heard.told == [*(f"identifier {name} register" for name in names[:3]), BEYOND_COUNTING]


@pytest.mark.parametrize("spoilt", ["set back", "another cluster"])
async def test_after_a_gap_nothing_is_taken_for_granted_on_another_database(
    dsn: str, connection: "asyncpg.Connection[asyncpg.Record]", spoilt: str
) -> None:
    heard = Heard()
    async with following(dsn, heard) as feed:
        if spoilt == "set back":
            feed._snapshot = (10**12, 10**12, ())
        else:
            feed._lineage = (7, "00000001")
        await connection.execute(f"SELECT pg_terminate_backend(pid, 10_000) {FEED_BACKENDS}")
        await heard.until(lambda: len(heard.told) >= 2)

    assert heard.told == [LOST, BEYOND_COUNTING]


async def test_a_snapshot_that_the_server_does_not_take_is_given_up(
    dsn: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.feed.POLL_SECONDS", 3600)
    heard = Heard()
    async with following(dsn, heard) as feed:
        feed._snapshot = (9, 3, ())
        await register(database)
        await heard.until(lambda: len(heard.told) >= 2)

    assert heard.told == [LOST, BEYOND_COUNTING]


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ((500, 700, (500, 650)), (400, 400, ())),
        ((50, 50, ()), (3, 3, ())),
        ((900, 1001, (900,)), None),
        (None, None),
    ],
)
def test_a_feed_goes_on_from_a_little_before_where_it_was(
    kept: tuple[int, int, tuple[int, ...]] | None, expected: tuple[int, int, tuple[int, ...]] | None
) -> None:
    assert resumed(kept, present=(1000, 1000, ())) == expected


def test_it_waits_longer_after_each_failure_but_never_more_than_a_second() -> None:
    assert [retry_seconds(failures) for failures in (0, 1, 2, 3, 4, 10_000)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


async def test_the_log_is_never_scanned(dsn: str, database: Database) -> None:
    await ensure_change_partitions(database, today=date(2031, 1, 1))
    connection = await asyncpg.connect(dsn, server_settings=PLANNING)
    await connection.execute(
        "INSERT INTO change (at, subject, name, version, operation, actor, request_id)"
        " SELECT '2031-01-15Z', 'identifier', '88.118.8/' || number, 1, 'register', 'test', 'r-1'"
        " FROM generate_series(1, 5000) AS number"
    )
    await connection.execute("ANALYZE change")
    await connection.execute(f"PREPARE feed (pg_snapshot, bigint) AS {SQL['read_feed']}")

    plan = "\n".join(row[0] for row in await connection.fetch("EXPLAIN EXECUTE feed ('3:3:', 100001)"))
    await connection.close()

    assert "Index Scan using change_2031_01_xid_idx" in plan
    assert "Seq Scan" not in plan


async def test_bells_that_this_process_rings_itself_are_not_heeded(dsn: str) -> None:
    feed = ChangeFeed(dsn, follower=Heard(), monotonic=lambda: 0.0, is_own=lambda backend: backend == 7)

    feed._ring(None, 7, "idnode_change", "")
    own = feed._rung.is_set()
    feed._ring(None, 8, "idnode_change", "")

    assert (own, feed._rung.is_set()) == (False, True)


async def test_a_pool_knows_the_backends_of_its_own_connections(database: Database) -> None:
    async with database.session() as session:
        row = await session.row("SELECT pg_backend_pid()")

    assert row is not None
    assert database.owns(row[0])
    assert not database.owns(1)
