"""Several workers on one database: no schedule of commits, lost doorbells and broken connections shows old answers."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import asyncpg
import pytest
from hanging_server import at_work

from idnode.model.change import Change, Subject, Trace
from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import Hosting, PrefixRegistration, PrefixState
from idnode.model.record import Operation, State
from idnode.registry.group_commit import GroupCommit
from idnode.registry.metrics import RegistryCounters
from idnode.resolver.coalesce import ReadCoalescer
from idnode.resolver.freshness import Freshness
from idnode.storage.changes import append_change
from idnode.storage.database import Database
from idnode.storage.directory import Directory
from idnode.storage.feed import ChangeFeed
from idnode.storage.identifiers import IdentifierStore, RecordWrite, StoredRecord, WriteOutcome
from idnode.storage.keys import KeyStore
from idnode.storage.lookups import Lookups
from idnode.storage.prefixes import PrefixStore
from idnode.storage.templates import TemplateStore

AT = datetime(2026, 3, 9, tzinfo=UTC)
TRACE = Trace("test", "r-1", AT)
PREFIX = PrefixRegistration(Prefix.parse("88.118.8"), None, PrefixState.ACTIVE, Hosting.HOSTED, None, 1, AT, AT)
FEED_BACKENDS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'idnode feed'"
IDENTIFIERS = [f"88.118.8/{number}" for number in range(6)]
WRITERS, WRITES_EACH = 4, 15


class Answers:
    """A cache as simple as can be: a dict, and the number of the last drop of everything that was dropped."""

    def __init__(self) -> None:
        self._kept: dict[str, int] = {}
        self._dropped: dict[str, int] = {}
        self._floor = 0
        self.drops = 0
        self.is_open = False

    def find(self, folded: str) -> int | None:
        return self._kept.get(folded) if self.is_open else None

    def keep(self, folded: str, version: int, *, since: int) -> None:
        if max(self._dropped.get(folded, 0), self._floor) <= since:
            self._kept[folded] = version

    def drop(self, group: str) -> None:
        self.drops += 1
        self._dropped[group] = self.drops
        self._kept.pop(group, None)

    def drop_prefix(self, prefix: str) -> None:
        for group in [group for group in self._kept if group.startswith(prefix + "/")]:
            self.drop(group)
        self._rise()

    def clear(self) -> None:
        self._kept.clear()
        self._rise()

    def open_hot_path(self) -> None:
        self.is_open = True

    def close_hot_path(self) -> None:
        self.is_open = False

    def _rise(self) -> None:
        self.drops += 1
        self._floor = self.drops


class Confirmations(Freshness):
    """Freshness that can be waited for."""

    moved: asyncio.Event

    def confirmed(self, began: float) -> None:
        super().confirmed(began)
        self.moved.set()

    async def knows_what_was_committed(self, by: float) -> None:
        async with asyncio.timeout(30):
            while self.confirmed_at is None or self.confirmed_at <= by:
                self.moved.clear()
                await self.moved.wait()


@dataclass
class Process:
    """What one worker process holds."""

    answers: Answers
    freshness: Confirmations
    coalescer: ReadCoalescer
    group_commit: GroupCommit
    directory: Directory
    hits: int = 0

    async def version(self, folded: str) -> int:
        """Of the record that this process answers with; 0 for none."""
        kept = self.answers.find(folded)
        if kept is not None:
            self.hits += 1
            return kept
        since = self.answers.drops
        stored = await self.coalescer.find(folded)
        version = 0 if stored is None else stored.version
        self.answers.keep(folded, version, since=since)
        return version


@asynccontextmanager
async def process_on(dsn: str) -> AsyncIterator[Process]:
    """A worker process at work, all but the process."""
    database = await Database.open(dsn, connections_max=4)
    stores = KeyStore(database), PrefixStore(database), TemplateStore(database)
    directory, answers, lookups = Directory(*stores, monotonic=time.monotonic), Answers(), Lookups(dsn)
    freshness = Confirmations(answers, directory.forget, monotonic=time.monotonic)
    freshness.moved = asyncio.Event()
    feed = ChangeFeed(dsn, follower=freshness, monotonic=time.monotonic)
    coalescer = ReadCoalescer(lookups.find_many, monotonic=time.monotonic)
    commits = GroupCommit(IdentifierStore(database).commit, RegistryCounters(), committed=freshness.written)
    async with at_work(directory, lookups, freshness, feed, coalescer, commits):
        await freshness.knows_what_was_committed(time.monotonic())
        yield Process(answers, freshness, coalescer, commits, directory)
    await database.close()


@asynccontextmanager
async def processes_on(dsn: str, count: int) -> AsyncIterator[list[Process]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(process_on(dsn)) for _ in range(count)]


def write(folded: str, version: int) -> RecordWrite:
    record = StoredRecord(folded, version, State.ACTIVE, True, 10, b'{"values":[]}')
    return RecordWrite(record, Operation.REGISTER if version == 1 else Operation.REPLACE, TRACE)


class Schedule:
    """One seeded run: writers, readers, and somebody who breaks the feeds' connections; notes every old answer."""

    def __init__(self, dsn: str, processes: list[Process], seed: int) -> None:
        self._dsn = dsn
        self._processes = processes
        self._random = random.Random(seed)  # noqa: S311  # a schedule, no secret
        self._acknowledged = dict.fromkeys(IDENTIFIERS, 0)
        self._locks = {folded: asyncio.Lock() for folded in IDENTIFIERS}
        self._checks: set[asyncio.Task[None]] = set()
        self.old_answers: list[str] = []

    async def run(self) -> None:
        disturbing = [asyncio.create_task(self._read_at_random()), asyncio.create_task(self._break_feeds())]
        try:
            await asyncio.gather(*(self._write_at_random() for _ in range(WRITERS)), self._commit_late())
            await asyncio.gather(*self._checks)
        finally:
            for task in disturbing:
                task.cancel()
            await asyncio.wait(disturbing)

    async def _write_at_random(self) -> None:
        for _ in range(WRITES_EACH):
            process, folded = self._random.choice(self._processes), self._random.choice(IDENTIFIERS)
            async with self._locks[folded]:
                version = self._acknowledged[folded] + 1
                outcome = await process.group_commit.submit(write(folded, version))
                assert outcome is WriteOutcome.COMMITTED
                self._acknowledged[folded] = version
                await self._look(process, folded, version, "its own write")
            self._check_everywhere(folded, version)
            await asyncio.sleep(self._random.random() * 0.01)

    async def _commit_late(self) -> None:
        """Transactions that stay open while others begin and commit, and ring no bell when they end."""
        connection = await asyncpg.connect(self._dsn)
        for number in range(10):
            folded = f"88.118.8/LATE-{number}"
            for process in self._processes:
                await process.version(folded)
            async with connection.transaction():
                await connection.execute(LATE_RECORD, folded)
                await connection.execute(LATE_CHANGE, folded)
                for process in self._processes:
                    await process.version(folded)
                await asyncio.sleep(self._random.random() * 0.05)
            self._check_everywhere(folded, 1)
        await connection.close()

    def _check_everywhere(self, folded: str, version: int) -> None:
        """From the first read on that began after this acknowledgement nobody answers with what stood before."""
        by = time.monotonic()
        for process in self._processes:
            self._checks.add(asyncio.create_task(self._check(process, folded, version, by)))

    async def _check(self, process: Process, folded: str, version: int, by: float) -> None:
        await process.freshness.knows_what_was_committed(by)
        await self._look(process, folded, version, "an old answer")

    async def _look(self, process: Process, folded: str, version: int, what: str) -> None:
        found = await process.version(folded)
        if found < version:
            self.old_answers.append(f"{what}: {folded} {found} < {version}")

    async def _read_at_random(self) -> None:
        while True:
            for folded in self._random.sample(IDENTIFIERS, 3):
                await self._random.choice(self._processes).version(folded)
            await asyncio.sleep(0.0005)

    async def _break_feeds(self) -> None:
        connection = await asyncpg.connect(self._dsn)
        try:
            while True:
                await asyncio.sleep(self._random.random() * 0.1)
                pids = [row["pid"] for row in await connection.fetch(f"SELECT pid {FEED_BACKENDS}")]
                if pids:
                    await connection.fetchval("SELECT pg_terminate_backend($1)", self._random.choice(pids))
        finally:
            connection.terminate()


LATE_RECORD = """
INSERT INTO identifier (folded, version, state, is_public, values_at, record, created, updated)
VALUES ($1, 1, 'active', true, 10, '{"values":[]}', now(), now())
"""
LATE_CHANGE = """
INSERT INTO change (at, subject, name, version, operation, actor, request_id)
VALUES (now(), 'identifier', $1, 1, 'register', 'test', 'r-1')
"""


@pytest.mark.parametrize("seed", range(3))
async def test_no_worker_answers_with_what_it_must_know_to_be_old(
    dsn: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.feed.POLL_SECONDS", 0.05)
    monkeypatch.setattr("idnode.storage.feed.RETRY_SECONDS_MIN", 0.01)
    async with processes_on(dsn, 3) as processes:
        schedule = Schedule(dsn, processes, seed)
        await schedule.run()
        hits = sum(process.hits for process in processes)
        losses = sum(process.freshness.counters.losses for process in processes)

    assert schedule.old_answers == []
    assert hits > 100
    assert losses > 0


def versions(processes: Iterable[Process], folded: str) -> "asyncio.Future[list[int]]":
    return asyncio.gather(*(process.version(folded) for process in processes))


async def test_a_record_that_one_process_changes_is_new_in_the_others(dsn: str) -> None:
    async with processes_on(dsn, 2) as [one, other]:
        before = await versions((one, other), "88.118.8/A")
        await one.group_commit.submit(write("88.118.8/A", 1))
        own = await one.version("88.118.8/A")
        await other.freshness.knows_what_was_committed(time.monotonic())
        after = await versions((one, other), "88.118.8/A")

    assert before == [0, 0]
    assert own == 1
    assert after == [1, 1]


async def test_a_prefix_that_one_process_changes_is_read_anew_by_the_others(dsn: str, database: Database) -> None:
    stopped = replace(PREFIX, state=PrefixState.STOPPED, version=2)
    store = PrefixStore(database)
    async with process_on(dsn) as process:
        async with database.transaction() as session:
            await store.insert(session, PREFIX)
            await append_change(session, Change(Subject.PREFIX, "88.118.8", 1, "register", TRACE, None, b"{}"))
        await process.freshness.knows_what_was_committed(time.monotonic())
        before = await process.directory.prefix(PREFIX.prefix)
        async with database.transaction() as session:
            await store.update(session, stopped)
            await append_change(session, Change(Subject.PREFIX, "88.118.8", 2, "stop", TRACE, None, b"{}"))
        await process.freshness.knows_what_was_committed(time.monotonic())
        after = await process.directory.prefix(PREFIX.prefix)

    assert before == PREFIX
    assert after == stopped
