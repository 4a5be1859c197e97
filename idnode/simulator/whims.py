"""What happens to a request, drawn by seed: an error, a reset before or after it was taken in, a delay, an outage."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from random import Random

from idnode.simulator.settings import Awkwardness

ERROR_STATUSES = (500, 502, 503, 504)


class Act(StrEnum):
    """What is done to a request, as the journal and the status page call it."""

    SERVE = "served"
    ERROR = "error"
    RESET = "reset"
    LOSE_REPLY = "reply-lost"
    OUTAGE_RESET = "outage-reset"
    OUTAGE_ERROR = "outage-error"
    THROTTLE = "throttled"


@dataclass(frozen=True, slots=True)
class Fate:
    """Of one request: `status` is what it is answered with, where it is answered at all."""

    act: Act
    status: int = 200
    delay_seconds: float = 0.0
    retry_after_seconds: int = 0


class Whims:
    """Decides request by request. The same seed, settings, times and order of requests give the same fates."""

    def __init__(self, awkwardness: Awkwardness, random: Random, clock: Callable[[], float]) -> None:
        self._random = random
        self._clock = clock
        self._outage_is_reset = random.random() < 0.5
        self.change(awkwardness)

    def change(self, awkwardness: Awkwardness) -> None:
        """From now on; an outage that is due is due from now."""
        self.awkwardness = awkwardness
        self._changed_at = self._filled_at = self._clock()
        self._tokens = max(1.0, awkwardness.requests_per_second_max or 1.0)

    def is_out(self) -> bool:
        """Whether the outage is on."""
        after, lasts = self.awkwardness.outage_after_seconds, self.awkwardness.outage_seconds
        return after is not None and after <= self._clock() - self._changed_at < after + lasts

    def fate(self) -> Fate:
        """Of the next request."""
        # Each request takes the same draws, so that a changed setting does not shift what comes after it.
        error, which, reset, lost, delay = (self._random.random() for _ in range(5))
        if self.is_out():
            return self.outage()
        throttled_seconds = self._throttled()
        if throttled_seconds:
            return Fate(Act.THROTTLE, 429, retry_after_seconds=throttled_seconds)
        awkward = self.awkwardness
        delay_seconds = awkward.delay_ms.at(delay)
        if error < awkward.errors:
            return Fate(Act.ERROR, ERROR_STATUSES[int(which * len(ERROR_STATUSES))], delay_seconds)
        if reset < awkward.resets:
            return Fate(Act.RESET, 0, delay_seconds)
        return Fate(Act.LOSE_REPLY if lost < awkward.lost_replies else Act.SERVE, 200, delay_seconds)

    def outage(self) -> Fate:
        """What an outage does: cut off or 503, one of them for the whole life of the simulator."""
        return Fate(Act.OUTAGE_RESET, 0) if self._outage_is_reset else Fate(Act.OUTAGE_ERROR, 503)

    def _throttled(self) -> int:
        """Seconds until there is room for another request, 0 if there is: a bucket that holds one second's worth."""
        rate = self.awkwardness.requests_per_second_max
        if rate is None:
            return 0
        now = self._clock()
        self._tokens = min(max(1.0, rate), self._tokens + max(0.0, now - self._filled_at) * rate)
        self._filled_at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        return ceil((1 - self._tokens) / rate)
