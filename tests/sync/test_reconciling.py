"""Reconciliation: planted drift is found and put right, all of it; what is on its way is none; every morning, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from idnode.model.reporting import (
    Digest,
    Purpose,
    RecordState,
    Report,
    ReportedRecord,
    Verdict,
    VerdictPage,
    record_id,
)
from idnode.storage.database import Database
from idnode.storage.ledger import Claimed, NewRecord
from idnode.storage.reconciliation import PAGE_RECORDS, DayOfLedger, PrefixDrift, ReconciliationStore
from idnode.storage.sync_records import RecordFilters, SyncRecords
from idnode.sync.drift import bounds_of, prefix_of
from idnode.sync.reconciling import Reconciler
from idnode.sync.transport import TransportFailed
from idnode.wire.instants import instant_text
from idnode.wire.top_node.digests import data_sha256, digest_of

NODE = "88.118"
DAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)
AT_NIGHT = datetime(2026, 11, 24, 18, 59, tzinfo=UTC)
IN_THE_MORNING = datetime(2026, 11, 24, 19, tzinfo=UTC)

SETTLE = """
UPDATE sync_record SET state = $3
FROM unnest($1::text[], $2::bigint[]) AS entered (subject, version)
WHERE sync_record.subject = entered.subject AND sync_record.version = entered.version
"""


class Rendered:
    """A record says its subject and version."""

    async def data_of(self, claimed: Sequence[Claimed]) -> list[Mapping[str, object]]:
        return [{"identifier": each.subject, "version": each.version} for each in claimed]


@dataclass
class TopNode:
    """Another side in memory: what it holds by id, and what it was sent."""

    held: dict[str, ReportedRecord] = field(default_factory=dict)
    sent: list[tuple[Purpose, str]] = field(default_factory=list)
    fails: bool = False

    def hold(self, *records: tuple[str, int], data: Mapping[str, object] | None = None) -> None:
        """Accept records; `data` instead of what they say."""
        for subject, version in records:
            id = record_id(NODE, Report.T9, subject, version)
            said = data or {"identifier": subject, "version": version}
            self.held[id] = ReportedRecord(id, Report.T9, subject, version, instant_text(NOON), said)

    async def deliver(self, purpose: Purpose, records: Sequence[ReportedRecord]) -> Sequence[Verdict]:
        for record in records:
            self.sent.append((purpose, record.id))
            if purpose is Purpose.WITHDRAW:
                del self.held[record.id]
            else:
                self.held[record.id] = record
        return [Verdict(record.id, RecordState.ACCEPTED, "R-1") for record in records]

    async def verdicts(self, cursor: str, *, wait_seconds: float) -> VerdictPage:  # noqa: ARG002  # it judges at once
        return VerdictPage((), cursor)

    async def digests(self, day: date) -> Sequence[Digest]:
        if self.fails:
            raise TransportFailed("the top node answers 503")
        prefixes = {prefix_of(record.subject) for record in self.held.values()}
        found = {prefix: self._lines(prefix) for prefix in prefixes}
        return [Digest(prefix, day, len(lines), digest_of(lines)) for prefix, lines in found.items()]

    async def digest_lines(self, prefix: str, day: date) -> Mapping[str, str]:  # noqa: ARG002  # it holds one day
        return self._lines(prefix)

    async def close(self) -> None:
        """Nothing is open."""

    def _lines(self, prefix: str) -> dict[str, str]:
        of_prefix = (record for record in self.held.values() if prefix_of(record.subject) == prefix)
        return {record.id: data_sha256(record.data) for record in of_prefix}


@dataclass
class Sides:
    """The ledger, the other side, and the reconciler between them."""

    database: Database
    records: SyncRecords
    store: ReconciliationStore
    top_node: TopNode
    reconciler: Reconciler
    clock: list[datetime]

    async def enter(self, state: RecordState, *records: tuple[str, int], occurred: datetime = NOON) -> None:
        """Records of T9 that have come into a state."""
        await self.records.add([NewRecord(Report.T9, *each, "register", occurred, None) for each in records])
        async with self.database.session() as session:
            await session.run(SETTLE, *zip(*records, strict=True), state)

    async def reconcile(self, *, repair: bool = False) -> tuple[tuple[PrefixDrift, ...], str | None]:
        """What a comparison of the day finds, and what stood in its way."""
        asked = await self.store.ask(DAY, repair=repair, by="test", at=self.clock[0])
        assert await self.reconciler.step()
        found = await self.store.find(asked.number)
        assert found is not None
        assert found.ended is not None
        return found.drift, found.failure

    async def pending(self) -> list[tuple[str, int]]:
        """What is to be delivered."""
        filters = RecordFilters(Report.T9, RecordState.PENDING)
        found = await self.records.page(filters, after_number=0, limit=1_000)
        return [(each.subject, each.version) for each in found]


@pytest.fixture
async def sides(database: Database, dsn: str) -> Sides:
    store, top_node, clock = ReconciliationStore(database), TopNode(), [AT_NIGHT]
    reconciler = reconciler_of(store, dsn, top_node, clock)
    return Sides(database, SyncRecords(database), store, top_node, reconciler, clock)


def reconciler_of(
    store: ReconciliationStore, dsn: str, top_node: TopNode, clock: list[datetime], *, has_digests: bool = True
) -> Reconciler:
    return Reconciler(
        store,
        dsn,
        Rendered(),
        top_node,
        node=NODE,
        has_digests=has_digests,
        is_repairing=True,
        now=lambda: clock[0],
    )


async def test_two_sides_that_hold_the_same_differ_in_nothing(sides: Sides) -> None:
    records = [("88.118.8/A", 1), ("88.118.8/A", 2), ("88.118.8/A", 10), ("88.118.8/卷:1", 1), ("88.118.80/A", 1)]
    await sides.enter(RecordState.ACCEPTED, *records)
    sides.top_node.hold(*records)

    drift, failure = await sides.reconcile(repair=True)

    [found] = await sides.store.page(below=1_000, day=DAY, limit=10)
    assert (drift, failure) == ((), None)
    assert (found.prefixes, found.records) == (2, 5)
    assert sides.top_node.sent == []


async def test_planted_drift_is_found_all_of_it_and_left_alone_without_repair(sides: Sides) -> None:
    await sides.enter(RecordState.ACCEPTED, ("88.118.8/A", 1), ("88.118.8/B", 1), ("88.118.8/C", 1), ("88.118.9/D", 1))
    sides.top_node.hold(("88.118.8/A", 1))
    sides.top_node.hold(("88.118.8/B", 1), data={"identifier": "88.118.8/B", "version": 7})
    sides.top_node.hold(("88.118.8/X", 1), ("88.118.7/Y", 1))

    drift, failure = await sides.reconcile()

    assert drift == (
        PrefixDrift("88.118.7", missing=0, extra=1, changed=0, repaired=0),
        PrefixDrift("88.118.8", missing=1, extra=1, changed=1, repaired=0),
        PrefixDrift("88.118.9", missing=1, extra=0, changed=0, repaired=0),
    )
    assert failure is None
    assert (await sides.pending(), sides.top_node.sent) == ([], [])


async def test_repair_delivers_what_is_missing_corrects_and_withdraws(sides: Sides) -> None:
    await sides.enter(RecordState.ACCEPTED, ("88.118.8/A", 1), ("88.118.8/B", 1), ("88.118.8/C", 1))
    sides.top_node.hold(("88.118.8/A", 1), ("88.118.8/X", 3))
    sides.top_node.hold(("88.118.8/B", 1), data={"identifier": "88.118.8/B", "version": 7})

    drift, _ = await sides.reconcile(repair=True)
    returned = await sides.pending()
    await sides.enter(RecordState.ACCEPTED, *returned)
    sides.top_node.hold(*returned)
    after, _ = await sides.reconcile()

    assert drift == (PrefixDrift("88.118.8", missing=1, extra=1, changed=1, repaired=3),)
    assert returned == [("88.118.8/C", 1)]
    assert sides.top_node.sent == [
        (Purpose.CORRECT, "88.118:T9:88.118.8/B:1"),
        (Purpose.WITHDRAW, "88.118:T9:88.118.8/X:3"),
    ]
    assert after == ()
    assert (await sides.store.totals())[:4] == (1, 1, 1, 3)


async def test_an_id_that_is_none_of_ours_is_withdrawn_under_its_name(sides: Sides) -> None:
    sides.top_node.hold(("88.118.8/X", 1))
    [(id, record)] = sides.top_node.held.items()
    sides.top_node.held = {"somebody else's": replace(record, id="somebody else's")}

    drift, _ = await sides.reconcile(repair=True)

    assert drift == (PrefixDrift("88.118.8", missing=0, extra=1, changed=0, repaired=1),)
    assert sides.top_node.sent == [(Purpose.WITHDRAW, "somebody else's")]
    assert id == "88.118:T9:88.118.8/X:1"


@pytest.mark.parametrize("state", [RecordState.PENDING, RecordState.SENT, RecordState.REJECTED, RecordState.DEAD])
async def test_what_the_ledger_does_not_know_to_be_accepted_is_no_drift(sides: Sides, state: RecordState) -> None:
    await sides.enter(RecordState.ACCEPTED, ("88.118.8/A", 1))
    await sides.enter(state, ("88.118.8/A", 2), ("88.118.8/B", 1))
    sides.top_node.hold(("88.118.8/A", 1), ("88.118.8/A", 2))

    drift, failure = await sides.reconcile(repair=True)

    assert (drift, failure) == ((), None)
    assert sides.top_node.sent == []


async def test_records_of_other_days_are_not_looked_at(sides: Sides) -> None:
    first, until = bounds_of(DAY)
    await sides.enter(RecordState.ACCEPTED, ("88.118.8/A", 1), occurred=first)
    await sides.enter(RecordState.ACCEPTED, ("88.118.8/B", 1), occurred=until)
    await sides.enter(RecordState.ACCEPTED, ("88.118.8/C", 1), occurred=first - timedelta(microseconds=1))
    sides.top_node.hold(("88.118.8/A", 1))

    assert await sides.reconcile() == ((), None)


async def test_a_transport_without_digests_is_no_loss_of_everything(sides: Sides, dsn: str) -> None:
    await sides.enter(RecordState.ACCEPTED, ("88.118.8/A", 1))
    sides.reconciler = reconciler_of(sides.store, dsn, sides.top_node, sides.clock, has_digests=False)

    drift, failure = await sides.reconcile(repair=True)

    assert (drift, failure) == ((), "this transport brings no digests from the top node")
    assert await sides.pending() == []


async def test_a_top_node_that_does_not_answer_ends_the_comparison_with_the_reason(sides: Sides) -> None:
    await sides.enter(RecordState.ACCEPTED, ("88.118.8/A", 1))
    sides.top_node.fails = True

    drift, failure = await sides.reconcile(repair=True)

    assert (drift, failure) == ((), "the top node answers 503")
    assert await sides.pending() == []


async def test_the_last_three_days_are_compared_every_morning_once_by_whichever_relay(sides: Sides, dsn: str) -> None:
    other = reconciler_of(sides.store, dsn, sides.top_node, sides.clock)

    too_early = [await sides.reconciler.step(), await other.step()]
    sides.clock[0] = IN_THE_MORNING
    in_the_morning = [await each.step() for each in (sides.reconciler, other, sides.reconciler, other)]

    found = await sides.store.page(below=1_000, day=None, limit=10)
    assert too_early == [False, False]
    assert in_the_morning == [True, True, True, False]
    assert [(each.day, each.asked_by, each.repair) for each in found] == [
        (date(2026, 11, 22), "schedule", True),
        (date(2026, 11, 23), "schedule", True),
        (date(2026, 11, 24), "schedule", True),
    ]


async def test_of_the_days_up_to_a_restore_drift_is_told_and_not_repaired_by_itself(
    sides: Sides, database: Database
) -> None:
    async with database.session() as session:
        # The 23rd in Beijing.
        await session.run("UPDATE sync_state SET restored_at = '2026-11-22T18:00:00Z'")
    sides.clock[0] = IN_THE_MORNING

    while await sides.reconciler.step():
        pass

    found = await sides.store.page(below=1_000, day=None, limit=10)
    assert [(each.day.day, each.repair) for each in found] == [(22, False), (23, False), (24, True)]


async def test_a_node_that_has_lost_its_ledger_withdraws_nothing_by_itself_but_when_it_is_asked_to(
    sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.sync.reconciling.WITHDRAWN_UNASKED_MAX", 2)
    sides.top_node.hold(("88.118.8/A", 1), ("88.118.8/B", 1), ("88.118.9/C", 1))
    await sides.store.schedule([DAY], repair=True, by="schedule", at=NOON, scheduled=DAY)
    assert await sides.reconciler.step()
    [unasked] = await sides.store.page(below=1_000, day=DAY, limit=10)
    left = len(sides.top_node.held)

    drift, failure = await sides.reconcile(repair=True)

    assert [(each.prefix, each.extra, each.repaired) for each in unasked.drift] == [
        ("88.118.8", 2, 2),
        ("88.118.9", 1, 0),
    ]
    assert unasked.failure == (
        "88.118.9: 1 records that only the top node holds, and 2 before, are too many to be withdrawn unasked:"
        " idnode sync reconcile --day 2026-11-24 --repair"
    )
    assert left == 1
    assert (drift, failure, sides.top_node.held) == ((PrefixDrift("88.118.9", 0, 1, 0, 1),), None, {})


async def test_what_a_fallen_relay_had_begun_is_begun_anew(sides: Sides) -> None:
    asked = await sides.store.ask(DAY, repair=False, by="test", at=NOON)
    begun = await sides.store.begin(NOON)
    await sides.store.add_drift(asked.number, PrefixDrift("88.118.9", 1, 1, 1, 0))

    assert begun is not None
    assert begun.number == asked.number
    assert await sides.reconciler.step()
    again = await sides.store.find(asked.number)

    assert again is not None
    assert (again.drift, again.failure) == ((), None)
    assert await sides.store.begin(NOON) is None


async def test_a_paused_relay_compares_nothing(sides: Sides) -> None:
    await sides.store.ask(DAY, repair=True, by="test", at=NOON)
    await sides.records.pause("test")

    paused = await sides.reconciler.step()
    await sides.records.resume("test")

    assert (paused, await sides.reconciler.step()) == (False, True)


async def test_pages_of_the_ledger_come_in_the_order_of_the_lines_of_a_digest(sides: Sides, dsn: str) -> None:
    subjects = [f"88.118.8/{letter}{number}" for number in range(400) for letter in ("A", "a:", "卷")]
    records = [(subject, version) for subject in subjects for version in (2, 10)]
    await sides.enter(RecordState.ACCEPTED, *records)

    async with DayOfLedger.opened(dsn, *bounds_of(DAY)) as day:
        pages = [page async for page in day.pages("88.118.8")]

    ids = [record_id(NODE, Report.T9, each.subject, each.version) for page in pages for each in page]
    assert ids == sorted(ids)
    assert [len(page) for page in pages] == [PAGE_RECORDS, PAGE_RECORDS, 400]
