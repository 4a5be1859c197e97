"""From the results of a round to what it says of the node and of each enterprise that hosts itself; pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from idnode.storage.monitoring import NODE, SITE, ProbeKind, ProbeResult, ProbeRound
from idnode.storage.monitoring_events import EventKind
from idnode.sync.monitoring.watch import is_down


class Fault(NamedTuple):
    """Why a probe failed, in words without addresses: they are shown to everyone."""

    kind: EventKind
    text: str


class Probed(NamedTuple):
    """What a probe found. `fault` is None when it succeeded."""

    point: str
    kind: ProbeKind
    subject: str
    latency_us: int
    fault: Fault | None

    @property
    def result(self) -> ProbeResult:
        """As it is stored."""
        error = None if self.fault is None else self.fault.text
        return ProbeResult(self.point, self.kind, self.subject, self.fault is None, self.latency_us, error)


class Sighting(NamedTuple):
    """What a round says of a subject: None when it is up, else why it is down."""

    fault: Fault | None


def round_of(probed: Iterable[Probed], *, at: datetime, every_seconds: int) -> ProbeRound:
    """What the probe points say of the node. A point counts as up for what it saw succeed."""
    own = [each for each in probed if each.subject == NODE]
    up = Counter(each.kind for each in own if each.fault is None)
    points = len({each.point for each in own})
    resolution, registration = up[ProbeKind.RESOLUTION], up[ProbeKind.REGISTRATION]
    return ProbeRound(
        at=at,
        every_seconds=every_seconds,
        points=points,
        resolution_points_up=resolution,
        registration_points_up=registration,
        is_resolution_up=not is_down(points - resolution, points),
        is_registration_up=not is_down(points - registration, points),
    )


def sightings(judged: ProbeRound, probed: Sequence[Probed]) -> dict[str, Sighting]:
    """By subject: the node, and the sites that were called. Hosted prefixes share the node's fate and have no own."""
    down = set()
    if not judged.is_resolution_up:
        down.add(ProbeKind.RESOLUTION)
    if not judged.is_registration_up:
        down.add(ProbeKind.REGISTRATION)
    failed = [
        Fault(each.fault.kind, f"{each.kind}: {each.fault.text}")
        for each in probed
        if each.subject == NODE and each.kind in down and each.fault is not None
    ]
    sites = {
        each.subject: Sighting(None if each.fault is None else _of_site(each.subject, each.fault))
        for each in probed
        if each.point == SITE
    }
    return {NODE: Sighting(_most_frequent(failed)), **sites}


def _of_site(prefix: str, fault: Fault) -> Fault:
    # The contract's event has no field for the prefix: the reason says it.
    return Fault(fault.kind, f"{prefix}: {fault.text}")


def _most_frequent(faults: Sequence[Fault]) -> Fault | None:
    """Of equally frequent ones the first in the order of their words, so that the same round says the same."""
    counted = Counter(faults)
    return min(counted, key=lambda fault: (-counted[fault], fault.text), default=None)
