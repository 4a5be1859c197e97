"""What an answer counts as, and the hits of one turn of the event loop: timed and counted together when it ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

STATUS_REFUSED_MIN = 400
"""T3, T8: an answer below is a successful one."""


class Outcome(StrEnum):
    """Where an answer came from."""

    HIT = "hit"
    NEGATIVE = "negative"
    MISS = "miss"
    STALE = "stale"
    ERROR = "error"


@dataclass(slots=True, eq=False)
class Passing:
    """What was done for one prefix in the second that is passing; the times are set once `count` is above 0."""

    prefix: str | None
    count: int = 0
    successes: int = 0
    total_ns: int = 0
    max_ns: int = 0
    min_ns: int = 0


@dataclass(slots=True, eq=False)
class Tally:
    """Answers of one kind, counted since the process began. Made by `Usage.tally`; itself and nothing else is its key.

    `prefix` is folded, and None for what is none of ours; `route` is the label of the metrics.
    """

    prefix: str | None
    route: str
    status: int
    outcome: Outcome
    passing: Passing
    number: int
    """Stands for it where many are kept: a plain number is nothing that the garbage collector has to follow."""
    count: int = 0
    is_success: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_success = self.status < STATUS_REFUSED_MIN


@dataclass(slots=True, eq=False)
class Source:
    """Who asks. The front appends the number of each hit's tally to `pending`, which stays the same list for ever.

    May be held for as long as a connection lives: two sources of one address count together.
    """

    address: str
    pending: list[int] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    """Since sources were last gathered; `Usage` keeps it."""


class Settles(Protocol):
    """Who counts the hits of a turn."""

    def settle(self, sources: list[Source], began: int, ended: int) -> None:
        """Count and clear what is pending of these sources; nanoseconds of the monotonic clock."""


class Turn:
    """One turn of the event loop, from its first hit on; what is pending is settled by a callback of the same turn.

    So a hit takes as long as its turn: from the first request that could be read to the last answer that was written.
    That is an upper bound, which holds the time that the hit waited for those before it.
    """

    __slots__ = ("_began", "_call_soon", "_nanoseconds", "_sources", "_usage")

    def __init__(
        self,
        usage: Settles,
        *,
        nanoseconds: Callable[[], int],
        call_soon: Callable[[Callable[[], None]], object],
    ) -> None:
        self._usage = usage
        self._nanoseconds = nanoseconds
        self._call_soon = call_soon
        self._sources: list[Source] = []
        self._began = 0

    def begin(self, source: Source) -> None:
        """To be called before the first hit of a source in a turn, while nothing is pending of it."""
        if not self._sources:
            self._began = self._nanoseconds()
            self._call_soon(self._end)
        self._sources.append(source)

    def _end(self) -> None:
        self._usage.settle(self._sources, self._began, self._nanoseconds())
        self._sources.clear()
