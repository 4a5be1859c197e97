"""What operators look at: liveness, readiness with its reason, and metrics that a Prometheus can read."""

import asyncio
from collections.abc import Mapping
from time import monotonic, perf_counter_ns, time_ns

import pytest
from aiohttp.test_utils import make_mocked_request
from harness import NodeUnderTest
from prometheus_client.parser import text_string_to_metric_families

from idnode import __version__
from idnode.app import compose
from idnode.config import Settings
from idnode.frontends.metrics import HttpCounters
from idnode.frontends.ops.health import Health
from idnode.frontends.ops.metrics import NodeCollector
from idnode.registry.metrics import RegistryCounters
from idnode.registry.rules.moments import node_day
from idnode.resolver.metrics import ResolverCounters
from idnode.resolver.usage import Usage
from idnode.storage.database import Database

KNOWN = "/api/handles/88.118.8/JX-1"
NOBODY_LISTENS = "postgresql://idnode@127.0.0.1:1/idnode"
Labels = frozenset[tuple[str, str]]
AWAY = "the database is away; the same request will work when it is back"


def labels(**of: str) -> Labels:
    return frozenset(of.items())


async def scrape(node: NodeUnderTest) -> Mapping[tuple[str, Labels], float]:
    """Every sample of /metrics as a Prometheus reads it."""
    response = await node.call("GET", "/metrics", key=None)
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(await response.text())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


async def until_confirmed(node: NodeUnderTest) -> None:
    """Until the change feed has told of everything committed so far: it drops nothing for that any more."""
    asked = monotonic()
    async with asyncio.timeout(10):
        while (node.node.freshness.confirmed_at or 0.0) <= asked:  # noqa: ASYNC110  # a confirmation sets no event
            await asyncio.sleep(0.005)


async def test_a_node_at_work_is_alive_and_ready(node: NodeUnderTest) -> None:
    alive = await node.call("GET", "/livez", key=None)
    ready = await node.call("GET", "/readyz", key=None)

    assert (alive.status, await alive.json()) == (200, {"status": "alive"})
    assert (ready.status, await ready.json()) == (
        200,
        {"status": "ready", "checks": {"database": "ok", "node": "ok"}},
    )


async def test_without_its_database_a_node_is_alive_and_not_ready_and_says_why(node: NodeUnderTest) -> None:
    await node.node.database.close()

    alive = await node.call("GET", "/livez", key=None)
    ready = await node.call("GET", "/readyz", key=None)

    assert alive.status == 200
    assert (ready.status, await ready.json()) == (
        503,
        {"status": "not ready", "checks": {"database": AWAY, "node": "ok"}},
    )


async def test_a_draining_node_is_not_ready(node: NodeUnderTest) -> None:
    node.node.is_draining = True

    ready = await node.call("GET", "/readyz", key=None)

    assert (ready.status, await ready.json()) == (
        503,
        {"status": "not ready", "checks": {"database": "ok", "node": "draining"}},
    )


async def test_a_database_that_does_not_answer_in_time_is_the_reason(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idnode.frontends.ops.health.PROBE_SECONDS_MAX", 0.05)
    database = await Database.open(dsn, connections_max=1)
    health = Health(database, is_draining=lambda: False)

    async with database.session():
        ready = await health.readyz(make_mocked_request("GET", "/readyz"))

    assert ready.status == 503
    assert ready.text is not None
    assert '"database": "no answer in time"' in ready.text
    await database.close()


async def test_while_the_database_is_away_requests_get_a_problem_that_says_when_to_try_again(
    node: NodeUnderTest,
) -> None:
    await node.prefix("88.118.8")
    await node.node.database.close()

    for method, path in (("GET", "/v1/identifiers/88.118.8/JX-1"), ("GET", "/v1/enterprises")):
        response = await node.call(method, path)
        problem = await response.json()

        assert (response.status, response.content_type) == (503, "application/problem+json")
        assert response.headers["Retry-After"] == "1"
        assert (problem["type"], problem["detail"]) == ("urn:idnode:problem:unavailable", AWAY)


async def test_metrics_count_what_was_asked_and_written(node: NodeUnderTest) -> None:
    before = await scrape(node)
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")
    await node.call("POST", "/v1/suspend/88.118.8/JX-1", Idempotency_Key="suspend-once")
    await node.call("POST", "/v1/suspend/88.118.8/JX-1", Idempotency_Key="suspend-once")
    await node.call("GET", "/v1/identifiers/88.118.8/JX-1", key=None)
    await node.call("GET", "/v1/identifiers/88.118.8/NONE", key=None)
    await node.call("DELETE", "/livez", key=None)
    after = await scrape(node)

    def grown(name: str, **of: str) -> float:
        return after[name, labels(**of)] - before.get((name, labels(**of)), 0.0)

    assert grown("idnode_registry_writes_total", operation="register") == 1
    assert grown("idnode_registry_writes_total", operation="suspend") == 1
    assert grown("idnode_registry_writes_total", operation="prefix-register") == 1
    assert grown("idnode_registry_group_commits_total") == 2
    assert grown("idnode_registry_replays_total") == 1
    assert grown("idnode_resolver_lookups_total", outcome="withheld") == 1
    assert grown("idnode_resolver_lookups_total", outcome="missing") == 1
    assert grown("idnode_resolver_lookups_total", outcome="found") == 0
    assert grown("idnode_http_requests_total", route="other", status="405") == 1
    assert grown("idnode_http_requests_total", route="metrics", status="200") == 1
    # Two reads without a key, which the connection front answers; six other requests, and the scrape before them.
    assert grown("idnode_http_requests_total", route="read_identifier", status="404") == 2
    assert grown("idnode_resolver_answers_total", outcome="miss") == 2
    assert grown("idnode_resolver_answer_seconds_count") == 2
    assert grown("idnode_http_request_seconds_count") == 7
    assert grown("idnode_http_request_seconds_bucket", le="+Inf") == 7
    assert grown("idnode_http_request_seconds_sum") > 0


async def test_metrics_show_the_resolving_side(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")
    await until_confirmed(node)
    # Whose prefix has to be looked up first is answered by another way.
    await node.call("GET", "/api/handles/88.118.8/OTHER", key=None)
    before = await scrape(node)
    for path in (KNOWN, KNOWN, "/api/handles/88.118.8/NONE", "/api/handles/88.118.8/NONE"):
        await node.call("GET", path, key=None)
    kept = await scrape(node)
    await node.call("POST", "/v1/suspend/88.118.8/JX-1")
    after = await scrape(node)

    def grown(name: str, **of: str) -> float:
        return kept[name, labels(**of)] - before.get((name, labels(**of)), 0.0)

    assert {name: grown("idnode_resolver_answers_total", outcome=name) for name in ("miss", "hit", "negative")} == {
        "miss": 2,
        "hit": 1,
        "negative": 1,
    }
    assert grown("idnode_http_requests_total", route="handle-rest", status="200") == 2
    assert grown("idnode_http_requests_total", route="handle-rest", status="404") == 2
    assert grown("idnode_resolver_answer_seconds_count") == 4
    assert grown("idnode_cache_entries", kind="positive") == 1
    assert grown("idnode_cache_entries", kind="negative") == 1
    assert kept["idnode_cache_bytes", labels(kind="positive")] > 320
    assert kept["idnode_front_connections", labels()] == 1
    assert kept["idnode_lookup_connections", labels()] == 2
    assert 0 <= kept["idnode_feed_confirmed_age_seconds", labels()] < 60
    assert after["idnode_cache_entries", labels(kind="positive")] == 0
    assert after["idnode_cache_drops_total", labels()] == 1


async def test_the_age_of_what_was_never_confirmed_is_not_told(database: Database) -> None:
    composed = compose(Settings(native_port=0, seed="none"), database, NOBODY_LISTENS)

    [family] = [family for family in composed.counters.collect() if family.name == "idnode_feed_confirmed_age_seconds"]

    assert family.samples == []


async def test_metrics_show_the_release_the_process_and_what_goes_on_now(node: NodeUnderTest) -> None:
    samples = await scrape(node)

    assert samples["idnode_build_info", labels(version=__version__)] == 1
    assert samples["idnode_http_requests_in_flight", labels()] == 1
    assert 1 <= samples["idnode_database_connections", labels()] <= 6
    assert samples["process_resident_memory_bytes", labels()] > 0
    assert samples["python_gc_collections_total", labels(generation="2")] >= 0


async def test_every_metric_of_the_node_has_a_type_and_a_help_text(node: NodeUnderTest) -> None:
    text = await (await node.call("GET", "/metrics", key=None)).text()

    families = [family for family in text_string_to_metric_families(text) if family.name.startswith("idnode_")]

    assert len(families) >= 8
    assert [family.name for family in families if not family.documentation or family.type == "unknown"] == []


def buckets_of(counters: HttpCounters, database: Database) -> dict[str, float]:
    usage = Usage(nanoseconds=perf_counter_ns, time_ns=time_ns, node_day=node_day)
    collector = NodeCollector(counters, usage, RegistryCounters(), ResolverCounters(), database)
    [latency] = [metric for metric in collector.collect() if metric.name == "idnode_http_request_seconds"]
    return {s.labels["le"]: s.value for s in latency.samples if s.name.endswith("_bucket")}


async def test_a_latency_stands_in_the_buckets_that_are_not_shorter(database: Database) -> None:
    counters = HttpCounters()
    for microseconds in (0, 1, 2, 1_000_000, 60_000_000):
        counters.count("livez", 200, microseconds)

    buckets = buckets_of(counters, database)

    assert buckets["1e-06"] == 1
    assert buckets["2e-06"] == 2
    assert buckets["4e-06"] == 3
    assert buckets["0.524288"] == 3
    assert buckets["1.048576"] == 4
    assert [count for bound, count in buckets.items() if bound != "+Inf"][-1] == 4
    assert buckets["+Inf"] == 5


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_operators_only_read(node: NodeUnderTest, path: str) -> None:
    response = await node.call("POST", path, key=None)

    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD"
