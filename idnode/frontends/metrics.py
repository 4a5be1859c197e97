"""What the HTTP front-ends count, in plain ints; exported by `ops`."""

from dataclasses import dataclass, field

from idnode.resolver.usage import BUCKETS


@dataclass(slots=True)
class HttpCounters:
    """Counted since the process began."""

    by_route_and_status: dict[tuple[str, int], int] = field(default_factory=dict)
    latency_buckets: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    latency_microseconds: int = 0
    in_flight: int = 0

    def count(self, route: str, status: int, microseconds: int) -> None:
        """One request was answered."""
        key = (route, status)
        self.by_route_and_status[key] = self.by_route_and_status.get(key, 0) + 1
        self.latency_buckets[min(microseconds.bit_length(), BUCKETS - 1)] += 1
        self.latency_microseconds += microseconds
