"""Back-off and circuit breaker, on a clock that the test holds."""

import pytest

from idnode.sync.breaker import Breaker, BreakerState, wait_seconds


def failed(times: int, *, now: float = 0.0, jitter: float = 0.5) -> Breaker:
    breaker = Breaker()
    for _ in range(times):
        breaker.begin()
        breaker.failed(now=now, jitter=jitter)
    return breaker


@pytest.mark.parametrize(
    ("failures", "jitter", "seconds"),
    [
        (1, 0.0, 0.2),
        (1, 0.999, 0.3996),
        (2, 0.5, 0.4),
        (3, 0.5, 0.8),
        (7, 0.5, 12.8),
        (8, 0.5, 15.0),
        (10_000, 0.999, 29.97),
        (10_000, 0.0, 0.2),
    ],
)
def test_the_wait_is_drawn_below_a_ceiling_that_doubles_up_to_thirty_seconds(
    failures: int, jitter: float, seconds: float
) -> None:
    assert wait_seconds(failures, jitter=jitter) == pytest.approx(seconds)


def test_a_fresh_breaker_lets_calls_through() -> None:
    assert Breaker().wait_seconds(now=0.0) == 0


def test_a_failure_makes_the_next_call_wait_and_an_answer_ends_the_row() -> None:
    breaker = failed(1, now=10.0)
    before = breaker.wait_seconds(now=10.0), breaker.wait_seconds(now=10.2)
    breaker.answered()
    breaker.failed(now=20.0, jitter=0.5)

    assert before == pytest.approx((0.2, 0.0))
    assert breaker.failures == 1


def test_the_fifth_failure_in_a_row_opens_it() -> None:
    assert [failed(times).state for times in (4, 5)] == [BreakerState.CLOSED, BreakerState.OPEN]


def test_after_the_wait_one_call_goes_through_and_the_others_wait_for_it() -> None:
    breaker = failed(5, now=0.0)
    waits = [breaker.wait_seconds(now=0.0), breaker.wait_seconds(now=3.3)]
    breaker.begin()

    assert waits == [pytest.approx(3.2), 0.0]
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.wait_seconds(now=100.0) == 0.2


def test_the_call_that_goes_through_closes_it_or_opens_it_for_longer() -> None:
    good, bad = failed(5), failed(5)
    for breaker in (good, bad):
        breaker.begin()
    good.answered()
    bad.failed(now=100.0, jitter=0.5)

    assert (good.state, bad.state) == (BreakerState.CLOSED, BreakerState.OPEN)
    assert (good.wait_seconds(now=100.0), bad.wait_seconds(now=100.0)) == pytest.approx((0.0, 6.4))


def test_a_late_answer_to_a_call_of_before_closes_it() -> None:
    breaker = failed(5)
    breaker.answered()

    assert breaker.state is BreakerState.CLOSED


def test_a_pause_that_is_asked_for_is_kept_is_bounded_and_is_no_failure() -> None:
    breaker, greedy = failed(4), Breaker()
    breaker.throttled(now=0.0, seconds=7.0)
    greedy.throttled(now=0.0, seconds=86_400.0)

    assert (breaker.state, breaker.failures, breaker.wait_seconds(now=0.0)) == (BreakerState.CLOSED, 4, 7.0)
    assert greedy.wait_seconds(now=0.0) == 600.0


def test_a_pause_that_is_asked_for_by_the_probe_is_kept_before_the_next_probe() -> None:
    breaker = failed(5)
    breaker.begin()
    breaker.throttled(now=100.0, seconds=7.0)

    assert (breaker.state, breaker.wait_seconds(now=101.0)) == (BreakerState.OPEN, 6.0)
