"""The ledger: what is committed is entered once and in order, and one relay at a time claims and settles it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from idnode.model.change import Change, Subject, Trace
from idnode.model.reporting import RecordState, Report
from idnode.storage.changes import append_change
from idnode.storage.database import Database
from idnode.storage.ledger import Claimed, Ledger, Settlement

AT = datetime(2026, 11, 24, 15, 59, 59, tzinfo=UTC)
"""The last second of a day in Beijing."""
ENTERPRISE = str(UUID(int=7))
EVERYTHING = tuple(Report)


@pytest.fixture
async def ledger(dsn: str) -> AsyncIterator[Ledger]:
    """The lead over a fresh database whose own prefix is 88.118."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "INSERT INTO prefix (folded, shown, state, hosting, version, created, updated)"
        " VALUES ('88.118', '88.118', 'active', 'hosted', 1, now(), now())"
    )
    await connection.close()
    leading = await elected(dsn)
    yield leading
    await leading.close()


async def elected(dsn: str, relay: str = "one") -> Ledger:
    """The lead, as soon as whoever had it is gone."""
    async with asyncio.timeout(10):
        while (ledger := await Ledger.elected(dsn, relay=relay)) is None:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.01)
    return ledger


async def change(
    database: Database,
    name: str,
    version: int = 1,
    operation: str = "register",
    *,
    subject: Subject = Subject.IDENTIFIER,
    new: bytes = b"{}",
    old: bytes | None = None,
    at: datetime = AT,
) -> None:
    async with database.transaction() as session:
        await append_change(session, Change(subject, name, version, operation, Trace("test", "r-1", at), old, new))


async def collect(ledger: Ledger) -> None:
    while await ledger.collect():
        pass


async def rows(dsn: str, sql: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def entered(dsn: str) -> list[tuple[object, ...]]:
    """Report, subject, version and state, in the order of numbers."""
    return await rows(dsn, "SELECT report, subject, version, state FROM sync_record ORDER BY number")


async def states(dsn: str) -> dict[object, object]:
    """States by number, counted from the first."""
    found = await rows(dsn, "SELECT number, state FROM sync_record ORDER BY number")
    return {place: state for place, (_, state) in enumerate(found, 1)}


async def released(ledger: Ledger, *reports: Report) -> None:
    await collect(ledger)
    await ledger.release(reports or EVERYTHING, AT)


async def claim_one(ledger: Ledger, *reports: Report) -> Claimed:
    [claimed] = await ledger.claim(reports or EVERYTHING, 1)
    return claimed


async def test_what_the_probes_register_is_nobodys_product(ledger: Ledger, database: Database) -> None:
    for name in ("88.118/PROBE-1", "88.118/PROBED", "88.118.8/PROBE-1", "0.NA/88.118.8", "88.118/JX"):
        await change(database, name)
    await collect(ledger)
    await ledger.release(EVERYTHING, AT)

    claimed = await ledger.claim([Report.T9], 10)

    assert [each.subject for each in claimed] == ["88.118/PROBED", "88.118.8/PROBE-1", "88.118/JX"]


async def test_a_change_of_an_identifier_becomes_a_record_with_its_documents(
    ledger: Ledger, database: Database
) -> None:
    await change(database, "88.118.8/A", 1, new=b'{"v":1}')
    await change(database, "88.118.8/A", 2, "patch", old=b'{"v":1}', new=b'{"v":2}')
    taken = [await ledger.collect(), await ledger.collect()]
    await ledger.release([Report.T9], AT)

    claimed = await ledger.claim(EVERYTHING, 10)

    assert taken == [2, 0]
    first = claimed[0].number
    assert claimed == [
        Claimed(first, Report.T9, "88.118.8/A", 1, "register", AT, 0, None, None, b'{"v":1}'),
        Claimed(first + 1, Report.T9, "88.118.8/A", 2, "patch", AT, 0, None, b'{"v":1}', b'{"v":2}'),
    ]


async def test_what_changed_in_the_directory_becomes_records_of_its_report(
    ledger: Ledger, database: Database, dsn: str
) -> None:
    await change(database, "88.118", subject=Subject.PREFIX, new=b'{"prefix":"88.118","state":"active"}')
    await change(database, "88.118.1", subject=Subject.PREFIX, new=b'{"state":"active"}')
    await change(database, "88.118.2", 3, "waiting", subject=Subject.PREFIX, new=b'{"state":"waiting"}')
    await change(database, "88.118.3", 4, "in_review", subject=Subject.PREFIX, new=b'{"state":"in_review"}')
    await change(database, "88.118.4", subject=Subject.PREFIX, new=b'{"state":"to_delete","note":"\\u0000"}')
    await change(database, "88.118/1.0", 2, subject=Subject.TEMPLATE)
    await change(database, "88.118.1/1.0", 5, subject=Subject.TEMPLATE)
    await change(database, "operator", 2, subject=Subject.OPERATOR)
    await change(database, "some key", subject=Subject.KEY)
    await change(database, "some application", subject=Subject.APPLICATION)

    await collect(ledger)

    assert await entered(dsn) == [
        ("T7", "88.118.1", 1, "pending"),
        ("prefix-application", "88.118.3", 4, "pending"),
        ("T7", "88.118.4", 1, "pending"),
        ("T4", "88.118/1.0", 2, "pending"),
        ("T11", "88.118.1/1.0", 5, "pending"),
        ("T1", "", 2, "pending"),
        ("T2", "", 2, "pending"),
    ]


async def test_enterprise_and_profile_share_records_whose_versions_grow_and_never_collide(
    ledger: Ledger, database: Database, dsn: str
) -> None:
    for subject, version in ((Subject.ENTERPRISE, 1), (Subject.PROFILE, 1), (Subject.ENTERPRISE, 2)):
        await change(database, ENTERPRISE, version, subject=subject, new=f'{{"of":"{subject}"}}'.encode())
        await collect(ledger)
    found = await rows(dsn, "SELECT state FROM sync_record WHERE report = 'T6' ORDER BY version")
    await ledger.release([Report.T6], AT)

    claimed = await claim_one(ledger)

    assert found == [("superseded",), ("superseded",), ("pending",)]
    assert claimed.subject == ENTERPRISE
    assert claimed.new == b'{"of":"enterprise"}'


async def test_the_documents_of_a_renamed_subject_are_those_of_its_change_row(
    ledger: Ledger, database: Database
) -> None:
    await change(database, "operator", 1, subject=Subject.OPERATOR, new=b'{"of":"operator"}')
    await change(database, ENTERPRISE, 1, subject=Subject.PROFILE, old=b'{"v":0}', new=b'{"of":"profile"}')
    await released(ledger)

    operator, profile = await claim_one(ledger, Report.T2), await claim_one(ledger, Report.T6)

    assert (operator.subject, operator.new) == ("", b'{"of":"operator"}')
    assert (profile.old, profile.new) == (b'{"v":0}', b'{"of":"profile"}')


async def test_a_newer_record_of_a_whole_state_supersedes_those_that_wait(
    ledger: Ledger, database: Database, dsn: str
) -> None:
    await change(database, "88.118.1", 1, subject=Subject.PREFIX, new=b'{"state":"active"}')
    await change(database, "88.118.2", 1, subject=Subject.PREFIX, new=b'{"state":"active"}')
    await change(database, "88.118.1/A", 1)
    await released(ledger)
    sent = await claim_one(ledger, Report.T7)
    await ledger.settle([Settlement(sent.number, RecordState.SENT)])
    for version in (2, 3):
        await change(database, "88.118.1", version, "stopped", subject=Subject.PREFIX, new=b'{"state":"stopped"}')
        await change(database, "88.118.2", version, "stopped", subject=Subject.PREFIX, new=b'{"state":"stopped"}')
        await change(database, "88.118.1/A", version, "patch")
    await collect(ledger)

    found = sorted(await entered(dsn), key=str)

    assert found == [
        ("T7", "88.118.1", 1, "sent"),
        ("T7", "88.118.1", 2, "superseded"),
        ("T7", "88.118.1", 3, "pending"),
        ("T7", "88.118.2", 1, "superseded"),
        ("T7", "88.118.2", 2, "superseded"),
        ("T7", "88.118.2", 3, "pending"),
        ("T9", "88.118.1/A", 1, "pending"),
        ("T9", "88.118.1/A", 2, "pending"),
        ("T9", "88.118.1/A", 3, "pending"),
    ]
    assert [ledger.take_superseded(), ledger.take_superseded()] == [{Report.T7: 3}, {}]


async def test_identifiers_that_come_and_go_are_counted_by_prefix_and_day_in_beijing(
    ledger: Ledger, database: Database, dsn: str
) -> None:
    second = timedelta(seconds=1)
    await change(database, "88.118.8/A", 1)
    await change(database, "88.118.8/B/C", 1, at=AT + second)
    await change(database, "88.118.9/A", 1)
    await collect(ledger)
    await change(database, "88.118.8/A", 2, "suspend")
    await change(database, "88.118.8/A", 3, "restore")
    await change(database, "88.118.8/A", 4, "delete", at=AT + second)
    await collect(ledger)
    await change(database, "88.118.8/A", 5, "restore", at=AT + second)
    await change(database, "88.118.8/A", 6, "replace", at=AT + second)
    await collect(ledger)

    assert await rows(dsn, "SELECT prefix, day, added, removed FROM identifier_count ORDER BY 1, 2") == [
        ("88.118.8", date(2026, 11, 24), 1, 0),
        ("88.118.8", date(2026, 11, 25), 2, 1),
        ("88.118.9", date(2026, 11, 24), 1, 0),
    ]


async def test_nothing_is_claimed_before_its_release_but_real_time_reports(ledger: Ledger, database: Database) -> None:
    await change(database, "88.118.8/A")
    await change(database, "88.118.8/1.0", subject=Subject.TEMPLATE)
    await collect(ledger)
    before = await ledger.claim(EVERYTHING, 10), await ledger.claim([Report.T9], 10)
    await ledger.release([Report.T9, Report.T6], AT)
    await ledger.release([Report.T9], AT - timedelta(minutes=1))
    await change(database, "88.118.8/B")
    await collect(ledger)

    after = await ledger.claim([Report.T9], 10)

    assert [[claimed.report for claimed in part] for part in before] == [[Report.T11], []]
    assert [claimed.subject for claimed in after] == ["88.118.8/A"]
    assert await ledger.releases() == {Report.T6: AT, Report.T9: AT}


async def test_one_claim_is_of_one_report_in_the_order_of_reports_and_numbers(
    ledger: Ledger, database: Database
) -> None:
    for number in range(3):
        await change(database, f"88.118.8/{9 - number}")
    await change(database, "88.118.8/1.0", subject=Subject.TEMPLATE)
    await change(database, "88.118.1", subject=Subject.PREFIX, new=b'{"state":"active"}')
    await released(ledger)

    claims = []
    while claimed := await ledger.claim([Report.T11, Report.T9, Report.T7], 2):
        claims.append([(each.report, each.subject) for each in claimed])
        await ledger.settle([Settlement(each.number, RecordState.SENT) for each in claimed])

    assert claims == [
        [(Report.T7, "88.118.1")],
        [(Report.T9, "88.118.8/9"), (Report.T9, "88.118.8/8")],
        [(Report.T9, "88.118.8/7")],
        [(Report.T11, "88.118.8/1.0")],
    ]


async def test_records_move_only_along_the_table_of_transitions(ledger: Ledger, database: Database, dsn: str) -> None:
    for name in "ABC":
        await change(database, f"88.118.8/{name}")
    await released(ledger)
    a, b, c = [claimed.number for claimed in await ledger.claim(EVERYTHING, 3)]

    moved = [
        await ledger.settle(
            [
                Settlement(a, RecordState.ACCEPTED, "receipt 1"),
                Settlement(b, RecordState.SENT),
                Settlement(c, RecordState.SENT),
            ]
        ),
        await ledger.settle([Settlement(a, RecordState.REJECTED, None, "late"), Settlement(b, RecordState.DEAD)]),
        await ledger.settle([Settlement(b, RecordState.REJECTED, None, "no\0such " + "x" * 2_000)]),
        await ledger.settle([Settlement(c, RecordState.SENT), Settlement(10**9, RecordState.ACCEPTED)]),
        await ledger.settle([]),
    ]
    found = await rows(dsn, "SELECT state, receipt, left(reason, 12), length(reason) FROM sync_record ORDER BY number")

    assert moved == [3, 0, 1, 0, 0]
    assert found == [
        ("accepted", "receipt 1", None, None),
        ("rejected", None, "no\\x00such x", 1_000),
        ("sent", None, None, None),
    ]


async def test_what_was_refused_is_superseded_when_a_later_version_is_accepted(
    ledger: Ledger, database: Database, dsn: str
) -> None:
    for name, version in (("A", 1), ("A", 2), ("B", 1), ("B", 2), ("A", 3)):
        await change(database, f"88.118.8/{name}", version)
    await released(ledger)
    one, two, three, four, five = [claimed.number for claimed in await ledger.claim(EVERYTHING, 5)]
    await ledger.settle([Settlement(number, RecordState.REJECTED, None, "no") for number in (one, three, five)])

    await ledger.settle([Settlement(two, RecordState.ACCEPTED)])

    assert await states(dsn) == {1: "superseded", 2: "accepted", 3: "rejected", 4: "pending", 5: "rejected"}
    assert ledger.take_superseded() == {Report.T9: 1}
    assert four


async def test_a_record_that_cannot_be_delivered_is_dead_in_the_end(
    ledger: Ledger, database: Database, dsn: str
) -> None:
    await change(database, "88.118.8/A")
    await change(database, "88.118.8/B")
    await released(ledger)
    a, b = [claimed.number for claimed in await ledger.claim(EVERYTHING, 2)]

    died = [
        await ledger.tried([a, b], tries_max=3, reason="422"),
        await ledger.tried([a], tries_max=3, reason="422"),
        await ledger.tried([a, b], tries_max=3, reason="413"),
        await ledger.tried([a], tries_max=3, reason="422"),
    ]
    [left] = await ledger.claim(EVERYTHING, 2)

    assert died == [0, 0, 1, 0]
    assert (left.number, left.attempts) == (b, 2)
    assert await rows(dsn, "SELECT state, attempts, reason FROM sync_record ORDER BY number") == [
        ("dead", 3, "413"),
        ("pending", 2, "413"),
    ]


async def test_what_was_sent_long_ago_and_not_judged_is_claimed_again(ledger: Ledger, database: Database) -> None:
    for name in "ABC":
        await change(database, f"88.118.8/{name}")
    await released(ledger)
    a, b, c = [claimed.number for claimed in await ledger.claim(EVERYTHING, 3)]
    await ledger.settle([Settlement(a, RecordState.SENT), Settlement(b, RecordState.ACCEPTED)])
    later = await ledger.claim(EVERYTHING, 3)
    now = datetime.now(UTC)

    recalled = [await ledger.overdue(now - timedelta(hours=1)), await ledger.overdue(now + timedelta(hours=1))]
    claimed = await ledger.claim(EVERYTHING, 3)

    assert [each.number for each in later] == [c]
    assert recalled == [0, 1]
    assert [each.number for each in claimed] == [a, c]


async def test_numbers_are_found_by_what_names_a_record_however_odd_the_name(
    ledger: Ledger, database: Database
) -> None:
    await change(database, "88.118.8/A")
    await released(ledger)
    number = (await claim_one(ledger)).number
    keys = [("88.118.8/A", 1), ("88.118.8/A", 2), ("88.118.8/B", 1), ("nul\0", 1), ("half \ud800", 1), ("", 2**80)]

    found = await ledger.numbers_of(Report.T9, keys), await ledger.numbers_of(Report.T7, keys)

    assert found == ({("88.118.8/A", 1): number}, {})


async def test_the_state_tells_who_leads_and_what_went_wrong_last(ledger: Ledger) -> None:
    first = await ledger.state()
    await ledger.keep_cursor("v-17")
    await ledger.heartbeat(breaker="open", last_error="503 from the top node")
    await ledger.heartbeat(breaker="closed", last_error=None)

    state = await ledger.state()

    assert (first.relay, first.breaker, first.verdict_cursor, first.last_error) == ("one", "closed", "", None)
    assert (state.verdict_cursor, state.breaker, state.last_error) == ("v-17", "closed", "503 from the top node")
    assert not state.is_paused
    assert None not in (first.relay_seen, state.relay_seen, state.last_error_at)
