"""Reads what the top node judges later, and enters it: at least once, from where the reading before left off."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from idnode.model.errors import IdnodeError
from idnode.model.reporting import Report, Verdict
from idnode.storage.ledger import LeadershipLost, Ledger
from idnode.sync.breaker import wait_seconds
from idnode.sync.judging import Judged, Judging, final_verdicts
from idnode.sync.metrics import RelayCounters
from idnode.sync.transport import Transport, TransportThrottled

POLL_SECONDS_MAX = 20.0
"""How long the top node may keep a question for verdicts."""
PAUSE_SECONDS = 0.5
"""Between two questions, when there was nothing: some transports do not wait."""
VERSION_MAX = (1 << 63) - 1
VERSION_DIGITS_MAX = 19

log = structlog.get_logger("idnode.sync")


class RecordKey(NamedTuple):
    """What the name of a record at the top node says."""

    report: Report
    subject: str
    version: int


def read_record_id(node: str, id: str) -> RecordKey | None:
    """The inverse of `record_id`; None for what this node cannot have sent. A subject may hold colons."""
    if not id.startswith(f"{node}:") or "\x00" in id:
        return None
    report, _, rest = id[len(node) + 1 :].partition(":")
    subject, has_subject, version = rest.rpartition(":")
    is_number = version.isascii() and version.isdigit() and len(version) <= VERSION_DIGITS_MAX
    # One record has one name: 07 is not how this node writes 7.
    if not has_subject or not is_number or version != str(int(version)):
        return None
    try:
        key = RecordKey(Report(report), subject, int(version))
    except ValueError:
        return None
    return key if key.version <= VERSION_MAX else None


class VerdictReader:
    """`node` is the node's prefix, which the ids of its records begin with. `jitter` draws from [0, 1)."""

    def __init__(
        self,
        node: str,
        ledger: Ledger,
        transport: Transport,
        judging: Judging,
        counters: RelayCounters,
        *,
        jitter: Callable[[], float],
    ) -> None:
        self._node = node
        self._ledger = ledger
        self._transport = transport
        self._judging = judging
        self._counters = counters
        self._jitter = jitter
        self._failures = 0
        self._throttled_seconds = 0.0

    async def run(self) -> None:
        """Read until cancelled. Raises LeadershipLost."""
        cursor = (await self._ledger.state()).verdict_cursor
        while True:
            following = await self.step(cursor)
            if following is None:
                await asyncio.sleep(self._pause_seconds())
            else:
                cursor = following

    async def step(self, cursor: str) -> str | None:
        """The cursor after a page; None when there was nothing, or it did not work out."""
        self._throttled_seconds = 0.0
        try:
            page = await self._transport.verdicts(cursor, wait_seconds=POLL_SECONDS_MAX)
            for judged in await self._judged(page.verdicts):
                await self._judging.settle(judged)
        except TransportThrottled as error:
            self._throttled_seconds = error.seconds
            return None
        except LeadershipLost:
            raise
        except IdnodeError as error:
            # Of the transport, or a hook that could not act now: the page is read again.
            self._failures += 1
            log.warning("verdicts_not_read", code=error.code, detail=error.detail, failures=self._failures)
            return None
        self._failures = 0
        if page.cursor == cursor:
            return None
        await self._ledger.keep_cursor(page.cursor)
        return page.cursor

    async def _judged(self, verdicts: Sequence[Verdict]) -> list[list[Judged]]:
        """Verdicts on records of the ledger, by report."""
        final = final_verdicts(verdicts)
        known = {id: key for id in final if (key := read_record_id(self._node, id)) is not None}
        found: list[list[Judged]] = []
        for report in dict.fromkeys(key.report for key in known.values()):
            keys = [(key.subject, key.version) for key in known.values() if key.report is report]
            numbers = await self._ledger.numbers_of(report, keys)
            found.append(
                [
                    Judged(number, report, key.subject, key.version, None, final[id])
                    for id, key in known.items()
                    if key.report is report and (number := numbers.get((key.subject, key.version))) is not None
                ]
            )
        unknown = len(final) - sum(map(len, found))
        if unknown:
            self._counters.unknown_verdicts += unknown
            log.warning("verdicts_unknown", verdicts=unknown)
        return found

    def _pause_seconds(self) -> float:
        if self._failures:
            return wait_seconds(self._failures, jitter=self._jitter())
        return max(self._throttled_seconds, PAUSE_SECONDS)
