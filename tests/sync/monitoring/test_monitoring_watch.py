"""The 51 % rule and the turns: abnormal and recovered alternate, whatever the rounds see."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idnode.storage.monitoring import NODE, SITE, ProbeKind
from idnode.storage.monitoring_events import EventKind
from idnode.sync.monitoring.judging import Fault, Probed, Sighting, round_of, sightings
from idnode.sync.monitoring.watch import Streak, Turn, is_down, step

AT = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)
HTTP_503 = Fault(EventKind.SYSTEM, "HTTP 503")
REFUSED = Fault(EventKind.NETWORK, "connection refused")


@pytest.mark.parametrize(
    ("down", "points", "verdict"),
    [(0, 0, False), (0, 1, False), (1, 1, True), (1, 2, False), (2, 3, True), (50, 100, False), (51, 100, True)],
)
def test_half_of_the_points_are_not_enough(down: int, points: int, *, verdict: bool) -> None:
    assert is_down(down, points) is verdict


def test_the_second_bad_round_turns_and_the_event_began_with_the_first() -> None:
    first, nothing = step(None, is_abnormal=False, is_seen_down=True, at=AT)
    second, turn = step(first, is_abnormal=False, is_seen_down=True, at=AT + timedelta(seconds=30))

    assert (first, nothing) == (Streak(1, AT), None)
    assert (second, turn) == (Streak(2, AT), Turn.ABNORMAL)


def test_a_good_round_between_two_bad_ones_begins_anew() -> None:
    first, _ = step(None, is_abnormal=False, is_seen_down=True, at=AT)

    assert step(first, is_abnormal=False, is_seen_down=False, at=AT) == (None, None)


@given(st.lists(st.booleans(), max_size=60))
def test_abnormal_and_recovered_alternate_and_each_turn_has_two_rounds_behind_it(rounds: list[bool]) -> None:
    turns: list[tuple[int, Turn, datetime]] = []
    streak, is_abnormal = None, False
    for number, is_seen_down in enumerate(rounds):
        at = AT + timedelta(seconds=30 * number)
        streak, turn = step(streak, is_abnormal=is_abnormal, is_seen_down=is_seen_down, at=at)
        if turn is not None:
            assert streak is not None
            turns.append((number, turn, streak.since))
            is_abnormal, streak = turn is Turn.ABNORMAL, None

    assert [turn for _, turn, _ in turns] == [Turn.ABNORMAL, Turn.RECOVERED] * (len(turns) // 2) + [Turn.ABNORMAL] * (
        len(turns) % 2
    )
    for number, turn, since in turns:
        assert rounds[number - 1 : number + 1] == [turn is Turn.ABNORMAL] * 2
        assert since == AT + timedelta(seconds=30 * (number - 1))
    # What no turn has answered was never seen twice running.
    tail = rounds[turns[-1][0] + 1 if turns else 0 :]
    assert all(pair != (not is_abnormal, not is_abnormal) for pair in pairwise(tail))


def probed(point: str, resolution: Fault | None, registration: Fault | None) -> list[Probed]:
    return [
        Probed(point, ProbeKind.RESOLUTION, NODE, 900, resolution),
        Probed(point, ProbeKind.REGISTRATION, NODE, 2_000, registration),
    ]


def test_a_service_is_down_when_most_points_say_so_and_the_reason_is_the_most_frequent() -> None:
    seen = [*probed("a", None, HTTP_503), *probed("b", REFUSED, REFUSED), *probed("c", None, HTTP_503)]

    judged = round_of(seen, at=AT, every_seconds=30)

    assert (judged.points, judged.resolution_points_up, judged.registration_points_up) == (3, 2, 0)
    assert (judged.is_resolution_up, judged.is_registration_up) == (True, False)
    # The point that does not resolve is alone with it: its fault is no reason.
    assert sightings(judged, seen) == {NODE: Sighting(Fault(EventKind.SYSTEM, "registration: HTTP 503"))}


def test_points_of_which_each_misses_another_service_are_no_event() -> None:
    seen = [*probed("a", HTTP_503, None), *probed("b", None, HTTP_503)]

    judged = round_of(seen, at=AT, every_seconds=30)

    assert (judged.is_resolution_up, judged.is_registration_up) == (True, True)
    assert sightings(judged, seen) == {NODE: Sighting(None)}


def test_a_site_is_seen_by_itself_and_a_hosted_prefix_is_not() -> None:
    seen = [
        *probed("a", None, None),
        Probed(SITE, ProbeKind.RESOLUTION, "88.118.9", 700, REFUSED),
        Probed(SITE, ProbeKind.RESOLUTION, "88.118.10", 700, None),
        Probed("a", ProbeKind.RESOLUTION, "88.118.8", 700, HTTP_503),
    ]

    judged = round_of(seen, at=AT, every_seconds=30)

    assert judged.points == 1
    assert sightings(judged, seen) == {
        NODE: Sighting(None),
        "88.118.9": Sighting(Fault(EventKind.NETWORK, "88.118.9: connection refused")),
        "88.118.10": Sighting(None),
    }
