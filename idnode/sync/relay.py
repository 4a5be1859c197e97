"""The relay while it leads: everything that runs over one ledger, until the lead is lost."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from idnode.model.errors import IdnodeError
from idnode.model.reporting import CADENCE, Cadence, RecordState, Report
from idnode.storage.ledger import LeadershipLost, Ledger
from idnode.sync.breaker import BreakerState
from idnode.sync.collecting import Collecting
from idnode.sync.delivery import Delivery
from idnode.sync.judging import Hook, Judging
from idnode.sync.lanes import Lane, LaneLimits, Rendering
from idnode.sync.metrics import RelayCounters
from idnode.sync.releases import AtOnce, ByContract, Releases
from idnode.sync.switch import Switch
from idnode.sync.transport import Transport
from idnode.sync.verdicts import VerdictReader

WATCH_SECONDS = 1.0
"""How soon a pause is heeded, and how often the relay says that it is alive."""
OVERDUE_SECONDS = 60.0
WORK_RETRY_SECONDS = 5.0
LANES = (
    tuple(report for report in Report if CADENCE[report] is Cadence.REAL_TIME),
    tuple(report for report in Report if CADENCE[report] is not Cadence.REAL_TIME),
)
"""What is due at once has a lane of its own: no backlog of the other one delays it."""

Work = Callable[[], Awaitable[None]]
"""Runs while the relay leads, until cancelled; or returns when it has nothing more to do."""

log = structlog.get_logger("idnode.sync")


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """How much, how often, how long."""

    batch_records: int
    tries_max: int
    verdict_hours: int


@dataclass(frozen=True, slots=True)
class Clocks:
    """`now` is the time of the world, `monotonic` gives seconds, `jitter` draws from [0, 1)."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    jitter: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Relay:
    """`node` is the node's prefix. What is due later is sent at once if so wished. `work` is what else a leader does.

    That work begins when the changes of the time before the lead are in the ledger.
    """

    node: str
    transport: Transport
    rendering: Rendering
    limits: RelayLimits
    clocks: Clocks
    counters: RelayCounters = field(default_factory=RelayCounters)
    hooks: Mapping[Report, Hook] = field(default_factory=dict)
    work: Sequence[Work] = ()
    is_at_once: bool = False

    async def lead(self, ledger: Ledger) -> None:
        """Report until cancelled. Raises a group with LeadershipLost; all that runs has ended then."""
        clocks, counters = self.clocks, self.counters
        switch = Switch()
        delivery = Delivery(self.transport, counters, monotonic=clocks.monotonic, jitter=clocks.jitter)
        judging = Judging(ledger, self.hooks, counters, now=clocks.now)
        reader = VerdictReader(self.node, ledger, self.transport, judging, counters, jitter=clocks.jitter)
        lanes = [self._lane(reports, ledger, delivery, judging, switch) for reports in LANES]

        def wake() -> None:
            for lane in lanes:
                lane.wake()

        releases: Releases = AtOnce() if self.is_at_once else ByContract(await ledger.releases())
        collecting = Collecting(ledger, releases, wake=wake, now=clocks.now)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(ledger, delivery, switch))
            tasks.create_task(self._ask_again(ledger))
            tasks.create_task(collecting.run())
            tasks.create_task(reader.run())
            for lane in lanes:
                tasks.create_task(lane.run())
            for work in self.work:
                tasks.create_task(_persist(work, collecting.has_caught_up))

    def _lane(
        self, reports: Sequence[Report], ledger: Ledger, delivery: Delivery, judging: Judging, switch: Switch
    ) -> Lane:
        limits = LaneLimits(self.limits.batch_records, self.limits.tries_max)
        return Lane(
            self.node,
            reports,
            limits,
            ledger,
            self.rendering,
            delivery,
            judging,
            switch,
            self.counters,
            monotonic=self.clocks.monotonic,
            jitter=self.clocks.jitter,
        )

    async def _watch(self, ledger: Ledger, delivery: Delivery, switch: Switch) -> None:
        """Heed a pause, and say that the relay is alive."""
        while True:
            state = await ledger.state()
            if switch.is_on is state.is_paused:
                log.info("relay_paused" if state.is_paused else "relay_delivers", by=state.paused_by)
            switch.turn(on=not state.is_paused)
            self.counters.is_paused = state.is_paused
            for report, records in ledger.take_superseded().items():
                self.counters.count_settled(report, RecordState.SUPERSEDED, records)
            await ledger.heartbeat(breaker=delivery.breaker, last_error=delivery.take_error())
            await asyncio.sleep(WATCH_SECONDS)

    async def _ask_again(self, ledger: Ledger) -> None:
        """Records that nobody judged in time are delivered again under the same ids."""
        while True:
            before = self.clocks.now() - timedelta(hours=self.limits.verdict_hours)
            overdue = await ledger.overdue(before)
            if overdue:
                self.counters.overdue += overdue
                log.warning("verdicts_overdue", records=overdue)
            await asyncio.sleep(OVERDUE_SECONDS)


@dataclass(frozen=True, slots=True)
class Custody:
    """What a leader does where no top node is reported to: only the other work, deposits say."""

    work: Sequence[Work]
    counters: RelayCounters = field(default_factory=RelayCounters)

    async def lead(self, ledger: Ledger) -> None:
        """Until cancelled. Raises a group with LeadershipLost."""
        may_begin = asyncio.Event()
        may_begin.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(ledger))
            for work in self.work:
                tasks.create_task(_persist(work, may_begin))

    async def _watch(self, ledger: Ledger) -> None:
        while True:
            await ledger.heartbeat(breaker=BreakerState.CLOSED, last_error=None)
            await asyncio.sleep(WATCH_SECONDS)


async def _persist(work: Work, may_begin: asyncio.Event) -> None:
    """An error of one kind of work stops nothing else, and the work is begun again."""
    await may_begin.wait()
    while True:
        try:
            await work()
        except LeadershipLost:
            raise
        except IdnodeError as error:
            log.warning("work_interrupted", code=error.code, detail=error.detail)
            await asyncio.sleep(WORK_RETRY_SECONDS)
        else:
            return
