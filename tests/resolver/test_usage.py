"""Counting: by kind, prefix, second, day and source; bounded, and nothing lost at a bound."""

from datetime import date

import pytest
from world_clock import WorldClock

from idnode.registry.rules.moments import node_day
from idnode.resolver.ledger import Ledger
from idnode.resolver.tally import Outcome
from idnode.resolver.usage import BUCKETS, Usage
from idnode.storage.usage import DayCounts, SecondCount, SourceCount, Timing, UsageBatch


@pytest.fixture
def clock() -> WorldClock:
    return WorldClock()


@pytest.fixture
def usage(clock: WorldClock) -> Usage:
    return Usage(nanoseconds=clock.nanoseconds, time_ns=clock.time_ns, node_day=node_day)


def answer(
    usage: Usage, prefix: str | None = "88.118.8", *, status: int = 200, address: str = "192.0.2.1", took: int = 1_000
) -> None:
    usage.count(address, usage.tally(prefix, "handle-rest", status, Outcome.MISS), took)


def taken(usage: Usage) -> UsageBatch:
    batch = usage.take()
    assert batch is not None
    return batch


def test_a_batch_has_days_seconds_and_sources_of_each_prefix_and_of_the_node(usage: Usage, clock: WorldClock) -> None:
    second, day = clock.second, node_day(clock.now())
    answer(usage, took=1_000)
    answer(usage, took=3_000, status=404)
    clock.advance(seconds=1)
    answer(usage, took=2_000, address="192.0.2.2")
    answer(usage, None, took=500, status=404)
    answer(usage, "88.118.9", took=9_000, status=302)
    clock.advance(seconds=1)

    batch = usage.take()
    empty = usage.take()

    assert batch == UsageBatch(
        second + 2,
        (
            DayCounts(day, "", Timing(5, 15_500, 9_000, second + 1, 500, second + 1), 3, None),
            DayCounts(day, "88.118.8", Timing(3, 6_000, 3_000, second, 1_000, second), 2, None),
            DayCounts(day, "88.118.9", Timing(1, 9_000, 9_000, second + 1, 9_000, second + 1), 1, None),
        ),
        (
            SecondCount("88.118.8", second, day, 2),
            SecondCount("", second, day, 2),
            SecondCount("88.118.8", second + 1, day, 1),
            SecondCount("88.118.9", second + 1, day, 1),
            SecondCount("", second + 1, day, 3),
        ),
        (
            SourceCount(day, "88.118.8", "192.0.2.1", 2),
            SourceCount(day, "88.118.9", "192.0.2.1", 1),
            SourceCount(day, "88.118.8", "192.0.2.2", 1),
            SourceCount(day, "", "192.0.2.1", 4),
            SourceCount(day, "", "192.0.2.2", 1),
        ),
    )
    assert empty is None


def test_at_midnight_in_beijing_another_day_begins(usage: Usage, clock: WorldClock) -> None:
    clock.advance(999_999_999, seconds=9)
    answer(usage)
    usage.registered("88.118.8", 10)
    clock.advance(1)
    answer(usage, address="192.0.2.2")
    answer(usage, address="192.0.2.2")

    batch = taken(usage)

    assert [(f"{row.day}", row.prefix, row.resolutions and row.resolutions.times) for row in batch.days] == [
        ("2026-03-09", "", 1),
        ("2026-03-09", "88.118.8", 1),
        ("2026-03-10", "", 2),
        ("2026-03-10", "88.118.8", 2),
    ]
    assert [f"{row.day} {row.prefix}" for row in batch.days if row.registrations] == [
        "2026-03-09 ",
        "2026-03-09 88.118.8",
    ]
    assert [(f"{row.day}", row.address, row.requests) for row in batch.sources if row.prefix] == [
        ("2026-03-09", "192.0.2.1", 1),
        ("2026-03-10", "192.0.2.2", 2),
    ]
    assert [(f"{row.day}", row.requests) for row in batch.seconds if row.prefix] == [
        ("2026-03-09", 1),
        ("2026-03-10", 2),
    ]


def test_registrations_have_times_of_their_own(usage: Usage, clock: WorldClock) -> None:
    second = clock.second
    usage.registered("88.118.8", 50)
    clock.advance(seconds=1)
    usage.registered("88.118.8", 30)
    usage.registered("88.118.8", 40)

    batch = taken(usage)

    assert [row.registrations for row in batch.days] == [Timing(3, 120, 50, second, 30, second + 1)] * 2
    assert [row.resolutions for row in batch.days] == [None, None]
    assert (batch.seconds, batch.sources) == ((), ())


def test_registrations_of_one_batch_count_one_by_one_and_each_took_as_long_as_all(
    usage: Usage, clock: WorldClock
) -> None:
    usage.registered("88.118.8", 50, 3)

    batch = taken(usage)

    assert [row.registrations for row in batch.days] == [Timing(3, 150, 50, clock.second, 50, clock.second)] * 2


def test_of_equal_extremes_the_earliest_stays_though_the_clock_is_set_back(usage: Usage, clock: WorldClock) -> None:
    second = clock.second
    answer(usage)
    clock.advance(seconds=1)
    answer(usage)
    clock.advance(seconds=1)
    clock.wall_ns -= 5_000_000_000
    answer(usage)

    batch = taken(usage)

    assert batch.days[0].resolutions == Timing(3, 3_000, 1_000, second - 3, 1_000, second - 3)
    assert sorted(row.second - second for row in batch.seconds if row.prefix) == [-3, 0, 1]


def test_a_second_goes_on_in_the_next_batch(usage: Usage, clock: WorldClock) -> None:
    answer(usage)
    first = taken(usage)
    clock.advance(999_999_999)
    answer(usage)
    second = taken(usage)

    assert first.seconds == second.seconds
    assert [row.requests for row in second.seconds] == [1, 1]


def test_kinds_are_counted_from_the_beginning_whatever_is_taken(usage: Usage) -> None:
    hit = usage.tally("88.118.8", "proxy", 302, Outcome.HIT)
    answer(usage, status=404)
    usage.count(usage.source("192.0.2.1"), hit, 2_000_000)
    usage.take()
    answer(usage, "88.118.9", status=404)

    assert usage.by_route_and_status() == {("handle-rest", 404): 2, ("proxy", 302): 1}
    assert usage.by_outcome() == {"hit": 1, "negative": 0, "miss": 2, "stale": 0, "error": 0}
    assert usage.latency_ns == 2_002_000
    assert (usage.latency_buckets[1], usage.latency_buckets[11]) == (2, 1)
    assert usage.tally("88.118.8", "proxy", 302, Outcome.HIT) is hit


def test_the_longest_times_are_in_the_last_bucket(usage: Usage) -> None:
    answer(usage, took=86_400_000_000_000)
    answer(usage, took=0)

    assert (usage.latency_buckets[0], usage.latency_buckets[-1]) == (1, 1)
    assert len(usage.latency_buckets) == BUCKETS


def test_prefixes_beyond_the_bound_count_for_the_node_alone(usage: Usage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idnode.resolver.usage.PREFIXES_MAX", 2)
    for last in (1, 2, 3, 4, 1):
        answer(usage, f"88.118.{last}")
        usage.registered(f"88.118.{last}", 10)

    batch = taken(usage)

    assert {row.prefix: (row.resolutions and row.resolutions.times) for row in batch.days} == {
        "": 5,
        "88.118.1": 2,
        "88.118.2": 1,
    }
    assert {row.prefix: (row.registrations and row.registrations.times) for row in batch.days} == {
        "": 5,
        "88.118.1": 2,
        "88.118.2": 1,
    }
    assert usage.tally("88.118.3", "proxy", 200, Outcome.HIT) is usage.tally("88.118.4", "proxy", 200, Outcome.HIT)
    assert usage.tally("88.118.3", "proxy", 200, Outcome.HIT).prefix is None


def test_addresses_beyond_the_bound_count_together(usage: Usage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idnode.resolver.ledger.SOURCE_ROWS_MAX", 2)
    for last in (1, 2, 3, 4, 2):
        answer(usage, address=f"192.0.2.{last}")

    batch = taken(usage)

    assert {row.address: row.requests for row in batch.sources if row.prefix} == {"192.0.2.1": 1, "192.0.2.2": 2, "": 2}
    assert {row.address: row.requests for row in batch.sources if not row.prefix} == {
        "192.0.2.1": 1,
        "192.0.2.2": 2,
        "": 2,
    }


def test_a_source_that_is_held_counts_after_it_was_forgotten(usage: Usage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idnode.resolver.usage.SOURCES_MAX", 2)
    tally = usage.tally("88.118.8", "proxy", 302, Outcome.HIT)
    held = usage.source("192.0.2.1")
    remembered = usage.source("192.0.2.1")
    usage.count(held, tally, 1)
    usage.source("192.0.2.2")
    usage.source("192.0.2.3")
    anew = usage.source("192.0.2.1")
    usage.count(held, tally, 1)
    usage.count(anew, tally, 1)

    batch = taken(usage)

    assert remembered is held
    assert anew is not held
    assert batch.sources[0] == SourceCount(batch.days[0].day, "88.118.8", "192.0.2.1", 3)


def test_sources_that_hold_much_are_gathered_and_nothing_is_lost(usage: Usage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idnode.resolver.usage.HELD_MAX", 3)
    one, two = usage.source("192.0.2.1"), usage.source("192.0.2.2")
    tally = usage.tally("88.118.8", "proxy", 302, Outcome.HIT)
    held = []
    for source in (one, two, one, one, two, two, two):
        usage.count(source, tally, 1)
        held.append(len(one.answered) + len(two.answered))

    batch = taken(usage)

    assert held == [1, 2, 0, 1, 2, 0, 1]
    assert {row.address: row.requests for row in batch.sources} == {"192.0.2.1": 3, "192.0.2.2": 4}


def test_of_too_many_seconds_the_busiest_of_each_prefix_and_day_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idnode.resolver.ledger.SECOND_ROWS_MAX", 6)
    ledger, monday, tuesday = Ledger(), date(2026, 3, 9), date(2026, 3, 10)
    ledger.day(monday, "88.118.8")
    for second, requests in enumerate((1, 3, 3, 2)):
        ledger.add_second(monday, "88.118.8", second, requests)
    ledger.add_second(tuesday, "88.118.8", 4, 1)
    ledger.add_second(monday, "88.118.9", 2, 1)
    ledger.add_second(tuesday, "88.118.8", 5, 2)
    ledger.add_second(monday, "88.118.8", 1, 1)

    batch = ledger.batch(6)

    assert batch is not None
    assert batch.seconds == (
        SecondCount("88.118.8", 1, monday, 4),
        SecondCount("88.118.9", 2, monday, 1),
        SecondCount("88.118.8", 4, tuesday, 1),
        SecondCount("88.118.8", 5, tuesday, 2),
    )
