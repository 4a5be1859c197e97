"""The sending of one row, as far as it is decided without a network."""

from datetime import UTC, datetime, timedelta

import pytest

from idnode.cli.attempts import idempotency_key, is_replay, retry_delay_seconds
from idnode.cli.rows import Row

ANSWERED = datetime(2026, 1, 15, 9, 30, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempt", "jitter", "seconds"),
    [(0, 0.0, 0.125), (0, 1.0, 0.25), (1, 1.0, 0.5), (4, 1.0, 4.0), (9, 0.0, 5.0), (99, 1.0, 10.0)],
)
def test_delays_double_up_to_ten_seconds(attempt: int, jitter: float, seconds: float) -> None:
    assert retry_delay_seconds(attempt=attempt, jitter=jitter, at_least_seconds=0.0) == seconds


def test_the_node_may_ask_for_a_longer_delay() -> None:
    assert retry_delay_seconds(attempt=0, jitter=0.0, at_least_seconds=7.0) == 7.0


def test_the_same_line_has_the_same_key_in_every_run() -> None:
    row = Row(7, "88.118.8/A", b'{"identifier":"88.118.8/A"}')

    assert idempotency_key(row) == "625ccc31e81d5ffbec40afec3d073d407576c64b741b8476502229408cbe2c91"


def test_a_row_that_stands_twice_in_a_file_has_two_keys() -> None:
    assert idempotency_key(Row(7, "a/b", b"{}")) != idempotency_key(Row(8, "a/b", b"{}"))


def test_a_record_made_while_its_row_was_under_way_is_new() -> None:
    assert not is_replay(ANSWERED - timedelta(seconds=31), ANSWERED, waited=timedelta(seconds=30))


def test_a_record_made_before_its_row_was_sent_was_there() -> None:
    assert is_replay(ANSWERED - timedelta(seconds=60), ANSWERED, waited=timedelta(seconds=1))


def test_an_answer_without_a_date_counts_as_new() -> None:
    assert not is_replay(ANSWERED - timedelta(days=1), None, waited=timedelta(0))
