"""The ledger over the pool: entered once, filtered, summed up, retried and replayed without upsetting the order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from idnode.model.reporting import RecordState, Report, SyncRecord
from idnode.storage.database import Database
from idnode.storage.ledger import Ledger, NewRecord, Settlement
from idnode.storage.sync_records import RecordFilters, ReportSummary, Retried, SyncRecords

AT = datetime(2026, 11, 24, 4, tzinfo=UTC)
ANY = RecordFilters()
DAY = timedelta(days=1)


@pytest.fixture
def records(database: Database) -> SyncRecords:
    return SyncRecords(database)


@pytest.fixture
async def ledger(dsn: str) -> AsyncIterator[Ledger]:
    leading = await Ledger.elected(dsn, relay="one")
    assert leading is not None
    yield leading
    await leading.close()


def new(report: Report, subject: str, version: int, *, at: datetime = AT, payload: bytes | None = b"{}") -> NewRecord:
    return NewRecord(report, subject, version, "report", at, payload)


async def settle(ledger: Ledger, report: Report, *states: RecordState | None) -> None:
    """Claim as many records as there are states, and bring each into its own; None leaves it."""
    await ledger.release([report], AT)
    claimed = await ledger.claim([report], len(states))
    settlements = [Settlement(each.number, state) for each, state in zip(claimed, states, strict=True) if state]
    await ledger.settle(settlements)


async def versions(records: SyncRecords, filters: RecordFilters = ANY) -> list[tuple[str, int, str]]:
    page = await records.page(filters, after_number=0, limit=100)
    return [(record.subject, record.version, record.state) for record in page]


async def test_records_are_entered_once(records: SyncRecords, ledger: Ledger) -> None:
    first = await records.add([new(Report.T8, "88.118.8", 20261124), new(Report.T8, "88.118.8", 20261125)])
    again = await records.add([new(Report.T8, "88.118.8", 20261125), new(Report.T3, "", 20261125, payload=b'{"a":1}')])
    nothing = await records.add([])
    await ledger.release([Report.T3], AT)

    [claimed] = await ledger.claim([Report.T3], 10)

    assert (first, again, nothing) == (2, 1, 0)
    assert (claimed.payload, claimed.old, claimed.new) == (b'{"a":1}', None, None)


async def test_a_whole_state_supersedes_what_waits_and_statistics_do_not(records: SyncRecords) -> None:
    await records.add([new(Report.T5, "88.118.8", 202610), new(Report.T8, "88.118.8", 20261123)])
    await records.add([new(Report.T5, "88.118.8", version) for version in (202612, 202611)])
    await records.add([new(Report.T5, "88.118.9", 202612), new(Report.T8, "88.118.8", 20261124)])

    assert sorted(await versions(records)) == [
        ("88.118.8", 202610, "superseded"),
        ("88.118.8", 202611, "superseded"),
        ("88.118.8", 202612, "pending"),
        ("88.118.8", 20261123, "pending"),
        ("88.118.8", 20261124, "pending"),
        ("88.118.9", 202612, "pending"),
    ]


async def test_a_record_that_is_added_while_others_were_claimed_is_claimed_too(
    records: SyncRecords, ledger: Ledger
) -> None:
    await records.add([new(Report.EVENT, "node", 1)])
    await ledger.claim([Report.EVENT], 10)
    await records.add([new(Report.EVENT, "node", 2)])

    assert [claimed.version for claimed in await ledger.claim([Report.EVENT], 10)] == [1, 2]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (ANY, [1, 2, 3, 4, 5, 6]),
        (RecordFilters(report=Report.T9), [1, 2, 3, 4]),
        (RecordFilters(report=Report.T9, state=RecordState.ACCEPTED), [2]),
        (RecordFilters(state=RecordState.ACCEPTED), [2, 6]),
        (RecordFilters(state=RecordState.REJECTED), [1]),
        (RecordFilters(state=RecordState.PENDING), [3, 4, 5]),
        (RecordFilters(report=Report.T8), [5, 6]),
        (RecordFilters(report=Report.T7), []),
        (RecordFilters(subject="88.118.8/A"), [1, 3]),
        (RecordFilters(subject="88.118.8/A", state=RecordState.REJECTED), [1]),
        (RecordFilters(subject="88.118.8/A", report=Report.T8), []),
        (RecordFilters(number=3), [3]),
        (RecordFilters(number=3, state=RecordState.REJECTED), []),
        (RecordFilters(number=7), []),
        (RecordFilters(since=AT), [2, 4, 5, 6]),
        (RecordFilters(until=AT), [1, 3]),
        (RecordFilters(since=AT, until=AT + DAY), [2, 5, 6]),
        (RecordFilters(since=AT + DAY, until=AT), []),
        (RecordFilters(report=Report.T9, since=AT), [2, 4]),
        (RecordFilters(report=Report.T9, state=RecordState.ACCEPTED, until=AT), []),
        (RecordFilters(report=Report.T8, since=AT), [5, 6]),
        (RecordFilters(state=RecordState.PENDING, since=AT, until=AT + DAY), [5]),
        (RecordFilters(subject="88.118.8/A", since=AT - DAY), [1, 3]),
        (RecordFilters(subject="88.118.8/A", since=AT), []),
        (RecordFilters(number=4, since=AT, until=AT + DAY), []),
        (RecordFilters(number=4, since=AT), [4]),
    ],
)
async def test_records_are_filtered(
    records: SyncRecords, ledger: Ledger, filters: RecordFilters, expected: list[int]
) -> None:
    names = (("A", 1, AT - DAY), ("B", 1, AT), ("A", 2, AT - DAY), ("C", 1, AT + DAY))
    await records.add([new(Report.T9, f"88.118.8/{name}", version, at=at) for name, version, at in names])
    await records.add([new(Report.T8, "88.118.8", version) for version in (20261123, 20261124)])
    await settle(ledger, Report.T9, RecordState.REJECTED, RecordState.ACCEPTED)
    await settle(ledger, Report.T8, None, RecordState.ACCEPTED)
    everything = [record.number for record in await records.page(ANY, after_number=0, limit=100)]
    places = {number: place for place, number in enumerate(everything, 1)}

    page = await records.page(filters, after_number=0, limit=100)

    assert [places[record.number] for record in page] == expected


async def test_pages_follow_one_another(records: SyncRecords) -> None:
    await records.add([new(Report.T9, f"88.118.8/{name}", 1) for name in "DCBA"])
    await records.add([new(Report.T8, "88.118.8", 20261124)])
    pending = RecordFilters(state=RecordState.PENDING)

    pages: list[list[SyncRecord]] = []
    while not pages or pages[-1]:
        after = pages[-1][-1].number if pages else 0
        pages.append(await records.page(pending, after_number=after, limit=2))

    assert [[record.subject for record in page] for page in pages] == [
        ["88.118.8/D", "88.118.8/C"],
        ["88.118.8/B", "88.118.8/A"],
        ["88.118.8"],
        [],
    ]


@pytest.mark.parametrize("near", [1, 3, 100])
async def test_pages_of_a_time_leave_nothing_out_wherever_it_lies(
    records: SyncRecords, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    monkeypatch.setattr("idnode.storage.sync_records.NEAR_RECORDS", near)
    times = [AT - DAY, AT, AT - DAY, AT, AT, AT + DAY, AT - DAY, AT, AT + DAY, AT + DAY]
    await records.add([new(Report.T9, f"88.118.8/{place}", 1, at=at) for place, at in enumerate(times)])
    filters, found, after = RecordFilters(since=AT, until=AT + DAY), [], 0
    while page := await records.page(filters, after_number=after, limit=2):
        found += [record.subject for record in page]
        after = page[-1].number

    assert found == ["88.118.8/1", "88.118.8/3", "88.118.8/4", "88.118.8/7"]


async def test_a_record_is_found_with_all_that_is_known_of_it(records: SyncRecords, ledger: Ledger) -> None:
    await records.add([new(Report.EVENT, "node", 1)])
    [claimed] = await ledger.claim([Report.EVENT], 1)
    await ledger.tried([claimed.number], tries_max=9, reason="later")
    await ledger.settle([Settlement(claimed.number, RecordState.ACCEPTED, "r-1")])

    found = await records.find(claimed.number)

    assert found is not None
    assert found == SyncRecord(
        claimed.number, Report.EVENT, "node", 1, "report", AT, RecordState.ACCEPTED, 1, "r-1", None, found.updated
    )
    assert await records.find(claimed.number + 1) is None


async def test_the_summary_tells_what_is_open_of_each_report(
    records: SyncRecords, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour = timedelta(hours=1)
    await records.add([new(Report.T9, f"88.118.8/{number}", 1, at=AT + number * hour) for number in range(6)])
    await settle(
        ledger, Report.T9, RecordState.SENT, RecordState.REJECTED, RecordState.ACCEPTED, RecordState.DEAD, None, None
    )
    await records.add([new(Report.T9, f"88.118.8/later-{number}", 1) for number in range(3)])
    await records.add([new(Report.EVENT, "node", 1, at=AT)])

    summary = {each.report: each for each in await records.summary()}
    t9, event = summary[Report.T9], summary[Report.EVENT]
    monkeypatch.setattr("idnode.storage.sync_records.COUNTED_MAX", 2)
    bounded = {each.report: each for each in await records.summary()}[Report.T9]

    assert list(summary) == list(Report)
    assert (t9.pending, t9.waiting, t9.sent, t9.rejected, t9.dead) == (2, 3, 1, 1, 1)
    assert (t9.oldest_pending, t9.released_at) == (AT + 4 * hour, AT)
    assert t9.last_accepted is not None
    assert (event.pending, event.waiting, event.oldest_pending, event.last_accepted) == (1, 0, AT, None)
    assert summary[Report.T7] == ReportSummary(Report.T7, 0, 0, 0, 0, 0, None, None, 0, None)
    assert (bounded.pending, bounded.waiting) == (2, 2)


async def test_what_was_refused_is_retried_with_all_its_tries(records: SyncRecords, ledger: Ledger) -> None:
    await records.add([new(Report.T9, f"88.118.8/{name}", 1) for name in "ABC"])
    await ledger.release([Report.T9], AT)
    a, b, _ = [claimed.number for claimed in await ledger.claim([Report.T9], 3)]
    await ledger.tried([a], tries_max=1, reason="no")
    await ledger.settle([Settlement(b, RecordState.REJECTED, None, "never")])

    dead = await records.retry(RecordFilters(state=RecordState.DEAD))
    rejected = await records.retry(RecordFilters(number=b))
    none = await records.retry(RecordFilters(state=RecordState.SENT)), await records.retry(ANY)
    claimed = await ledger.claim([Report.T9], 3)

    assert (dead, rejected, none) == (Retried(1, 0), Retried(1, 0), (Retried(0, 0), Retried(0, 0)))
    assert [(each.subject, each.attempts) for each in claimed] == [
        ("88.118.8/A", 0),
        ("88.118.8/B", 0),
        ("88.118.8/C", 0),
    ]


async def test_what_a_later_version_has_overtaken_is_not_retried(
    records: SyncRecords, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.sync_records.STEP_RECORDS", 1)
    await records.add([new(Report.T9, f"88.118.8/{name}", version) for name in "AB" for version in (1, 2)])
    await records.add([new(Report.T8, "88.118.8", version) for version in (20261123, 20261124)])
    await records.add([new(Report.T7, "88.118.8", 1)])
    await settle(ledger, Report.T9, RecordState.REJECTED, RecordState.SENT, RecordState.REJECTED, None)
    await settle(ledger, Report.T8, RecordState.REJECTED, RecordState.ACCEPTED)
    await settle(ledger, Report.T7, RecordState.REJECTED)
    await records.add([new(Report.T7, "88.118.8", 2)])

    retried = await records.retry(ANY)

    assert retried == Retried(2, 2)
    assert sorted(await versions(records)) == [
        ("88.118.8", 1, "superseded"),
        ("88.118.8", 2, "pending"),
        ("88.118.8", 20261123, "pending"),
        ("88.118.8", 20261124, "accepted"),
        ("88.118.8/A", 1, "superseded"),
        ("88.118.8/A", 2, "sent"),
        ("88.118.8/B", 1, "pending"),
        ("88.118.8/B", 2, "pending"),
    ]


async def test_a_retry_ends_though_what_it_retries_is_refused_again_at_once(
    records: SyncRecords, ledger: Ledger, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.sync_records.STEP_RECORDS", 2)
    await records.add([new(Report.T9, f"88.118.8/{name}", 1) for name in "ABCDE"])
    await settle(ledger, Report.T9, *[RecordState.REJECTED] * 5)
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN UPDATE sync_record SET state = 'rejected' WHERE number = NEW.number; RETURN NULL; END $$;"
        "CREATE TRIGGER refused_again AFTER UPDATE ON sync_record"
        " FOR EACH ROW WHEN (NEW.state = 'pending') EXECUTE FUNCTION refuse()"
    )
    await connection.close()

    assert await records.retry(ANY) == Retried(5, 0)


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda records: records.release_now([Report.T9, Report.T7]), id="release"),
        pytest.param(lambda records: records.retry(RecordFilters(state=RecordState.DEAD)), id="retry"),
        pytest.param(lambda records: records.replay(AT, None), id="replay"),
        pytest.param(
            lambda records: records.add([new(Report.T9, "88.118.9/A", 1), new(Report.T7, "88.118.9", 1)]), id="add"
        ),
    ],
)
async def test_who_changes_several_reports_locks_them_in_one_order_so_that_nobody_waits_in_a_ring(
    records: SyncRecords, ledger: Ledger, dsn: str, act: Callable[[SyncRecords], Awaitable[object]]
) -> None:
    for state in (RecordState.ACCEPTED, RecordState.DEAD):
        for report in (Report.T9, Report.T7):
            await records.add([new(report, f"88.118.8/{state}", 1)])
            await settle(ledger, report, state)
    connection = await asyncpg.connect(dsn)
    # Where rows lie is no order: this one lies behind the others now.
    await connection.execute("UPDATE sync_release SET accepted_at = now() WHERE report = 'T7'")
    async with connection.transaction():
        await connection.execute("SELECT FROM sync_release WHERE report = 'T7' FOR UPDATE")
        acting = asyncio.ensure_future(act(records))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        async with asyncio.timeout(10):
            while not await connection.fetchval(waiting):  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.01)
        free = await connection.fetch("SELECT report FROM sync_release WHERE report = 'T9' FOR UPDATE SKIP LOCKED")
    await acting
    await connection.close()

    assert [row["report"] for row in free] == ["T9"]


async def test_what_was_accepted_since_is_replayed_in_order(
    records: SyncRecords, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.sync_records.STEP_RECORDS", 2)
    day = timedelta(days=1)
    times = (("A", 1, AT - day), ("A", 2, AT), ("B", 1, AT), ("A", 3, AT + day), ("C", 1, AT), ("D", 1, AT))
    await records.add([new(Report.T9, f"88.118.8/{name}", version, at=at) for name, version, at in times])
    await settle(ledger, Report.T9, *[RecordState.ACCEPTED] * 4, RecordState.REJECTED, RecordState.SENT)
    for version in (1, 2):
        await records.add([new(Report.T7, "88.118.8", version)])
        await settle(ledger, Report.T7, RecordState.ACCEPTED)

    identifiers = await records.replay(AT, Report.T9)
    rest = await records.replay(AT, None)
    nothing = await records.replay(AT + 2 * day, None)
    again = [(claimed.subject, claimed.version) for claimed in await ledger.claim([Report.T9], 10)]
    routes = [(claimed.subject, claimed.version) for claimed in await ledger.claim([Report.T7], 10)]

    assert (identifiers, rest, nothing) == (3, 1, 0)
    assert again == [("88.118.8/A", 2), ("88.118.8/B", 1), ("88.118.8/A", 3)]
    assert routes == [("88.118.8", 2)]


async def test_a_record_that_is_replayed_is_sent_again_though_a_later_version_stands(
    records: SyncRecords, ledger: Ledger
) -> None:
    await records.add([new(Report.T9, "88.118.8/A", version) for version in (1, 2)])
    await settle(ledger, Report.T9, RecordState.REJECTED)
    await records.retry(ANY)
    await settle(ledger, Report.T9, RecordState.ACCEPTED, RecordState.SENT)

    await records.replay(AT, Report.T9)

    assert [claimed.version for claimed in await ledger.claim([Report.T9], 10)] == [1]


async def test_the_relay_is_paused_and_let_go_on(records: SyncRecords, ledger: Ledger) -> None:
    before = await records.state()
    await records.pause("key 1")
    await records.pause("key 2")
    paused = await ledger.state()
    await records.resume("key 3")
    resumed = await ledger.state()

    assert (before.is_paused, before.relay) == (False, "one")
    assert (paused.is_paused, paused.paused_by) == (True, "key 1")
    assert (resumed.is_paused, resumed.paused_by) == (False, "key 3")


async def test_what_waits_is_released_at_once_and_the_clock_is_not_moved(records: SyncRecords, ledger: Ledger) -> None:
    await records.add([new(Report.T9, "88.118.8/A", 1), new(Report.T8, "88.118.8", 20261124)])
    await ledger.release([Report.T8], AT - timedelta(days=1))
    before = await ledger.claim([Report.T9], 1)

    await records.release_now([Report.T9, Report.T8])

    assert before == []
    assert [claimed.subject for claimed in await ledger.claim([Report.T9], 1)] == ["88.118.8/A"]
    assert await ledger.releases() == {Report.T8: AT - timedelta(days=1)}
