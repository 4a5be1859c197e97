"""Directory writes: what was committed is told before the caller hears of it, and nothing else is told."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from idnode.model.access import ApiKey, Role
from idnode.model.change import Subject, Trace
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWrite, DirectoryWriter
from idnode.registry.metrics import RegistryCounters
from idnode.storage.database import Database, Session, StorageFault
from idnode.storage.feed import ChangedThing
from idnode.storage.idempotency import KeptAnswer

AT = datetime(2026, 3, 9, tzinfo=UTC)
KEY = ApiKey(UUID(int=7), "test", Role.ADMIN, (), "idn_test", AT, None, None, None, None, 1)
TRACE = Trace("test", "r-1", AT)
WRITE = DirectoryWrite(Subject.PREFIX, "88.118.8", 1, "register", None, {"prefix": "88.118.8"})
ANSWER = KeptAnswer(201, "application/json", None, None, b"{}")
REGISTERED = ChangedThing("prefix", "88.118.8", "register")


class Heard:
    """What a writer told."""

    def __init__(self) -> None:
        self.things: list[ChangedThing] = []

    def committed(self, things: Sequence[ChangedThing]) -> None:
        self.things += things


def writer(database: Database, heard: Heard) -> DirectoryWriter:
    return DirectoryWriter(
        database, RegistryCounters(), committed=heard.committed, now=lambda: AT, new_id=lambda: UUID(int=1)
    )


async def nothing(_: Session) -> None:
    """The row does not matter here."""


async def refused(session: Session) -> None:
    await session.run("SELECT 1 / 0")


async def test_whoever_comes_back_from_a_write_finds_that_it_was_told(database: Database) -> None:
    heard = Heard()

    answer = await writer(database, heard).commit(WRITE, Asked(KEY, TRACE), ANSWER, nothing)

    assert answer == ANSWER
    assert heard.things == [REGISTERED]


async def test_what_was_refused_and_what_was_only_rehearsed_is_not_told(database: Database) -> None:
    heard = Heard()

    with pytest.raises(StorageFault):
        await writer(database, heard).commit(WRITE, Asked(KEY, TRACE), ANSWER, refused)
    await writer(database, heard).commit(WRITE, Asked(KEY, TRACE, dry_run=True), ANSWER, nothing)

    assert heard.things == []
