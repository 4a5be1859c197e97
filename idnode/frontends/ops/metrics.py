"""/metrics: a collector of our own over plain ints, in the Prometheus text format."""

from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from idnode import __version__
from idnode.frontends.boundary import ROUTE
from idnode.frontends.metrics import HttpCounters
from idnode.registry.metrics import RegistryCounters
from idnode.resolver.metrics import ResolverCounters
from idnode.storage.database import Database


class NodeCollector(Collector):
    """Reads the counters of all services at the moment of a scrape; nothing is paid for between scrapes."""

    def __init__(
        self, http: HttpCounters, registry: RegistryCounters, resolver: ResolverCounters, database: Database
    ) -> None:
        self._http = http
        self._registry = registry
        self._resolver = resolver
        self._database = database

    def collect(self) -> Iterator[Metric]:
        """Every metric of the node with its help text."""
        release = GaugeMetricFamily("idnode_build_info", "Release of the node", labels=["version"])
        release.add_metric([__version__], 1)
        yield release
        yield from self._collect_http()
        yield from self._collect_registry()
        lookups = CounterMetricFamily("idnode_resolver_lookups", "Lookups by outcome", labels=["outcome"])
        for outcome in ("found", "missing", "withheld", "referred", "foreign"):
            lookups.add_metric([outcome], getattr(self._resolver, outcome))
        yield lookups
        yield GaugeMetricFamily(
            "idnode_database_connections", "Connections held to PostgreSQL", self._database.connections_open
        )

    def _collect_http(self) -> Iterator[Metric]:
        http = self._http
        requests = CounterMetricFamily(
            "idnode_http_requests", "Requests by route and status", labels=["route", "status"]
        )
        for (route, status), count in sorted(http.by_route_and_status.items()):
            requests.add_metric([route, str(status)], count)
        yield requests
        latency = HistogramMetricFamily("idnode_http_request_seconds", "Time from request to answer, seconds")
        latency.add_metric([], *_cumulative(http.latency_buckets, http.latency_microseconds))
        yield latency
        yield GaugeMetricFamily("idnode_http_requests_in_flight", "Requests being served now", http.in_flight)

    def _collect_registry(self) -> Iterator[Metric]:
        registry = self._registry
        written = CounterMetricFamily("idnode_registry_writes", "Committed writes by operation", labels=["operation"])
        for operation, count in sorted(registry.written.items()):
            written.add_metric([operation], count)
        yield written
        yield CounterMetricFamily(
            "idnode_registry_group_commits", "Commits that groups of writes shared", registry.groups
        )
        yield CounterMetricFamily(
            "idnode_registry_replays", "Writes answered from their Idempotency-Key", registry.replayed
        )


def metrics_route(collector: NodeCollector) -> web.RouteDef:
    """GET /metrics."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)

    async def metrics(request: web.Request) -> web.Response:
        request[ROUTE] = "metrics"
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return web.get("/metrics", metrics)


def _cumulative(buckets: list[int], microseconds: int) -> tuple[list[tuple[str, float]], float]:
    *bounded, slower = buckets
    total = 0
    cumulative: list[tuple[str, float]] = []
    for exponent, count in enumerate(bounded):
        total += count
        cumulative.append((repr(2**exponent / 1_000_000), total))
    cumulative.append(("+Inf", total + slower))
    return cumulative, microseconds / 1_000_000
