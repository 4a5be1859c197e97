"""The sync over HTTP: how it stands, the ledger's records, sending again, pausing, and asking for a comparison."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import serve_node
from harness import NodeUnderTest
from route_requests import sync_record

from idnode.config import Settings
from idnode.lifecycle import now
from idnode.model.reporting import RecordState, Report
from idnode.storage.database import Database
from idnode.storage.ledger import NewRecord
from idnode.storage.reconciliation import PrefixDrift, ReconciliationStore
from idnode.storage.sync_records import SyncRecords

REPORTING = Settings(
    seed="none",
    body_seconds=1,
    drain_seconds=1,
    sync_transport="json",
    sync_url="http://127.0.0.1:1",
    sync_app_id="sln-88-118",
    sync_secret="not a secret",
)
T9_SUBJECT = "88.118.8/JX-1"


@pytest.fixture
async def reporting(database: Database, dsn: str) -> AsyncIterator[NodeUnderTest]:
    """A node that reports to a top node; no relay runs."""
    async for served in serve_node(REPORTING, database, dsn):
        yield served


async def enter(node: NodeUnderTest, report: Report, subject: str, *, version: int = 1) -> None:
    record = NewRecord(report, subject, version, "add", now() - timedelta(hours=1), b"{}")
    await SyncRecords(node.node.database).add([record])


async def answer(node: NodeUnderTest, method: str, path: str, document: Any = None) -> Any:
    response = await node.call(method, path, document)
    assert response.status in (200, 202), await response.text()
    return await response.json()


def report_of(document: Any, report: str) -> Any:
    return next(each for each in document["reports"] if each["report"] == report)


async def test_a_node_without_a_top_node_says_so_and_releases_nothing(node: NodeUnderTest) -> None:
    stands = await answer(node, "GET", "/v1/sync")
    run = await node.call("POST", "/v1/sync/run")
    compared = await node.call("POST", "/v1/sync/reconcile", {"day": "2026-01-01"})

    assert (stands["configured"], stands["relay"]["is_running"], len(stands["reports"])) == (False, False, 14)
    assert [run.status, compared.status] == [409, 409]
    assert (await run.json())["detail"] == "this node reports to no top node: IDNODE_SYNC_TRANSPORT is none"


async def test_the_summary_tells_what_may_be_sent_from_what_is_held_back(reporting: NodeUnderTest) -> None:
    await enter(reporting, Report.T9, T9_SUBJECT)
    await enter(reporting, Report.EVENT, "88.118")

    stands = await answer(reporting, "GET", "/v1/sync")
    released = await answer(reporting, "POST", "/v1/sync/run")

    event, master_data = report_of(stands, "event"), report_of(stands, "T9")
    assert (stands["configured"], stands["pending"], stands["waiting"]) == (True, 1, 1)
    assert (event["pending"], event["waiting"], event["cadence"], event["next_release"]) == (1, 0, "real-time", None)
    assert (master_data["pending"], master_data["waiting"], master_data["cadence"]) == (0, 1, "daily")
    assert master_data["next_release"].endswith("T16:00:00.000Z")
    assert 3_600 <= stands["lag_seconds"] == event["oldest_pending_seconds"] < 3_700
    assert (released["pending"], released["waiting"], report_of(released, "T9")["pending"]) == (2, 0, 1)


async def test_records_are_listed_by_filter_and_page_by_page(node: NodeUnderTest) -> None:
    for number in range(3):
        await sync_record(node, f"88.118.{number}", RecordState.REJECTED)
    await enter(node, Report.T9, T9_SUBJECT)

    pages = [await answer(node, "GET", "/v1/sync/records?report=event&state=rejected&limit=2")]
    pages.append(await answer(node, "GET", f"/v1/sync/records?limit=2&report=event&cursor={pages[0]['next']}"))
    [of_subject] = (await answer(node, "GET", f"/v1/sync/records?subject={T9_SUBJECT}"))["items"]

    assert [[each["subject"] for each in page["items"]] for page in pages] == [["88.118.0", "88.118.1"], ["88.118.2"]]
    assert pages[1]["next"] is None
    assert of_subject["id"] == "88.118:T9:88.118.8/JX-1:1"
    assert (of_subject["state"], of_subject["attempts"], of_subject["receipt"]) == ("pending", 0, None)
    assert await answer(node, "GET", f"/v1/sync/records/{of_subject['number']}") == of_subject


async def test_records_of_a_time_are_listed_from_its_beginning_to_before_its_end(node: NodeUnderTest) -> None:
    noon = datetime(2026, 11, 24, 4, tzinfo=UTC)
    records = [NewRecord(Report.T9, T9_SUBJECT, n, "patch", noon + timedelta(hours=n), b"{}") for n in (1, 2, 3)]
    await SyncRecords(node.node.database).add(records)

    between = "since=2026-11-24T13:00:00%2B08:00&until=2026-11-24T07:00:00Z"
    found = await answer(node, "GET", f"/v1/sync/records?report=T9&{between}")
    refused = await node.call("GET", "/v1/sync/records?since=2026-11-24")

    assert [each["subject_version"] for each in found["items"]] == [1, 2]
    assert refused.status == 422
    assert "since" in await refused.text()


async def test_a_rejected_record_is_sent_again_and_one_that_is_pending_need_not_be(node: NodeUnderTest) -> None:
    number = await sync_record(node, "88.118.8", RecordState.REJECTED)

    again = await answer(node, "POST", f"/v1/sync/records/{number}/retry")
    once_more = await node.call("POST", f"/v1/sync/records/{number}/retry")

    assert again == {"pending": 1, "superseded": 0}
    assert (await answer(node, "GET", f"/v1/sync/records/{number}"))["state"] == "pending"
    assert (once_more.status, (await once_more.json())["detail"]) == (
        409,
        f"record {number} is pending; what is rejected or dead can be sent again",
    )


async def test_many_are_sent_again_by_filter(node: NodeUnderTest) -> None:
    await sync_record(node, "88.118.1", RecordState.REJECTED)
    await sync_record(node, "88.118.2", RecordState.DEAD)
    await sync_record(node, "88.118.3", RecordState.ACCEPTED)

    of_another_report = await answer(node, "POST", "/v1/sync/retry", {"report": "T1"})
    dead = await answer(node, "POST", "/v1/sync/retry", {"state": "dead"})
    all_others = await answer(node, "POST", "/v1/sync/retry")

    assert [of_another_report["pending"], dead["pending"], all_others["pending"]] == [0, 1, 1]


async def test_what_was_accepted_since_is_sent_again(node: NodeUnderTest) -> None:
    await sync_record(node, "88.118.3", RecordState.ACCEPTED)
    hour_ago, in_an_hour = now() - timedelta(hours=1), now() + timedelta(hours=1)

    later = await answer(node, "POST", "/v1/sync/replay", {"since": in_an_hour.isoformat()})
    since = await answer(node, "POST", "/v1/sync/replay", {"since": hour_ago.isoformat(), "report": "event"})

    assert (later["pending"], since["pending"]) == (0, 1)


async def test_a_pause_names_who_paused_until_it_ends(node: NodeUnderTest) -> None:
    paused = (await answer(node, "POST", "/v1/sync/pause"))["relay"]
    resumed = (await answer(node, "POST", "/v1/sync/resume"))["relay"]
    [admin] = (await answer(node, "GET", "/v1/keys"))["items"]

    assert paused["paused_by"] == admin["id"]
    assert datetime.fromisoformat(paused["paused"]) > now() - timedelta(minutes=5)
    assert resumed["paused"] is None


async def test_a_comparison_is_asked_for_and_shows_what_it_found(reporting: NodeUnderTest) -> None:
    store = ReconciliationStore(reporting.node.database)

    asked = await answer(reporting, "POST", "/v1/sync/reconcile", {"day": "2026-11-01", "repair": True})
    await store.add_drift(asked["number"], PrefixDrift("88.118.8", 1, 2, 3, 6))
    await store.end(asked["number"], datetime(2026, 11, 2, tzinfo=UTC), prefixes=4, records=10, failure=None)
    found = await answer(reporting, "GET", f"/v1/sync/reconciliations/{asked['number']}")
    listed = await answer(reporting, "GET", "/v1/sync/reconciliations?day=2026-11-01")
    of_another_day = await answer(reporting, "GET", "/v1/sync/reconciliations?day=2026-11-02")

    assert (asked["day"], asked["repair"], asked["ended"], asked["drift"]) == ("2026-11-01", True, None, [])
    assert (found["ended"], found["prefixes"], found["records"]) == ("2026-11-02T00:00:00.000Z", 4, 10)
    assert found["drift"] == [{"prefix": "88.118.8", "missing": 1, "extra": 2, "changed": 3, "repaired": 6}]
    assert (listed["items"], of_another_day["items"]) == ([found], [])


async def test_comparisons_are_listed_newest_first_page_by_page(reporting: NodeUnderTest) -> None:
    for day in ("2026-11-01", "2026-11-02", "2026-11-03"):
        await answer(reporting, "POST", "/v1/sync/reconcile", {"day": day})

    first = await answer(reporting, "GET", "/v1/sync/reconciliations?limit=2")
    second = await answer(reporting, "GET", f"/v1/sync/reconciliations?limit=2&cursor={first['next']}")

    days = [[each["day"] for each in page["items"]] for page in (first, second)]
    assert days == [["2026-11-03", "2026-11-02"], ["2026-11-01"]]
    assert second["next"] is None


@pytest.mark.parametrize("day", ["9999-01-01", "1969-12-31", "yesterday", "2026-02-30", 20261124])
async def test_a_day_that_cannot_be_compared_is_refused(reporting: NodeUnderTest, day: object) -> None:
    refused = await reporting.call("POST", "/v1/sync/reconcile", {"day": day})

    assert refused.status == 422
    assert (await refused.json())["errors"][0]["pointer"] == "/day"


@pytest.mark.parametrize("number", ["0", "x", "-1", "9" * 19, "9" * 30, "١"])
async def test_what_is_no_number_of_the_ledger_names_nothing(node: NodeUnderTest, number: str) -> None:
    statuses = [
        (await node.call("GET", f"/v1/sync/records/{number}")).status,
        (await node.call("POST", f"/v1/sync/records/{number}/retry")).status,
        (await node.call("GET", f"/v1/sync/reconciliations/{number}")).status,
    ]

    assert statuses == [404, 404, 404]


async def test_a_key_with_a_scope_does_not_see_the_ledger_of_all(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    reader = await node.key("reader", "88.118.8")

    refused = await node.call("GET", "/v1/sync/records", key=reader)

    assert (refused.status, (await refused.json())["detail"]) == (
        403,
        "the ledger tells of every prefix, and this key's scope is 88.118.8",
    )
