"""The monitor: a round of probes on every tick, what it decides, and the events on their way to the ledger."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

import structlog

from idnode.model.errors import IdnodeError
from idnode.storage.monitoring import NODE, HostedIdentifier, ProbeRound, ProbeStore, Site
from idnode.storage.monitoring_events import PROBE_ACTOR, Closing, Event, EventKind, EventStore, Opening, Source
from idnode.sync.monitoring.events import EventReporter
from idnode.sync.monitoring.judging import Probed, Sighting, round_of, sightings
from idnode.sync.monitoring.watch import Streak, Turn, step

SITES_PER_ROUND_MAX = 16
"""Of enterprises that host themselves; the next round goes on with those after them."""
ROUNDS_WAITING_MAX = 2_880
"""Rounds that could not be stored, a day of them every 30 seconds; the oldest go first."""
EVENTS_SECONDS = 1.0
UPKEEP_SECONDS = 3_600.0
RESULTS_KEPT = timedelta(days=62)
"""A month, its ten working days and the longest public holidays among them: so long its report reads them."""
ROUNDS_KEPT = timedelta(days=400)
"""Thirteen months: the report tells the past twelve."""
BACK_TO_NORMAL = "probes succeed again"
NOT_PROBED = "the prefix is not probed any more: it was stopped, or its hosting changed"

log = structlog.get_logger("idnode.monitoring")


class Probe(Protocol):
    """One round of probes."""

    async def probe(self, sites: Sequence[Site], hosted: HostedIdentifier | None) -> Sequence[Probed]:
        """Never raises for what does not answer."""


@dataclass(slots=True)
class MonitoringCounters:
    """What the monitor counts."""

    rounds: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    rounds_lost: int = 0
    last_round: ProbeRound | None = None


class _Waiting(NamedTuple):
    """A round that is not stored yet."""

    judged: ProbeRound
    probed: Sequence[Probed]


class Monitor:
    """Probes while `is_ours` says so: in one process of all, the relay's.

    It stays this process's business while the database is away and nobody can lead: those are the rounds that matter.
    They wait in memory and are stored, with the events that follow from them, when the database is back.
    """

    def __init__(
        self,
        prober: Probe,
        probes: ProbeStore,
        events: EventStore,
        reporter: EventReporter,
        *,
        every_seconds: int,
        is_ours: Callable[[], bool],
        now: Callable[[], datetime],
        new_id: Callable[[], UUID],
    ) -> None:
        self._prober = prober
        self._probes = probes
        self._events = events
        self._reporter = reporter
        self._every_seconds = every_seconds
        self._is_ours = is_ours
        self._now = now
        self._new_id = new_id
        self._waiting: deque[_Waiting] = deque()
        self._streaks: dict[str, Streak] = {}
        self._site_cursor = ""
        self._hosted_cursor = ""
        self.counters = MonitoringCounters()

    @property
    def rounds_waiting(self) -> int:
        """Rounds that are not stored yet."""
        return len(self._waiting)

    async def run(self) -> None:
        """Until cancelled. `every_seconds` 0 turns the probes off; events of the operator are reported all the same."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._report_events())
            tasks.create_task(self._keep_house())
            if self._every_seconds:
                tasks.create_task(self._probe_on_ticks())

    async def round(self) -> None:
        """Probe once, and store what waits."""
        at = self._now()
        probed = await self._prober.probe(await self._next_sites(), await self._next_hosted())
        judged = round_of(probed, at=at, every_seconds=self._every_seconds)
        self.counters.rounds += 1
        self.counters.failures.update(each.kind for each in probed if each.fault is not None)
        self.counters.last_round = judged
        if len(self._waiting) == ROUNDS_WAITING_MAX:
            self._waiting.popleft()
            self.counters.rounds_lost += 1
        self._waiting.append(_Waiting(judged, probed))
        await self.settle()

    async def settle(self) -> None:
        """Store rounds in their order, as far as the database is there."""
        try:
            while self._waiting:
                await self._store(self._waiting[0])
                self._waiting.popleft()
        except IdnodeError as error:
            log.warning("probe_rounds_wait", rounds=len(self._waiting), code=error.code)

    async def forget(self) -> None:
        """Drop what has been kept long enough. Raises Unavailable."""
        now = self._now()
        await self._probes.forget(results_before=now - RESULTS_KEPT, rounds_before=now - ROUNDS_KEPT)

    async def _store(self, waiting: _Waiting) -> None:
        # Read anew for each round: another relay or the operator may have closed what this one opened.
        opened = await self._events.open_by_probe()
        seen = sightings(waiting.judged, waiting.probed)
        streaks, turns = self._decided(seen, opened, waiting.judged.at)
        if opened.keys() - {NODE}:
            turns += [self._orphan(event, waiting.judged.at) for event in await self._events.orphaned()]
        await self._events.record(waiting.judged, [each.result for each in waiting.probed], turns)
        self._streaks = streaks
        for turn in turns:
            state = "abnormal" if isinstance(turn, Opening) else "recovered"
            log.warning("monitoring_event", event_id=str(turn.id), state=state, reason=turn.reason)

    def _decided(
        self, seen: dict[str, Sighting], opened: dict[str, Event], at: datetime
    ) -> tuple[dict[str, Streak], list[Opening | Closing]]:
        streaks, turns = dict(self._streaks), list[Opening | Closing]()
        for subject, sighting in seen.items():
            current = opened.get(subject)
            streak, turn = step(
                streaks.pop(subject, None),
                is_abnormal=current is not None,
                is_seen_down=sighting.fault is not None,
                at=at,
            )
            if streak is None:
                continue
            if turn is None:
                streaks[subject] = streak
            elif turn is Turn.ABNORMAL and sighting.fault is not None:
                turns.append(self._opening(subject, sighting.fault.kind, sighting.fault.text, streak.since))
            elif current is not None:
                turns.append(self._closing(current, streak.since, f"{BACK_TO_NORMAL}; it was {current.reason}"))
        return streaks, turns

    def _opening(self, subject: str, kind: EventKind, reason: str, since: datetime) -> Opening:
        return Opening(self._new_id(), subject, Source.PROBE, kind, _second(since), reason, PROBE_ACTOR)

    def _closing(self, event: Event, since: datetime, reason: str) -> Closing:
        return Closing(self._new_id(), event.id, Source.PROBE, _second(since), reason, PROBE_ACTOR)

    def _orphan(self, event: Event, at: datetime) -> Closing:
        return self._closing(event, at, NOT_PROBED)

    async def _next_sites(self) -> list[Site]:
        """Nobody, while the database is away."""
        try:
            sites = await self._probes.sites_after(self._site_cursor, limit=SITES_PER_ROUND_MAX)
        except IdnodeError:
            return []
        self._site_cursor = sites[-1].prefix if len(sites) == SITES_PER_ROUND_MAX else ""
        return sites

    async def _next_hosted(self) -> HostedIdentifier | None:
        try:
            found = await self._probes.hosted_after(self._hosted_cursor)
            if found is None and self._hosted_cursor:
                found = await self._probes.hosted_after("")
        except IdnodeError:
            return None
        self._hosted_cursor = "" if found is None else found.prefix
        return found

    async def _probe_on_ticks(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            # Whole multiples of the interval: a round that takes long moves none of those after it.
            await asyncio.sleep(self._every_seconds - clock() % self._every_seconds)
            if self._is_ours():
                await self.round()
            else:
                # What was seen while nobody could lead, and a beginning that another relay goes on from.
                await self.settle()
                self._streaks.clear()

    async def _report_events(self) -> None:
        while True:
            await asyncio.sleep(EVENTS_SECONDS)
            if self._is_ours():
                try:
                    await self._reporter.catch_up()
                except IdnodeError as error:
                    log.warning("events_not_reported", code=error.code)

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(UPKEEP_SECONDS)
            if self._is_ours():
                try:
                    await self.forget()
                except IdnodeError as error:
                    log.warning("monitoring_upkeep_postponed", code=error.code)


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
