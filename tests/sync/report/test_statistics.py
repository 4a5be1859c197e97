"""Daily and monthly reports: each day and month once, after it is over in Beijing, with what was counted."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from idnode.model.application import Application, ApplicationKind, ApplicationState
from idnode.model.identifier import Prefix
from idnode.model.reporting import Report
from idnode.storage.applications import ApplicationStore
from idnode.storage.database import Database
from idnode.storage.statistics import StatisticsStore
from idnode.storage.sync_records import SyncRecords
from idnode.storage.usage import DayCounts, SourceCount, Timing, UsageBatch, UsageStore
from idnode.sync.report.statistics import Statistics
from idnode.wire.top_node.tables import check_data

DAY = date(2026, 3, 9)
BEFORE = datetime(2026, 3, 9, 16, 9, 59, tzinfo=UTC)
AFTER = datetime(2026, 3, 9, 16, 10, 0, tzinfo=UTC)
NEXT = datetime(2026, 3, 10, 16, 10, 0, tzinfo=UTC)
BEGAN = datetime(2026, 3, 8, 16, 0, 0, tzinfo=UTC)
"""Midnight in Beijing: the first moment of DAY."""
TIMING = Timing(3, 6_000_000, 4_000_000, int(BEGAN.timestamp()), 1_000_000, int(BEGAN.timestamp()) + 1)
ENTERPRISE = UUID(int=8)


@pytest.fixture
async def began(database: Database) -> Database:
    """A node that began on DAY, with an enterprise that has a prefix since then."""
    async with database.session() as session:
        await session.run(
            "INSERT INTO enterprise (id, name, uscc, industry, state, version, created, updated)"
            " VALUES ($1, '示例', '91110108589104047H', 'C17', 'active', 1, $2, $2)",
            ENTERPRISE,
            BEGAN,
        )
    await prefix(database, "88.118", BEGAN, enterprise=None)
    await prefix(database, "88.118.8", BEGAN)
    return database


def statistics(database: Database) -> Statistics:
    """As a relay has it that has just taken the lead."""
    return Statistics(
        StatisticsStore(database),
        UsageStore(database),
        ApplicationStore(database),
        SyncRecords(database),
        own=Prefix.parse("88.118"),
    )


async def prefix(
    database: Database,
    name: str,
    at: datetime,
    *,
    state: str = "active",
    enterprise: UUID | None = ENTERPRISE,
    granted: datetime | None = None,
) -> None:
    """A prefix that came `at`, and became active at `granted` when it had been applied for."""
    async with database.session() as session:
        await session.run(
            "INSERT INTO prefix (folded, shown, enterprise, state, hosting, version, created, updated)"
            " VALUES ($1, $1, $2, $3, 'hosted', 1, $4, $4)",
            name,
            enterprise,
            state,
            at,
        )
        steps = [(at, state)] if granted is None else [(at, "waiting"), (granted, "active")]
        for version, (when, reached) in enumerate(steps, 1):
            await session.run(
                "INSERT INTO change (at, subject, name, version, operation, actor, request_id, new)"
                " VALUES ($1, 'prefix', $2, $3, 'move', 't', 'r', $4)",
                when,
                name,
                version,
                orjson.dumps({"state": reached}),
            )


async def count(database: Database, day: date, added: int, removed: int) -> None:
    """Identifiers of 88.118.8, as the ledger counts them when it takes changes in."""
    async with database.session() as session:
        await session.run("INSERT INTO identifier_count VALUES ('88.118.8', $1, $2, $3)", day, added, removed)


async def resolved(database: Database, *prefixes: str) -> None:
    """Three requests of each prefix on DAY, two of them from one address."""
    days = tuple(DayCounts(DAY, name, TIMING, 2, None) for name in prefixes)
    sources = tuple(
        SourceCount(DAY, name, address, requests)
        for name in prefixes
        for address, requests in (("192.0.2.1", 2), ("192.0.2.2", 1))
    )
    await UsageStore(database).add(UUID(int=1), 1, UsageBatch(int(BEGAN.timestamp()), days, (), sources))


async def entered(database: Database) -> dict[tuple[str, str, int], Any]:
    """What the ledger holds, by report, subject and version, in the order of sending; all of it fits its table."""
    async with database.session() as session:
        rows = await session.rows("SELECT report, subject, version, payload FROM sync_record ORDER BY number")
    data = {(row["report"], row["subject"], row["version"]): orjson.loads(row["payload"]) for row in rows}
    assert [check_data(Report(report), each) for (report, _, _), each in data.items()] == [[]] * len(data)
    return data


async def test_a_day_is_told_ten_minutes_after_it_is_over_and_once(began: Database) -> None:
    early = await statistics(began).catch_up(BEFORE)
    first = await statistics(began).catch_up(AFTER)
    again = await statistics(began).catch_up(AFTER)

    assert (early, first, again) == (0, 4, 0)
    assert list(await entered(began)) == [
        ("T8", "88.118.8", 20260309),
        ("monitoring", "88.118.8", 20260309),
        ("monitoring", "", 20260309),
        ("T3", "", 20260309),
    ]


async def test_a_day_tells_what_was_counted(began: Database) -> None:
    await count(began, date(2026, 3, 8), 5, 0)
    await count(began, DAY, 3, 1)
    await count(began, date(2026, 3, 10), 9, 0)
    await resolved(began, "", "88.118.8")

    await statistics(began).catch_up(AFTER)
    told = await entered(began)

    sources = [{"address": "192.0.2.1", "requests": 2}, {"address": "192.0.2.2", "requests": 1}]
    requests = {"resolution_requests": 3, "resolution_successes": 2, "sources": sources}
    assert told["T8", "88.118.8", 20260309] == {
        "prefix": "88.118.8",
        "identifiers_added": 3,
        "identifiers_total": 7,
        **requests,
    }
    assert told["T3", "", 20260309] == {
        "prefix": "88.118",
        "enterprise_prefixes_added": 1,
        "enterprise_prefixes_total": 1,
        **requests,
    }
    assert told["monitoring", "", 20260309] == {
        "resolution_average_ms": 2.0,
        "resolution_maximum_at": "2026-03-09T00:00:00+08:00",
        "resolution_maximum_ms": 4.0,
        "resolution_minimum_at": "2026-03-09T00:00:01+08:00",
        "resolution_minimum_ms": 1.0,
    }


async def test_a_prefix_counts_from_the_day_on_which_it_was_granted(began: Database) -> None:
    noon = datetime(2026, 3, 9, 4, tzinfo=UTC)
    await prefix(began, "88.118.9", noon, granted=datetime(2026, 3, 9, 16, 0, 0, tzinfo=UTC))
    await prefix(began, "88.118.10", noon, state="waiting")

    await statistics(began).catch_up(NEXT)
    told = await entered(began)

    figures = [
        (told["T3", "", day]["enterprise_prefixes_added"], told["T3", "", day]["enterprise_prefixes_total"])
        for day in (20260309, 20260310)
    ]
    assert figures == [(1, 1), (1, 2)]
    assert [subject for report, subject, day in told if (report, day) == ("T8", 20260309)] == ["88.118.8"]
    assert [subject for report, subject, day in told if (report, day) == ("T8", 20260310)] == ["88.118.8", "88.118.9"]


async def test_a_relay_that_was_away_makes_up_for_the_days_that_it_missed(began: Database) -> None:
    first = statistics(began)
    await first.catch_up(AFTER)

    made_up = await first.catch_up(datetime(2026, 3, 12, 20, tzinfo=UTC))
    days = [version for report, _, version in await entered(began) if report == "T3"]

    assert made_up == 12
    assert days == [20260309, 20260310, 20260311, 20260312]


async def test_a_day_that_was_begun_is_finished(began: Database) -> None:
    await statistics(began).catch_up(AFTER)
    whole = await entered(began)
    async with began.session() as session:
        await session.run("DELETE FROM sync_record WHERE report = 'T3' OR subject = ''")

    finished = await statistics(began).catch_up(AFTER)

    assert finished == 2
    assert await entered(began) == whole


async def test_months_tell_the_applications_that_there_were(began: Database) -> None:
    store = ApplicationStore(began)
    for number, enterprise, created, state in (
        (1, None, BEGAN, ApplicationState.ACTIVE),
        (2, ENTERPRISE, BEGAN, ApplicationState.ACTIVE),
        (3, None, datetime(2026, 3, 31, 16, tzinfo=UTC), ApplicationState.ACTIVE),
        (4, None, BEGAN, ApplicationState.RETIRED),
    ):
        kind = ApplicationKind.APP
        row = Application(
            UUID(int=number), enterprise, f"应用 {number}", kind, None, None, None, None, state, 1, created, created
        )
        async with began.transaction() as session:
            await store.insert(session, row)

    await statistics(began).catch_up(datetime(2026, 3, 31, 16, 9, tzinfo=UTC))
    before = await entered(began)
    await statistics(began).catch_up(datetime(2026, 3, 31, 16, 10, tzinfo=UTC))
    told = await entered(began)

    assert [key for key in before if key[0] in ("T5", "T10")] == []
    assert {key: data for key, data in told.items() if key[0] in ("T5", "T10")} == {
        ("T5", str(UUID(int=1)), 202603): {"name": "应用 1", "type": 1},
        ("T10", f"{ENTERPRISE}/{UUID(int=2)}", 202603): {"name": "应用 2", "type": 1},
    }


async def test_a_database_without_a_node_owes_nothing(database: Database) -> None:
    assert await statistics(database).catch_up(AFTER) == 0
