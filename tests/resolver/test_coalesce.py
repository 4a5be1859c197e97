"""Coalesced reads: one read for one identifier, one statement for many, an answer or a reason for each caller."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hanging_server import at_work, hanging, server_of_its_own

from idnode.model.errors import IdnodeError, Unavailable
from idnode.model.record import State
from idnode.resolver.coalesce import ReadCoalescer
from idnode.storage.identifiers import StoredRecord
from idnode.storage.lookups import Lookups


def record(folded: str) -> StoredRecord:
    return StoredRecord(folded, 1, State.ACTIVE, True, 0, b"{}")


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Table:
    """Holds some records; a statement ends when it is let go."""

    records: dict[str, StoredRecord]
    statements: list[list[str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Unavailable | None = None

    async def read(self, folded: Sequence[str], seconds_max: float) -> Mapping[str, StoredRecord]:
        self.statements.append(list(folded))
        self.seconds.append(round(seconds_max, 3))
        found = {key: self.records[key] for key in folded if key in self.records}
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return found


@asynccontextmanager
async def running(table: Table) -> AsyncIterator[ReadCoalescer]:
    coalescer = ReadCoalescer(table.read, monotonic=table.clock)
    loops = asyncio.create_task(coalescer.run())
    try:
        yield coalescer
    finally:
        loops.cancel()
        await asyncio.wait([loops])


def ask(coalescer: ReadCoalescer, folded: str) -> "asyncio.Future[StoredRecord | None]":
    """What becomes of a lookup of one who does not wait."""
    verdict = asyncio.get_running_loop().create_future()

    def told(stored: StoredRecord | None, error: IdnodeError | None) -> None:
        if error is None:
            verdict.set_result(stored)
        else:
            verdict.set_exception(error)

    coalescer.ask(folded, told)
    return verdict


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_concurrent_lookups_of_one_identifier_are_one_read() -> None:
    table = Table({"88.118.8/A": record("88.118.8/A")})
    async with running(table) as coalescer:
        lookups = [asyncio.create_task(coalescer.find("88.118.8/A")) for _ in range(50)]
        await turns()
        table.gate.set()

        found = await asyncio.gather(*lookups)

    assert table.statements == [["88.118.8/A"]]
    assert found == [record("88.118.8/A")] * 50


async def test_lookups_of_many_identifiers_share_statements_of_256_keys() -> None:
    table = Table({})
    table.gate.set()
    async with running(table) as coalescer:
        found = await asyncio.gather(*(coalescer.find(f"88.118.8/{number}") for number in range(600)))

    assert found == [None] * 600
    assert [len(statement) for statement in table.statements] == [256, 256, 88]


async def test_two_statements_are_under_way_at_most() -> None:
    table = Table({})
    async with running(table) as coalescer:
        lookups = []
        for number in range(5):
            lookups.append(asyncio.create_task(coalescer.find(f"88.118.8/{number}")))
            await turns()
        under_way = [list(statement) for statement in table.statements]
        table.gate.set()
        await asyncio.gather(*lookups)

    assert under_way == [["88.118.8/0"], ["88.118.8/1"]]
    assert table.statements[2:] == [["88.118.8/2", "88.118.8/3", "88.118.8/4"]]


async def test_a_lookup_does_not_take_the_answer_of_a_read_that_was_under_way_before_it() -> None:
    table = Table({})
    async with running(table) as coalescer:
        before = asyncio.create_task(coalescer.find("88.118.8/A"))
        await turns()
        table.records["88.118.8/A"] = record("88.118.8/A")
        after = asyncio.create_task(coalescer.find("88.118.8/A"))
        await turns()
        table.gate.set()

        found = await asyncio.gather(before, after)

    assert list(found) == [None, record("88.118.8/A")]


async def test_a_caller_that_goes_away_leaves_the_answer_to_the_others() -> None:
    table = Table({"88.118.8/A": record("88.118.8/A")})
    async with running(table) as coalescer:
        impatient = asyncio.create_task(coalescer.find("88.118.8/A"))
        patient = asyncio.create_task(coalescer.find("88.118.8/A"))
        await turns()
        impatient.cancel()
        table.gate.set()

        assert await patient == record("88.118.8/A")


async def test_every_caller_learns_that_the_database_is_away_and_the_next_one_asks_anew() -> None:
    table = Table({}, failure=Unavailable("away"))
    table.gate.set()
    async with running(table) as coalescer:
        for _ in range(2):
            with pytest.raises(Unavailable, match="away"):
                await coalescer.find("88.118.8/A")

    assert table.statements == [["88.118.8/A"], ["88.118.8/A"]]


async def test_who_asks_without_waiting_shares_the_answer_of_those_who_wait() -> None:
    table = Table({"88.118.8/A": record("88.118.8/A")})
    async with running(table) as coalescer:
        asked = ask(coalescer, "88.118.8/A")
        waiting = asyncio.create_task(coalescer.find("88.118.8/A"))
        told: list[StoredRecord | None] = []
        asked.add_done_callback(lambda verdict: told.append(verdict.result()))
        await turns()
        table.gate.set()
        found = await waiting

    assert told == [found] == [record("88.118.8/A")]
    assert table.statements == [["88.118.8/A"]]


async def test_a_caller_that_fails_when_told_takes_the_answer_from_nobody_else() -> None:
    table = Table({"88.118.8/A": record("88.118.8/A")})

    def fails(_: StoredRecord | None, __: IdnodeError | None) -> None:
        raise ZeroDivisionError

    async with running(table) as coalescer:
        coalescer.ask("88.118.8/A", fails)
        told = ask(coalescer, "88.118.8/A")
        await turns()
        table.gate.set()
        found = await told
        later = await coalescer.find("88.118.8/A")

    assert found == later == record("88.118.8/A")


async def test_a_statement_gets_the_time_that_its_oldest_key_has_left() -> None:
    table = Table({})
    async with running(table) as coalescer:
        for number in range(2):
            ask(coalescer, f"88.118.8/{number}")
            await turns()
        for number, asked_at in enumerate((100.0, 100.3), start=2):
            table.clock.seconds = asked_at
            ask(coalescer, f"88.118.8/{number}")
        table.clock.seconds = 100.5
        table.gate.set()
        last = ask(coalescer, "88.118.8/4")
        await last
        await coalescer.find("88.118.8/5")

    assert table.statements[2:] == [["88.118.8/2", "88.118.8/3", "88.118.8/4"], ["88.118.8/5"]]
    assert table.seconds == [0.8, 0.8, 0.3, 0.8]


@pytest.mark.parametrize(("waited", "expected"), [(0.7, [0.1]), (0.75, [0.1]), (0.84, [0.1]), (0.86, [])])
async def test_keys_that_waited_long_get_a_last_chance_and_then_none(waited: float, expected: list[float]) -> None:
    table = Table({})
    async with running(table) as coalescer:
        for number in range(2):
            ask(coalescer, f"88.118.8/{number}")
            await turns()
        late = ask(coalescer, "88.118.8/LATE")
        table.clock.seconds += waited
        table.gate.set()
        await asyncio.wait([late])

    assert table.seconds[2:] == expected
    assert isinstance(late.exception(), Unavailable) is (not expected)


async def test_keys_beyond_one_statement_keep_the_times_they_were_asked_at() -> None:
    table = Table({})
    async with running(table) as coalescer:
        for number in range(2):
            ask(coalescer, f"88.118.8/{number}")
            await turns()
        for number in range(256):
            ask(coalescer, f"88.118.8/OLD-{number}")
        table.clock.seconds += 0.2
        late = ask(coalescer, "88.118.8/LATE")
        table.gate.set()
        await late

    assert [len(statement) for statement in table.statements] == [1, 1, 256, 1]
    assert table.seconds == [0.8, 0.8, 0.6, 0.8]


async def test_twenty_thousand_keys_may_wait_and_no_more() -> None:
    coalescer = ReadCoalescer(Table({}).read, monotonic=Clock())
    for number in range(20_000):
        ask(coalescer, f"88.118.8/{number}")

    with pytest.raises(Unavailable, match="20000 lookups wait already; try again shortly"):
        ask(coalescer, "88.118.8/ONE-MORE")

    assert not ask(coalescer, "88.118.8/7").done()


async def test_a_server_that_hangs_is_told_to_every_caller(tmp_path: Path) -> None:
    async with server_of_its_own(tmp_path) as server:
        lookups = Lookups(server.dsn)
        coalescer = ReadCoalescer(lookups.find_many, monotonic=time.monotonic)
        async with at_work(lookups, coalescer):
            before = await coalescer.find("88.118.8/A")
            with hanging(server):
                first = [ask(coalescer, f"88.118.8/{number}") for number in range(600)]
                await turns()
                second = [ask(coalescer, f"88.118.8/{number}") for number in range(600)]
                # The server would never answer; the coalescer does, in less than a second.
                await asyncio.wait([*first, *second], timeout=20)
                outcomes = {type(verdict.exception()) for verdict in (*first, *second)}

    assert before is None
    assert outcomes == {Unavailable}
