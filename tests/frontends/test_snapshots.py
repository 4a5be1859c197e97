"""Counters of several processes: added up as if one had counted."""

import math

import orjson
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from idnode.frontends.ops.metrics import process_registry
from idnode.frontends.ops.snapshots import Snapshot, added, lasting, snapshot_from_json, snapshot_json, taken, text_of


class Counted(Collector):
    """A process that has had so many requests, and holds so many connections."""

    def __init__(self, **requests: int) -> None:
        self._requests = requests

    def collect(self) -> list[Metric]:
        requests = CounterMetricFamily("idnode_requests", 'Requests by "route"\nand more', labels=["route"])
        for route, count in self._requests.items():
            requests.add_metric([route], count)
        latency = HistogramMetricFamily("idnode_seconds", "Time, seconds")
        latency.add_metric([], [("0.5", sum(self._requests.values())), ("+Inf", sum(self._requests.values()))], 0.25)
        gauge = GaugeMetricFamily("idnode_connections", "Connections", len(self._requests))
        age = GaugeMetricFamily("idnode_feed_age_seconds", "Age, seconds", min(self._requests.values()))
        release = GaugeMetricFamily("idnode_build_info", "Release", labels=["version"])
        release.add_metric(['1"\\\n'], 1)
        start = GaugeMetricFamily("process_start_time_seconds", "Start", 1_000.0 + min(self._requests.values()))
        return [requests, latency, gauge, age, release, start]


def samples_of(snapshot: Snapshot) -> dict[str, float]:
    """As a Prometheus reads them: name and values of labels."""
    families = text_string_to_metric_families(text_of(snapshot).decode())
    return {" ".join((s.name, *s.labels.values())): s.value for family in families for s in family.samples}


ONE, OTHER = taken(Counted(livez=3, readyz=4)), taken(Counted(livez=10, metrics=1))


def test_counters_and_gauges_are_added_ages_and_releases_are_not() -> None:
    assert samples_of(added([ONE, OTHER])) == {
        "idnode_requests_total livez": 13,
        "idnode_requests_total readyz": 4,
        "idnode_requests_total metrics": 1,
        "idnode_seconds_bucket 0.5": 18,
        "idnode_seconds_bucket +Inf": 18,
        "idnode_seconds_count": 18,
        "idnode_seconds_sum": 0.5,
        "idnode_connections": 4,
        "idnode_feed_age_seconds": 3,
        'idnode_build_info 1"\\\n': 1,
        "process_start_time_seconds": 1_001,
    }


def test_of_a_process_that_has_ended_only_what_it_counted_stays() -> None:
    assert samples_of(added([lasting(ONE), OTHER])) == samples_of(added([ONE, OTHER])) | {
        "idnode_connections": 2,
        "idnode_feed_age_seconds": 1,
        "process_start_time_seconds": 1_001,
    }
    assert [family.name for family in lasting(ONE)] == ["idnode_requests", "idnode_seconds"]


def test_a_snapshot_survives_its_way_through_json() -> None:
    snapshot = (*ONE, *taken(process_registry()))

    assert snapshot_from_json(orjson.loads(orjson.dumps(snapshot_json(snapshot)))) == snapshot


def test_what_is_no_number_stays_none() -> None:
    class Unknown(Collector):
        def collect(self) -> list[Metric]:
            return [GaugeMetricFamily("idnode_ratio", "A ratio", math.nan)]

    [family] = snapshot_from_json(orjson.loads(orjson.dumps(snapshot_json(taken(Unknown())))))

    assert math.isnan(family.samples[0][1])


def test_types_and_help_texts_are_kept() -> None:
    families = {f.name: (f.type, f.documentation) for f in text_string_to_metric_families(text_of(ONE).decode())}

    assert families["idnode_requests"] == ("counter", 'Requests by "route"\nand more')
    assert families["idnode_seconds"] == ("histogram", "Time, seconds")


def test_nothing_and_nothing_is_nothing() -> None:
    assert added([(), ()]) == ()
    assert text_of(()) == b""
