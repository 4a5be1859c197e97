"""The monitoring side in /metrics: the node as its own probes see it. Only the relay's process shows it."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from idnode.storage.monitoring import ProbeKind
from idnode.sync.monitoring.monitor import Monitor


class ProbingCollector(Collector):
    """Reads the counters of the monitor."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def collect(self) -> Iterator[Metric]:
        """All families."""
        counters = self._monitor.counters
        yield CounterMetricFamily("idnode_probe_rounds", "Rounds of probes", counters.rounds)
        yield CounterMetricFamily(
            "idnode_probe_rounds_lost", "Rounds that were dropped because the database was away too long",
            counters.rounds_lost,
        )  # fmt: skip
        yield GaugeMetricFamily(
            "idnode_probe_rounds_waiting", "Rounds that are not stored yet", self._monitor.rounds_waiting
        )
        failures = CounterMetricFamily("idnode_probe_failures", "Probes that failed, sites included", labels=["kind"])
        for kind in ProbeKind:
            failures.add_metric([kind], counters.failures[kind])
        yield failures
        yield from self._state()

    def _state(self) -> Iterator[Metric]:
        last = self._monitor.counters.last_round
        if last is None:
            return
        state = GaugeMetricFamily(
            "idnode_probed_up", "1 unless the last round saw it down at 51 % of the probe points", labels=["kind"]
        )
        state.add_metric([ProbeKind.RESOLUTION], float(last.is_resolution_up))
        state.add_metric([ProbeKind.REGISTRATION], float(last.is_registration_up))
        yield state
