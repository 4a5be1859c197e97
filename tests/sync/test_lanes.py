"""A lane on a real ledger, against a top node that is awkward by script; no test waits for a back-off."""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import pytest
from played_top_node import Act, PlayedTopNode, commit, states

from idnode.model.errors import IdnodeError, Unavailable
from idnode.model.reporting import RecordState, Report
from idnode.storage.database import Database
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.ledger import Claimed, Ledger
from idnode.storage.organisations import OrganisationStore
from idnode.sync.delivery import Delivery
from idnode.sync.judging import Judged, Judging
from idnode.sync.lanes import Lane, LaneLimits
from idnode.sync.metrics import RelayCounters
from idnode.sync.relay import LANES
from idnode.sync.report.rendering import Rendering
from idnode.sync.switch import Switch
from idnode.sync.verdicts import VerdictReader

NODE = "88.118"
A, B, C = "88.118.8/A", "88.118.8/B", "88.118.8/C"
BATCH_RECORDS = 4
STEPS_MAX = 400


class Clock:
    """Monotonic; `leaps` over every wait at each look, as long as the test does not stop it."""

    def __init__(self) -> None:
        self.leaps = True
        self._seconds = count(1_000, 1_000)
        self._last = 0

    def __call__(self) -> float:
        if self.leaps:
            self._last = next(self._seconds)
        return self._last


class Refusing:
    """A rendering in front of the real one, which cannot render some subjects; for a time, or never."""

    def __init__(self, rendering: Rendering) -> None:
        self.never: set[str] = set()
        self.is_away = False
        self._rendering = rendering

    async def data_of(self, claimed: Sequence[Claimed]) -> Sequence[Mapping[str, object]]:
        if self.is_away:
            raise Unavailable("the database is away")
        if any(each.subject in self.never for each in claimed):
            raise IdnodeError("there is no such thing")
        return await self._rendering.data_of(claimed)


@dataclass
class Rig:
    """A lane for what is not due at once, and what it stands on."""

    dsn: str
    ledger: Ledger
    rendering: Refusing
    top_node: PlayedTopNode = field(default_factory=PlayedTopNode)
    clock: Clock = field(default_factory=Clock)
    switch: Switch = field(default_factory=Switch)
    counters: RelayCounters = field(default_factory=RelayCounters)
    heard: list[Judged] = field(default_factory=list)
    hook_fails: bool = False
    hook_pauses: bool = False

    def __post_init__(self) -> None:
        self.switch.turn(on=True)
        self.delivery = Delivery(self.top_node, self.counters, monotonic=self.clock, jitter=lambda: 0.5)
        self.judging = Judging(
            self.ledger, {Report.T9: self.hear}, self.counters, now=lambda: datetime(2026, 3, 9, tzinfo=UTC)
        )
        self.lane = Lane(
            NODE,
            LANES[1],
            LaneLimits(BATCH_RECORDS, tries_max=3),
            self.ledger,
            self.rendering,
            self.delivery,
            self.judging,
            self.switch,
            self.counters,
            monotonic=self.clock,
            jitter=lambda: 0.5,
        )
        self.reader = VerdictReader(NODE, self.ledger, self.top_node, self.judging, self.counters, jitter=lambda: 0.5)

    async def hear(self, judged: Sequence[Judged]) -> None:
        if self.hook_fails:
            raise Unavailable("not now")
        self.heard += judged
        self.switch.turn(on=not self.hook_pauses)

    async def owe(self, *changes: tuple[str, int]) -> None:
        """Changes that are committed, taken in and released."""
        await commit(self.dsn, *changes)
        while await self.ledger.collect():
            pass
        await self.ledger.release([Report.T9], datetime(2026, 3, 9, tzinfo=UTC))

    async def steps(self, number: int) -> list[bool]:
        return [await self.lane.step() for _ in range(number)]

    async def until_settled(self) -> None:
        """Steps until nothing is pending."""
        for _ in range(STEPS_MAX):
            if all(state != "pending" for state, _ in (await states(self.dsn)).values()):
                return
            await self.lane.step()
        pytest.fail(f"not settled after {STEPS_MAX} steps: {await states(self.dsn)}")


@pytest.fixture
async def rig(dsn: str, database: Database) -> AsyncIterator[Rig]:
    ledger = await Ledger.elected(dsn, relay="test")
    assert ledger is not None
    yield Rig(dsn, ledger, Refusing(Rendering(OrganisationStore(database), EnterpriseStore(database))))
    await ledger.close()


async def test_what_is_owed_goes_up_in_batches_in_its_order_and_is_settled_with_receipts(rig: Rig) -> None:
    await rig.owe((A, 1), (B, 1), (A, 2), (C, 1), (A, 3))

    assert await rig.steps(2) == [True, False]
    assert rig.top_node.batches == [
        ["88.118.8/A 1", "88.118.8/B 1", "88.118.8/A 2", "88.118.8/C 1"],
        ["88.118.8/A 3"],
    ]
    assert await states(rig.dsn) == {
        "88.118.8/A 1": ("accepted", "R1"),
        "88.118.8/B 1": ("accepted", "R2"),
        "88.118.8/A 2": ("accepted", "R3"),
        "88.118.8/C 1": ("accepted", "R4"),
        "88.118.8/A 3": ("accepted", "R5"),
    }
    assert rig.counters.settled == {(Report.T9, RecordState.ACCEPTED): 5}
    assert (rig.counters.batches, rig.counters.lags[Report.T9].count) == (2, 5)


async def test_nothing_is_sent_that_is_not_released(rig: Rig) -> None:
    await rig.owe((A, 1))
    await commit(rig.dsn, (B, 1))
    await rig.ledger.collect()
    await rig.steps(2)

    assert rig.top_node.batches == [["88.118.8/A 1"]]


async def test_a_failed_delivery_moves_nothing_and_the_same_records_go_up_again(rig: Rig) -> None:
    rig.top_node.acts.extend([Act.FAIL, Act.LOSE_REPLY])
    await rig.owe((A, 1), (A, 2))

    assert await rig.steps(1) == [False]
    assert set(await states(rig.dsn)) == {"88.118.8/A 1", "88.118.8/A 2"}
    assert {state for state, _ in (await states(rig.dsn)).values()} == {"pending"}
    assert await rig.steps(2) == [False, True]
    assert rig.top_node.batches == [["88.118.8/A 1", "88.118.8/A 2"]] * 3
    assert rig.top_node.effects == [(A, 1), (A, 2)]
    assert rig.counters.failures == 2


async def test_while_the_back_off_lasts_nobody_calls_the_top_node(rig: Rig) -> None:
    rig.top_node.acts.append(Act.FAIL)
    rig.clock.leaps = False
    await rig.owe((A, 1))
    await rig.steps(3)

    assert len(rig.top_node.batches) == 1


async def test_after_five_failures_the_breaker_is_open_and_the_next_success_closes_it(rig: Rig) -> None:
    rig.top_node.acts.extend([Act.FAIL] * 5)
    await rig.owe((A, 1))
    await rig.steps(5)
    opened = rig.delivery.breaker, rig.counters.breaker
    await rig.steps(1)

    assert opened == ("open", "open")
    assert (rig.delivery.breaker, rig.counters.breaker) == ("closed", "closed")
    assert rig.top_node.effects == [(A, 1)]


async def test_a_pause_that_the_top_node_asks_for_is_no_failure(rig: Rig) -> None:
    rig.top_node.acts.append(Act.THROTTLE)
    await rig.owe((A, 1))

    assert await rig.steps(2) == [False, True]
    assert (rig.counters.failures, rig.counters.throttled) == (0, 1)


async def test_a_refused_record_is_found_by_halving_and_holds_up_its_own_subject_only(rig: Rig) -> None:
    rig.top_node.refuses = {B}
    rig.clock.leaps = False
    await rig.owe((A, 1), (B, 1), (C, 1), (B, 2), (A, 2), (B, 3))

    # The second time there is nothing but what has to wait.
    assert await rig.steps(2) == [True, False]
    assert rig.top_node.effects == [(A, 1), (C, 1), (A, 2)]
    assert [batch for batch in rig.top_node.batches if "88.118.8/B 2" in batch] == [
        ["88.118.8/A 1", "88.118.8/B 1", "88.118.8/C 1", "88.118.8/B 2"]
    ]


async def test_a_refused_record_that_is_taken_later_comes_before_the_next_of_its_subject(rig: Rig) -> None:
    rig.top_node.refuses = {B}
    await rig.owe((B, 1), (B, 2))
    rig.clock.leaps = False
    await rig.steps(1)
    rig.top_node.refuses.clear()
    rig.clock.leaps = True
    await rig.until_settled()

    assert rig.top_node.effects == [(B, 1), (B, 2)]


async def test_a_record_that_is_refused_too_often_is_dead_and_the_next_of_its_subject_goes_on(rig: Rig) -> None:
    rig.top_node.refuses = {B}
    await rig.owe((B, 1), (A, 1))
    await rig.until_settled()
    await rig.owe((B, 2))
    rig.top_node.refuses.clear()
    await rig.until_settled()
    found = await states(rig.dsn)

    assert rig.top_node.effects == [(A, 1), (B, 2)]
    assert found["88.118.8/A 1"] == ("accepted", "R1")
    assert found["88.118.8/B 2"] == ("accepted", "R2")
    # A later version has gone up: it must not be sent any more.
    assert found["88.118.8/B 1"] == ("superseded", "422")
    assert rig.counters.settled[Report.T9, RecordState.DEAD] == 1
    assert len([batch for batch in rig.top_node.batches if batch == ["88.118.8/B 1"]]) == 3


async def test_records_that_an_answer_leaves_out_stay_and_go_up_again_with_what_follows_them(rig: Rig) -> None:
    rig.top_node.acts.append(Act.LEAVE_OUT_FIRST)
    await rig.owe((A, 1), (B, 1), (A, 2))

    assert await rig.steps(1) == [False]
    assert {name: state for name, (state, _) in (await states(rig.dsn)).items()} == {
        "88.118.8/A 1": "pending",
        "88.118.8/B 1": "accepted",
        "88.118.8/A 2": "pending",
    }
    assert await rig.steps(1) == [True]
    assert rig.top_node.batches[1] == ["88.118.8/A 1", "88.118.8/A 2"]
    assert rig.counters.failures == 1


async def test_answers_given_twice_and_verdicts_on_strangers_do_no_harm(rig: Rig) -> None:
    rig.top_node.acts.extend([Act.ANSWER_TWICE, Act.ADD_STRANGERS])
    await rig.owe((A, 1))
    await rig.steps(1)
    await rig.owe((B, 1))
    await rig.steps(1)

    assert {state for state, _ in (await states(rig.dsn)).values()} == {"accepted"}
    assert (rig.counters.unknown_verdicts, rig.counters.failures) == (1, 0)


async def test_a_rejection_is_kept_with_its_reason(rig: Rig) -> None:
    rig.top_node.rejects = {B}
    await rig.owe((A, 1), (B, 1))
    await rig.steps(1)

    assert await states(rig.dsn) == {"88.118.8/A 1": ("accepted", "R1"), "88.118.8/B 1": ("rejected", "not true")}


async def test_a_record_that_cannot_be_rendered_is_dead_and_the_rest_goes_on(rig: Rig) -> None:
    rig.rendering.never = {B}
    await rig.owe((A, 1), (B, 1), (C, 1))

    assert await rig.steps(1) == [True]
    assert await states(rig.dsn) == {
        "88.118.8/A 1": ("accepted", "R1"),
        "88.118.8/B 1": ("dead", "internal: there is no such thing"),
        "88.118.8/C 1": ("accepted", "R2"),
    }


async def test_what_cannot_be_rendered_now_is_not_given_up(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idnode.sync.lanes.UNRENDERED_SECONDS", 0)
    rig.rendering.is_away = True
    await rig.owe((A, 1))
    away = await rig.steps(1)
    rig.rendering.is_away = False

    assert (away, rig.top_node.batches) == ([False], [])
    assert await rig.steps(1) == [True]


async def test_a_switch_that_is_turned_off_ends_the_lane_after_the_batch_under_way(rig: Rig) -> None:
    await rig.owe(*((A, version) for version in range(1, 3 * BATCH_RECORDS)))
    rig.hook_pauses = True

    assert await rig.steps(1) == [False]
    # The hook hears of the first while the second is out.
    assert rig.top_node.batches == [[f"88.118.8/A {place + first}" for place in range(4)] for first in (1, 5)]
    assert [state for state, _ in (await states(rig.dsn)).values()] == ["accepted"] * 8 + ["pending"] * 3


async def test_a_hook_hears_verdicts_before_they_are_settled_and_once_more_when_it_could_not_act(rig: Rig) -> None:
    await rig.owe((A, 1))
    rig.hook_fails = True
    failed = await rig.steps(1)
    between = await states(rig.dsn)
    rig.hook_fails = False
    await rig.steps(1)

    assert (failed, between) == ([False], {"88.118.8/A 1": ("pending", None)})
    assert [(judged.subject, judged.version, judged.verdict.receipt) for judged in rig.heard] == [(A, 1, "R1")]
    assert await states(rig.dsn) == {"88.118.8/A 1": ("accepted", "R1")}


async def test_verdicts_that_come_later_are_read_from_where_the_reading_before_left_off(rig: Rig) -> None:
    rig.top_node.acts.append(Act.JUDGE_LATER)
    rig.top_node.rejects = {B}
    await rig.owe((A, 1), (B, 1))
    await rig.steps(1)
    sent = await states(rig.dsn)
    cursor = await rig.reader.step("")
    again = await rig.reader.step("")

    assert sent == {"88.118.8/A 1": ("sent", None), "88.118.8/B 1": ("sent", None)}
    assert await states(rig.dsn) == {"88.118.8/A 1": ("accepted", "R1"), "88.118.8/B 1": ("rejected", "not true")}
    assert (cursor, again, (await rig.ledger.state()).verdict_cursor) == ("2", "2", "2")
    assert await rig.reader.step("2") is None
    assert rig.counters.lags[Report.T9].count == 1


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_the_top_node_does_each_change_has_its_effect_once_and_in_order(rig: Rig, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311  # repeatable, and no secret
    rig.top_node.acts.extend(draw.choices(list(Act), k=40))
    versions = dict.fromkeys([A, B, C, "88.118.8/D"], 0)
    committed: list[tuple[str, int]] = []
    for _ in range(12):
        some = []
        for name in draw.choices(list(versions), k=draw.randrange(8)):
            versions[name] += 1
            some.append((name, versions[name]))
        await rig.owe(*some)
        committed += some
        for _ in range(draw.randrange(3)):
            await rig.lane.step()
    await rig.until_settled()
    cursor: str | None = ""
    while cursor is not None:
        cursor = await rig.reader.step(cursor)

    assert sorted(rig.top_node.effects) == sorted(committed)
    assert [each for each in rig.top_node.effects if each[0] == A] == [(A, n + 1) for n in range(versions[A])]
    assert {state for state, _ in (await states(rig.dsn)).values()} == {"accepted"}
