"""The ledger under faults: writers in any order, relays that fall, databases that were moved or set back."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import asyncpg
import pytest

from idnode.model.reporting import RecordState, Report
from idnode.storage.dedicated import Connection
from idnode.storage.ledger import LeadershipLost, Ledger, Settlement

AT = datetime(2026, 11, 24, 4, tzinfo=UTC)
CHANGE = """
INSERT INTO change (at, subject, name, version, operation, actor, request_id, new)
VALUES ($1, 'identifier', $2, $3, CASE WHEN $3 = 1 THEN 'register' ELSE 'patch' END, 'test', 'r-1', '{}')
"""
RELAY_BACKENDS = "FROM pg_stat_activity WHERE application_name = 'idnode relay' AND datname = current_database()"


async def elected(dsn: str, relay: str = "one") -> Ledger:
    """The lead, as soon as whoever had it is gone."""
    async with asyncio.timeout(10):
        while (ledger := await Ledger.elected(dsn, relay=relay)) is None:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.01)
    return ledger


async def collect(ledger: Ledger) -> None:
    while await ledger.collect():
        pass


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[Connection]:
    opened = await asyncpg.connect(dsn)
    yield opened
    await opened.close()


@asynccontextmanager
async def leading(dsn: str) -> AsyncIterator[Ledger]:
    ledger = await elected(dsn)
    yield ledger
    await ledger.close()


async def subjects(connection: Connection) -> list[tuple[str, int]]:
    rows = await connection.fetch("SELECT subject, version FROM sync_record ORDER BY number")
    return [(row["subject"], row["version"]) for row in rows]


@dataclass
class Writer:
    """A connection whose transaction may stay open.

    A row's lock lasts as long as the transaction: so do `held`. What is written was planned on what was committed
    before the transaction began: `planned`.
    """

    connection: Connection
    transaction: asyncpg.transaction.Transaction | None = None
    held: dict[str, int] = field(default_factory=dict)
    planned: dict[str, int] = field(default_factory=dict)


class Writers:
    """Several writers that begin, write, commit and roll back as chance will have it."""

    def __init__(self, connections: list[Connection], chance: Random) -> None:
        self._writers = [Writer(connection) for connection in connections]
        self._chance = chance
        self.committed: dict[str, int] = defaultdict(int)

    async def step(self) -> None:
        """One writer does something."""
        writer = self._chance.choice(self._writers)
        if writer.transaction is None:
            writer.transaction = writer.connection.transaction()
            await writer.transaction.start()
            writer.planned = dict(self.committed)
        elif writer.held and self._chance.random() < 0.5:
            await self._end(writer, is_committed=self._chance.random() < 0.7)
            return
        name = f"88.118.8/{self._chance.randrange(8)}"
        is_free = not any(name in other.held for other in self._writers if other is not writer)
        if is_free and writer.planned.get(name, 0) == self.committed[name]:
            version = writer.held.get(name, self.committed[name]) + 1
            await writer.connection.execute(CHANGE, AT + timedelta(seconds=version), name, version)
            writer.held[name] = version

    async def end(self) -> None:
        """All transactions."""
        for writer in self._writers:
            if writer.transaction is not None:
                await self._end(writer, is_committed=True)

    async def close(self) -> None:
        for writer in self._writers:
            await writer.connection.close()

    async def _end(self, writer: Writer, *, is_committed: bool) -> None:
        assert writer.transaction is not None
        await (writer.transaction.commit() if is_committed else writer.transaction.rollback())
        if is_committed:
            self.committed.update(writer.held)
        writer.transaction, writer.held = None, {}


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_order_writers_commit_in_each_change_is_entered_once_and_in_the_order_of_versions(
    dsn: str, connection: Connection, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("idnode.storage.ledger.STEP_ROWS", 3)
    chance = Random(seed)  # noqa: S311  # chance, no secret
    writers = Writers([await asyncpg.connect(dsn) for _ in range(5)], chance)
    idle = await asyncpg.connect(dsn)
    await idle.execute("BEGIN")
    await idle.execute("SELECT pg_current_xact_id()")
    ledger = await elected(dsn)
    for _ in range(250):
        await writers.step()
        match chance.randrange(12):
            case 0 | 1:
                await ledger.collect()
            case 2:
                await collect(ledger)
            case 3:
                collecting = asyncio.create_task(ledger.collect())
                await asyncio.sleep(chance.choice((0, 0, 0.001)))
                await connection.execute(f"SELECT pg_terminate_backend(pid) {RELAY_BACKENDS}")
                await asyncio.wait([collecting])
                collecting.exception()
                await ledger.close()
                ledger = await elected(dsn)
    await collect(ledger)
    await writers.end()
    await collect(ledger)
    again = await ledger.collect()
    found = defaultdict(list)
    for subject, version in await subjects(connection):
        found[subject].append(version)
    added = await connection.fetchval("SELECT sum(added) FROM identifier_count")
    await ledger.close()
    await idle.close()
    await writers.close()

    assert found == {name: list(range(1, last + 1)) for name, last in writers.committed.items() if last}
    assert added == len(found)
    assert sum(map(len, found.values())) > 30
    assert again == 0


async def test_a_step_takes_whole_transactions_and_a_very_large_one_at_once(
    dsn: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.ledger.STEP_ROWS", 3)
    async with connection.transaction():
        for number in range(10):
            await connection.execute(CHANGE, AT, f"88.118.8/large-{number}", 1)
    for number in range(5):
        await connection.execute(CHANGE, AT, f"88.118.8/{number}", 1)
    async with leading(dsn) as ledger:
        taken = [await ledger.collect() for _ in range(4)]

    assert taken == [10, 4, 1, 0]


async def test_a_second_relay_does_not_lead_until_the_first_is_gone(dsn: str) -> None:
    async with leading(dsn) as first:
        second = await Ledger.elected(dsn, relay="two")
        state = await first.state()
    third = await elected(dsn, "three")
    taken_over = await third.state()
    await third.close()

    assert second is None
    assert state.relay == "one"
    assert taken_over.relay == "three"


async def test_a_relay_whose_connection_dies_can_write_no_more_and_another_takes_over(
    dsn: str, connection: Connection
) -> None:
    first = await elected(dsn)
    await connection.execute(CHANGE, AT, "88.118.8/A", 1)
    await first.collect()
    await first.release([Report.T9], AT)
    [claimed] = await first.claim([Report.T9], 10)

    await connection.execute(f"SELECT pg_terminate_backend(pid, 10000) {RELAY_BACKENDS}")
    second = await elected(dsn, "two")
    with pytest.raises(LeadershipLost):
        await first.settle([Settlement(claimed.number, RecordState.ACCEPTED)])
    with pytest.raises(LeadershipLost):
        await first.collect()
    again = await second.claim([Report.T9], 10)
    await first.close()
    await second.close()

    assert again == [claimed]


async def test_a_call_that_is_broken_off_gives_the_lead_up(dsn: str) -> None:
    ledger = await elected(dsn)
    waiting = asyncio.create_task(ledger.collect())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])

    with pytest.raises(LeadershipLost):
        await ledger.collect()
    await (await elected(dsn, "two")).close()


async def test_a_statement_that_takes_too_long_is_cut_off(
    dsn: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await elected(dsn)
    monkeypatch.setattr("idnode.storage.ledger.COLLECT_SECONDS_MAX", 0.1)
    await connection.execute(CHANGE, AT, "88.118.8/A", 1)
    async with connection.transaction():
        await connection.execute("LOCK TABLE sync_record IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(LeadershipLost):
            await ledger.collect()


async def test_a_server_that_is_not_there_is_no_lead(unused_tcp_port: int) -> None:
    with pytest.raises(LeadershipLost):
        await Ledger.elected(f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/none", relay="one")


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param("UPDATE sync_state SET cluster = 7", id="another cluster"),
        pytest.param("UPDATE sync_state SET snapshot = '999999999:999999999:'", id="a database set back"),
        pytest.param("UPDATE sync_state SET snapshot = NULL", id="a ledger that has never begun"),
    ],
)
async def test_where_the_snapshot_means_nothing_the_log_is_taken_in_from_the_beginning(
    dsn: str, connection: Connection, spoilt: str
) -> None:
    for number in range(3):
        await connection.execute(CHANGE, AT, f"88.118.8/{number}", 1)
    # Far enough for the first ones not to be read again anyway.
    for _ in range(150):
        await connection.execute("SELECT pg_current_xact_id()")
    await connection.execute(CHANGE, AT, "88.118.8/3", 1)
    async with leading(dsn) as ledger:
        await collect(ledger)
    await connection.execute("DELETE FROM sync_record WHERE subject = '88.118.8/1'")
    await connection.execute(spoilt)
    async with leading(dsn) as ledger:
        await collect(ledger)

    assert sorted(await subjects(connection)) == [(f"88.118.8/{number}", 1) for number in range(4)]


async def test_a_new_lead_goes_on_a_little_before_where_the_last_was(dsn: str, connection: Connection) -> None:
    await connection.execute("UPDATE sync_state SET snapshot = '700:705:700,703'")
    async with leading(dsn) as ledger:
        near = (await ledger.state()).snapshot
        await connection.execute("UPDATE sync_state SET snapshot = '700:810:700,703,770'")
    async with leading(dsn) as ledger:
        far = (await ledger.state()).snapshot

    assert near == "605:605:"
    assert far == "700:710:700,703"


async def test_changes_restored_from_another_cluster_are_taken_in_once_and_new_ones_after_them(
    dsn: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.ledger.STEP_ROWS", 2)
    for number in range(5):
        await connection.execute(CHANGE, AT, f"88.118.8/{number}", 1)
    await connection.execute("UPDATE change SET xid = (10::numeric ^ 12 + position)::bigint::text::xid8")
    async with leading(dsn) as ledger:
        await collect(ledger)
        await connection.execute(CHANGE, AT, "88.118.8/0", 2)
        taken = [await ledger.collect(), await ledger.collect()]

    assert taken == [1, 0]
    assert await subjects(connection) == [*((f"88.118.8/{number}", 1) for number in range(5)), ("88.118.8/0", 2)]


@pytest.mark.parametrize("spread", [0, 1], ids=["by one transaction", "by one transaction each"])
async def test_changes_made_before_those_from_another_cluster_were_adopted_come_after_them(
    dsn: str, connection: Connection, monkeypatch: pytest.MonkeyPatch, spread: int
) -> None:
    monkeypatch.setattr("idnode.storage.ledger.STEP_ROWS", 2)
    for number in range(5):
        await connection.execute(CHANGE, AT, f"88.118.8/{number}", 1)
    await connection.execute("UPDATE change SET xid = (10::numeric ^ 12 + position * $1)::bigint::text::xid8", spread)
    for version in (2, 3):
        for number in range(5):
            await connection.execute(CHANGE, AT, f"88.118.8/{number}", version)
    async with leading(dsn) as ledger:
        await collect(ledger)
        again = await ledger.collect()

    found = defaultdict(list)
    for subject, version in await subjects(connection):
        found[subject].append(version)
    assert found == {f"88.118.8/{number}": [1, 2, 3] for number in range(5)}
    assert again == 0


async def test_what_one_transaction_of_another_cluster_wrote_is_adopted_in_the_order_of_positions(
    dsn: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.ledger.STEP_ROWS", 1)
    for version in (3, 2, 1):
        await connection.execute(CHANGE, AT, "88.118.8/A", version)
    await connection.execute("UPDATE change SET position = version, xid = '1000000000000'")
    async with leading(dsn) as ledger:
        await collect(ledger)

    assert await subjects(connection) == [("88.118.8/A", 1), ("88.118.8/A", 2), ("88.118.8/A", 3)]


async def test_what_others_make_pending_again_is_claimed_though_its_number_is_low(
    dsn: str, connection: Connection
) -> None:
    for number in range(4):
        await connection.execute(CHANGE, AT, f"88.118.8/{number}", 1)
    async with leading(dsn) as ledger:
        await collect(ledger)
        await ledger.release([Report.T9], AT)
        first = [claimed.number for claimed in await ledger.claim([Report.T9], 2)]
        await ledger.settle([Settlement(number, RecordState.ACCEPTED) for number in first])
        second = [claimed.number for claimed in await ledger.claim([Report.T9], 2)]
        await connection.execute("UPDATE sync_record SET state = 'pending' WHERE number = $1", first[0])
        third = [claimed.number for claimed in await ledger.claim([Report.T9], 2)]

    assert third == [first[0], second[0]]


async def test_a_retried_record_that_a_later_version_has_overtaken_meanwhile_is_not_sent(
    dsn: str, connection: Connection
) -> None:
    for version in (1, 2):
        await connection.execute(CHANGE, AT, "88.118.8/A", version)
    async with leading(dsn) as ledger:
        await collect(ledger)
        await ledger.release([Report.T9], AT)
        [one, _] = await ledger.claim([Report.T9], 2)
        await ledger.settle([Settlement(one.number, RecordState.REJECTED, None, "no")])
        [two] = await ledger.claim([Report.T9], 2)
        await connection.execute(
            "UPDATE sync_record SET state = 'pending', is_retried = true WHERE number = $1", one.number
        )
        await ledger.settle([Settlement(two.number, RecordState.SENT)])
        left = await ledger.claim([Report.T9], 2)

    assert left == []
    assert await connection.fetch("SELECT state FROM sync_record ORDER BY number") == [("superseded",), ("sent",)]


async def test_the_log_and_the_ledger_are_never_scanned(dsn: str, connection: Connection) -> None:
    async with leading(dsn) as ledger:
        await connection.execute(
            "INSERT INTO change (at, subject, name, version, operation, actor, request_id)"
            " SELECT '2026-11-24Z', 'identifier', '88.118.8/' || number, 1, 'register', 'test', 'r-1'"
            " FROM generate_series(1, 2000) AS number"
        )
        await collect(ledger)
        for table in ("change", "sync_record"):
            await connection.execute(f"ANALYZE {table}")
        before = await connection.fetchval(
            "SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname ~ '^(change|sync_record)'"
        )
        await ledger.release([Report.T9], AT)
        claimed = await ledger.claim(list(Report), 1_000)
        await ledger.settle([Settlement(each.number, RecordState.ACCEPTED) for each in claimed])
        await ledger.overdue(AT)
        await collect(ledger)
    async with asyncio.timeout(10):
        while await connection.fetchval(f"SELECT count(*) {RELAY_BACKENDS}"):  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.01)
    after = await connection.fetchval(
        "SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname ~ '^(change|sync_record)'"
    )

    assert len(claimed) == 1_000
    assert after == before
