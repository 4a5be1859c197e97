"""One call of the top node: when it may be made, and what came of it as a value."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from idnode.model.reporting import Purpose, ReportedRecord, Verdict
from idnode.sync.breaker import Breaker, BreakerState
from idnode.sync.judging import final_verdicts
from idnode.sync.metrics import RelayCounters
from idnode.sync.transport import BatchRefused, Transport, TransportFailed, TransportThrottled

LOOK_SECONDS_MAX = 1.0
"""How soon whoever waits for a closed breaker looks again."""

log = structlog.get_logger("idnode.sync")


@dataclass(frozen=True, slots=True)
class Answered:
    """By record id what the top node says; of those in `missing` it said nothing."""

    verdicts: Mapping[str, Verdict]
    missing: frozenset[str]


@dataclass(frozen=True, slots=True)
class Refused:
    """The top node does not take the batch as it is."""

    reason: str


class Delivery:
    """All lanes deliver through one, and share its breaker. `jitter` draws from [0, 1)."""

    def __init__(
        self,
        transport: Transport,
        counters: RelayCounters,
        *,
        monotonic: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._error: str | None = None
        self._transport = transport
        self._counters = counters
        self._monotonic = monotonic
        self._jitter = jitter
        self._breaker = Breaker()
        counters.breaker = self._breaker.state

    @property
    def breaker(self) -> BreakerState:
        """Whether calls go through."""
        return self._breaker.state

    def take_error(self) -> str | None:
        """What went wrong since this was asked last, if anything."""
        error, self._error = self._error, None
        return error

    async def until_allowed(self) -> None:
        """Wait for back-off, breaker and the pauses that the top node asks for."""
        while True:
            wait = self._breaker.wait_seconds(now=self._monotonic())
            if wait <= 0:
                return
            await asyncio.sleep(min(wait, LOOK_SECONDS_MAX))

    async def deliver(self, records: Sequence[ReportedRecord]) -> Answered | Refused | None:
        """None: nothing is known of the batch, and the same records are to be delivered again."""
        if self._breaker.wait_seconds(now=self._monotonic()) > 0:
            return None
        self._breaker.begin()
        self._counters.batches += 1
        try:
            verdicts = await self._transport.deliver(Purpose.REPORT, records)
        except TransportFailed as error:
            self._failed(error.detail)
            return None
        except TransportThrottled as error:
            self._throttled(error)
            return None
        except BatchRefused as error:
            self._counters.refused += 1
            self._error = error.detail
            self._answered()
            return Refused(error.detail)
        return self._read(records, verdicts)

    def _read(self, records: Sequence[ReportedRecord], verdicts: Sequence[Verdict]) -> Answered:
        final = final_verdicts(verdicts)
        sent = {record.id for record in records}
        missing = frozenset(sent - final.keys())
        unknown = len(final.keys() - sent)
        if unknown:
            self._counters.unknown_verdicts += unknown
            log.warning("verdicts_unknown", verdicts=unknown)
        if missing:
            self._failed(f"the answer to a batch of {len(records)} says nothing of {len(missing)}")
        else:
            self._answered()
        return Answered(final, missing)

    def _failed(self, detail: str) -> None:
        self._error = detail
        self._counters.failures += 1
        self._breaker.failed(now=self._monotonic(), jitter=self._jitter())
        self._counters.breaker = self._breaker.state
        log.warning("delivery_failed", detail=detail, failures=self._breaker.failures, breaker=self._breaker.state)

    def _throttled(self, error: TransportThrottled) -> None:
        self._counters.throttled += 1
        self._breaker.throttled(now=self._monotonic(), seconds=error.seconds)
        self._counters.breaker = self._breaker.state
        log.info("delivery_throttled", seconds=error.seconds)

    def _answered(self) -> None:
        if self._breaker.state is not BreakerState.CLOSED:
            log.info("breaker_closed", failures=self._breaker.failures)
        self._breaker.answered()
        self._counters.breaker = self._breaker.state
