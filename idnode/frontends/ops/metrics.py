"""/metrics: a collector of our own over plain ints, in the Prometheus text format."""

from collections.abc import Awaitable, Callable, Iterator

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from idnode import __version__
from idnode.frontends.boundary import ROUTE
from idnode.frontends.counting import COUNTED_ELSEWHERE
from idnode.frontends.metrics import HttpCounters
from idnode.frontends.ops.latency import cumulative
from idnode.frontends.ops.snapshots import Snapshot, text_of
from idnode.registry.metrics import RegistryCounters
from idnode.resolver.metrics import ResolverCounters
from idnode.resolver.usage import Usage
from idnode.storage.database import Database


class NodeCollector(Collector):
    """Reads the counters of all services at the moment of a scrape; nothing is paid for between scrapes."""

    def __init__(
        self,
        http: HttpCounters,
        usage: Usage,
        registry: RegistryCounters,
        resolver: ResolverCounters,
        database: Database,
    ) -> None:
        self._http = http
        self._usage = usage
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
        for (route, status), count in sorted(self._by_route_and_status().items()):
            requests.add_metric([route, str(status)], count)
        yield requests
        latency = HistogramMetricFamily("idnode_http_request_seconds", "Time from request to answer, seconds")
        latency.add_metric([], *cumulative(http.latency_buckets, http.latency_microseconds / 1_000_000))
        yield latency
        yield GaugeMetricFamily("idnode_http_requests_in_flight", "Requests being served now", http.in_flight)

    def _by_route_and_status(self) -> dict[tuple[str, int], int]:
        """What aiohttp has answered, and what the connection front has."""
        counts = dict(self._http.by_route_and_status)
        for (route, status), count in self._usage.by_route_and_status().items():
            if route != COUNTED_ELSEWHERE and count:
                counts[route, status] = counts.get((route, status), 0) + count
        return counts

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


def process_registry(*collectors: Collector) -> CollectorRegistry:
    """These, and what this process says of itself."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def metrics_route(scrape: Callable[[], Awaitable[Snapshot]]) -> web.RouteDef:
    """GET /metrics shows what `scrape` brings."""

    async def metrics(request: web.Request) -> web.Response:
        request[ROUTE] = "metrics"
        return web.Response(body=text_of(await scrape()), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return web.get("/metrics", metrics)
