"""Imports in /metrics: what an import process has written, and what the node has to do."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from idnode.model.imports import ImportState
from idnode.registry.imports.metrics import ImportCounters


class ImportingCollector(Collector):
    """Reads the counters of an import process at the moment of a scrape."""

    def __init__(self, counters: ImportCounters) -> None:
        self._counters = counters

    def collect(self) -> Iterator[Metric]:
        """Every metric with its help text."""
        counters = self._counters
        rows = CounterMetricFamily("idnode_import_rows", "Rows of imports by what became of them", labels=["outcome"])
        for outcome in ("registered", "replaced", "patched", "deleted", "refused"):
            rows.add_metric([outcome], counters.rows.get(outcome, 0))
        yield rows
        for name, text, count in (
            ("chunks", "Chunks of imports that were committed", counters.chunks),
            ("overtaken", "Chunks that were planned in vain, because another process or a pause came first",
             counters.overtaken),
            ("failures", "Times that the database was away from an import, or refused it", counters.failures),
        ):  # fmt: skip
            yield CounterMetricFamily(f"idnode_import_{name}", text, count)
        jobs = GaugeMetricFamily("idnode_import_jobs", "Imports of this node by state", labels=["state"])
        for state in ImportState:
            jobs.add_metric([state], counters.jobs.get(state, 0))
        yield jobs
        yield GaugeMetricFamily(
            "idnode_import_waiting_age_seconds",
            "Age of the oldest import that waits to be begun, seconds",
            counters.oldest_waiting_seconds,
        )
