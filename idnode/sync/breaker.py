"""When the top node may be called again: back-off with jitter, and a circuit breaker; pure, time is an argument.

```text
           5 failures in a row          the wait is over: one call
  closed ---------------------> open -----------------------------> half-open
    ^  ^                        | ^                                  |    |
    |  '------ an answer -------' '------------ failure -------------'    |
    '----------------------------- an answer -----------------------------'
```
"""

from collections.abc import Mapping
from enum import StrEnum

WAIT_SECONDS_MIN = 0.2
WAIT_SECONDS_MAX = 30.0
FAILURES_MAX = 5
"""So many in a row open the breaker."""
PROBE_SECONDS = 0.2
"""How soon to look again while somebody else's call is to show whether the top node is back."""
THROTTLE_SECONDS_MAX = 600.0
"""Longer waits that the top node asks for are cut to this, after which it may ask again."""


class BreakerState(StrEnum):
    """Closed: calls go through. Open: none does. Half-open: one is under way, and decides."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Turn(StrEnum):
    """What can happen to a breaker."""

    ANSWERED = "answered"
    FAILED = "failed"
    EXHAUSTED = "exhausted"
    PROBED = "probed"
    THROTTLED = "throttled"


STEPS: Mapping[BreakerState, Mapping[Turn, BreakerState]] = {
    BreakerState.CLOSED: {
        Turn.ANSWERED: BreakerState.CLOSED,
        Turn.FAILED: BreakerState.CLOSED,
        Turn.EXHAUSTED: BreakerState.OPEN,
        Turn.THROTTLED: BreakerState.CLOSED,
    },
    # Calls that began before it opened may still end.
    BreakerState.OPEN: {
        Turn.ANSWERED: BreakerState.CLOSED,
        Turn.EXHAUSTED: BreakerState.OPEN,
        Turn.PROBED: BreakerState.HALF_OPEN,
        Turn.THROTTLED: BreakerState.OPEN,
    },
    BreakerState.HALF_OPEN: {
        Turn.ANSWERED: BreakerState.CLOSED,
        Turn.EXHAUSTED: BreakerState.OPEN,
        # It is there and wants to be left alone: asked again once the wait is over.
        Turn.THROTTLED: BreakerState.OPEN,
    },
}


class Breaker:
    """One for all who call the top node. `now` is in seconds of a monotonic clock, `jitter` in [0, 1)."""

    def __init__(self) -> None:
        self.state = BreakerState.CLOSED
        self.failures = 0
        self._not_before = 0.0

    def wait_seconds(self, *, now: float) -> float:
        """How long the next call has to wait; 0 when it may be made now."""
        if self.state is BreakerState.HALF_OPEN:
            return PROBE_SECONDS
        return max(self._not_before - now, 0.0)

    def begin(self) -> None:
        """A call is made that did not have to wait."""
        if self.state is BreakerState.OPEN:
            self._turn(Turn.PROBED)

    def answered(self) -> None:
        """The top node gave an answer, if only a refusal."""
        self.failures = 0
        self._turn(Turn.ANSWERED)

    def failed(self, *, now: float, jitter: float) -> None:
        """It gave none."""
        self.failures += 1
        self._not_before = now + wait_seconds(self.failures, jitter=jitter)
        self._turn(Turn.EXHAUSTED if self.failures >= FAILURES_MAX else Turn.FAILED)

    def throttled(self, *, now: float, seconds: float) -> None:
        """It asked for a pause, which is no failure."""
        self._not_before = max(self._not_before, now + min(seconds, THROTTLE_SECONDS_MAX))
        self._turn(Turn.THROTTLED)

    def _turn(self, turn: Turn) -> None:
        self.state = STEPS[self.state][turn]


def wait_seconds(failures: int, *, jitter: float) -> float:
    """After so many failures in a row (1 or more): full jitter below a ceiling that doubles."""
    # The exponent is bounded: 2.0 ** 1024 overflows.
    ceiling = min(WAIT_SECONDS_MIN * 2.0 ** min(failures, 16), WAIT_SECONDS_MAX)
    return max(jitter * ceiling, WAIT_SECONDS_MIN)
