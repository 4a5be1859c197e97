"""Relays that lead, one at a time, on a real ledger: taken in, released, delivered, judged, taken over."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
import pytest
from played_top_node import Act, PlayedTopNode, commit, states

from idnode.model.errors import IdnodeError
from idnode.model.reporting import Report
from idnode.storage.database import Database
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.ledger import Ledger, NewRecord
from idnode.storage.organisations import OrganisationStore
from idnode.storage.sync_records import SyncRecords
from idnode.sync.leading import Leader, Leading
from idnode.sync.relay import Clocks, Custody, Relay, RelayLimits
from idnode.sync.report.rendering import Rendering

A, B = "88.118.8/A", "88.118.8/B"
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
EVENT = NewRecord(Report.EVENT, "event-1", 1, "report", NOON, b'{"state":"abnormal"}')
HANGS = 60


class World:
    """Its clock stands until it is set; no back-off lasts."""

    def __init__(self) -> None:
        self.moment = NOON
        self._seconds = 0.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        self._seconds += 1_000
        return self._seconds


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here depends on how long they are."""
    monkeypatch.setattr("idnode.sync.leading.ELECTION_SECONDS", 0.05)
    monkeypatch.setattr("idnode.sync.relay.WATCH_SECONDS", 0.02)
    monkeypatch.setattr("idnode.sync.relay.WORK_RETRY_SECONDS", 0.02)
    monkeypatch.setattr("idnode.sync.collecting.COLLECT_SECONDS", 0.01)
    monkeypatch.setattr("idnode.sync.lanes.POLL_SECONDS", 0.02)
    monkeypatch.setattr("idnode.sync.verdicts.PAUSE_SECONDS", 0.02)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def top_node() -> PlayedTopNode:
    return PlayedTopNode()


@pytest.fixture
def relay(database: Database, world: World, top_node: PlayedTopNode) -> Relay:
    """By the contract's cadence."""
    return Relay(
        node="88.118",
        transport=top_node,
        rendering=Rendering(OrganisationStore(database), EnterpriseStore(database)),
        limits=RelayLimits(batch_records=4, tries_max=3, verdict_hours=24),
        clocks=Clocks(world.now, world.monotonic, lambda: 0.5),
    )


@asynccontextmanager
async def leading(dsn: str, relay: Leader, *, name: str = "one") -> AsyncIterator[asyncio.Task[None]]:
    """A relay at work for the length of a block."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(Leading(relay, elect=partial(Ledger.elected, dsn, relay=name)).run())
        try:
            yield task
        finally:
            task.cancel()


async def until(holds: Callable[[], Awaitable[bool] | bool]) -> None:
    async with asyncio.timeout(HANGS):
        while True:
            found = holds()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.01)


async def until_all_are(dsn: str, state: str, *, records: int) -> None:
    async def holds() -> bool:
        found = [each for each, _ in (await states(dsn)).values()]
        return found == [state] * records

    await until(holds)


async def leader(records: SyncRecords) -> str | None:
    return (await records.state()).relay


async def leads(records: SyncRecords, name: str) -> bool:
    return await leader(records) == name


async def end_ledger_connection(dsn: str) -> None:
    """As when the leader's host is gone."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE l.locktype = 'advisory' AND a.datname = current_database()"
    )
    await connection.close()


async def test_changes_wait_for_the_end_of_their_day_and_go_up_then(
    dsn: str, relay: Relay, world: World, top_node: PlayedTopNode, database: Database
) -> None:
    async def released() -> bool:
        return all(
            each.released_at is not None for each in await SyncRecords(database).summary() if each.report == "T9"
        )

    async with leading(dsn, relay):
        await until(released)
        await commit(dsn, (A, 1), (A, 2))
        await until_all_are(dsn, "pending", records=2)
        await SyncRecords(database).add([EVENT])
        await until(lambda: ("event-1", 1) in top_node.effects)
        before = list(top_node.effects)
        world.moment = NOON + timedelta(hours=12)
        await until_all_are(dsn, "accepted", records=2)

    assert before == [("event-1", 1)]
    assert top_node.effects == [("event-1", 1), (A, 1), (A, 2)]


async def test_what_became_due_while_nobody_led_goes_up_with_the_next_lead(
    dsn: str, relay: Relay, world: World, top_node: PlayedTopNode, database: Database
) -> None:
    async def released() -> bool:
        return all(
            each.released_at is not None for each in await SyncRecords(database).summary() if each.report == "T9"
        )

    async with leading(dsn, relay):
        await until(released)
    await commit(dsn, (A, 1))
    world.moment = NOON + timedelta(days=3)
    async with leading(dsn, relay):
        await until_all_are(dsn, "accepted", records=1)

    assert top_node.effects == [(A, 1)]


async def test_with_real_time_everything_goes_up_as_soon_as_it_is_committed(
    dsn: str, relay: Relay, top_node: PlayedTopNode
) -> None:
    top_node.acts.extend([Act.JUDGE_LATER, Act.LOSE_REPLY, Act.FAIL])
    async with leading(dsn, replace(relay, is_at_once=True)):
        for version in range(1, 7):
            await commit(dsn, (A, version), (B, version))
        await until_all_are(dsn, "accepted", records=12)

    assert [version for name, version in top_node.effects if name == A] == [1, 2, 3, 4, 5, 6]
    assert len(top_node.effects) == 12


async def test_one_leads_and_the_other_takes_over_when_the_first_is_gone_in_the_midst_of_a_batch(
    dsn: str, relay: Relay, database: Database, top_node: PlayedTopNode
) -> None:
    records, first, second = SyncRecords(database), replace(relay, is_at_once=True), replace(relay, is_at_once=True)
    async with leading(dsn, first, name="one") as task:
        await until(lambda: leads(records, "one"))
        async with leading(dsn, second, name="two"):
            top_node.hangs = True
            await commit(dsn, (A, 1))
            await until(lambda: top_node.under_way == 1)
            before = await leads(records, "one")
            top_node.hangs = False
            task.cancel()
            await asyncio.wait([task])
            await until_all_are(dsn, "accepted", records=1)

            assert before
            assert await leads(records, "two")
    assert top_node.effects == [(A, 1)]


async def test_a_leader_that_loses_its_connection_stops_at_once_and_leads_again(
    dsn: str, relay: Relay, top_node: PlayedTopNode
) -> None:
    relay = replace(relay, is_at_once=True)
    async with leading(dsn, relay):
        top_node.hangs = True
        await commit(dsn, (A, 1))
        await until(lambda: top_node.under_way == 1)
        top_node.hangs = False
        await end_ledger_connection(dsn)
        await until_all_are(dsn, "accepted", records=1)

    assert top_node.under_way == 0
    assert relay.counters.elections == 2
    assert top_node.batches == [["88.118.8/A 1"], ["88.118.8/A 1"]]


async def test_a_pause_keeps_everything_back_and_what_is_committed_is_taken_in(
    dsn: str, relay: Relay, database: Database, top_node: PlayedTopNode
) -> None:
    records, relay = SyncRecords(database), replace(relay, is_at_once=True)
    await records.pause("somebody")
    async with leading(dsn, relay):
        await commit(dsn, (A, 1))
        await until_all_are(dsn, "pending", records=1)
        await until(lambda: relay.counters.is_paused)
        before = list(top_node.batches)
        await records.resume("somebody")
        await until_all_are(dsn, "accepted", records=1)

    assert (before, top_node.effects) == ([], [(A, 1)])


async def test_other_work_of_the_leader_begins_when_it_has_caught_up_and_survives_its_errors(
    dsn: str, relay: Relay, top_node: PlayedTopNode
) -> None:
    found: list[int] = []

    async def look() -> None:
        found.append(len(await states(dsn)))
        if len(found) == 1:
            raise IdnodeError("not today")

    await commit(dsn, (A, 1), (B, 1))
    async with leading(dsn, replace(relay, work=(look,))):
        await until(lambda: len(found) == 2)

    assert found == [2, 2]
    assert set(top_node.effects) <= {(A, 1), (B, 1)}


async def test_where_nobody_is_reported_to_one_process_does_the_other_work_and_the_next_takes_over(
    dsn: str, database: Database
) -> None:
    done: list[str] = []

    async def first() -> None:
        done.append("first")
        await asyncio.sleep(HANGS)

    async def second() -> None:
        done.append("second")

    await commit(dsn, (A, 1))
    async with leading(dsn, Custody((first,))):
        await until(lambda: done == ["first"])
        async with leading(dsn, Custody((second,)), name="two"):
            await until(partial(leads, SyncRecords(database), "one"))
            before = list(done)
            await end_ledger_connection(dsn)
            await until(lambda: len(done) > 1)

    assert before == ["first"]
    assert await states(dsn) == {}


async def test_what_nobody_judges_in_time_is_delivered_again_under_the_same_name(
    dsn: str, relay: Relay, top_node: PlayedTopNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.sync.relay.OVERDUE_SECONDS", 0.02)
    top_node.acts.append(Act.JUDGE_LATER)
    top_node.forgets_verdicts = True
    relay = replace(relay, is_at_once=True)
    await commit(dsn, (A, 1))
    async with leading(dsn, relay):
        await until_all_are(dsn, "sent", records=1)
        connection = await asyncpg.connect(dsn)
        await connection.execute("UPDATE sync_record SET updated = updated - interval '1 year'")
        await connection.close()
        await until(lambda: relay.counters.overdue == 1)
        await until(lambda: len(top_node.batches) == 2)

    assert top_node.batches == [["88.118.8/A 1"], ["88.118.8/A 1"]]
    assert top_node.effects == [(A, 1)]
