"""Usage in PostgreSQL: sums, extremes and peaks of several workers, each batch once, bounded and never in a ring."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from idnode.storage.database import Database
from idnode.storage.usage import (
    DayCounts,
    Latency,
    Peak,
    SecondCount,
    SourceCount,
    Timing,
    UsageBatch,
    UsageDay,
    UsageStore,
)

DAY = date(2026, 3, 9)
AT = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
S = int(AT.timestamp())
ONE, TWO, THREE = UUID(int=1), UUID(int=2), UUID(int=3)
EMPTY = UsageBatch(S, (), (), ())


@pytest.fixture
def store(database: Database) -> UsageStore:
    return UsageStore(database)


def after(seconds: int) -> datetime:
    return AT + timedelta(seconds=seconds)


def days(*timings: Timing, prefix: str = "88.118.8", successes: int = 0) -> UsageBatch:
    return replace(EMPTY, days=tuple(DayCounts(DAY, prefix, timing, successes, None) for timing in timings))


def seconds(counts: dict[int, int], *, taken: int = S, prefix: str = "88.118.8") -> UsageBatch:
    """Requests by second, counted from S."""
    rows = tuple(SecondCount(prefix, S + second, DAY, requests) for second, requests in counts.items())
    total = Timing(sum(counts.values()), 1, 1, S, 1, S)
    return UsageBatch(taken, (DayCounts(DAY, prefix, total, 0, None),), rows, ())


def sources(requests: dict[str, int], *, prefix: str = "88.118.8") -> UsageBatch:
    batch = days(Timing(sum(requests.values()), 1, 1, S, 1, S), prefix=prefix)
    return replace(batch, sources=tuple(SourceCount(DAY, prefix, *row) for row in requests.items()))


async def peak(store: UsageStore) -> tuple[int, int] | None:
    """Of the prefix, its second counted from S."""
    day = await store.day(DAY, "88.118.8")
    if day is None or day.peak is None:
        return None
    return day.peak.requests, int(day.peak.at.timestamp()) - S


async def stored(dsn: str, table: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")]  # noqa: S608
    finally:
        await connection.close()


async def test_what_was_added_is_read_back_as_a_day_of_a_prefix(store: UsageStore) -> None:
    resolutions, registrations = Timing(4, 1_000, 700, S + 1, 50, S + 2), Timing(2, 30, 20, S + 3, 10, S + 4)
    batch = UsageBatch(
        S + 5,
        (DayCounts(DAY, "88.118.8", resolutions, 3, registrations), DayCounts(DAY, "", None, 0, registrations)),
        (SecondCount("88.118.8", S + 1, DAY, 1), SecondCount("88.118.8", S + 2, DAY, 3)),
        (SourceCount(DAY, "88.118.8", "192.0.2.1", 1), SourceCount(DAY, "88.118.8", "2001:db8::1", 3)),
    )

    added = await store.add(ONE, 1, batch)

    assert added
    registered = Latency(15, 20, after(3), 10, after(4))
    assert await store.days(DAY, DAY) == [
        UsageDay(DAY, "", 0, 0, None, None, 2, registered),
        UsageDay(DAY, "88.118.8", 4, 3, Latency(250, 700, after(1), 50, after(2)), Peak(3, after(2)), 2, registered),
    ]
    assert await store.sources(DAY, "88.118.8") == [
        SourceCount(DAY, "88.118.8", "2001:db8::1", 3),
        SourceCount(DAY, "88.118.8", "192.0.2.1", 1),
    ]
    assert await store.day(DAY, "88.118.9") is None
    assert await store.days(DAY + timedelta(days=1), DAY + timedelta(days=9)) == []


async def test_a_batch_that_is_sent_again_counts_once(store: UsageStore, dsn: str) -> None:
    batch = replace(seconds({0: 3}), sources=(SourceCount(DAY, "88.118.8", "192.0.2.1", 3),))
    tables = ("usage_day", "usage_source", "resolution_second", "usage_flush")
    await store.add(ONE, 1, batch)
    before = [await stored(dsn, table) for table in tables]

    again = await store.add(ONE, 1, batch)
    kept = [await stored(dsn, table) for table in tables]
    later, others = await store.add(ONE, 2, batch), await store.add(TWO, 1, batch)
    day = await store.day(DAY, "88.118.8")

    assert not again
    assert kept == before
    assert later
    assert others
    assert day is not None
    assert (day.requests, day.peak) == (9, Peak(9, after(0)))
    assert await store.sources(DAY, "88.118.8") == [SourceCount(DAY, "88.118.8", "192.0.2.1", 9)]


async def test_workers_add_up_and_the_further_extreme_stands(store: UsageStore) -> None:
    await store.add(ONE, 1, days(Timing(2, 100, 60, S + 1, 40, S + 2), successes=2))
    await store.add(TWO, 1, days(Timing(3, 200, 90, S + 9, 50, S + 8), successes=1))
    await store.add(ONE, 2, days(Timing(1, 30, 30, S + 7, 30, S + 7)))

    day = await store.day(DAY, "88.118.8")

    assert day is not None
    assert (day.requests, day.successes) == (6, 3)
    assert day.latency == Latency(55, 90, after(9), 30, after(7))


async def test_of_equal_extremes_the_earliest_stands_whoever_comes_first(store: UsageStore) -> None:
    await store.add(ONE, 1, days(Timing(2, 100, 60, S + 5, 40, S + 5)))
    await store.add(TWO, 1, days(Timing(2, 100, 60, S + 3, 40, S + 4)))
    await store.add(THREE, 1, days(Timing(2, 100, 60, S + 6, 40, S + 6)))

    day = await store.day(DAY, "88.118.8")

    assert day is not None
    assert day.latency == Latency(50, 60, after(3), 40, after(4))


async def test_a_second_that_two_workers_share_can_be_the_peak_of_neither(store: UsageStore) -> None:
    await store.add(ONE, 1, seconds({0: 5, 1: 3}, taken=S + 100))
    await store.add(TWO, 1, seconds({1: 3, 2: 5}, taken=S + 100))

    before = await peak(store)
    await store.settle(ONE, S + 100)

    assert before == (6, 1)
    assert await peak(store) == (6, 1)


async def test_settled_seconds_leave_their_peak_and_are_gone(store: UsageStore, dsn: str) -> None:
    await store.add(ONE, 1, seconds({0: 2, 1: 4, 2: 4, 39: 1, 40: 9}, taken=S + 100))
    await store.settle(ONE, S + 100)
    open_seconds = [row[1:] for row in await stored(dsn, "resolution_second")]
    await store.add(ONE, 2, seconds({41: 4}, taken=S + 200))
    await store.settle(ONE, S + 200)

    assert open_seconds == [(S + 40, DAY, 9)]
    assert await stored(dsn, "resolution_second") == []
    assert await peak(store) == (9, 40)


async def test_of_equal_peaks_the_earliest_stands_though_it_is_settled_last(store: UsageStore) -> None:
    await store.add(ONE, 1, seconds({5: 4, 7: 4}, taken=S + 100))
    await store.settle(ONE, S + 100)
    first = await peak(store)
    await store.add(ONE, 2, seconds({3: 4, 9: 4}, taken=S + 200))
    await store.settle(ONE, S + 200)

    assert first == (4, 5)
    assert await peak(store) == (4, 3)


async def test_no_second_is_settled_that_a_living_worker_may_still_add_to(store: UsageStore, dsn: str) -> None:
    await store.add(TWO, 1, seconds({0: 3}, taken=S + 2))
    await store.add(ONE, 1, seconds({0: 3, 1: 4, 5: 5}, taken=S + 300))
    await store.settle(ONE, S + 300)
    waiting = len(await stored(dsn, "resolution_second"))
    await store.add(TWO, 2, seconds({1: 4}, taken=S + 301))
    await store.settle(TWO, S + 301)

    assert waiting == 3
    assert await stored(dsn, "resolution_second") == []
    assert await peak(store) == (8, 1)


async def test_a_worker_that_is_gone_or_has_left_holds_nothing_up(store: UsageStore, dsn: str) -> None:
    await store.add(TWO, 1, seconds({0: 3}, taken=S + 2))
    await store.add(THREE, 1, seconds({0: 3}, taken=S + 600))
    await store.leave(THREE)
    await store.settle(ONE, S + 603)

    assert await stored(dsn, "resolution_second") == []
    assert await peak(store) == (6, 0)


async def test_an_idle_worker_holds_nothing_up_once_it_was_heard_of(store: UsageStore, dsn: str) -> None:
    await store.add(TWO, 1, EMPTY)
    await store.add(ONE, 1, seconds({0: 3}, taken=S + 100))
    await store.settle(TWO, S + 99)
    await store.settle(ONE, S + 100)

    assert await stored(dsn, "resolution_second") == []
    assert await store.add(TWO, 1, seconds({0: 3})) is False


async def test_workers_long_gone_are_forgotten(store: UsageStore, dsn: str) -> None:
    await store.add(ONE, 1, replace(EMPTY, taken=S))
    await store.add(TWO, 1, replace(EMPTY, taken=S + 1))

    await store.forget_workers(S + 1)

    assert await stored(dsn, "usage_flush") == [(TWO, 1, S + 1)]


async def test_addresses_are_bounded_by_prefix_and_day(store: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idnode.storage.usage.SOURCES_STORED_MAX", 3)
    await store.add(ONE, 1, sources({"192.0.2.1": 1, "192.0.2.2": 2}))
    await store.add(TWO, 1, sources({"192.0.2.2": 2, "192.0.2.3": 3, "192.0.2.4": 4, "192.0.2.5": 3}))
    await store.add(ONE, 2, sources({"192.0.2.6": 6, "192.0.2.1": 1, "": 5}))
    await store.add(ONE, 3, sources({"192.0.2.6": 6}, prefix="88.118.9"))

    found = {row.address: row.requests for row in await store.sources(DAY, "88.118.8")}

    assert found == {"": 17, "192.0.2.4": 4, "192.0.2.2": 4, "192.0.2.1": 2}
    assert await store.sources(DAY, "88.118.9") == [SourceCount(DAY, "88.118.9", "192.0.2.6", 6)]


async def test_the_bound_of_addresses_holds_when_workers_add_at_once(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.usage.SOURCES_STORED_MAX", 10)
    batches = [sources({f"192.0.2.{net}{host}": 1 for host in range(8)}) for net in range(1, 5)]

    await asyncio.gather(*(store.add(UUID(int=at), 1, batch) for at, batch in enumerate(batches)))
    found = {row.address: row.requests for row in await store.sources(DAY, "88.118.8")}

    assert len(found) == 11
    assert found[""] == 22


@pytest.mark.parametrize("has_seconds", [True, False])
async def test_workers_that_add_and_settle_in_opposite_orders_never_wait_in_a_ring(
    store: UsageStore, has_seconds: bool
) -> None:
    prefixes = [f"88.118.{number:03}" for number in range(1_000)]
    one = [seconds(dict.fromkeys(range(2), 1), prefix=prefix, taken=S + 100) for prefix in prefixes]
    batch = UsageBatch(
        S + 100,
        tuple(row for batch in one for row in batch.days),
        tuple(row for batch in one for row in batch.seconds) if has_seconds else (),
        tuple(SourceCount(DAY, prefix, "192.0.2.1", 2) for prefix in prefixes),
    )
    turned = UsageBatch(S + 100, batch.days[::-1], batch.seconds[::-1], batch.sources[::-1])

    for number in range(1, 4):
        await asyncio.gather(
            store.add(ONE, number, batch),
            store.settle(ONE, S + 100),
            store.add(TWO, number, turned),
            store.settle(TWO, S + 100),
        )
    days = await store.days(DAY, DAY)

    assert [day.requests for day in days] == [12] * 1_000
    assert [row.requests for row in await store.sources(DAY, "88.118.050")] == [12]
