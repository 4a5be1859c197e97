"""A clock of the world and a monotonic one that move together, when the test says so."""

from datetime import UTC, datetime

BEFORE_MIDNIGHT = datetime(2026, 3, 9, 15, 59, 50, tzinfo=UTC)
"""Ten seconds before the node's day 2026-03-10 begins."""


class WorldClock:
    """Nanoseconds; the monotonic clock has an origin of its own."""

    def __init__(self, moment: datetime = BEFORE_MIDNIGHT) -> None:
        self.wall_ns = int(moment.timestamp()) * 1_000_000_000
        self.monotonic_ns = 7_000

    def time_ns(self) -> int:
        return self.wall_ns

    def nanoseconds(self) -> int:
        return self.monotonic_ns

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.second, UTC)

    @property
    def second(self) -> int:
        """The second that is passing (epoch)."""
        return self.wall_ns // 1_000_000_000

    def advance(self, nanoseconds: int = 0, *, seconds: int = 0) -> None:
        self.wall_ns += nanoseconds + seconds * 1_000_000_000
        self.monotonic_ns += nanoseconds + seconds * 1_000_000_000
