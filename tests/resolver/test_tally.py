"""A turn of the event loop: its hits are settled once, together, each as long as the turn was."""

from collections.abc import Callable

import pytest
from world_clock import WorldClock

from idnode.registry.rules.moments import node_day
from idnode.resolver.tally import Outcome, Source, Tally, Turn
from idnode.resolver.usage import Usage


class Loop:
    """Runs what it was given when the test says that the turn ends."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], None]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.soon.append(callback)

    def end_turn(self) -> None:
        callbacks, self.soon = self.soon, []
        for callback in callbacks:
            callback()


@pytest.fixture
def clock() -> WorldClock:
    return WorldClock()


@pytest.fixture
def usage(clock: WorldClock) -> Usage:
    return Usage(nanoseconds=clock.nanoseconds, time_ns=clock.time_ns, node_day=node_day)


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def turn(usage: Usage, clock: WorldClock, loop: Loop) -> Turn:
    return Turn(usage, nanoseconds=clock.nanoseconds, call_soon=loop.call_soon)


def hit(turn: Turn, source: Source, tally: Tally) -> None:
    """What the front does for a hit."""
    if not source.pending:
        turn.begin(source)
    source.pending.append(tally.number)


def test_a_turn_is_settled_once_however_many_hits_and_sources_it_has(
    turn: Turn, usage: Usage, clock: WorldClock, loop: Loop
) -> None:
    found, missing = (
        usage.tally("88.118.8", "proxy", 302, Outcome.HIT),
        usage.tally("88.118.9", "proxy", 404, Outcome.NEGATIVE),
    )
    one, two = usage.source("192.0.2.1"), usage.source("192.0.2.2")
    pending = one.pending
    hit(turn, one, found)
    clock.advance(2_000)
    hit(turn, two, missing)
    hit(turn, one, found)
    hit(turn, one, missing)
    clock.advance(3_000)
    callbacks = len(loop.soon)

    loop.end_turn()

    assert callbacks == 1
    assert (found.count, missing.count) == (2, 2)
    assert one.pending is pending
    assert pending == two.pending == []
    assert usage.latency_ns == 4 * 5_000
    assert usage.latency_buckets[3] == 4
    assert sum(usage.latency_buckets) == 4


def test_the_next_turn_has_its_own_time(turn: Turn, usage: Usage, clock: WorldClock, loop: Loop) -> None:
    tally, source = usage.tally("88.118.8", "proxy", 302, Outcome.HIT), usage.source("192.0.2.1")
    hit(turn, source, tally)
    clock.advance(1_000)
    loop.end_turn()
    clock.advance(9_000_000)
    hit(turn, source, tally)
    clock.advance(3_000)
    loop.end_turn()

    batch = usage.take()

    assert batch is not None
    assert [(row.prefix, row.resolutions and row.resolutions[:4:2]) for row in batch.days] == [
        ("", (2, 3_000)),
        ("88.118.8", (2, 3_000)),
    ]
    assert usage.latency_ns == 4_000


def test_what_is_pending_when_a_batch_is_taken_is_in_the_next_one(turn: Turn, usage: Usage, loop: Loop) -> None:
    tally, source = usage.tally("88.118.8", "proxy", 302, Outcome.HIT), usage.source("192.0.2.1")
    hit(turn, source, tally)

    first = usage.take()
    loop.end_turn()
    second = usage.take()

    assert first is None
    assert second is not None
    assert [row.requests for row in second.sources] == [1, 1]
