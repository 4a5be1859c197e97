"""Freshness: what is kept in memory follows the change feed, and is not trusted when the feed falls silent."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from idnode.model.change import Subject
from idnode.model.prefix_registration import RECORDS_OF_PREFIXES
from idnode.storage.feed import ChangedThing

FRESH_SECONDS_MAX = 2.0
"""Age of the last confirmation up to which kept answers are given without asking: a poll and a read, with room."""
WATCH_SECONDS = 0.5


class Answers(Protocol):
    """The cache of ready answers."""

    def drop(self, group: str) -> None:
        """Forget every view of one identifier."""

    def drop_prefix(self, prefix: str) -> None:
        """Forget every identifier below a prefix."""

    def clear(self) -> None:
        """Forget everything."""

    def open_hot_path(self) -> None:
        """Kept answers may be given without asking."""

    def close_hot_path(self) -> None:
        """Kept answers may not be given without asking."""


@dataclass(slots=True)
class FreshnessCounters:
    """Counted since the process began."""

    changes: int = 0
    clearances: int = 0
    losses: int = 0
    catch_ups: int = 0


class Freshness:
    """Follows the change feed for the cache and the directory of this process; lost until the first confirmation.

    `monotonic` gives seconds.
    """

    def __init__(
        self, answers: Answers, forget_directory: Callable[[], None], *, monotonic: Callable[[], float]
    ) -> None:
        self._answers = answers
        self._forget_directory = forget_directory
        self._monotonic = monotonic
        self._confirmed_at: float | None = None
        self._is_lost = True
        self.counters = FreshnessCounters()
        answers.close_hot_path()

    @property
    def confirmed_at(self) -> float | None:
        """When the last good read of the feed began, None before the first: what was committed by then is known."""
        return self._confirmed_at

    @property
    def is_fresh(self) -> bool:
        """Whether what was committed up to FRESH_SECONDS_MAX ago is known, and the feed at work."""
        age = self.age_seconds()
        return not self._is_lost and age is not None and age <= FRESH_SECONDS_MAX

    def age_seconds(self) -> float | None:
        """How long ago kept answers were last known to be true; None when they never were."""
        return None if self._confirmed_at is None else self._monotonic() - self._confirmed_at

    async def run(self) -> None:
        """Look until cancelled whether confirmations still come."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            self.watch()

    def watch(self) -> None:
        """Close the hot path when confirmations stopped, for whatever reason."""
        if not self._is_lost and not self.is_fresh:
            self.lost()

    def written(self, identifiers: Iterable[str]) -> None:
        """This process wrote these itself: whoever hears of it must not find what stood before."""
        for identifier in identifiers:
            self._answers.drop(identifier)

    def changed(self, things: Sequence[ChangedThing]) -> None:
        """Drop the answers that these changes touch. Of the directory only prefixes touch public answers.

        Relations touch nothing: no answer about them is kept.
        """
        self.counters.changes += len(things)
        is_directory_touched = False
        for subject, name, _ in things:
            if subject == Subject.IDENTIFIER:
                self._answers.drop(name)
                continue
            if subject == Subject.RELATION:
                continue
            is_directory_touched = True
            if subject == Subject.PREFIX:
                self._answers.drop_prefix(name)
                # Its own record tells where it is answered.
                self._answers.drop(f"{RECORDS_OF_PREFIXES.folded}/{name}")
        if is_directory_touched:
            self._forget_directory()

    def changed_beyond_counting(self) -> None:
        """Drop everything."""
        self.counters.clearances += 1
        self._forget_directory()
        self._answers.clear()

    def confirmed(self, began: float) -> None:
        """Everything committed before `began` has been dropped: open the hot path."""
        if self._is_lost:
            self._is_lost = False
            if self._confirmed_at is not None:
                self.counters.catch_ups += 1
            self._answers.open_hot_path()
        self._confirmed_at = began

    def lost(self) -> None:
        """Close the hot path until the next confirmation."""
        if not self._is_lost:
            self._is_lost = True
            self.counters.losses += 1
            self._answers.close_hot_path()
