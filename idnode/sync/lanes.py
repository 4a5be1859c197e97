"""A lane: claims records in their order, renders them, delivers one batch at a time, and settles what was answered.

```text
claim ─▶ render 1 ─▶ deliver 1 ─▶ deliver 2 ─▶ deliver 3 ─▶ …  ─▶ claim
                     render 2 ─▶  render 3 ─▶  …
                                  settle 1 ─▶  settle 2 ─▶  …
```

A batch goes out when the one before it was answered in full, and is settled when that one is; a claim is some batches
long, and the next one is made when all of them are settled: no record is ever out twice, and of one subject none
overtakes another.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

import structlog

from idnode.model.errors import IdnodeError
from idnode.model.reporting import RecordState, Report, ReportedRecord, record_id
from idnode.storage.ledger import Claimed, LeadershipLost, Ledger, Settlement
from idnode.sync.delivery import Answered, Delivery, Refused
from idnode.sync.holds import Holds
from idnode.sync.judging import Judged, Judging, kept_text
from idnode.sync.metrics import RelayCounters
from idnode.sync.switch import Switch
from idnode.wire.instants import instant_text

CLAIM_BATCHES = 8
POLL_SECONDS = 0.2
"""What came by another way than the collector (statistics, a retry) waits so long at most."""
UNRENDERED_SECONDS = 1.0
"""Between two attempts to render what cannot be rendered now."""

log = structlog.get_logger("idnode.sync")


class Rendering(Protocol):
    """What records say."""

    async def data_of(self, claimed: Sequence[Claimed]) -> Sequence[Mapping[str, object]]:
        """One for each, by the field list of its table. Raises IdnodeError; a retryable one for what cannot be now."""


class Outgoing(NamedTuple):
    """A record of the ledger, and what goes out of it."""

    claimed: Claimed
    record: ReportedRecord


class LaneLimits(NamedTuple):
    """How much goes out at once, and how often what is refused is tried."""

    batch_records: int
    tries_max: int


class Settling:
    """The settlement of the batch that was answered last, while the next one is out."""

    def __init__(
        self, tasks: asyncio.TaskGroup, settle: Callable[[Sequence[Outgoing], Answered], Coroutine[None, None, bool]]
    ) -> None:
        self._tasks = tasks
        self._settle = settle
        self._under_way: asyncio.Task[bool] | None = None

    def begin(self, batch: Sequence[Outgoing], answered: Answered) -> None:
        """To be called when the one before is done."""
        self._under_way = self._tasks.create_task(self._settle(batch, answered))

    async def is_done(self) -> bool:
        """Wait for it; False when it was put off. Raises LeadershipLost."""
        return self._under_way is None or await self._under_way


class Lane:
    """Delivers the records of some reports. `node` is the node's prefix; `monotonic` gives seconds."""

    def __init__(
        self,
        node: str,
        reports: Sequence[Report],
        limits: LaneLimits,
        ledger: Ledger,
        rendering: Rendering,
        delivery: Delivery,
        judging: Judging,
        switch: Switch,
        counters: RelayCounters,
        *,
        monotonic: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._node = node
        self._reports = tuple(reports)
        self._limits = limits
        self._ledger = ledger
        self._rendering = rendering
        self._delivery = delivery
        self._judging = judging
        self._switch = switch
        self._counters = counters
        self._monotonic = monotonic
        self._jitter = jitter
        self._holds = Holds()
        self._served: Report | None = None
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There may be something to send."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until cancelled. Raises LeadershipLost."""
        while True:
            await self._switch.until_on()
            await self._delivery.until_allowed()
            self._woken.clear()
            if not await self.step():
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._woken.wait()

    async def step(self) -> bool:
        """Claim, and deliver what was claimed; False when there was nothing, or something stands in the way."""
        claimed = await self._claim()
        return bool(claimed) and await self._send(claimed)

    async def _claim(self) -> list[Claimed]:
        """Of the report that comes after the one served last, so that a long backlog of one keeps no other waiting."""
        self._holds.end(now=self._monotonic())
        limit = CLAIM_BATCHES * self._limits.batch_records
        following = () if self._served is None else self._reports[self._reports.index(self._served) + 1 :]
        claimed = await self._ledger.claim(following, limit) if following else []
        claimed = claimed or await self._ledger.claim(self._reports, limit)
        self._served = claimed[0].report if claimed else None
        return [record for record in claimed if not self._holds.has(record)]

    async def _send(self, claimed: Sequence[Claimed]) -> bool:
        """False as soon as something stands in the way; what was not settled is claimed again."""
        size = self._limits.batch_records
        first, *rest = [claimed[start : start + size] for start in range(0, len(claimed), size)]
        # What is rendered ahead, or settled, ends by itself: a call of the ledger that is cancelled costs the lead.
        async with asyncio.TaskGroup() as tasks:
            settling = Settling(tasks, self._settle)
            ahead = tasks.create_task(self._rendered(first))
            for following in (*rest, ()):
                outgoing = await ahead
                ahead = tasks.create_task(self._rendered(following))
                if outgoing is None or not self._switch.is_on or not await self._deliver(outgoing, settling):
                    return False
            return await settling.is_done()

    # Rendering.

    async def _rendered(self, claimed: Sequence[Claimed]) -> list[Outgoing] | None:
        """None when it cannot be done now."""
        if not claimed:
            return []
        try:
            data = await self._rendering.data_of(claimed)
        except IdnodeError as error:
            if error.is_retryable:
                log.warning("rendering_postponed", code=error.code, detail=error.detail)
                await asyncio.sleep(UNRENDERED_SECONDS)
                return None
            return await self._without_unrenderable(claimed, error)
        return [Outgoing(each, self._reported(each, said)) for each, said in zip(claimed, data, strict=True)]

    async def _without_unrenderable(self, claimed: Sequence[Claimed], error: IdnodeError) -> list[Outgoing] | None:
        """Find the record that cannot be rendered by halving, and give it up."""
        if len(claimed) == 1:
            await self._bury(claimed[0], f"{error.code}: {error.detail}")
            return []
        middle = len(claimed) // 2
        before = await self._rendered(claimed[:middle])
        after = None if before is None else await self._rendered(claimed[middle:])
        return None if before is None or after is None else before + after

    def _reported(self, claimed: Claimed, data: Mapping[str, object]) -> ReportedRecord:
        report, subject, version = claimed.report, claimed.subject, claimed.version
        id = record_id(self._node, report, subject, version)
        return ReportedRecord(id, report, subject, version, instant_text(claimed.occurred), data)

    async def _bury(self, claimed: Claimed, reason: str) -> None:
        log.warning("record_dead", number=claimed.number, report=claimed.report, reason=reason)
        await self._ledger.settle([Settlement(claimed.number, RecordState.DEAD, None, kept_text(reason))])
        self._counters.count_settled(claimed.report, RecordState.DEAD)

    # Delivering.

    async def _deliver(self, outgoing: list[Outgoing], settling: "Settling") -> bool:
        """Whether all of it was delivered or refused. A refused batch is halved until what is refused stands alone."""
        waiting = [outgoing]
        while waiting:
            batch = [each for each in waiting.pop() if not self._holds.has(each.claimed)]
            if not batch:
                continue
            match await self._delivery.deliver([each.record for each in batch]):
                case Answered(missing=missing) as answered:
                    if not await settling.is_done():
                        return False
                    settling.begin(batch, answered)
                    if missing:
                        await settling.is_done()
                        return False
                case Refused(reason) if len(batch) == 1:
                    await self._refused(batch[0].claimed, reason)
                case Refused():
                    middle = len(batch) // 2
                    waiting += [batch[middle:], batch[:middle]]
                case None:
                    return False
        return True

    async def _settle(self, batch: Sequence[Outgoing], answered: Answered) -> bool:
        """False when a hook cannot act now; the batch is delivered once more then, under the same ids."""
        judged: list[Judged] = []
        unanswered: set[str] = set()
        for claimed, record in batch:
            if record.id in answered.missing:
                unanswered.add(record.subject)
            elif record.subject not in unanswered:
                # Later ones of a subject are sent again behind the one that nothing is known of.
                number, occurred = claimed.number, claimed.occurred
                verdict = answered.verdicts[record.id]
                judged.append(Judged(number, record.report, record.subject, record.version, occurred, verdict))
        try:
            await self._judging.settle(judged)
        except LeadershipLost:
            raise
        except IdnodeError as error:
            log.warning("settlement_postponed", code=error.code, detail=error.detail)
            return False
        return True

    async def _refused(self, claimed: Claimed, reason: str) -> None:
        """It keeps its place: later records of its subject wait until it is taken or dead."""
        kept = kept_text(reason) or ""
        dead = await self._ledger.tried([claimed.number], tries_max=self._limits.tries_max, reason=kept)
        if dead:
            log.warning("record_dead", number=claimed.number, report=claimed.report, reason=kept)
            self._counters.count_settled(claimed.report, RecordState.DEAD)
            self._holds.let_go(claimed)
        else:
            self._holds.hold(claimed, now=self._monotonic(), jitter=self._jitter())
