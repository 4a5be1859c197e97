"""The wait before a fallen worker is started again."""

from idnode.workers.backoff import Backoff


def test_the_wait_doubles_up_to_ten_seconds() -> None:
    backoff = Backoff()

    waits = [backoff.fell(ready_seconds=1) for _ in range(10)]

    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0]


def test_a_worker_that_was_ready_for_long_falls_for_the_first_time() -> None:
    backoff = Backoff()
    waits = [backoff.fell(ready_seconds=0) for _ in range(3)]

    waits += [backoff.fell(ready_seconds=10.0), backoff.fell(ready_seconds=9.9)]

    assert waits == [0.1, 0.2, 0.4, 0.1, 0.2]


def test_falling_for_ever_is_no_error() -> None:
    backoff = Backoff(falls=5_000)

    assert backoff.fell(ready_seconds=0) == 10.0
