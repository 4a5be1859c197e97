"""Metrics as values: taken from a process, sent to another one, added up with those of others, shown."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

Labels = tuple[tuple[str, str], ...]
"""Names and values, in the order of the names."""
Key = tuple[str, Labels]
Snapshot = tuple["Family", ...]

JsonFamily = tuple[str, str, str, list[tuple[str, list[list[str]], float | None]]]
"""A family after its way through JSON, which has no NaN and no tuples."""

LASTING_KINDS = frozenset({"counter", "histogram", "summary"})
"""Kinds whose samples only grow: they stay true when the process has ended."""
GREATEST_ENDINGS = ("_info", "_age_seconds")
GREATEST_NAMES = frozenset({"idnode_import_jobs"})
"""What several processes read from the same rows."""
LEAST_NAMES = frozenset({"process_start_time_seconds"})


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with its samples."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[Key, float], ...]


class Shown(Collector):
    """A snapshot as the client library takes it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """Its metrics."""
        for family in self._snapshot:
            metric = Metric(family.name, family.help, family.kind)
            for (name, labels), value in family.samples:
                metric.add_sample(name, dict(labels), value)
            yield metric


def taken(collector: Collector) -> Snapshot:
    """What a registry or collector says now."""
    return tuple(
        Family(
            metric.name,
            metric.type,
            metric.documentation,
            tuple(((s.name, tuple(sorted(s.labels.items()))), float(s.value)) for s in metric.samples),
        )
        for metric in collector.collect()
    )


def text_of(snapshot: Snapshot) -> bytes:
    """The Prometheus text format."""
    return generate_latest(Shown(snapshot))


def added(snapshots: Iterable[Snapshot]) -> Snapshot:
    """All of them as if one process had counted: the sum, of what is no quantity the greatest or the least."""
    first: dict[str, Family] = {}
    samples: dict[str, dict[Key, float]] = {}
    for family in (family for snapshot in snapshots for family in snapshot):
        first.setdefault(family.name, family)
        sums = samples.setdefault(family.name, {})
        for key, value in family.samples:
            sums[key] = _joined(family.name, sums[key], value) if key in sums else value
    return tuple(Family(f.name, f.kind, f.help, tuple(samples[f.name].items())) for f in first.values())


def lasting(snapshot: Snapshot) -> Snapshot:
    """What of a process that has ended still counts."""
    return tuple(family for family in snapshot if family.kind in LASTING_KINDS)


def snapshot_json(snapshot: Snapshot) -> list[object]:
    """For a message."""
    return [
        [family.name, family.kind, family.help, [[key[0], key[1], value] for key, value in family.samples]]
        for family in snapshot
    ]


def snapshot_from_json(document: Iterable[JsonFamily]) -> Snapshot:
    """What `snapshot_json` made."""
    return tuple(
        Family(
            name,
            kind,
            help,
            tuple(
                ((sample, tuple((n, v) for n, v in labels)), math.nan if value is None else value)
                for sample, labels, value in samples
            ),
        )
        for name, kind, help, samples in document
    )


def _joined(name: str, one: float, other: float) -> float:
    if name in LEAST_NAMES:
        return min(one, other)
    is_greatest = name.endswith(GREATEST_ENDINGS) or name in GREATEST_NAMES
    return max(one, other) if is_greatest else one + other
