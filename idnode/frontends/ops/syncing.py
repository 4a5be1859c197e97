"""The reporting side in /metrics: the ledger, read every few seconds, and what the relay has counted.

Only the relay's process shows these, one of a node: what is no counter would be added up otherwise.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from idnode.model.errors import IdnodeError
from idnode.storage.reconciliation import DriftTotals, ReconciliationStore
from idnode.storage.sync_records import ReportSummary, SyncRecords
from idnode.sync.breaker import BreakerState
from idnode.sync.metrics import Lag, RelayCounters

READ_SECONDS = 5.0

log = structlog.get_logger("idnode.sync")


class LedgerFigures:
    """What the database says of the ledger, as of the last reading. `deposited` tells when a deposit was made last."""

    def __init__(
        self,
        records: SyncRecords,
        reconciliations: ReconciliationStore,
        deposited: Callable[[], Awaitable[datetime | None]],
    ) -> None:
        self.summary: Sequence[ReportSummary] = ()
        self.drift = DriftTotals(0, 0, 0, 0)
        self.deposit: datetime | None = None
        self._records = records
        self._reconciliations = reconciliations
        self._deposited = deposited

    async def run(self) -> None:
        """Read every READ_SECONDS until cancelled; while the database is away the figures stay."""
        while True:
            try:
                await self.read()
            except IdnodeError as error:
                log.warning("figures_not_read", code=error.code, detail=error.detail)
            await asyncio.sleep(READ_SECONDS)

    async def read(self) -> None:
        """Once. Raises Unavailable."""
        self.summary = await self._records.summary()
        self.drift = await self._reconciliations.totals()
        self.deposit = await self._deposited()


class SyncingCollector(Collector):
    """Reads counters and figures at the moment of a scrape; nothing is paid for between scrapes. `now` is the clock."""

    def __init__(self, counters: RelayCounters, figures: LedgerFigures, *, now: Callable[[], datetime]) -> None:
        self._counters = counters
        self._figures = figures
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Every metric with its help text."""
        yield from self._collect_ledger()
        yield from self._collect_records()
        yield from self._collect_relay()
        yield from self._collect_upkeep()

    def _collect_ledger(self) -> Iterator[Metric]:
        open_records = GaugeMetricFamily(
            "idnode_sync_open_records",
            "Records of the ledger that are not done, by report and state; waiting are held back until the period ends",
            labels=["report", "state"],
        )
        age = GaugeMetricFamily(
            "idnode_sync_oldest_pending_age_seconds",
            "Age of the oldest record that may be sent and is not yet, seconds",
            labels=["report"],
        )
        for each in self._figures.summary:
            for state in ("pending", "waiting", "sent", "rejected", "dead"):
                open_records.add_metric([each.report, state], getattr(each, state))
            oldest = 0.0 if each.oldest_pending is None else self._seconds_since(each.oldest_pending)
            age.add_metric([each.report], oldest)
        yield open_records
        yield age

    def _collect_records(self) -> Iterator[Metric]:
        records = CounterMetricFamily(
            "idnode_sync_records", "Records by report and by what became of them", labels=["report", "outcome"]
        )
        for (report, state), count in sorted(self._counters.settled.items()):
            records.add_metric([report, state], count)
        yield records
        lags = HistogramMetricFamily(
            "idnode_sync_lag_seconds", "Time from commit to acceptance by the top node, seconds", labels=["report"]
        )
        for report, lag in sorted(self._counters.lags.items()):
            lags.add_metric([report], _buckets(lag), lag.milliseconds / 1_000)
        yield lags

    def _collect_relay(self) -> Iterator[Metric]:
        counters = self._counters
        for name, text, count in (
            ("batches", "Batches sent to the top node", counters.batches),
            ("failures", "Batches of which nothing came back, or a fault of the top node", counters.failures),
            ("throttled", "Batches that the top node put off", counters.throttled),
            ("refused_batches", "Batches that the top node refused as a whole", counters.refused),
            ("unknown_verdicts", "Verdicts on records that the ledger does not have", counters.unknown_verdicts),
            ("overdue", "Records sent again because no verdict came in time", counters.overdue),
            ("elections", "Times that this relay took the lead", counters.elections),
        ):
            yield CounterMetricFamily(f"idnode_sync_{name}", text, count)
        yield GaugeMetricFamily("idnode_sync_leading", "1 while this relay leads", int(counters.is_leading))
        yield GaugeMetricFamily("idnode_sync_paused", "1 while an operator has paused it", int(counters.is_paused))
        breaker = GaugeMetricFamily("idnode_sync_breaker", "1 for the state of the circuit breaker", labels=["state"])
        for state in BreakerState:
            breaker.add_metric([state], int(state is counters.breaker))
        yield breaker

    def _collect_upkeep(self) -> Iterator[Metric]:
        # Gauges, although they only grow: they are the database's, and would count twice as the legacy of a process.
        drift = GaugeMetricFamily(
            "idnode_sync_drift", "Records that reconciliation found to differ, in all, by kind", labels=["kind"]
        )
        for kind in ("missing", "extra", "changed"):
            drift.add_metric([kind], getattr(self._figures.drift, kind))
        yield drift
        yield GaugeMetricFamily(
            "idnode_sync_drift_repaired", "Of those, records that were put right, in all", self._figures.drift.repaired
        )
        if self._figures.deposit is not None:
            yield GaugeMetricFamily(
                "idnode_sync_deposit_age_seconds",
                "Age of the newest deposit that was delivered and not refused, or else of the relay, seconds",
                self._seconds_since(self._figures.deposit),
            )

    def _seconds_since(self, moment: datetime) -> float:
        return max((self._now() - moment).total_seconds(), 0.0)


def _buckets(lag: Lag) -> list[tuple[str, float]]:
    """Cumulative, with the bounds in seconds: bucket n of a lag holds what took less than 2^n milliseconds."""
    buckets, total = [], 0
    for power, count in enumerate(lag.buckets[:-1]):
        total += count
        buckets.append((repr(2.0**power / 1_000), float(total)))
    return [*buckets, ("+Inf", float(lag.count))]
