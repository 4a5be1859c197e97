"""`idnode sync` against a played node: tables for people, documents for programs, exit codes that tell."""

from typing import Any

import pytest
from played_node import Said, idnode, played_node, problem

from idnode.cli import sync as command

REPORT: dict[str, Any] = {
    "report": "T9",
    "cadence": "daily",
    "pending": 0,
    "waiting": 0,
    "sent": 0,
    "rejected": 0,
    "dead": 0,
    "oldest_pending": None,
    "oldest_pending_seconds": None,
    "last_accepted": None,
    "released": None,
    "next_release": None,
}
RELAY: dict[str, Any] = {
    "name": "sln-1",
    "since": "2026-11-24T00:00:00Z",
    "seen": "2026-11-24T04:00:00Z",
    "is_running": True,
    "breaker": "closed",
    "paused": None,
    "paused_by": None,
    "last_error": None,
    "last_error_at": None,
}
RECORD: dict[str, Any] = {
    "number": 7,
    "id": "88.118:T9:88.118.8/JX-1:1",
    "report": "T9",
    "subject": "88.118.8/JX-1",
    "subject_version": 1,
    "operation": "register",
    "occurred": "2026-11-24T00:00:00Z",
    "state": "rejected",
    "attempts": 2,
    "receipt": None,
    "reason": "brand is too long",
    "updated": "2026-11-24T04:00:00Z",
}
FOUND: dict[str, Any] = {
    "number": 3,
    "day": "2026-11-23",
    "repair": True,
    "asked_by": "somebody",
    "asked": "2026-11-24T04:00:00Z",
    "begun": "2026-11-24T04:00:01Z",
    "ended": "2026-11-24T04:00:02Z",
    "prefixes": 2,
    "records": 1_000,
    "failure": None,
    "drift": [],
}
DRIFT = {"prefix": "88.118.8", "missing": 3, "extra": 2, "changed": 1, "repaired": 6}
DATE = {"Date": "Tue, 24 Nov 2026 04:00:10 GMT"}


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MEASURE_SECONDS", "POLL_SECONDS", "COLLECT_SECONDS"):
        monkeypatch.setattr(command, name, 0.001)


def stands(relay: dict[str, Any] | None = None, **counts: int) -> dict[str, Any]:
    all_counts = {"pending": 0, "waiting": 0, "sent": 0, "rejected": 0, "dead": 0} | counts
    reports = [REPORT | all_counts]
    relay = RELAY | (relay or {})
    return {"configured": True, **all_counts, "lag_seconds": 0.0, "relay": relay, "reports": reports}


def rows(out: str) -> list[str]:
    return [" ".join(line.split()) for line in out.splitlines() if line.strip() and "─" not in line]


def test_the_status_is_a_line_on_the_relay_one_on_the_backlog_and_a_table() -> None:
    report = REPORT | {
        "waiting": 1_200_000,
        "oldest_pending_seconds": 7_250.0,
        "last_accepted": "2026-11-24T03:59:00Z",
        "next_release": "2026-11-24T16:00:00Z",
    }
    document = stands(waiting=1_200_000, rejected=2) | {"reports": [report]}
    with played_node() as node:
        node.says("GET /v1/sync", Said(200, document, DATE))
        ended = idnode("sync", "status", node=node)

    assert rows(ended.out) == [
        "relay sln-1 runs, seen 10 s ago · breaker closed",
        "0 to send · 1,200,000 held back · 0 without a verdict · 2 rejected · 0 dead",
        "why rejected: idnode sync records --state rejected; to send them again: idnode sync retry",
        "report cadence to send held sent rejected dead oldest accepted due",
        "T9 daily · 1,200,000 · · · 2 h 1 min 11 h",
    ]
    assert max(map(len, ended.out.splitlines())) <= 100


def test_a_backlog_is_looked_at_twice_to_tell_how_fast_it_shrinks() -> None:
    with played_node() as node:
        node.says("GET /v1/sync", Said(200, stands(pending=100), DATE), Said(200, stands(pending=40), DATE))
        shrinking = idnode("sync", "status", node=node)
        node.says("GET /v1/sync", Said(200, stands(pending=40), DATE))
        standing = idnode("sync", "status", node=node)

    assert rows(shrinking.out)[2].startswith("shrinking by ")
    assert rows(shrinking.out)[2].endswith("/s, done in 0 s")
    assert rows(standing.out)[2] == "standing still"


@pytest.mark.parametrize(
    ("relay", "line"),
    [
        ({"is_running": False}, "relay sln-1 does not run, seen 10 s ago · breaker closed"),
        ({"name": None, "seen": None}, "no relay has run yet"),
        (
            {"paused": "2026-11-24T03:00:00Z", "paused_by": "an admin", "breaker": "open"},
            "relay sln-1 runs, seen 10 s ago · breaker open · PAUSED 1 h ago by an admin",
        ),
    ],
)
def test_what_stands_in_the_way_is_said_first(relay: dict[str, Any], line: str) -> None:
    with played_node() as node:
        node.says("GET /v1/sync", Said(200, stands(relay), DATE))
        ended = idnode("sync", "status", node=node)

    assert rows(ended.out)[0] == line


def test_the_last_error_and_a_node_without_a_top_node_are_told() -> None:
    error = {"last_error": "HTTP 503", "last_error_at": "2026-11-24T03:58:10Z"}
    with played_node() as node:
        node.says("GET /v1/sync", Said(200, stands(error), DATE))
        failing = idnode("sync", "status", node=node)
        node.says("GET /v1/sync", Said(200, stands() | {"configured": False}, DATE))
        alone = idnode("sync", "status", node=node)

    assert rows(failing.out)[2] == "last error 2 min ago: HTTP 503"
    assert rows(alone.out)[0] == "this node reports to no top node (IDNODE_SYNC_TRANSPORT is none)"


def test_the_status_in_json_is_what_the_node_says() -> None:
    with played_node() as node:
        node.says("GET /v1/sync", Said(200, stands(pending=5)))
        ended = idnode("sync", "status", "--json", node=node)

    assert (ended.exit, ended.document) == (0, stands(pending=5))


def test_run_waits_until_nothing_is_to_be_sent() -> None:
    with played_node() as node:
        node.says("POST /v1/sync/run", Said(200, stands(pending=9)))
        node.says("GET /v1/sync", Said(200, stands(pending=4)), Said(200, stands()))
        ended = idnode("sync", "run", "--wait", node=node)

    assert (ended.exit, [asked.method for asked in node.asked]) == (0, ["POST", "GET", "GET"])
    assert ended.out == "0 to send · 0 held back · 0 without a verdict · 0 rejected · 0 dead\n"


def test_run_without_wait_releases_and_goes() -> None:
    with played_node() as node:
        node.says("POST /v1/sync/run", Said(200, stands(pending=9)))
        ended = idnode("sync", "run", node=node)

    assert (ended.exit, len(node.asked)) == (0, 1)


def test_run_ends_with_1_when_something_was_refused_meanwhile_or_the_relay_is_paused() -> None:
    paused = {"paused": "2026-11-24T03:00:00Z", "paused_by": "an admin"}
    with played_node() as node:
        node.says("POST /v1/sync/run", Said(200, stands(pending=9, rejected=1)))
        node.says("GET /v1/sync", Said(200, stands(rejected=2)))
        refused = idnode("sync", "run", "--wait", node=node)
        node.says("POST /v1/sync/run", Said(200, stands(paused, pending=9)))
        stopped = idnode("sync", "run", "--wait", node=node)

    assert refused.exit == 1
    assert (stopped.exit, stopped.error) == (1, "the relay is paused: idnode sync resume\n")


def test_run_on_a_node_without_a_top_node_is_refused() -> None:
    with played_node() as node:
        node.says("POST /v1/sync/run", problem(409, "conflict", "this node reports to no top node"))
        ended = idnode("sync", "run", "--wait", node=node)

    assert (ended.exit, ended.error) == (1, "idnode: this node reports to no top node\n")


def test_retry_takes_one_number_or_filters() -> None:
    with played_node() as node:
        node.says("POST /v1/sync/records/7/retry", Said(200, {"pending": 1, "superseded": 0}))
        node.says("POST /v1/sync/retry", Said(200, {"pending": 1_000, "superseded": 2}))
        one = idnode("sync", "retry", "7", node=node)
        some = idnode("sync", "retry", "--report", "T9", "--state", "dead", node=node)
        every = idnode("sync", "retry", node=node)
        both = idnode("sync", "retry", "7", "--state", "dead", node=node)

    assert one.out == "1 to be sent again\n"
    assert some.out == "1,000 to be sent again, 2 given up because a later version has gone up\n"
    assert [asked.body for asked in node.asked] == [b"", b'{"report":"T9","state":"dead"}', b"{}"]
    assert (every.exit, both.exit) == (0, 2)


def test_replay_takes_a_day_in_beijing_or_an_instant() -> None:
    with played_node() as node:
        node.says("POST /v1/sync/replay", Said(200, {"pending": 3, "superseded": 0}))
        day = idnode("sync", "replay", "--from", "2026-11-20", "--report", "T6", node=node)
        idnode("sync", "replay", "--from", "2026-11-20T01:00:00Z", node=node)

    assert day.out == "3 to be sent again\n"
    assert [asked.document for asked in node.asked] == [
        {"since": "2026-11-20T00:00:00+08:00", "report": "T6"},
        {"since": "2026-11-20T01:00:00Z"},
    ]


def test_pause_and_resume_say_what_is_left_to_send() -> None:
    with played_node() as node:
        node.says("POST /v1/sync/pause", Said(200, stands(pending=3)))
        node.says("POST /v1/sync/resume", Said(200, stands()))
        paused, resumed = idnode("sync", "pause", node=node), idnode("sync", "resume", node=node)

    assert paused.out.startswith("paused · 3 to send · ")
    assert resumed.out.startswith("resumed · 0 to send · ")


def test_records_are_listed_up_to_the_limit_over_several_pages() -> None:
    with played_node() as node:
        node.says(
            "GET /v1/sync/records",
            Said(200, {"items": [RECORD], "next": "c"}),
            Said(200, {"items": [RECORD | {"number": 8, "reason": None, "receipt": "R-8"}], "next": "d"}),
        )
        ended = idnode("sync", "records", "--state", "rejected", "--limit", "2", node=node)

    assert rows(ended.out) == [
        "number report subject version operation state tries updated receipt or reason",
        "7 T9 88.118.8/JX-1 1 register rejected 2 2026-11-24 04:00:00Z brand is too long",
        "8 T9 88.118.8/JX-1 1 register rejected 2 2026-11-24 04:00:00Z R-8",
    ]
    assert [asked.target for asked in node.asked] == [
        "/v1/sync/records?state=rejected&limit=2",
        "/v1/sync/records?state=rejected&limit=1&cursor=c",
    ]
    assert ended.error == "2 records are shown; --limit shows more\n"


def test_records_of_a_time_are_those_between_days_in_beijing_or_instants() -> None:
    with played_node() as node:
        node.says("GET /v1/sync/records", Said(200, {"items": [RECORD], "next": None}))
        ended = idnode(
            "sync", "records", "--since", "2026-11-23", "--until", "2026-11-24T01:00:00Z", "--limit", "1", node=node
        )

    assert ended.exit == 0
    assert [asked.target for asked in node.asked] == [
        "/v1/sync/records?since=2026-11-23T00:00:00%2B08:00&until=2026-11-24T01:00:00Z&limit=1"
    ]


def test_a_comparison_is_waited_for_and_its_drift_shown() -> None:
    with played_node() as node:
        node.says("POST /v1/sync/reconcile", Said(202, FOUND | {"begun": None, "ended": None}))
        node.says(
            "GET /v1/sync/reconciliations/3", Said(200, FOUND | {"ended": None}), Said(200, FOUND | {"drift": [DRIFT]})
        )
        ended = idnode("sync", "reconcile", "--day", "2026-11-23", "--repair", node=node)

    assert rows(ended.out) == [
        "2026-11-23: 1,000 records of 2 prefixes compared, 6 differ, 6 repaired",
        "prefix missing extra changed repaired",
        "88.118.8 3 2 1 6",
    ]
    assert ended.exit == 0
    assert node.asked[0].document == {"day": "2026-11-23", "repair": True}


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            {"drift": [DRIFT | {"repaired": 5}]},
            "2026-11-23: 1,000 records of 2 prefixes compared, 6 differ, 5 repaired",
        ),
        ({"failure": "HTTP 503"}, "not complete: HTTP 503"),
    ],
)
def test_drift_that_remains_and_a_comparison_that_failed_end_with_1(found: dict[str, Any], line: str) -> None:
    with played_node() as node:
        node.says("POST /v1/sync/reconcile", Said(202, FOUND | found))
        ended = idnode("sync", "reconcile", "--day", "2026-11-23", node=node)

    assert ended.exit == 1
    assert line in rows(ended.out)


def test_a_comparison_that_nobody_waits_for_is_only_asked_for() -> None:
    with played_node() as node:
        node.says("POST /v1/sync/reconcile", Said(202, FOUND | {"begun": None, "ended": None}))
        ended = idnode("sync", "reconcile", "--day", "2026-11-23", "--no-wait", node=node)

    assert (ended.exit, ended.out) == (0, "2026-11-23: comparison 3 is asked for\n")
