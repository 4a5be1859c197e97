"""What a locust process writes down: latencies in narrow buckets, and one row per interval. Time is an argument."""

from collections import Counter
from dataclasses import dataclass, field
from math import ceil, exp, log

from pydantic import TypeAdapter

BUCKET_WIDTH = log(1.02)
"""Buckets are 2 % wide; a percentile is the upper edge of its bucket, so at most 2 % too high."""
FLOOR_MILLISECONDS = 0.01
POINTS_MAX = 300
"""Rows of a series; longer runs get longer intervals."""
ERRORS_MAX = 50
"""Different errors that are told apart."""
ERROR_CHARACTERS_MAX = 300
PERCENTILES = (50, 95, 99)


class Latencies:
    """A histogram of milliseconds; what is under the floor counts as the floor."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.count = 0
        self.most = 0.0

    def add(self, milliseconds: float) -> None:
        """One more."""
        self._buckets[ceil(log(max(milliseconds, FLOOR_MILLISECONDS) / FLOOR_MILLISECONDS) / BUCKET_WIDTH)] += 1
        self.count += 1
        self.most = max(self.most, milliseconds)

    def percentile(self, percent: int) -> float | None:
        """Milliseconds that `percent` of a hundred did not exceed; None when there are none."""
        wanted, seen = self.count * percent / 100, 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return round(
                    min(FLOOR_MILLISECONDS * exp(bucket * BUCKET_WIDTH), max(self.most, FLOOR_MILLISECONDS)), 3
                )
        return None


@dataclass(frozen=True, slots=True)
class Point:
    """One interval: its end in seconds of the run, rates per second, latencies in milliseconds, shares of 1."""

    at: float
    users: int
    asked: float
    rate: float
    failures: float
    p50: float | None
    p95: float | None
    p99: float | None
    generator_cpu: float
    machine_cpu: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of one kind of request. `rate` is answers of the expected kind per second of the whole run."""

    count: int
    failures: int
    rate: float
    p50: float | None
    p95: float | None
    p99: float | None
    most: float

    @property
    def error_share(self) -> float:
        """Failures of all requests."""
        return self.failures / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class Load:
    """CPU that was used so far: seconds of this process, and busy and all seconds of the machine's cores."""

    process_seconds: float
    busy_seconds: float
    machine_seconds: float


@dataclass(frozen=True, slots=True)
class RunResult:
    """A whole run. `generator_cpu` is a share of one core, `machine_cpu` of all cores."""

    seconds: float
    interval_seconds: float
    requests: dict[str, Measured]
    everything: Measured
    series: list[Point]
    errors: dict[str, int]
    generator_cpu: float
    machine_cpu: float

    def to_json(self) -> bytes:
        """As `from_json` reads it."""
        return _RESULTS.dump_json(self)

    @classmethod
    def from_json(cls, content: bytes) -> "RunResult":
        """What `to_json` wrote."""
        return _RESULTS.validate_json(content)


_RESULTS = TypeAdapter(RunResult)


@dataclass(slots=True)
class _Tally:
    latencies: Latencies = field(default_factory=Latencies)
    failures: int = 0

    def add(self, milliseconds: float, *, has_failed: bool) -> None:
        self.latencies.add(milliseconds)
        self.failures += has_failed

    def measured(self, seconds: float) -> Measured:
        latencies = self.latencies
        p50, p95, p99 = (latencies.percentile(percent) for percent in PERCENTILES)
        good = latencies.count - self.failures
        return Measured(
            latencies.count, self.failures, round(good / seconds, 3), p50, p95, p99, round(latencies.most, 3)
        )


class Recorder:
    """Counts requests; `turn` is called about once a second and closes intervals as they end."""

    def __init__(self, *, seconds: float, rate_per_user: float, load: Load) -> None:
        self.interval_seconds = max(1.0, ceil(seconds / POINTS_MAX))
        self._seconds = seconds
        self._rate_per_user = rate_per_user
        self._tallies: dict[str, _Tally] = {}
        self._everything, self._interval = _Tally(), _Tally()
        self._errors: Counter[str] = Counter()
        self._series: list[Point] = []
        self._interval_from = 0.0
        self._first_load = self._interval_load = load

    def add(self, request: str, milliseconds: float, error: str | None) -> None:
        """One answer, or why there is none."""
        for tally in (self._tallies.setdefault(request, _Tally()), self._everything, self._interval):
            tally.add(milliseconds, has_failed=error is not None)
        if error is not None:
            what = f"{request}: {error}"[:ERROR_CHARACTERS_MAX]
            is_listed = what in self._errors or len(self._errors) < ERRORS_MAX
            self._errors[what if is_listed else "others"] += 1

    def turn(self, second: float, *, users: int, load: Load) -> None:
        """At this second of the run there are so many users."""
        elapsed = second - self._interval_from
        # A tick comes a little early or late; half a second is the next one's.
        if elapsed < self.interval_seconds - 0.5:
            return
        seen = self._interval.measured(elapsed)
        asked = users * self._rate_per_user
        failures = self._interval.failures / elapsed
        generator, machine = _cpu(self._interval_load, load, elapsed)
        self._series.append(
            Point(round(second, 2), users, round(asked, 2), seen.rate, round(failures, 3),
                  seen.p50, seen.p95, seen.p99, generator, machine)
        )  # fmt: skip
        self._interval, self._interval_from, self._interval_load = _Tally(), second, load

    def result(self, second: float, load: Load) -> RunResult:
        """All of it, at the end."""
        generator, machine = _cpu(self._first_load, load, second)
        return RunResult(
            seconds=round(second, 2),
            interval_seconds=self.interval_seconds,
            requests={name: tally.measured(second) for name, tally in sorted(self._tallies.items())},
            everything=self._everything.measured(second),
            series=self._series,
            errors=dict(self._errors.most_common()),
            generator_cpu=generator,
            machine_cpu=machine,
        )


def _cpu(before: Load, after: Load, seconds: float) -> tuple[float, float]:
    machine = after.machine_seconds - before.machine_seconds
    busy = (after.busy_seconds - before.busy_seconds) / machine if machine > 0 else 0.0
    return round((after.process_seconds - before.process_seconds) / seconds, 3), round(busy, 3)
