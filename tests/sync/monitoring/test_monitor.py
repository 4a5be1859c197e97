"""The monitor on a real database: rounds are stored once, events come in pairs, whoever the relay is."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from idnode.frontends.ops.probing import ProbingCollector
from idnode.lifecycle import new_id, now
from idnode.model.reporting import Report
from idnode.storage.database import Database
from idnode.storage.ledger import NewRecord
from idnode.storage.monitoring import NODE, SITE, HostedIdentifier, ProbeKind, ProbeRound, ProbeStore, Site
from idnode.storage.monitoring_events import Closing, Event, EventKind, EventStore, Opening, Source
from idnode.sync.monitoring.events import EventReporter, event_data
from idnode.sync.monitoring.judging import Fault, Probed
from idnode.sync.monitoring.monitor import RESULTS_KEPT, ROUNDS_KEPT, Monitor
from idnode.wire.top_node.tables import check_data

BEGIN = datetime(2026, 10, 5, 8, 0, 0, 250_000, tzinfo=UTC)
URL = "https://node.example.com"
FAILS = Fault(EventKind.SYSTEM, "HTTP 503")


class Script:
    """Rounds as the test says them: whether the node is up, and which sites are down."""

    def __init__(self) -> None:
        self.is_up = True
        self.sites_down: set[str] = set()
        self.asked: list[tuple[list[str], str | None]] = []
        self.has_probed = asyncio.Event()

    async def probe(self, sites: Sequence[Site], hosted: HostedIdentifier | None) -> list[Probed]:
        self.asked.append(([site.prefix for site in sites], None if hosted is None else hosted.identifier))
        self.has_probed.set()
        fault = None if self.is_up else FAILS
        own = [Probed(URL, kind, NODE, 1_500, fault) for kind in ProbeKind]
        called = [
            Probed(SITE, ProbeKind.RESOLUTION, site.prefix, 800, FAILS if site.prefix in self.sites_down else None)
            for site in sites
        ]
        return own + called


class Taken:
    """What the ledger was given."""

    def __init__(self) -> None:
        self.records: list[NewRecord] = []
        self.has_some = asyncio.Event()

    async def add(self, records: Sequence[NewRecord]) -> int:
        self.records += records
        self.has_some.set()
        return len(records)


class Relay:
    """A relay's monitor with its own clock; several of them share a database."""

    def __init__(self, database: Database, script: Script, taken: Taken) -> None:
        self.at = BEGIN
        self.events = EventStore(database)
        self.reporter = EventReporter(self.events, taken)
        self.monitor = Monitor(
            script,
            ProbeStore(database),
            self.events,
            self.reporter,
            every_seconds=30,
            is_ours=lambda: True,
            now=lambda: self.at,
            new_id=new_id,
        )

    async def rounds(self, number: int) -> None:
        for _ in range(number):
            await self.monitor.round()
            self.at += timedelta(seconds=30)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def taken() -> Taken:
    return Taken()


@pytest.fixture
def relay(database: Database, script: Script, taken: Taken) -> Relay:
    return Relay(database, script, taken)


async def story(events: EventStore) -> list[tuple[str, str, str]]:
    """Subject, reason and time of all events, oldest first."""
    found = await events.unreported(limit=100)
    return [(each.subject, each.reason, each.at.isoformat()) for each in sorted(found, key=lambda each: each.at)]


async def test_two_bad_rounds_are_an_event_and_two_good_ones_its_end(
    relay: Relay, script: Script, taken: Taken
) -> None:
    await relay.rounds(2)
    script.is_up = False
    await relay.rounds(3)
    script.is_up = True
    await relay.rounds(2)
    told = await story(relay.events)
    number = await relay.reporter.catch_up()
    again = await relay.reporter.catch_up()

    assert told == [
        (NODE, "registration: HTTP 503", "2026-10-05T08:01:00+00:00"),
        (NODE, "probes succeed again; it was registration: HTTP 503", "2026-10-05T08:02:30+00:00"),
    ]
    abnormal, recovered = taken.records
    assert (number, again) == (2, 0)
    assert (abnormal.report, abnormal.version, abnormal.operation, recovered.operation) == (
        Report.EVENT,
        1,
        "abnormal",
        "recovered",
    )
    assert orjson.loads(abnormal.payload or b"") == {
        "state": "abnormal",
        "event_id": abnormal.subject,
        "occurred_at": "2026-10-05T16:01:00+08:00",
        "reason": "registration: HTTP 503",
        "kind": 2,
    }
    assert orjson.loads(recovered.payload or b"")["closes_event_id"] == abnormal.subject
    assert [check_data(Report.EVENT, orjson.loads(each.payload or b"")) for each in taken.records] == [[], []]


async def test_a_successor_closes_what_its_predecessor_opened(
    database: Database, relay: Relay, script: Script, taken: Taken
) -> None:
    script.is_up = False
    await relay.rounds(2)
    successor = Relay(database, script, taken)
    successor.at = relay.at
    await successor.rounds(2)
    script.is_up = True
    await successor.rounds(2)

    abnormal, recovered = reversed(await relay.events.page(before=None, is_open=None, limit=10))
    assert (abnormal.is_open, recovered.closes) == (False, abnormal.id)


async def test_rounds_that_the_database_refused_are_stored_later_with_the_events_that_follow(
    database: Database, relay: Relay, script: Script
) -> None:
    await relay.rounds(1)
    await run(database, "ALTER TABLE probe_round RENAME TO gone")
    script.is_up = False
    await relay.rounds(2)
    waiting = relay.monitor.rounds_waiting
    script.is_up = True
    await run(database, "ALTER TABLE gone RENAME TO probe_round")
    await relay.rounds(2)

    assert (waiting, relay.monitor.rounds_waiting) == (2, 0)
    assert [at for _, _, at in await story(relay.events)] == ["2026-10-05T08:00:30+00:00", "2026-10-05T08:01:30+00:00"]
    last = await ProbeStore(database).last_round()
    assert last is not None
    assert (last.at, last.is_resolution_up) == (BEGIN + timedelta(seconds=120), True)


async def test_ticks_bring_rounds_and_report_events_as_long_as_they_are_ours(
    database: Database, script: Script, taken: Taken
) -> None:
    events = EventStore(database)
    is_ours = False

    def asked() -> bool:
        nonlocal is_ours
        was, is_ours = is_ours, True
        return was

    monitor = Monitor(
        script,
        ProbeStore(database),
        events,
        EventReporter(events, taken),
        every_seconds=1,
        is_ours=asked,
        now=now,
        new_id=new_id,
    )
    await events.open(Opening(new_id(), NODE, Source.OPERATOR, EventKind.ATTACK, now(), "DDoS", "me"), None)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(monitor.run())
        await taken.has_some.wait()
        await script.has_probed.wait()
        running.cancel()

    assert [record.report for record in taken.records] == [Report.EVENT]
    assert monitor.counters.rounds >= 1


async def test_what_the_operator_closes_by_hand_may_happen_again(relay: Relay, script: Script) -> None:
    script.is_up = False
    await relay.rounds(2)
    opened = (await relay.events.open_by_probe())[NODE]
    await relay.events.close(
        Closing(new_id(), opened.id, Source.OPERATOR, relay.at - timedelta(seconds=5), "by hand", "me"), None
    )
    await relay.rounds(2)

    assert [reason for _, reason, _ in await story(relay.events)] == [
        "registration: HTTP 503",
        "by hand",
        "registration: HTTP 503",
    ]


async def test_sites_and_hosted_prefixes_are_probed_in_rotation_and_a_site_has_events_of_its_own(
    database: Database, relay: Relay, script: Script
) -> None:
    await add_enterprise(database)
    await add_prefix(database, "88.118.7", "hosted")
    await add_prefix(database, "88.118.8", "hosted", identifier="88.118.8/JX-1")
    await add_prefix(database, "88.118.9", "hosted", identifier="88.118.9/A")
    for number in range(20):
        await add_prefix(database, f"88.118.1{number:02}", "self")
    script.sites_down.add("88.118.100")

    await relay.rounds(4)

    sites = [f"88.118.1{number:02}" for number in range(20)]
    assert script.asked == [
        (sites[:16], "88.118.8/JX-1"),
        (sites[16:], "88.118.9/A"),
        (sites[:16], "88.118.8/JX-1"),
        (sites[16:], "88.118.9/A"),
    ]
    assert await story(relay.events) == [("88.118.100", "88.118.100: HTTP 503", "2026-10-05T08:00:00+00:00")]


async def test_the_event_of_a_prefix_that_is_not_probed_any_more_ends(
    database: Database, relay: Relay, script: Script
) -> None:
    await add_enterprise(database)
    await add_prefix(database, "88.118.8", "self")
    await add_prefix(database, "88.118.9", "self")
    script.sites_down |= {"88.118.8", "88.118.9"}
    await relay.rounds(2)
    await run(database, "UPDATE prefix SET state = 'stopped' WHERE folded = '88.118.9'")
    await relay.rounds(2)

    assert sorted(await story(relay.events)) == [
        ("88.118.8", "88.118.8: HTTP 503", "2026-10-05T08:00:00+00:00"),
        ("88.118.9", "88.118.9: HTTP 503", "2026-10-05T08:00:00+00:00"),
        (
            "88.118.9",
            "the prefix is not probed any more: it was stopped, or its hosting changed",
            "2026-10-05T08:01:00+00:00",
        ),
    ]


async def test_a_round_that_is_stored_twice_counts_once(database: Database, relay: Relay) -> None:
    probed = ProbeRound(BEGIN, 30, 1, 1, 1, is_resolution_up=True, is_registration_up=True)
    results = [each.result for each in [Probed(URL, ProbeKind.RESOLUTION, NODE, 1_500, None)]]

    stored = [await relay.events.record(probed, results, []) for _ in range(2)]

    assert stored == [True, False]
    assert await ProbeStore(database).mean_latencies_ms(BEGIN.date(), BEGIN.date() + timedelta(days=1)) == {
        ProbeKind.RESOLUTION: 1.5
    }


async def test_the_metrics_tell_what_the_last_round_saw(relay: Relay, script: Script) -> None:
    collector = ProbingCollector(relay.monitor)
    before = {family.name for family in collector.collect()}
    script.is_up = False
    await relay.rounds(3)
    shown = {
        (sample.name, sample.labels.get("kind", "")): sample.value
        for family in collector.collect()
        for sample in family.samples
    }

    assert "idnode_probed_up" not in before
    assert shown == {
        ("idnode_probe_rounds_total", ""): 3,
        ("idnode_probe_rounds_lost_total", ""): 0,
        ("idnode_probe_rounds_waiting", ""): 0,
        ("idnode_probe_failures_total", "resolution"): 3,
        ("idnode_probe_failures_total", "registration"): 3,
        ("idnode_probed_up", "resolution"): 0,
        ("idnode_probed_up", "registration"): 0,
    }


async def test_a_round_that_comes_late_closes_the_gap_that_a_later_one_found(database: Database, relay: Relay) -> None:
    store = ProbeStore(database)

    async def gaps_after(*seconds: int) -> list[tuple[float, float, int]]:
        for second in seconds:
            at = BEGIN + timedelta(seconds=second)
            judged = ProbeRound(at, 30, 1, 1, 1, is_resolution_up=True, is_registration_up=True)
            await relay.events.record(judged, [Probed(URL, ProbeKind.RESOLUTION, NODE, 1, None).result], [])
        found = await store.gaps(BEGIN, BEGIN + timedelta(seconds=600))
        return [
            ((gap.begins - BEGIN).total_seconds(), (gap.ends - BEGIN).total_seconds(), gap.every_seconds)
            for gap in found
        ]

    assert await gaps_after(0, 119) == [(119, 600, 30)]
    assert await gaps_after(540) == [(119, 540, 30)]
    assert await gaps_after(300) == [(119, 300, 30), (300, 540, 30)]
    assert await gaps_after(210, 390, 480) == []


async def test_what_is_old_is_forgotten(database: Database, relay: Relay) -> None:
    await relay.rounds(1)
    relay.at = BEGIN + RESULTS_KEPT + timedelta(seconds=1)
    await relay.monitor.forget()
    results = await counted(database, "probe_result")
    rounds = await counted(database, "probe_round"), await counted(database, "probe_day")
    relay.at = BEGIN + ROUNDS_KEPT + timedelta(days=1)
    await relay.monitor.forget()

    assert (results, rounds) == (0, (1, 2))
    assert (await counted(database, "probe_round"), await counted(database, "probe_day")) == (0, 0)


def test_an_event_of_an_operator_is_told_in_the_contracts_words() -> None:
    id = new_id()
    event = Event(
        id, None, "88.118.8", Source.OPERATOR, EventKind.ATTACK, BEGIN, "遭受攻击" * 300, None, "me", 1, is_open=True
    )

    told = event_data(event)

    assert (told["kind"], told["reason"]) == (3, "遭受攻击" * 250)
    assert check_data(Report.EVENT, told) == []


async def run(database: Database, sql: str) -> None:
    async with database.session() as session:
        await session.run(sql)


async def counted(database: Database, table: str) -> int:
    async with database.session() as session:
        row = await session.row(f"SELECT count(*) FROM {table}")  # noqa: S608  # names of this file
    return 0 if row is None else int(row[0])


async def add_enterprise(database: Database) -> None:
    async with database.session() as session:
        await session.run(
            "INSERT INTO enterprise (id, name, uscc, industry, state, version, created, updated) "
            "VALUES ('01a20ca9-9b60-7bf8-8ddf-c13ad95da979', 'one', 'u', 'C1711', 'active', 1, $1, $1)",
            now(),
        )


async def add_prefix(database: Database, prefix: str, hosting: str, *, identifier: str | None = None) -> None:
    site = (None, None) if hosting == "hosted" else ("192.0.2.1", 2641)
    async with database.session() as session:
        await session.run(
            "INSERT INTO prefix (folded, shown, enterprise, state, hosting, site_ip, site_tcp_port, version, created, "
            "updated) VALUES ($1, $1, '01a20ca9-9b60-7bf8-8ddf-c13ad95da979', 'active', $2, $3, $4, 1, $5, $5)",
            prefix, hosting, *site, now(),
        )  # fmt: skip
        if identifier is not None:
            await session.run(
                "INSERT INTO identifier (folded, version, state, is_public, values_at, record, created, updated) "
                "VALUES ($1, 1, 'active', true, 0, '', $2, $2)",
                identifier, now(),
            )  # fmt: skip
