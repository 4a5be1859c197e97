"""Reconciliation: what the top node holds of a day, against what it has accepted; found, told, and put right."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TypeVar

import structlog

from idnode.model.errors import IdnodeError
from idnode.model.reporting import (
    Purpose,
    RecordState,
    Report,
    ReportedRecord,
    record_id,
)
from idnode.storage.ledger import Claimed
from idnode.storage.reconciliation import DayOfLedger, PrefixDrift, Reconciliation, ReconciliationStore
from idnode.sync.drift import Comparison, LinesDigest, bounds_of, differing, due_days, prefix_of
from idnode.sync.judging import kept_text
from idnode.sync.lanes import Rendering
from idnode.sync.transport import BatchRefused, Transport
from idnode.sync.verdicts import read_record_id
from idnode.wire.instants import instant_text
from idnode.wire.top_node.digests import data_sha256

POLL_SECONDS = 2.0
"""How soon a request is taken up."""
REPAIR_RECORDS = 1_000
"""Of one batch of corrections."""
LINES_MAX = 1_000_000
"""Records of one prefix and day that are compared: their ids and digests are held in memory, about 250 bytes each."""
WITHDRAWN_UNASKED_MAX = 1_000
"""Records of a day that are withdrawn without anybody having asked for it: more of them are a sign that this node has
lost its ledger, and not that the top node holds too much."""
SCHEDULE = "schedule"
LOST = "the top node did not hold it; it is delivered again"
REPAIRED = frozenset({RecordState.SENT, RecordState.ACCEPTED})

log = structlog.get_logger("idnode.sync")

T = TypeVar("T")


class NoDigests(IdnodeError):
    """There is nothing to compare with."""

    code = "no-digests"


class TooManyLines(IdnodeError):
    """A prefix has more records on the day than are compared."""

    code = "too-many-records"


class Reconciler:
    """Compares the days that are asked for, one at a time. `node` is the node's prefix, which ids begin with.

    Nothing is locked: our side is one snapshot, taken before the top node is asked, so what it lacks it has lost; what
    it has beyond that is looked up in the ledger afterwards, where what is pending or sent may have got through.
    """

    def __init__(
        self,
        store: ReconciliationStore,
        dsn: str,
        rendering: Rendering,
        transport: Transport,
        *,
        node: str,
        has_digests: bool,
        is_repairing: bool,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._dsn = dsn
        self._rendering = rendering
        self._transport = transport
        self._node = node
        self._has_digests = has_digests
        self._is_repairing = is_repairing
        self._now = now
        self._scheduled: date | None = None

    async def run(self) -> None:
        """Compare what is asked for, and the last days every morning, until cancelled."""
        while True:
            try:
                has_worked = await self.step()
            except IdnodeError as error:
                log.warning("reconciliation_postponed", code=error.code, detail=error.detail)
                has_worked = False
            if not has_worked:
                await asyncio.sleep(POLL_SECONDS)

    async def step(self) -> bool:
        """One comparison, if there is one to make. Raises Unavailable."""
        await self._schedule()
        asked = await self._store.begin(self._now())
        if asked is None:
            return False
        await self._reconcile(asked)
        return True

    async def _schedule(self) -> None:
        now = self._now()
        days = due_days(now)
        if not self._has_digests or not days or days[0] == self._scheduled:
            return
        await self._store.schedule(days, repair=self._is_repairing, by=SCHEDULE, at=now, scheduled=days[0])
        self._scheduled = days[0]

    async def _reconcile(self, asked: Reconciliation) -> None:
        day = _Day(self._store, self._rendering, self._transport, self._node, asked, self._now)
        failure = None
        try:
            if not self._has_digests:
                raise NoDigests("this transport brings no digests from the top node")
            async with DayOfLedger.opened(self._dsn, *bounds_of(asked.day)) as ledger:
                await day.compare(ledger)
        except IdnodeError as error:
            if error.is_retryable:
                raise
            failure = error.detail
        failures = day.failures if failure is None else [*day.failures, failure]
        await self._store.end(
            asked.number,
            self._now(),
            prefixes=day.prefixes,
            records=day.records,
            failure=kept_text("; ".join(failures) or None),
        )
        log.info(
            "reconciled", day=str(asked.day), prefixes=day.prefixes, records=day.records, drift=day.drift,
            repaired=day.repaired, failures=len(failures),
        )  # fmt: skip


class _Day:
    """One comparison under way."""

    def __init__(
        self,
        store: ReconciliationStore,
        rendering: Rendering,
        transport: Transport,
        node: str,
        asked: Reconciliation,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._rendering = rendering
        self._transport = transport
        self._node = node
        self._asked = asked
        self._now = now
        self.prefixes = 0
        self.records = 0
        self.drift = 0
        self.repaired = 0
        self.withdrawn = 0
        self.failures: list[str] = []

    async def compare(self, ledger: DayOfLedger) -> None:
        """All prefixes of the day. Raises what the transport raises, and Unavailable."""
        ours = await self._digests(ledger)
        self.records = sum(lines.records for lines in ours.values())
        theirs = await self._transport.digests(self._asked.day)
        self.prefixes = len(ours.keys() | {digest.prefix for digest in theirs})
        for prefix in differing(ours, theirs):
            try:
                await self._compare_prefix(ledger, prefix)
            except (BatchRefused, TooManyLines) as error:
                self.failures.append(f"{prefix}: {error.detail}")

    async def _digests(self, ledger: DayOfLedger) -> dict[str, LinesDigest]:
        found: dict[str, LinesDigest] = {}
        async for page in ledger.pages():
            for record, data in zip(page, await self._rendering.data_of(page), strict=True):
                lines = found.setdefault(prefix_of(record.subject), LinesDigest())
                lines.add(self._id(record), data_sha256(data))
        return found

    async def _compare_prefix(self, ledger: DayOfLedger, prefix: str) -> None:
        theirs = await self._transport.digest_lines(prefix, self._asked.day)
        if len(theirs) > LINES_MAX:
            raise TooManyLines(f"the top node holds {len(theirs)} records of this day, the limit is {LINES_MAX}")
        comparison = Comparison(theirs)
        async for page in ledger.pages(prefix):
            for record, data in zip(page, await self._rendering.data_of(page), strict=True):
                comparison.add(self._id(record), record.number, data_sha256(data))
        extra = await self._unknown(comparison.unmatched)
        missing, changed = comparison.missing, comparison.changed
        if not (missing or extra or changed):
            return
        repaired = await self._repair(ledger, comparison, extra, prefix) if self._asked.repair else 0
        self.drift += len(missing) + len(extra) + len(changed)
        self.repaired += repaired
        found = PrefixDrift(prefix, len(missing), len(extra), len(changed), repaired)
        await self._store.add_drift(self._asked.number, found)

    async def _unknown(self, ids: Sequence[str]) -> list[str]:
        """Those of which the ledger knows nothing; others were accepted there before this node heard of it."""
        unknown: list[str] = []
        for lot in _lots(ids):
            keys = {id: key for id in lot if (key := read_record_id(self._node, id)) and key.report is Report.T9}
            known = await self._store.known([(key.subject, key.version) for key in keys.values()])
            unknown += [
                id for id in lot if id not in keys or (keys[id].subject, keys[id].version) not in known
            ]  # fmt: skip
        return unknown

    async def _repair(self, ledger: DayOfLedger, found: Comparison, extra: Sequence[str], prefix: str) -> int:
        """How many were put right. Raises what the transport raises."""
        repaired = 0
        for numbers in _lots(found.missing):
            repaired += await self._store.return_records(numbers, reason=LOST, at=self._now())
        for numbers in _lots(found.changed):
            records = list((await ledger.records(numbers)).values())
            data = await self._rendering.data_of(records)
            corrected = [self._reported(*each) for each in zip(records, data, strict=True)]
            repaired += await self._deliver(Purpose.CORRECT, corrected)
        return repaired + await self._withdraw(extra, prefix)

    async def _withdraw(self, extra: Sequence[str], prefix: str) -> int:
        """How many were taken back."""
        if self._asked.asked_by == SCHEDULE and self.withdrawn + len(extra) > WITHDRAWN_UNASKED_MAX:
            self.failures.append(
                f"{prefix}: {len(extra)} records that only the top node holds, and {self.withdrawn} before,"
                f" are too many to be withdrawn unasked: idnode sync reconcile --day {self._asked.day} --repair"
            )
            return 0
        self.withdrawn += len(extra)
        repaired = 0
        for ids in _lots(extra):
            repaired += await self._deliver(Purpose.WITHDRAW, [self._withdrawn(id, prefix) for id in ids])
        return repaired

    async def _deliver(self, purpose: Purpose, records: Sequence[ReportedRecord]) -> int:
        verdicts = await self._transport.deliver(purpose, records)
        states = {verdict.id: verdict.state for verdict in verdicts}
        return sum(states.get(record.id) in REPAIRED for record in records)

    def _reported(self, record: Claimed, data: Mapping[str, object]) -> ReportedRecord:
        occurred = instant_text(record.occurred)
        return ReportedRecord(self._id(record), Report.T9, record.subject, record.version, occurred, data)

    def _withdrawn(self, id: str, prefix: str) -> ReportedRecord:
        """A record that only the top node knows; what its id does not say is said for the form."""
        key = read_record_id(self._node, id)
        first, _ = bounds_of(self._asked.day)
        subject, version = (f"{prefix}/", 0) if key is None else (key.subject, key.version)
        return ReportedRecord(id, Report.T9, subject, version, instant_text(first), {})

    def _id(self, record: Claimed) -> str:
        return record_id(self._node, Report.T9, record.subject, record.version)


def _lots(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[first : first + REPAIR_RECORDS] for first in range(0, len(items), REPAIR_RECORDS))
