"""Freshness: which change drops what, and when kept answers may be given without asking."""

import pytest

from idnode.resolver.freshness import Freshness
from idnode.storage.feed import ChangedThing


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Notebook:
    """Answers and a directory that note what they are told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def drop(self, group: str) -> None:
        self.told.append(f"drop {group}")

    def drop_prefix(self, prefix: str) -> None:
        self.told.append(f"drop below {prefix}")

    def clear(self) -> None:
        self.told.append("clear")

    def open_hot_path(self) -> None:
        self.told.append("open")

    def close_hot_path(self) -> None:
        self.told.append("close")

    def forget_directory(self) -> None:
        self.told.append("forget directory")


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def freshness(notebook: Notebook, clock: Clock) -> Freshness:
    """Confirmed once; the notebook knows nothing of it."""
    made = Freshness(notebook, notebook.forget_directory, monotonic=clock)
    made.confirmed(clock.seconds)
    notebook.told.clear()
    return made


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([("identifier", "88.118.8/A", "replace")], ["drop 88.118.8/A"]),
        ([("prefix", "88.118.8", "register")], ["drop below 88.118.8", "drop 0.NA/88.118.8", "forget directory"]),
        ([("prefix", "88.118.8", "stop")], ["drop below 88.118.8", "drop 0.NA/88.118.8", "forget directory"]),
        ([("template", "88.118/1.0.0", "define")], ["forget directory"]),
        ([("key", "7", "revoke"), ("enterprise", "8", "revise")], ["forget directory"]),
        (
            [("identifier", "88.118.8/A", "register"), ("key", "7", "revoke"), ("identifier", "88.118.8/B", "delete")],
            ["drop 88.118.8/A", "drop 88.118.8/B", "forget directory"],
        ),
    ],
)
def test_a_change_drops_what_it_touches_and_nothing_else(
    freshness: Freshness, notebook: Notebook, changes: list[tuple[str, str, str]], expected: list[str]
) -> None:
    freshness.changed([ChangedThing(*change) for change in changes])

    assert notebook.told == expected
    assert freshness.counters.changes == len(changes)


def test_when_anything_may_have_changed_everything_is_dropped(freshness: Freshness, notebook: Notebook) -> None:
    freshness.changed_beyond_counting()

    assert notebook.told == ["forget directory", "clear"]
    assert freshness.counters.clearances == 1


def test_what_this_process_wrote_is_dropped(freshness: Freshness, notebook: Notebook) -> None:
    freshness.written(["88.118.8/A", "88.118.8/B"])

    assert notebook.told == ["drop 88.118.8/A", "drop 88.118.8/B"]


def test_it_begins_as_lost_and_the_first_confirmation_opens_the_hot_path(notebook: Notebook, clock: Clock) -> None:
    freshness = Freshness(notebook, notebook.forget_directory, monotonic=clock)
    before = freshness.is_fresh, freshness.age_seconds(), freshness.confirmed_at

    freshness.confirmed(99.5)

    assert before == (False, None, None)
    assert (freshness.is_fresh, freshness.age_seconds(), freshness.confirmed_at) == (True, 0.5, 99.5)
    assert notebook.told == ["close", "open"]
    assert freshness.counters.catch_ups == 0


def test_a_loss_closes_the_hot_path_once_and_the_next_confirmation_opens_it(
    freshness: Freshness, notebook: Notebook
) -> None:
    freshness.lost()
    freshness.lost()
    lost = freshness.is_fresh, freshness.age_seconds()
    freshness.confirmed(100.0)
    freshness.confirmed(100.0)

    assert lost == (False, 0.0)
    assert freshness.is_fresh
    assert notebook.told == ["close", "open"]
    assert (freshness.counters.losses, freshness.counters.catch_ups) == (1, 1)


def test_confirmations_that_stop_close_the_hot_path_after_two_seconds(
    freshness: Freshness, notebook: Notebook, clock: Clock
) -> None:
    clock.seconds += 2.0
    freshness.watch()
    in_time = list(notebook.told), freshness.is_fresh
    clock.seconds += 0.01
    freshness.watch()
    freshness.watch()

    assert in_time == ([], True)
    assert notebook.told == ["close"]
    assert not freshness.is_fresh
    assert freshness.age_seconds() == pytest.approx(2.01)
