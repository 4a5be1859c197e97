"""What the top node said of records becomes what the ledger says of them."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import structlog

from idnode.model.errors import IdnodeError
from idnode.model.reporting import REASON_CHARACTERS_MAX, RecordState, Report, Verdict
from idnode.storage.ledger import Ledger, Settlement
from idnode.sync.metrics import RelayCounters

AWAITED_MAX = 200_000
"""Of records that were sent, so many are remembered for the sake of their lag."""
JUDGEMENTS = frozenset({RecordState.SENT, RecordState.ACCEPTED, RecordState.REJECTED})

log = structlog.get_logger("idnode.sync")


class Judged(NamedTuple):
    """A record of the ledger, and what the top node says of it. `occurred` is None where that is not known."""

    number: int
    report: Report
    subject: str
    version: int
    occurred: datetime | None
    verdict: Verdict


Hook = Callable[[Sequence[Judged]], Awaitable[None]]
"""Acts on verdicts before they are settled, perhaps more than once. A retryable error puts the settlement off."""


class Judging:
    """Verdicts, by whichever way they come: hooks first, then the ledger, so that no hook is ever left out."""

    def __init__(
        self,
        ledger: Ledger,
        hooks: Mapping[Report, Hook],
        counters: RelayCounters,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._hooks = hooks
        self._counters = counters
        self._now = now
        self._awaited: dict[int, datetime] = {}

    async def settle(self, judged: Sequence[Judged]) -> None:
        """Enter what was said of records of one report. Raises LeadershipLost, and a hook's retryable error."""
        if not judged:
            return
        await self._act(judged)
        await self._ledger.settle([_settlement(each) for each in judged])
        report = judged[0].report
        for state, records in Counter(each.verdict.state for each in judged).items():
            self._counters.count_settled(report, state, records)
        self._counters.count_lags(report, self._lags(judged))

    async def _act(self, judged: Sequence[Judged]) -> None:
        hook = self._hooks.get(judged[0].report)
        if hook is None:
            return
        try:
            await hook(judged)
        except IdnodeError as error:
            if error.is_retryable:
                raise
            # The verdict is a fact, whatever this node makes of it; and others wait behind it.
            log.warning("verdict_not_acted_on", report=judged[0].report, code=error.code, detail=error.detail)

    def _lags(self, judged: Sequence[Judged]) -> list[int]:
        """Milliseconds of those that were accepted; those that are to be judged later are remembered."""
        now, lags = self._now().timestamp(), []
        for each in judged:
            if each.verdict.state is RecordState.SENT:
                self._remember(each)
                continue
            occurred = each.occurred or self._awaited.pop(each.number, None)
            if occurred is not None and each.verdict.state is RecordState.ACCEPTED:
                lags.append(int((now - occurred.timestamp()) * 1_000))
        return lags

    def _remember(self, judged: Judged) -> None:
        if judged.occurred is None:
            return
        if len(self._awaited) >= AWAITED_MAX:
            del self._awaited[next(iter(self._awaited))]
        self._awaited[judged.number] = judged.occurred


def final_verdicts(verdicts: Sequence[Verdict]) -> dict[str, Verdict]:
    """One for each id: the first that judges, else that it was received. What is no verdict is left out."""
    found: dict[str, Verdict] = {}
    for verdict in verdicts:
        known = found.get(verdict.id)
        if verdict.state in JUDGEMENTS and (known is None or known.state is RecordState.SENT):
            found[verdict.id] = verdict
    return found


def _settlement(judged: Judged) -> Settlement:
    verdict = judged.verdict
    return Settlement(judged.number, verdict.state, verdict.receipt, verdict.reason)


def kept_text(text: str | None) -> str | None:
    """A text of the top node's as the database takes it: bounded, without NUL."""
    return None if text is None else text[:REASON_CHARACTERS_MAX].replace("\x00", "�")
