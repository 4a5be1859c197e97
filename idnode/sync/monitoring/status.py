"""The state of the node as its own probes see it: what the monitoring interface shows to everyone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from idnode.model.prefix_registration import Hosting
from idnode.storage.monitoring import GAP_ROUNDS, GAP_SECONDS_MIN, EnterpriseSeen, ProbeRound, ProbeStore
from idnode.storage.monitoring_events import Event, EventStore

EVENTS_SHOWN_MAX = 100
SEEN_FOR = timedelta(days=1)
"""A site's turn comes again well within it, however many there are."""


class Condition(StrEnum):
    """Unknown: no probe has looked of late."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class EnterpriseStatus:
    """A hosted prefix shares the node's resolution; of the others it is their site that was called."""

    seen: EnterpriseSeen
    resolution: Condition


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """`last_round` is None before the first one."""

    resolution: Condition
    registration: Condition
    last_round: ProbeRound | None
    events: tuple[Event, ...]
    enterprises: tuple[EnterpriseStatus, ...]


class MonitoringStatus:
    """Three small reads; nothing is probed for it."""

    def __init__(self, probes: ProbeStore, events: EventStore, *, now: Callable[[], datetime]) -> None:
        self._probes = probes
        self._events = events
        self._now = now

    async def read(self, *, after: str, limit: int) -> NodeStatus:
        """With the enterprises after a folded prefix."""
        now = self._now()
        last = await self._probes.last_round()
        resolution = _condition(last, now, is_up=last is not None and last.is_resolution_up)
        registration = _condition(last, now, is_up=last is not None and last.is_registration_up)
        seen = await self._probes.enterprises_seen(after=after, limit=limit)
        return NodeStatus(
            resolution=resolution,
            registration=registration,
            last_round=last,
            events=tuple(await self._events.open_now(limit=EVENTS_SHOWN_MAX)),
            enterprises=tuple(EnterpriseStatus(each, _of_enterprise(each, resolution, now)) for each in seen),
        )


def _condition(last: ProbeRound | None, now: datetime, *, is_up: bool) -> Condition:
    if last is None:
        return Condition.UNKNOWN
    fresh_for = timedelta(seconds=max(GAP_ROUNDS * last.every_seconds, GAP_SECONDS_MIN))
    if now - last.at > fresh_for:
        return Condition.UNKNOWN
    return Condition.UP if is_up else Condition.DOWN


def _of_enterprise(seen: EnterpriseSeen, of_node: Condition, now: datetime) -> Condition:
    if seen.hosting is Hosting.HOSTED:
        return of_node
    if seen.at is None or now - seen.at > SEEN_FOR:
        return Condition.UNKNOWN
    return Condition.UP if seen.is_success else Condition.DOWN
