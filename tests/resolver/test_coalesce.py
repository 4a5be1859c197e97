"""Coalesced reads: one read for one identifier, one statement for many, an answer or a reason for each caller."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from idnode.model.errors import Unavailable
from idnode.model.record import State
from idnode.resolver.coalesce import ReadCoalescer
from idnode.storage.identifiers import StoredRecord


def record(folded: str) -> StoredRecord:
    return StoredRecord(folded, 1, State.ACTIVE, True, 0, b"{}")


@dataclass
class Table:
    """Holds some records; a statement ends when it is let go."""

    records: dict[str, StoredRecord]
    statements: list[list[str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Unavailable | None = None

    async def read(self, folded: Sequence[str]) -> Mapping[str, StoredRecord]:
        self.statements.append(list(folded))
        found = {key: self.records[key] for key in folded if key in self.records}
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return found


@asynccontextmanager
async def running(table: Table) -> AsyncIterator[ReadCoalescer]:
    coalescer = ReadCoalescer(table.read)
    loops = asyncio.create_task(coalescer.run())
    try:
        yield coalescer
    finally:
        loops.cancel()
        await asyncio.wait([loops])


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
