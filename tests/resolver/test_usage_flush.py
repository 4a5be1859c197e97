"""Flushing: what was counted is in PostgreSQL once, whatever fails on the way, from several workers, over midnight."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import Enum, auto
from typing import NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from world_clock import WorldClock

from idnode.model.errors import IdnodeError, Unavailable
from idnode.registry.rules.moments import node_day
from idnode.resolver.tally import Outcome, Turn
from idnode.resolver.usage import Usage
from idnode.resolver.usage_flush import UsageFlusher
from idnode.storage.database import Database, StorageFault
from idnode.storage.usage import Latency, Peak, UsageBatch, UsageDay, UsageStore

PREFIXES = (None, "88.118.8", "88.118.9")
ADDRESSES = ("192.0.2.1", "192.0.2.2", "2001:db8::1")
SECONDS_MAX = 500
"""Of one example: a worker that is not heard of for longer is taken for gone."""
EMPTY_TABLES = "TRUNCATE usage_day, usage_source, resolution_second, usage_flush"
AWAY = Unavailable("the database is away")


class Failure(Enum):
    """What becomes of a batch on its way."""

    NONE = auto()
    REFUSED = auto()
    ANSWER_LOST = auto()


class Line:
    """The way to a store. `failures` are what happens to the next batches, `hang` holds them up."""

    def __init__(self, store: UsageStore) -> None:
        self.store = store
        self.failures: list[Failure] = []
        self.error: IdnodeError = AWAY
        self.numbers: list[int] = []
        self.settled: list[int] = []
        self.arrived = asyncio.Event()
        self.hang: asyncio.Event | None = None

    async def enter(self, worker: UUID, at: int) -> None:
        await self.store.enter(worker, at)

    async def add(self, worker: UUID, number: int, batch: UsageBatch) -> bool:
        self.numbers.append(number)
        self.arrived.set()
        if self.hang is not None:
            await self.hang.wait()
        failure = self.failures.pop(0) if self.failures else Failure.NONE
        if failure is Failure.REFUSED:
            raise self.error
        added = await self.store.add(worker, number, batch)
        if failure is Failure.ANSWER_LOST:
            raise self.error
        return added

    async def settle(self, worker: UUID, at: int) -> None:
        self.settled.append(at)
        await self.store.settle(worker, at)

    async def leave(self, worker: UUID) -> None:
        await self.store.leave(worker)


class Event(NamedTuple):
    """What was answered, to whom, in which second, and how long it took."""

    second: int
    prefix: str | None
    address: str
    status: int
    took: int


class Worker:
    """One process: its counting, its turn of the event loop, its flusher; and, beside them, what it has answered."""

    def __init__(self, id: UUID, clock: WorldClock, store: UsageStore) -> None:
        self.clock = clock
        self.usage = Usage(nanoseconds=clock.nanoseconds, time_ns=clock.time_ns, node_day=node_day)
        self.soon: list[Callable[[], None]] = []
        self.turn = Turn(self.usage, nanoseconds=clock.nanoseconds, call_soon=self.soon.append)
        self.line = Line(store)
        self.flusher = UsageFlusher(self.usage, self.line, worker=id, seconds=0.001, now=clock.now)
        self.events: list[Event] = []
        self._hits: list[tuple[str | None, str, int]] = []
        self._began = 0

    def hit(self, prefix: str | None, address: str, status: int) -> None:
        if not self._hits:
            self._began = self.clock.monotonic_ns
        self._hits.append((prefix, address, status))
        source = self.usage.source(address)
        if not source.pending:
            self.turn.begin(source)
        source.pending.append(self.usage.tally(prefix, "proxy", status, Outcome.HIT).number)

    def end_turn(self) -> None:
        took = self.clock.monotonic_ns - self._began
        self.events += [Event(self.clock.second, *hit, took) for hit in self._hits]
        self._hits.clear()
        callbacks = self.soon.copy()
        self.soon.clear()
        for callback in callbacks:
            callback()

    def miss(self, prefix: str | None, address: str, status: int, took: int) -> None:
        self.events.append(Event(self.clock.second, prefix, address, status, took))
        self.usage.count(address, self.usage.tally(prefix, "proxy", status, Outcome.MISS), took)


class Act(NamedTuple):
    """One step of an example, by one of the workers."""

    kind: str
    worker: int
    prefix: str | None = None
    address: str = ""
    status: int = 0
    nanoseconds: int = 0
    failure: Failure = Failure.NONE


workers = st.integers(0, 1)
asked = (workers, st.sampled_from(PREFIXES), st.sampled_from(ADDRESSES), st.sampled_from([200, 302, 404]))
took = st.sampled_from([0, 1_000, 2_000, 500_000_000])
passing = st.sampled_from([1_000, 300_000_000, 1_000_000_000, 61_000_000_000])
acts = st.one_of(
    st.builds(Act, st.just("hit"), *asked),
    st.builds(Act, st.just("miss"), *asked, took),
    st.builds(Act, st.just("end"), workers),
    st.builds(Act, st.just("pass"), workers, nanoseconds=passing),
    st.builds(Act, st.just("flush"), workers, failure=st.sampled_from(Failure)),
)


async def act(step: Act, worker: Worker) -> None:
    clock = worker.clock
    match step.kind:
        case "hit":
            worker.hit(step.prefix, step.address, step.status)
        case "miss":
            worker.miss(step.prefix, step.address, step.status, step.nanoseconds)
        case "end":
            worker.end_turn()
        case "flush":
            worker.line.failures = [step.failure]
            await worker.flusher.flush()
        case _ if clock.monotonic_ns < SECONDS_MAX * 1_000_000_000:
            clock.advance(step.nanoseconds)


def day_of(second: int) -> date:
    return node_day(datetime.fromtimestamp(second, UTC))


def expected_day(day: date, prefix: str, events: list[Event]) -> UsageDay:
    """What the reports of a prefix have to tell of its events."""
    longest = min(events, key=lambda event: (-event.took, event.second))
    shortest = min(events, key=lambda event: (event.took, event.second))
    busiest = min(Counter(event.second for event in events).items(), key=lambda row: (-row[1], row[0]))
    latency = Latency(
        sum(event.took for event in events) / len(events),
        longest.took,
        datetime.fromtimestamp(longest.second, UTC),
        shortest.took,
        datetime.fromtimestamp(shortest.second, UTC),
    )
    peak = Peak(busiest[1], datetime.fromtimestamp(busiest[0], UTC))
    successes = sum(event.status < 400 for event in events)
    return UsageDay(day, prefix, len(events), successes, latency, peak, 0, None)


def expected(events: list[Event]) -> list[UsageDay]:
    groups: dict[tuple[date, str], list[Event]] = {}
    for event in events:
        for prefix in {"", event.prefix or ""}:
            groups.setdefault((day_of(event.second), prefix), []).append(event)
    return [expected_day(day, prefix, group) for (day, prefix), group in sorted(groups.items())]


async def stored(store: UsageStore) -> tuple[list[UsageDay], Counter[tuple[str, str]]]:
    """All days, and the requests of each prefix and address on all of them."""
    days = await store.days(date(2026, 3, 1), date(2026, 3, 31))
    addresses: Counter[tuple[str, str]] = Counter()
    for day in days:
        for row in await store.sources(day.day, day.prefix):
            addresses[row.prefix, row.address] += row.requests
    return days, addresses


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(acts, max_size=40))
async def test_whatever_comes_between_everything_is_stored_once(steps: list[Act], database: Database) -> None:
    async with database.session() as session:
        await session.run(EMPTY_TABLES)
    clock, store = WorldClock(), UsageStore(database)
    both = [Worker(UUID(int=number), clock, store) for number in range(2)]
    for worker in both:
        await worker.flusher.flush()

    for step in steps:
        await act(step, both[step.worker])
    for worker in both:
        worker.end_turn()
        worker.line.failures = []
        await worker.flusher.flush()
    days, addresses = await stored(store)

    events = [event for worker in both for event in worker.events]
    assert days == expected(events)
    assert addresses == Counter((prefix, event.address) for event in events for prefix in {"", event.prefix or ""})


@pytest.fixture
def worker(database: Database) -> Worker:
    return Worker(UUID(int=1), WorldClock(), UsageStore(database))


async def requests(worker: Worker) -> int:
    """What the node has counted as stored."""
    day = await worker.line.store.day(node_day(worker.clock.now()))
    return 0 if day is None else day.requests


async def test_a_batch_goes_again_as_it_was_and_what_was_counted_meanwhile_follows(worker: Worker) -> None:
    worker.line.failures = [Failure.REFUSED, Failure.ANSWER_LOST]
    worker.miss("88.118.8", "192.0.2.1", 200, 1_000)
    first = await worker.flusher.flush()
    worker.miss("88.118.8", "192.0.2.1", 200, 1_000)
    second = await worker.flusher.flush()
    worker.miss("88.118.8", "192.0.2.1", 200, 1_000)
    third = await worker.flusher.flush()

    assert (first, second, third) == (False, False, True)
    assert worker.line.numbers == [1, 1, 1, 2]
    assert worker.flusher.failures == 2
    assert await requests(worker) == 3


async def test_a_fault_of_a_statement_ends_nothing(worker: Worker) -> None:
    worker.line.failures, worker.line.error = [Failure.REFUSED], StorageFault("deadlock detected")
    worker.miss("88.118.8", "192.0.2.1", 200, 1_000)
    is_stored = await worker.flusher.flush()
    await worker.flusher.flush()

    assert not is_stored
    assert await requests(worker) == 1


async def test_seconds_are_settled_each_minute_and_not_in_the_minute_after_a_failure(worker: Worker) -> None:
    beginning = worker.clock.second
    for seconds in range(0, 240, 20):
        worker.line.failures = [Failure.REFUSED] if seconds == 100 else []
        worker.miss("88.118.8", "192.0.2.1", 200, 1_000)
        await worker.flusher.flush()
        worker.clock.advance(seconds=20)

    assert [at - beginning for at in worker.line.settled] == [60, 160, 220]


async def test_the_last_counts_are_stored_when_the_worker_ends(worker: Worker, database: Database) -> None:
    running = asyncio.create_task(worker.flusher.run())
    await asyncio.sleep(0)
    worker.miss("88.118.8", "192.0.2.1", 200, 1_000)
    running.cancel()
    await asyncio.wait([running])
    async with database.session() as session:
        known = await session.rows("SELECT worker FROM usage_flush")

    assert running.cancelled()
    assert await requests(worker) == 1
    assert known == []


async def test_a_flush_that_is_broken_off_is_made_good_at_the_end(worker: Worker) -> None:
    worker.line.hang = asyncio.Event()
    worker.miss("88.118.8", "192.0.2.1", 200, 1_000)
    running = asyncio.create_task(worker.flusher.run())
    await worker.line.arrived.wait()
    worker.miss("88.118.8", "192.0.2.1", 200, 1_000)
    running.cancel()
    worker.line.hang.set()
    await asyncio.wait([running])

    assert worker.line.numbers == [1, 1, 2]
    assert await requests(worker) == 2


async def test_a_worker_that_cannot_store_its_last_counts_ends_and_says_how_many_they_were(worker: Worker) -> None:
    worker.line.failures = [Failure.REFUSED] * 1_000
    worker.miss("88.118.8", "192.0.2.1", 200, 1_000)
    with capture_logs() as logs:
        running = asyncio.create_task(worker.flusher.run())
        await worker.line.arrived.wait()
        worker.miss("88.118.8", "192.0.2.1", 200, 1_000)
        running.cancel()
        await asyncio.wait([running])

    assert running.cancelled()
    assert [entry["requests"] for entry in logs if entry["event"] == "usage_lost"] == [2]
    assert await requests(worker) == 0
