"""Shapes and runs: users at every second, paces, and what the command line may ask for."""

from random import Random

import pytest

from loadtest.dataset import DatasetForm
from loadtest.runs import SCENARIOS, Job, Pacing, Run
from loadtest.shapes import users_at


def users(shape: str, seconds: float, peak: int, at: list[float]) -> list[int | None]:
    return [users_at(shape, second=second, seconds=seconds, users=peak) for second in at]


def test_a_ramp_rises_evenly_and_stays() -> None:
    assert users("ramp", 100, 40, [0, 20, 40, 80, 99.9]) == [1, 10, 20, 40, 40]


def test_steady_is_steady() -> None:
    assert users("steady", 100, 40, [0, 50, 99.9]) == [40, 40, 40]


def test_a_spike_comes_at_once_and_goes_at_once() -> None:
    assert users("spike", 100, 40, [0, 39.9, 40, 59.9, 60, 99.9]) == [8, 8, 40, 40, 8, 8]


def test_a_soak_rises_within_half_a_minute_and_stays_at_six_of_ten() -> None:
    assert users("soak", 3600, 40, [0, 15, 30, 1800, 3599]) == [1, 12, 24, 24, 24]


def test_a_short_soak_rises_within_a_tenth() -> None:
    assert users("soak", 10, 40, [0.5, 1, 9]) == [12, 24, 24]


@pytest.mark.parametrize("shape", ["ramp", "steady", "spike", "soak"])
def test_every_shape_ends_in_time_and_never_has_more_than_its_peak(shape: str) -> None:
    counts = users(shape, 30, 7, [tenth / 10 for tenth in range(300)])

    assert all(count is not None and 1 <= count <= 7 for count in counts)
    assert users(shape, 30, 7, [30, 31]) == [None, None]


def test_a_run_is_read_from_text() -> None:
    assert Run.parse("mixed:soak:3600") == Run("mixed", "soak", 3600.0, 40)
    assert Run.parse("reader:ramp:1.5:9") == Run("reader", "ramp", 1.5, 9)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mixed", "'mixed' is not scenario:shape:seconds"),
        ("mixed:soak", "is not scenario:shape:seconds"),
        ("mixed:soak:1:2:3", "is not scenario:shape:seconds"),
        ("shop:soak:10", "'shop:soak:10' is not scenario:shape:seconds"),
        ("mixed:wave:10", "shape: 'wave' is none of ramp, steady, spike, soak"),
        ("mixed:soak:0", "seconds: 0 is not above 0 and at most 604800"),
        ("mixed:soak:nan", "seconds: nan is not above 0"),
        ("mixed:soak:soon", "could not convert string to float: 'soon'"),
        ("mixed:soak:10:0", "users: 0 is not between 1 and 2000"),
    ],
)
def test_a_run_that_cannot_be_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Run.parse(text)


def test_a_job_reaches_the_locust_process_whole() -> None:
    job = Job(Run("batch", "steady", 5.0, 2), DatasetForm(1, "a", "88.118", 10), "B2N", 1.1, "/tmp/x.json")  # noqa: S108

    assert Job.from_json(job.to_json()) == job


def test_the_mixed_scenario_asks_for_the_mean_of_its_parts() -> None:
    # 14 readers of 20/s, 5 factories of 5/s and a batch resolver of 3/s among twenty.
    assert SCENARIOS["mixed"].rate == pytest.approx((14 * 20 + 5 * 5 + 3) / 20)


def test_a_pace_keeps_its_rate_whatever_the_answers_take() -> None:
    pacing, now = Pacing(10.0, Random(3)), 0.0  # noqa: S311  # draws that repeat are wanted
    sent = 0
    while now < 1000:
        now += pacing.wait_seconds(now) + 0.02
        sent += 1

    assert sent == pytest.approx(10_000, rel=0.03)


def test_who_is_far_behind_does_not_send_everything_at_once() -> None:
    pacing = Pacing(10.0, Random(3))  # noqa: S311  # draws that repeat are wanted
    pacing.wait_seconds(0.0)
    at_once = 0
    while pacing.wait_seconds(1000.0) == 0:
        at_once += 1

    # One second of backlog at ten a second, not a thousand.
    assert 0 < at_once < 30
