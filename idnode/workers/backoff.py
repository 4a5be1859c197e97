"""How long to wait before a fallen worker is started again: pure."""

from dataclasses import dataclass

WAIT_SECONDS_MIN = 0.1
WAIT_SECONDS_MAX = 10.0
SOUND_SECONDS = 10.0
"""A worker that was ready for so long was sound; its fall is the first one again."""


@dataclass(slots=True)
class Backoff:
    """Counts the falls in a row of one slot."""

    falls: int = 0

    def fell(self, *, ready_seconds: float) -> float:
        """A worker fell that had been ready for so long (0: never); the seconds to wait."""
        if ready_seconds >= SOUND_SECONDS:
            self.falls = 0
        self.falls += 1
        # The exponent is bounded: 2.0 ** 1024 overflows.
        return min(WAIT_SECONDS_MIN * 2.0 ** min(self.falls - 1, 16), WAIT_SECONDS_MAX)
