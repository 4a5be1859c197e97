"""Batches on a real database: one transaction, one verdict for each row, and what others do meanwhile."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from harness import NodeUnderTest

from idnode.lifecycle import now
from idnode.model.change import Trace
from idnode.model.errors import Unavailable
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier
from idnode.model.record import Operation
from idnode.registry.batches import BatchWriter, Registration, Row, Verdict
from idnode.registry.commands import Asked, Content, Patch, Revision
from idnode.registry.metrics import RegistryCounters
from idnode.registry.planning import RecordPlanner
from idnode.storage.database import Session
from idnode.storage.identifiers import IdentifierStore
from idnode.wire.record_json import read_record

AT = now().replace(microsecond=0)


class Batches:
    """A batch writer on a node's database, beside the node, and what it told."""

    def __init__(self, node: NodeUnderTest, asked: Asked) -> None:
        self.asked = asked
        self.counters = RegistryCounters()
        self.committed: list[str] = []
        self.registered: list[tuple[str, int, int]] = []
        self.store = IdentifierStore(node.node.database)
        ticks = iter(range(0, 1_000, 5))
        self.writer = BatchWriter(
            self.store,
            RecordPlanner(node.node.directory),
            self.counters,
            committed=self.committed.extend,
            registered=lambda *told: self.registered.append(told),
            nanoseconds=lambda: next(ticks),
        )

    async def write(self, *rows: Row, is_atomic: bool = False, dry_run: bool = False) -> list[str]:
        """What became of the rows: a code, or the version that stands."""
        asked = self.asked._replace(dry_run=dry_run)
        verdicts = await self.writer.write(rows, asked, is_atomic=is_atomic, along=_nothing)
        return [told(verdict) for verdict in verdicts]


def told(verdict: Verdict) -> str:
    if verdict.record is not None:
        return f"version {verdict.record.version}"
    assert verdict.refusal is not None
    return verdict.refusal.code


@pytest.fixture
async def batches(node: NodeUnderTest) -> Batches:
    await node.prefix("88.118.8")
    key = await node.node.authentication.key_of(f"Bearer {node.admin_key}")
    assert key is not None
    return Batches(node, Asked(key, Trace("test", "r-1", AT)))


async def _nothing(_: Session, __: list[Verdict]) -> None:
    """Nothing is written along."""


def named(suffix: str) -> Identifier:
    return Identifier.parse(f"88.118.8/{suffix}")


def content(text: str = "one") -> Content:
    return Content(None, {}, (HandleValue(1, "NOTE", text.encode(), AT),))


def registration(suffix: str, text: str = "one") -> Registration:
    return Registration(named(suffix), content(text))


def replacement(suffix: str, text: str, *, version: int | None = None) -> Revision:
    return Revision(named(suffix), Operation.REPLACE, content(text), version)


def deletion(suffix: str) -> Revision:
    return Revision(named(suffix), Operation.DELETE)


async def test_rows_of_every_kind_are_written_together_and_told_once(batches: Batches) -> None:
    first = await batches.write(registration("A"), registration("B"), registration("C"))
    patch = Patch(values=(HandleValue(2, "MORE", b"two", AT),))

    second = await batches.write(
        replacement("A", "two"), Revision(named("B"), Operation.PATCH, patch), deletion("C"), registration("D")
    )

    assert first == ["version 1"] * 3
    assert second == ["version 2", "version 2", "version 2", "version 1"]
    assert batches.committed == [f"88.118.8/{letter}" for letter in "ABCABCD"]
    assert batches.counters.written == {"register": 4, "replace": 1, "patch": 1, "delete": 1}
    assert batches.registered == [("88.118.8", 5, 3), ("88.118.8", 5, 1)]


async def test_a_row_that_is_refused_harms_no_neighbour_and_one_of_an_atomic_batch_undoes_all(batches: Batches) -> None:
    await batches.write(registration("A"))
    foreign = Registration(Identifier.parse("88.118.9/A"), content())
    rows = (registration("A"), registration("B"), registration("b"), deletion("NONE"), foreign, registration("C"))

    undone = await batches.write(*rows, is_atomic=True)
    standing = set(await batches.store.find_many(["88.118.8/B", "88.118.8/C"]))
    lost_only_in_the_database = await batches.write(registration("C"), registration("A"), is_atomic=True)
    done = await batches.write(*rows)

    refused = ["duplicate-in-batch", "not-found", "not-found"]
    assert undone == ["batch-undone", "batch-undone", *refused, "batch-undone"]
    assert standing == set()
    assert lost_only_in_the_database == ["batch-undone", "already-registered"]
    assert done == ["already-registered", "version 1", *refused, "version 1"]
    assert set(await batches.store.find_many(["88.118.8/B", "88.118.8/C"])) == {"88.118.8/B", "88.118.8/C"}


async def test_a_dry_run_says_the_same_and_writes_nothing(batches: Batches) -> None:
    await batches.write(registration("A"))

    tried = await batches.write(registration("A"), registration("B"), replacement("A", "two"), dry_run=True)
    atomic = await batches.write(registration("A"), registration("B"), dry_run=True, is_atomic=True)

    assert tried == ["already-registered", "version 1", "duplicate-in-batch"]
    assert atomic == ["already-registered", "batch-undone"]
    assert await batches.store.find("88.118.8/B") is None


async def test_a_row_that_others_were_faster_with_is_planned_on_what_they_wrote_unless_it_expects_a_version(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    await batches.write(registration("A"), registration("B"), registration("C"))
    find_many = batches.store.find_many
    patch = Patch(values=(HandleValue(2, "MORE", b"mine", AT),))

    async def find_then_lose(folded: list[str]) -> object:
        found = await find_many(folded)
        monkeypatch.setattr(batches.store, "find_many", find_many)
        await batches.write(replacement("A", "theirs"), replacement("B", "theirs"), deletion("C"))
        return found

    monkeypatch.setattr(batches.store, "find_many", find_then_lose)
    outcomes = await batches.write(
        Revision(named("A"), Operation.PATCH, patch), replacement("B", "mine", version=1), replacement("C", "mine")
    )
    stands = await batches.store.find("88.118.8/A")

    assert outcomes == ["version 3", "version-moved", "identifier-deleted"]
    assert stands is not None
    assert [value.data for value in read_record(stands.document).values] == [b"theirs", b"mine"]


async def test_a_row_that_was_changed_and_is_held_by_somebody_is_not_waited_for(
    batches: Batches, node: NodeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await batches.write(registration("A"))
    find_many, database = batches.store.find_many, node.node.database

    async with AsyncExitStack() as held:

        async def find_then_lose(folded: list[str]) -> object:
            found = await find_many(folded)
            monkeypatch.setattr(batches.store, "find_many", find_many)
            await batches.write(replacement("A", "theirs"))
            session = await held.enter_async_context(database.transaction())
            await session.run("SELECT FROM identifier WHERE folded = '88.118.8/A' FOR UPDATE")
            return found

        monkeypatch.setattr(batches.store, "find_many", find_then_lose)
        outcomes = await batches.write(replacement("A", "mine"), registration("B"))

    assert outcomes == ["version-moved", "version 1"]


async def test_a_reserved_name_is_activated_by_a_registration(batches: Batches, node: NodeUnderTest) -> None:
    reserved = await node.call("POST", "/v1/reservations", {"identifiers": ["88.118.8/R", "88.118.8/S"]})
    assert reserved.status == 200, await reserved.text()

    outcomes = await batches.write(registration("R"), registration("NEW"))
    again = await batches.write(registration("R"))

    assert outcomes == ["version 2", "version 1"]
    assert again == ["already-registered"]
    assert batches.counters.written == {"activate": 1, "register": 1}
    assert batches.registered == [("88.118.8", 5, 2)]


async def test_what_is_written_along_fails_the_batch_and_an_absent_database_leaves_nothing_remembered(
    batches: Batches,
) -> None:
    async def fail(_: Session, __: list[Verdict]) -> None:
        raise Unavailable("the file is gone")

    with pytest.raises(Unavailable, match="the file is gone"):
        await batches.writer.write([registration("A")], batches.asked, is_atomic=False, along=fail)

    assert await batches.store.find("88.118.8/A") is None
    # It may have been committed: nobody is to find in memory what stood before.
    assert batches.committed == ["88.118.8/A"]


async def test_batches_with_the_same_rows_in_opposite_orders_never_wait_in_a_ring(batches: Batches) -> None:
    rows = [registration(f"{number:03}") for number in range(200)]

    one, other = await asyncio.gather(batches.write(*rows), batches.write(*reversed(rows)))

    assert sorted(one + other) == ["already-registered"] * 200 + ["version 1"] * 200
