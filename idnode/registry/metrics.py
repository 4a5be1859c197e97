"""What the registry counts, in plain ints: an increment costs nanoseconds."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class RegistryCounters:
    """Counted since the process began."""

    groups: int = 0
    written: dict[str, int] = field(default_factory=dict)
    replayed: int = 0

    def count_written(self, operation: str, count: int = 1) -> None:
        """So many writes were committed."""
        self.written[operation] = self.written.get(operation, 0) + count
