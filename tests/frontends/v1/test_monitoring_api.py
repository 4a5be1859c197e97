"""Monitoring over HTTP: the state for everyone, events in pairs, stops, and the report in three forms."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import conftest
import pytest
from conftest import serve_node
from docx import Document
from harness import NodeUnderTest

from idnode.app import compose
from idnode.app_node import Node
from idnode.config import Settings
from idnode.frontends.v1.dispatch import Dispatcher
from idnode.frontends.v1.monitoring import MonitoringApi
from idnode.frontends.v1.mount import v1_routes
from idnode.frontends.v1.schemas.monitoring import EventOut, EventPage, ReportOut, StatusOut, StopPage
from idnode.lifecycle import new_id, new_secret, now
from idnode.model.identifier import Prefix
from idnode.registry.directory_writes import DirectoryWriter
from idnode.registry.keys import KeyRegistry
from idnode.registry.metrics import RegistryCounters
from idnode.registry.process_key import ProcessKey
from idnode.storage.database import Database
from idnode.storage.keys import KeyStore
from idnode.storage.monitoring import NODE, SITE, ProbeKind, ProbeResult, ProbeRound, ProbeStore
from idnode.storage.monitoring_events import EventKind, EventStore, Opening, Source
from idnode.storage.prefixes import PrefixStore
from idnode.storage.sync_records import SyncRecords
from idnode.sync.monitoring.desk import MonitoringDesk
from idnode.sync.monitoring.events import EventReporter
from idnode.sync.monitoring.monitor import Monitor
from idnode.sync.monitoring.probes import Prober, probing_session
from idnode.sync.monitoring.reports import MonthlyReports
from idnode.sync.monitoring.status import MonitoringStatus

EVENTS = "/v1/monitoring/events"
MAINTENANCE = "/v1/monitoring/maintenance"
ATTACK = {"kind": "attack", "reason": "流量攻击", "at": "2026-03-01T08:00:00.750+08:00"}


def composed(settings: Settings, database: Database, dsn: str) -> Node:
    """A node whose application has the monitoring routes."""
    node = compose(settings, database, dsn)
    if not any(route.topic == "monitoring" for route in node.routes):
        events, probes = EventStore(database), ProbeStore(database)
        api = MonitoringApi(
            MonitoringStatus(probes, events, now=now),
            MonitoringDesk(events, PrefixStore(database), new_id=new_id),
            events,
            MonthlyReports(probes, events, node="88.118", now=now),
        )
        dispatcher = Dispatcher(node.authentication, node.idempotency, RegistryCounters(), now=now)
        routes = v1_routes(api.routes(), dispatcher, client_of=lambda _: "192.0.2.1", body_seconds_max=1)
        node.application.add_routes(routes[2:])
    return node


@pytest.fixture
async def monitored(database: Database, dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NodeUnderTest]:
    """The node of the other tests, with these routes."""
    monkeypatch.setattr(conftest, "compose", composed)
    async for served in serve_node(
        Settings(native_port=0, seed="none", body_seconds=1, drain_seconds=1), database, dsn
    ):
        yield served


async def made(node: NodeUnderTest, path: str, document: object) -> dict[str, Any]:
    response = await node.call("POST", path, document)
    assert response.status == 201, await response.text()
    return dict(await response.json())


async def test_the_state_is_public_and_tells_neither_addresses_nor_reasons(
    monitored: NodeUnderTest, database: Database
) -> None:
    unknown = await (await monitored.call("GET", "/v1/monitoring/status", key=None)).json()
    enterprise = await monitored.enterprise()
    await monitored.prefix("88.118.8", enterprise=enterprise)
    site = {"ip": "192.0.2.7", "tcp_port": 2641}
    for prefix in ("88.118.7", "88.118.9"):
        form = {"prefix": prefix, "enterprise": enterprise, "hosting": "self", "site": site}
        await made(monitored, "/v1/prefixes", form)
    at = now()
    event = new_id()
    await EventStore(database).record(
        ProbeRound(at, 30, 3, 3, 1, is_resolution_up=True, is_registration_up=False),
        [
            ProbeResult("https://secret.example.com", ProbeKind.REGISTRATION, NODE, False, 1, "HTTP 503"),
            ProbeResult(SITE, ProbeKind.RESOLUTION, "88.118.9", False, 1, "connection refused"),
        ],
        [Opening(event, "88.118.9", Source.PROBE, EventKind.NETWORK, at, "connection refused", "probe")],
    )
    response = await monitored.call("GET", "/v1/monitoring/status", key=None)
    status = StatusOut.model_validate_json(await response.read())
    first = await (await monitored.call("GET", "/v1/monitoring/status?limit=2", key=None)).json()
    second = await (await monitored.call("GET", f"/v1/monitoring/status?cursor={first['next']}", key=None)).json()

    assert (unknown["resolution"], unknown["last_round"], unknown["enterprises"]) == ("unknown", None, [])
    assert (status.resolution, status.registration) == ("up", "down")
    assert status.last_round is not None
    assert (status.last_round.points, status.last_round.registration_points_up) == (3, 1)
    assert [(each.prefix, each.hosting, each.resolution) for each in status.enterprises] == [
        ("88.118.7", "self", "unknown"),
        ("88.118.8", "hosted", "up"),
        ("88.118.9", "self", "down"),
    ]
    assert [(each.id, each.prefix, each.kind) for each in status.events] == [(event, "88.118.9", "network")]
    assert [each["prefix"] for each in first["enterprises"] + second["enterprises"]] == [
        "88.118.7",
        "88.118.8",
        "88.118.9",
    ]
    text = await response.text()
    assert not [word for word in ("secret", "refused", "HTTP", "192.0.2.7") if word in text]


async def test_a_round_of_real_probes_shows_in_the_state(monitored: NodeUnderTest, database: Database) -> None:
    probes, events = ProbeStore(database), EventStore(database)
    writer = DirectoryWriter(database, RegistryCounters(), committed=lambda _: None, now=now, new_id=new_id)
    keys = KeyRegistry(KeyStore(database), writer, new_secret=new_secret)
    key = ProcessKey(keys, name="probe", prefix=Prefix.parse("88.118"), now=now)
    reporter = EventReporter(events, SyncRecords(database))
    async with probing_session() as session:
        url = f"http://127.0.0.1:{monitored.port}"
        prober = Prober(session, [url], key, own="88.118", nanoseconds=time.perf_counter_ns)
        monitor = Monitor(
            prober, probes, events, reporter, every_seconds=30, is_ours=lambda: True, now=now, new_id=new_id
        )
        await monitor.round()
    await key.close()
    await made(monitored, EVENTS, ATTACK)
    reported = await reporter.catch_up()

    status = await (await monitored.call("GET", "/v1/monitoring/status", key=None)).json()
    assert (status["resolution"], status["registration"]) == ("up", "up")
    assert (reported, len(status["events"])) == (1, 1)


async def test_the_state_is_unknown_when_no_probe_has_looked_of_late(
    monitored: NodeUnderTest, database: Database
) -> None:
    at = now() - timedelta(seconds=150)
    judged = ProbeRound(at, 30, 1, 1, 1, is_resolution_up=True, is_registration_up=True)
    await EventStore(database).record(judged, [ProbeResult("https://a", ProbeKind.RESOLUTION, NODE, True, 1, None)], [])

    status = await (await monitored.call("GET", "/v1/monitoring/status", key=None)).json()

    assert (status["resolution"], status["registration"]) == ("unknown", "unknown")


async def test_an_event_is_opened_remedied_and_closed(monitored: NodeUnderTest, database: Database) -> None:
    opened = await made(monitored, EVENTS, ATTACK)
    one = f"{EVENTS}/{opened['id']}"
    remedied = await monitored.call("PATCH", one, {"remedy": "封禁来源"}, If_Match='"1"')
    recovered = await made(monitored, f"{one}/recovery", None)
    again = await monitored.call("POST", f"{one}/recovery")
    twice = await monitored.call("POST", f"{EVENTS}/{recovered['id']}/recovery")
    read = await monitored.call("GET", one)
    page = EventPage.model_validate_json(await (await monitored.call("GET", EVENTS)).read())
    none_open = await (await monitored.call("GET", f"{EVENTS}?open=true")).json()

    assert (opened["state"], opened["at"], opened["prefix"], opened["is_open"]) == (
        "abnormal",
        "2026-03-01T00:00:00.000Z",
        None,
        True,
    )
    assert (remedied.status, remedied.headers["ETag"]) == (200, '"2"')
    assert (recovered["state"], recovered["closes"], recovered["kind"]) == ("recovered", opened["id"], "attack")
    assert (again.status, twice.status) == (409, 409)
    assert read.headers["ETag"] == '"3"'
    stored = EventOut.model_validate_json(await read.read())
    assert (stored.is_open, stored.remedy) == (False, "封禁来源")
    assert [each.id for each in page.items] == [UUID(recovered["id"]), UUID(opened["id"])]
    assert none_open == {"items": [], "next": None}
    assert [each.id for each in await EventStore(database).unreported(limit=10)] == [
        UUID(opened["id"]),
        UUID(recovered["id"]),
    ]


async def test_the_same_request_again_is_the_same_event(monitored: NodeUnderTest) -> None:
    first = await monitored.call("POST", EVENTS, ATTACK, Idempotency_Key="one")
    again = await monitored.call("POST", EVENTS, ATTACK, Idempotency_Key="one")
    close = f"{EVENTS}/{(await first.json())['id']}/recovery"
    closed = await monitored.call("POST", close, Idempotency_Key="two")
    closed_again = await monitored.call("POST", close, Idempotency_Key="two")

    assert (await first.read(), await closed.read()) == (await again.read(), await closed_again.read())
    assert len((await (await monitored.call("GET", EVENTS)).json())["items"]) == 2


async def test_a_dry_run_writes_nothing(monitored: NodeUnderTest) -> None:
    dry = await monitored.call("POST", f"{EVENTS}?dry_run=true", ATTACK)
    opened = await made(monitored, EVENTS, ATTACK)
    closing = await monitored.call("POST", f"{EVENTS}/{opened['id']}/recovery?dry_run=true")
    remedy = await monitored.call("PATCH", f"{EVENTS}/{opened['id']}?dry_run=true", {"remedy": "x"})
    stop = {"begins": "2026-03-01T00:00:00Z", "ends": "2026-03-01T01:00:00Z", "reason": "x"}
    announced = await monitored.call("POST", f"{MAINTENANCE}?dry_run=true", stop)

    assert [each.status for each in (dry, closing, remedy, announced)] == [200, 200, 200, 200]
    assert [each["version"] for each in (await (await monitored.call("GET", EVENTS)).json())["items"]] == [1]
    assert (await (await monitored.call("GET", MAINTENANCE)).json())["items"] == []


async def test_an_event_that_cannot_be_is_refused(monitored: NodeUnderTest) -> None:
    async def refusal(**change: str) -> tuple[int, list[str]]:
        response = await monitored.call("POST", EVENTS, ATTACK | change)
        return response.status, [error["rule"] for error in (await response.json()).get("errors", [])]

    assert await refusal(at="2126-03-01T08:00:00Z") == (422, ["not-in-future"])
    assert await refusal(kind="bad-luck") == (422, ["option"])
    assert await refusal(reason="two\nlines") == (422, ["printable"])
    assert await refusal(prefix="88.118.77") == (404, [])


async def test_a_stop_is_announced_only_before_it_begins(monitored: NodeUnderTest) -> None:
    begins = now() + timedelta(hours=1)
    ahead = {"begins": begins.isoformat(), "ends": (begins + timedelta(hours=1)).isoformat(), "reason": "升级"}
    await made(monitored, MAINTENANCE, ahead)
    past = {"begins": "2026-03-01T00:00:00Z", "ends": "2026-03-01T01:00:00Z", "reason": "断电"}
    await made(monitored, MAINTENANCE, past)
    backwards = await monitored.call("POST", MAINTENANCE, past | {"ends": past["begins"]})
    page = StopPage.model_validate_json(await (await monitored.call("GET", MAINTENANCE)).read())

    assert [(each.reason, each.is_announced) for each in page.items] == [("断电", False), ("升级", True)]
    assert (backwards.status, (await backwards.json())["errors"][0]["rule"]) == (422, "span")


async def test_the_report_comes_in_three_forms(monitored: NodeUnderTest) -> None:
    month = (now() + timedelta(hours=8)).strftime("%Y-%m")
    one = f"/v1/monitoring/reports/{month}"
    json, markdown = await monitored.call("GET", one), await monitored.call("GET", f"{one}?format=md")
    word = await monitored.call("GET", f"{one}?format=docx")

    assert ReportOut.model_validate_json(await json.read()).month == month
    assert markdown.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert (await markdown.text()).startswith(
        f"# 二级节点运行月报 Monthly operations report: 88.118, {month}\n\n## 概要 Summary\n"
    )
    assert Document(BytesIO(await word.read())).paragraphs[0].text.endswith(f"88.118, {month}")


async def test_what_is_no_report_is_refused(monitored: NodeUnderTest) -> None:
    paths = ("2026-13", "2126-01", "October", "0001-01", "2026-03?format=pdf")

    statuses = [(await monitored.call("GET", f"/v1/monitoring/reports/{path}")).status for path in paths]

    assert statuses == [404, 404, 404, 404, 422]


async def test_a_scoped_reader_does_not_see_the_whole_node(monitored: NodeUnderTest) -> None:
    await monitored.prefix()
    scoped, reader = await monitored.key("reader", "88.118.8"), await monitored.key("reader")
    enterprise = await monitored.key("enterprise", "88.118.8")
    month = (now() + timedelta(hours=8)).strftime("%Y-%m")

    for path in (EVENTS, MAINTENANCE, f"/v1/monitoring/reports/{month}"):
        verdicts = [(await monitored.call("GET", path, key=key)).status for key in (reader, scoped, enterprise)]
        assert verdicts == [200, 403, 403], path
    assert (await monitored.call("POST", EVENTS, ATTACK, key=reader)).status == 403
