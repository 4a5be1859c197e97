"""Buckets of tokens: a burst, then a rate, for each address by itself; bounded, and off when there is no rate."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idnode.frontends.token_bucket import TokenBuckets


class Clock:
    """Seconds, moved by the test."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_burst_passes_and_the_next_request_waits_for_a_token(clock: Clock) -> None:
    buckets = TokenBuckets(2, 3, 1_000, clock)

    assert [buckets.take("203.0.113.7") for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, 0.5]


def test_tokens_come_back_at_the_rate_and_not_beyond_the_burst(clock: Clock) -> None:
    buckets = TokenBuckets(2, 3, 1_000, clock)
    for _ in range(3):
        buckets.take("203.0.113.7")
    clock.seconds += 0.25
    assert buckets.take("203.0.113.7") == 0.25
    clock.seconds += 0.25
    assert [buckets.take("203.0.113.7") for _ in range(2)] == [0.0, 0.5]

    clock.seconds += 3_600

    assert [buckets.take("203.0.113.7") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


def test_addresses_do_not_take_from_each_other(clock: Clock) -> None:
    buckets = TokenBuckets(1, 1, 1_000, clock)

    assert [buckets.take(address) for address in ("203.0.113.7", "203.0.113.8", "", "203.0.113.7")] == [0, 0, 0, 1.0]


def test_ipv6_is_counted_by_the_network_of_64_bits(clock: Clock) -> None:
    buckets = TokenBuckets(1, 1, 1_000, clock)
    addresses = ("2001:db8::1", "2001:db8:0:1::1", "2001:db8::ffff:0:0:1", "2001:db8:0:0:1::", "fe80::1%x", "fe80::2%x")

    assert [buckets.take(address) for address in addresses] == [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]


def test_without_a_rate_nobody_waits_and_nobody_is_kept(clock: Clock) -> None:
    buckets = TokenBuckets(0, 1, 1_000, clock)

    assert [buckets.take("203.0.113.7") for _ in range(3)] == [0.0, 0.0, 0.0]
    assert (buckets.is_on, buckets.entries) == (False, 0)
    assert TokenBuckets(0.5, 1, 1_000, clock).is_on


def test_a_rate_below_one_makes_long_waits(clock: Clock) -> None:
    buckets = TokenBuckets(0.01, 1, 1_000, clock)

    assert [buckets.take("203.0.113.7") for _ in range(2)] == [0.0, 100.0]


def test_full_buckets_are_forgotten(clock: Clock) -> None:
    buckets = TokenBuckets(1, 10, 1_000, clock)
    for number in range(300):
        buckets.take(f"203.0.113.{number}")
    assert buckets.entries == 300

    clock.seconds += 10
    buckets.take("198.51.100.1")
    clock.seconds += 10
    buckets.take("198.51.100.1")

    assert buckets.entries == 2


def test_there_are_never_more_than_the_limit_and_whoever_keeps_asking_is_not_forgotten(clock: Clock) -> None:
    buckets = TokenBuckets(0.001, 5, 100, clock)
    passed = 0
    for number in range(2_000):
        buckets.take(f"2001:db8:0:{number:x}::1")
        passed += buckets.take("203.0.113.7") == 0.0
        assert buckets.entries <= 100

    assert passed == 5


def test_a_bucket_is_not_full_again_before_its_time_while_few_ask(clock: Clock) -> None:
    buckets = TokenBuckets(1, 10, 1_000, clock)
    for _ in range(10):
        buckets.take("203.0.113.7")
    for _ in range(9):
        clock.seconds += 1
        buckets.take("198.51.100.1")

    assert [buckets.take("203.0.113.7") for _ in range(10)] == [0.0] * 9 + [1.0]


@settings(max_examples=200, derandomize=True)
@given(
    st.floats(0.01, 10_000),
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0, 30), st.integers(1, 60)), min_size=1, max_size=10),
)
def test_never_more_pass_than_burst_and_rate_allow_and_a_wait_is_long_enough(
    rate: float, burst: int, asked: list[tuple[float, int]]
) -> None:
    clock = Clock()
    buckets = TokenBuckets(rate, burst, 1_000, clock)
    passed = 0
    for pause, requests in asked:
        clock.seconds += pause
        waits = [buckets.take("203.0.113.7") for _ in range(requests)]
        passed += waits.count(0.0)

        assert passed <= burst + (clock.seconds - 1_000.0) * rate + 0.01 + rate * 1e-5
        if waits[-1] > 0:
            clock.seconds += waits[-1]
            assert buckets.take("203.0.113.7") == 0.0
            passed += 1
