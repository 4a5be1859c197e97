"""What the relay counts, in plain ints: an increment costs nanoseconds."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from idnode.model.reporting import RecordState, Report
from idnode.sync.breaker import BreakerState

LAG_BUCKETS = 33
"""Powers of two of a millisecond: the last bucket holds what took 25 days and longer."""


@dataclass(slots=True)
class Lag:
    """From the commit of what a record tells to its acceptance. Bucket `n` counts those below 2^n milliseconds."""

    milliseconds: int = 0
    count: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * LAG_BUCKETS)


@dataclass(slots=True)
class RelayCounters:
    """Counted since the process began. `is_leading` and `breaker` are what holds now."""

    settled: dict[tuple[Report, RecordState], int] = field(default_factory=dict)
    """Records by report and by what became of them: sent, accepted, rejected, dead, superseded."""
    lags: dict[Report, Lag] = field(default_factory=dict)
    batches: int = 0
    failures: int = 0
    throttled: int = 0
    refused: int = 0
    unknown_verdicts: int = 0
    overdue: int = 0
    elections: int = 0
    is_leading: bool = False
    is_led_elsewhere: bool = True
    """As of the last election that could be held: while the database is away it stays what it was."""
    is_paused: bool = False
    breaker: BreakerState = BreakerState.CLOSED

    def count_settled(self, report: Report, state: RecordState, records: int = 1) -> None:
        """So many records of a report came into a state."""
        self.settled[report, state] = self.settled.get((report, state), 0) + records

    def count_lags(self, report: Report, milliseconds: Iterable[int]) -> None:
        """Records of a report were accepted so long after they came about."""
        lag = self.lags.get(report)
        if lag is None:
            lag = self.lags[report] = Lag()
        for each in milliseconds:
            known = max(each, 0)  # clocks of two hosts may differ
            lag.milliseconds += known
            lag.count += 1
            lag.buckets[min(known.bit_length(), LAG_BUCKETS - 1)] += 1
