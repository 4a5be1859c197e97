"""The native Handle protocol in /metrics: what was answered over which transport, dropped, assembled."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from idnode.frontends.native.front import NativeFront


class NativeCollector(Collector):
    """Reads everything at the moment of a scrape; nothing is paid for between scrapes."""

    def __init__(self, front: NativeFront) -> None:
        self._front = front

    def collect(self) -> Iterator[Metric]:
        """Every metric of the native protocol with its help text."""
        yield self._requests()
        yield from self._datagrams()
        counters = self._front.counters
        yield GaugeMetricFamily(
            "idnode_native_connections", "Connections of the native protocol open now", counters.connections_open
        )
        yield CounterMetricFamily(
            "idnode_native_connections_refused",
            "Connections of the native protocol refused because too many were open",
            counters.connections_refused,
        )

    def _requests(self) -> Metric:
        requests = CounterMetricFamily(
            "idnode_native_requests",
            "Answers of the native protocol by transport, operation and response code",
            labels=["transport", "op", "code"],
        )
        counters = self._front.counters
        for transport, answered in (("udp", counters.udp), ("tcp", counters.tcp), ("http", counters.http)):
            for operation, code, count in answered.by_op_and_code():
                requests.add_metric([transport, operation, code], count)
        return requests

    def _datagrams(self) -> Iterator[Metric]:
        counters, doors = self._front.counters, self._front.doors
        dropped = CounterMetricFamily(
            "idnode_native_datagrams_dropped", "Datagrams of the native protocol that were lost here", labels=["reason"]
        )
        dropped.add_metric(["overflow"], counters.overflowed + sum(door.overflowed for door in doors))
        dropped.add_metric(["unsent"], counters.unsent)
        yield dropped
        yield CounterMetricFamily(
            "idnode_native_answers_ignored",
            "Messages of the native protocol that were answers themselves, and got none",
            counters.answers_ignored,
        )
        yield CounterMetricFamily(
            "idnode_native_pieces", "Datagrams that were a part of a longer message", counters.pieces
        )
        yield CounterMetricFamily(
            "idnode_native_assembled", "Messages put together from several datagrams", counters.assembled
        )
        yield GaugeMetricFamily(
            "idnode_native_assemblies",
            "Messages of which some datagrams are missing",
            sum(door.assemblies for door in doors),
        )
        yield GaugeMetricFamily(
            "idnode_native_assembly_bytes",
            "Memory that their other datagrams take, bytes",
            sum(door.assembly_bytes for door in doors),
        )
