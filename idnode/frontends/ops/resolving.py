"""The resolving side in /metrics: its cache, how fresh that is, what was answered from where, and who is connected."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from idnode.frontends.fastpath.front import FrontCounters
from idnode.frontends.limiting import Limiting
from idnode.frontends.ops.latency import cumulative
from idnode.resolver.cache import AnswerCache
from idnode.resolver.freshness import Freshness
from idnode.resolver.usage import Usage
from idnode.resolver.usage_flush import UsageFlusher
from idnode.storage.lookups import Lookups


@dataclass(frozen=True, slots=True)
class Resolving:
    """What is looked at."""

    cache: AnswerCache
    freshness: Freshness
    lookups: Lookups
    usage: Usage
    usage_flusher: UsageFlusher
    front: FrontCounters
    limiting: Limiting


class ResolvingCollector(Collector):
    """Reads everything at the moment of a scrape; nothing is paid for between scrapes."""

    def __init__(self, resolving: Resolving) -> None:
        self._resolving = resolving

    def collect(self) -> Iterator[Metric]:
        """Every metric of the resolving side with its help text."""
        yield from self._collect_answers()
        yield from self._collect_cache()
        yield from self._collect_freshness()
        yield from self._collect_connections()

    def _collect_answers(self) -> Iterator[Metric]:
        usage = self._resolving.usage
        answers = CounterMetricFamily(
            "idnode_resolver_answers", "Answers about one identifier by where they came from", labels=["outcome"]
        )
        for outcome, count in usage.by_outcome().items():
            answers.add_metric([outcome], count)
        yield answers
        latency = HistogramMetricFamily(
            "idnode_resolver_answer_seconds", "Time from reading a request to writing its answer, seconds"
        )
        latency.add_metric([], *cumulative(usage.latency_buckets, usage.latency_ns / 1_000_000_000))
        yield latency
        yield CounterMetricFamily(
            "idnode_usage_flush_failures",
            "Attempts to store usage counts that failed and are repeated",
            self._resolving.usage_flusher.failures,
        )

    def _collect_cache(self) -> Iterator[Metric]:
        cache = self._resolving.cache
        entries = GaugeMetricFamily("idnode_cache_entries", "Answers kept now", labels=["kind"])
        size = GaugeMetricFamily("idnode_cache_bytes", "Memory that kept answers take, bytes", labels=["kind"])
        for kind, count, taken in (
            ("positive", cache.entries, cache.entry_bytes),
            ("negative", cache.negative_entries, cache.negative_entry_bytes),
        ):
            entries.add_metric([kind], count)
            size.add_metric([kind], taken)
        yield entries
        yield size
        counters = cache.counters
        yield CounterMetricFamily("idnode_cache_evictions", "Kept answers that made room", counters.evictions)
        yield CounterMetricFamily("idnode_cache_drops", "Kept answers forgotten for a change", counters.drops)
        refused = CounterMetricFamily("idnode_cache_refusals", "Answers that were not kept", labels=["reason"])
        refused.add_metric(["late"], counters.late)
        refused.add_metric(["oversized"], counters.oversized)
        refused.add_metric(["turned_away"], counters.turned_away)
        yield refused

    def _collect_freshness(self) -> Iterator[Metric]:
        freshness = self._resolving.freshness
        counters = freshness.counters
        yield CounterMetricFamily("idnode_feed_changes", "Changes that kept answers were told of", counters.changes)
        yield CounterMetricFamily(
            "idnode_feed_clearances", "Times that everything kept was forgotten at once", counters.clearances
        )
        yield CounterMetricFamily("idnode_feed_losses", "Times that the change feed fell silent", counters.losses)
        yield CounterMetricFamily("idnode_feed_catch_ups", "Times that it came back", counters.catch_ups)
        # Before the first confirmation there is no age; the metric then has no sample.
        age = freshness.age_seconds()
        confirmed = GaugeMetricFamily(
            "idnode_feed_confirmed_age_seconds", "Time since kept answers were last known to be true, seconds"
        )
        if age is not None:
            confirmed.add_metric([], age)
        yield confirmed

    def _collect_connections(self) -> Iterator[Metric]:
        front = self._resolving.front
        yield GaugeMetricFamily("idnode_front_connections", "Client connections open now", front.connections_open)
        yield CounterMetricFamily(
            "idnode_front_connections_refused",
            "Client connections refused because too many were open",
            front.connections_refused,
        )
        yield CounterMetricFamily(
            "idnode_http_requests_limited",
            "Requests refused because their client asked too often",
            self._resolving.limiting.refused,
        )
        yield GaugeMetricFamily(
            "idnode_lookup_connections", "Connections held for lookups", self._resolving.lookups.connections_open
        )
