"""The directory in memory: what it remembers, when it forgets, and that no change by anyone goes unheard."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from idnode.model.access import ApiKey, Role
from idnode.model.change import Change, Subject, Trace
from idnode.model.identifier import Prefix
from idnode.storage.changes import append_change
from idnode.storage.database import Database
from idnode.storage.directory import Directory
from idnode.storage.doorbell import Doorbell
from idnode.storage.keys import KeyStore
from idnode.storage.prefixes import PrefixStore
from idnode.storage.templates import TemplateStore

SECRET_SHA256 = bytes(32)
AT = datetime(2026, 3, 9, tzinfo=UTC)
KEY = ApiKey(UUID(int=7), "test", Role.READER, (), "idn_test", AT, None, None, None, None, 1)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class HesitantKeyStore(KeyStore):
    """Reads as the real store does, then waits before it returns."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.has_read = asyncio.Event()
        self.may_return = asyncio.Event()

    async def find_by_secret(self, secret_sha256: bytes) -> ApiKey | None:
        found = await super().find_by_secret(secret_sha256)
        self.has_read.set()
        await self.may_return.wait()
        return found


def directory_of(
    database: Database, *, keys: KeyStore | None = None, clock: Callable[[], float] | None = None
) -> Directory:
    stores = PrefixStore(database), TemplateStore(database)
    return Directory(keys or KeyStore(database), *stores, monotonic=clock or Clock())


async def put(database: Database, key: ApiKey) -> None:
    """Write a key, change row and doorbell included."""
    store = KeyStore(database)
    async with database.transaction() as session:
        if key.version == 1:
            await store.insert(session, key, SECRET_SHA256)
        else:
            await store.update(session, key)
        trace = Trace("test", "r-1", AT)
        await append_change(session, Change(Subject.KEY, str(key.id), key.version, "revise", trace, None, b"{}"))


async def test_a_key_is_read_once_and_again_when_its_time_is_over(database: Database) -> None:
    clock = Clock()
    directory = directory_of(database, clock=clock)
    await put(database, KEY)
    assert await directory.key(SECRET_SHA256) == KEY
    revised = replace(KEY, name="renamed", version=2)
    await put(database, revised)

    clock.seconds += 9.9
    assert await directory.key(SECRET_SHA256) == KEY

    clock.seconds += 0.1
    assert await directory.key(SECRET_SHA256) == revised


async def test_absence_is_remembered_and_forgotten_like_presence(database: Database) -> None:
    directory = directory_of(database)
    assert await directory.key(SECRET_SHA256) is None
    await put(database, KEY)
    assert await directory.key(SECRET_SHA256) is None

    directory.forget()

    assert await directory.key(SECRET_SHA256) == KEY


async def test_a_read_that_a_change_overtook_is_not_kept(database: Database) -> None:
    keys = HesitantKeyStore(database)
    directory = directory_of(database, keys=keys)
    await put(database, KEY)
    reading = asyncio.create_task(directory.key(SECRET_SHA256))
    await keys.has_read.wait()
    revoked = replace(KEY, revoked=AT, version=2)
    await put(database, revoked)

    directory.forget()
    keys.may_return.set()

    assert await reading == KEY
    assert await directory.key(SECRET_SHA256) == revoked


async def test_no_more_than_the_limit_is_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idnode.storage.directory.ENTRIES_MAX", 3)
    directory = directory_of(database)

    sizes = []
    for number in range(1, 6):
        assert await directory.prefix(Prefix.parse(f"88.118.{number}")) is None
        sizes.append(len(directory._entries))

    assert sizes == [1, 2, 3, 1, 2]


@dataclass(frozen=True)
class Neighbour:
    """What another process on the same database keeps, and what its doorbell sets after it has forgotten."""

    directory: Directory
    heard: asyncio.Event

    async def hears(self) -> None:
        async with asyncio.timeout(20):
            await self.heard.wait()


@pytest.fixture
async def neighbour(dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Neighbour]:
    """Another process, which has begun to listen and looks often whether it still does."""
    monkeypatch.setattr("idnode.storage.doorbell.ALIVE_SECONDS", 0.05)
    monkeypatch.setattr("idnode.storage.doorbell.RETRY_SECONDS", 0.05)
    database = await Database.open(dsn, connections_max=2)
    directory, heard = directory_of(database), asyncio.Event()

    def ring() -> None:
        directory.forget()
        heard.set()

    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(Doorbell(dsn, ring).run())
        other = Neighbour(directory, heard)
        await other.hears()
        heard.clear()
        yield other
        listening.cancel()
    await database.close()


async def test_a_change_by_another_process_is_heard(database: Database, neighbour: Neighbour) -> None:
    assert await neighbour.directory.key(SECRET_SHA256) is None

    await put(database, KEY)
    await neighbour.hears()

    assert await neighbour.directory.key(SECRET_SHA256) == KEY


async def test_a_change_that_fell_into_a_gap_of_hearing_is_not_lost(database: Database, neighbour: Neighbour) -> None:
    assert await neighbour.directory.key(SECRET_SHA256) is None
    async with database.session() as session:
        row = await session.row(
            "SELECT count(pg_terminate_backend(pid, 10_000)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'idnode doorbell'"
        )
    assert row is not None
    assert row[0] == 1

    await put(database, KEY)
    await neighbour.hears()

    assert await neighbour.directory.key(SECRET_SHA256) == KEY
