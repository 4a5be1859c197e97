"""The directory in memory: what it remembers, when it forgets, and what it does while the database is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hanging_server import at_work, hanging, server_of_its_own

from idnode.model.access import ApiKey, Role
from idnode.model.errors import Unavailable
from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import Hosting, PrefixRegistration, PrefixState
from idnode.model.template import TemplateName
from idnode.storage.database import Database
from idnode.storage.directory import Directory
from idnode.storage.keys import KeyStore
from idnode.storage.prefixes import PrefixStore
from idnode.storage.templates import TemplateStore

SECRET_SHA256 = bytes(32)
AT = datetime(2026, 3, 9, tzinfo=UTC)
KEY = ApiKey(UUID(int=7), "test", Role.READER, (), "idn_test", AT, None, None, None, None, 1)
PREFIX = PrefixRegistration(Prefix.parse("88.118.8"), None, PrefixState.ACTIVE, Hosting.HOSTED, None, 1, AT, AT)
STOPPED = replace(PREFIX, state=PrefixState.STOPPED, version=2)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Mood:
    """How reads end: at once, when they are let go, or not for want of a database."""

    reads: int = 0
    is_away: bool = False
    has_read: asyncio.Event = field(default_factory=asyncio.Event)
    may_return: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_return.set()

    async def take(self) -> None:
        self.reads += 1
        if self.is_away:
            raise Unavailable("away")
        self.has_read.set()
        await self.may_return.wait()


class MoodyKeyStore(KeyStore):
    """Reads as the real store does, and ends as the mood is."""

    def __init__(self, database: Database, mood: Mood) -> None:
        super().__init__(database)
        self.mood = mood

    async def find_by_secret(self, secret_sha256: bytes) -> ApiKey | None:
        found = await super().find_by_secret(secret_sha256)
        await self.mood.take()
        return found


class MoodyPrefixStore(PrefixStore):
    """Likewise."""

    def __init__(self, database: Database, mood: Mood) -> None:
        super().__init__(database)
        self.mood = mood

    async def find(self, prefix: Prefix) -> PrefixRegistration | None:
        found = await super().find(prefix)
        await self.mood.take()
        return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mood() -> Mood:
    return Mood()


@asynccontextmanager
async def directory_of(database: Database, mood: Mood, clock: Clock) -> AsyncIterator[Directory]:
    """A directory at work."""
    keys, prefixes = MoodyKeyStore(database, mood), MoodyPrefixStore(database, mood)
    directory = Directory(keys, prefixes, TemplateStore(database), monotonic=clock)
    async with at_work(directory):
        yield directory


@pytest.fixture
async def directory(database: Database, mood: Mood, clock: Clock) -> AsyncIterator[Directory]:
    async with directory_of(database, mood, clock) as at_its_work:
        yield at_its_work


async def put(database: Database, thing: ApiKey | PrefixRegistration) -> None:
    """Write a version of a key or a prefix."""
    keys, prefixes = KeyStore(database), PrefixStore(database)
    async with database.transaction() as session:
        match thing:
            case ApiKey(version=1):
                await keys.insert(session, thing, SECRET_SHA256)
            case ApiKey():
                await keys.update(session, thing)
            case PrefixRegistration(version=1):
                await prefixes.insert(session, thing)
            case PrefixRegistration():
                await prefixes.update(session, thing)


async def until_found(directory: Directory) -> ApiKey | None:
    """Ask for the key until the database is back."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await directory.key(SECRET_SHA256)
            except Unavailable:
                await asyncio.sleep(0.01)


async def test_a_key_is_read_once_and_again_when_its_time_is_over(
    database: Database, directory: Directory, clock: Clock
) -> None:
    await put(database, KEY)
    assert await directory.key(SECRET_SHA256) == KEY
    revised = replace(KEY, name="renamed", version=2)
    await put(database, revised)

    clock.seconds += 9.9
    assert await directory.key(SECRET_SHA256) == KEY

    clock.seconds += 0.2
    assert await directory.key(SECRET_SHA256) == revised


async def test_absence_is_remembered_and_forgotten_like_presence(database: Database, directory: Directory) -> None:
    assert await directory.key(SECRET_SHA256) is None
    await put(database, KEY)
    assert await directory.key(SECRET_SHA256) is None

    directory.forget()

    assert await directory.key(SECRET_SHA256) == KEY


async def test_a_read_that_a_change_overtook_is_not_kept_nor_shared_with_who_asks_after_it(
    database: Database, directory: Directory, mood: Mood
) -> None:
    mood.may_return.clear()
    await put(database, KEY)
    before = asyncio.create_task(directory.key(SECRET_SHA256))
    await mood.has_read.wait()
    revoked = replace(KEY, revoked=AT, version=2)
    await put(database, revoked)

    directory.forget()
    after = asyncio.create_task(directory.key(SECRET_SHA256))
    await asyncio.sleep(0)
    mood.may_return.set()

    assert await before == KEY
    assert await after == revoked
    assert await directory.key(SECRET_SHA256) == revoked


async def test_who_asks_the_same_at_once_shares_one_read(database: Database, directory: Directory, mood: Mood) -> None:
    await put(database, PREFIX)

    found = await asyncio.gather(*(directory.prefix(PREFIX.prefix) for _ in range(50)))

    assert found == [PREFIX] * 50
    assert mood.reads == 1


async def test_what_is_known_of_a_prefix_is_told_without_reading(
    database: Database, directory: Directory, mood: Mood, clock: Clock
) -> None:
    await put(database, PREFIX)
    unknown = Prefix.parse("88.118.9")
    before = directory.known_prefix(PREFIX.prefix), directory.known_prefix(unknown)
    await directory.prefix(PREFIX.prefix)
    await directory.prefix(unknown)

    known = directory.known_prefix(PREFIX.prefix), directory.known_prefix(unknown)
    clock.seconds += 10.0
    expired = directory.known_prefix(PREFIX.prefix), directory.known_prefix(unknown)
    await directory.prefix(PREFIX.prefix)
    directory.forget()
    forgotten = directory.known_prefix(PREFIX.prefix)

    assert before == expired == ((False, None), (False, None))
    assert known == ((True, PREFIX), (True, None))
    assert forgotten == (False, None)
    assert mood.reads == 3


async def test_while_the_database_is_away_a_prefix_is_believed_for_a_day_and_not_longer(
    database: Database, directory: Directory, mood: Mood, clock: Clock
) -> None:
    await put(database, PREFIX)
    await directory.prefix(PREFIX.prefix)
    directory.forget()
    mood.is_away = True

    clock.seconds += 86_399
    believed = await directory.prefix(PREFIX.prefix)
    clock.seconds += 1
    with pytest.raises(Unavailable, match="away"):
        await directory.prefix(PREFIX.prefix)

    assert believed == PREFIX


async def test_when_the_database_is_back_what_was_believed_is_read_anew(
    database: Database, directory: Directory, mood: Mood, clock: Clock
) -> None:
    await put(database, PREFIX)
    await directory.prefix(PREFIX.prefix)
    await put(database, STOPPED)
    clock.seconds += 10
    mood.is_away = True
    believed = await directory.prefix(PREFIX.prefix)
    mood.is_away = False

    assert believed == PREFIX
    assert await directory.prefix(PREFIX.prefix) == STOPPED


async def test_a_key_and_the_absence_of_a_prefix_are_never_believed_past_their_time(
    database: Database, directory: Directory, mood: Mood, clock: Clock
) -> None:
    await put(database, KEY)
    await directory.key(SECRET_SHA256)
    await directory.prefix(PREFIX.prefix)
    clock.seconds += 10
    mood.is_away = True

    with pytest.raises(Unavailable, match="away"):
        await directory.key(SECRET_SHA256)
    with pytest.raises(Unavailable, match="away"):
        await directory.prefix(PREFIX.prefix)


async def test_what_is_not_there_pushes_nothing_out_that_is(
    database: Database, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.directory.ENTRIES_MAX", 3)
    await put(database, PREFIX)
    await directory.prefix(PREFIX.prefix)

    absent = [Prefix.parse(f"88.118.{number}") for number in range(11, 16)]
    for prefix in absent:
        assert await directory.prefix(prefix) is None

    assert [directory.known_prefix(prefix)[0] for prefix in absent] == [False, False, False, True, True]
    assert directory.known_prefix(PREFIX.prefix) == (True, PREFIX)


async def test_a_thousand_reads_may_wait_and_no_more(database: Database, clock: Clock) -> None:
    directory = Directory(KeyStore(database), PrefixStore(database), TemplateStore(database), monotonic=clock)
    waiting = [asyncio.create_task(directory.prefix(Prefix.parse(f"88.118.{number}"))) for number in range(1_000)]
    await asyncio.sleep(0)

    with pytest.raises(Unavailable, match="1000 reads of the directory wait already"):
        await directory.prefix(Prefix.parse("88.118.1000"))

    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)


async def test_a_template_that_nobody_defined_is_absent(directory: Directory) -> None:
    assert await directory.template(TemplateName(Prefix.parse("88.118"), "1.0.0")) is None


async def test_a_server_that_hangs_holds_nobody_up_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock, mood: Mood
) -> None:
    monkeypatch.setattr("idnode.storage.directory.READ_SECONDS_MAX", 0.1)
    async with server_of_its_own(tmp_path) as server:
        database = await Database.open(server.dsn, connections_max=3)
        await put(database, PREFIX)
        await put(database, KEY)
        async with directory_of(database, mood, clock) as directory:
            await directory.prefix(PREFIX.prefix)
            clock.seconds += 10
            with hanging(server):
                first = asyncio.create_task(directory.prefix(PREFIX.prefix))
                key = asyncio.create_task(directory.key(SECRET_SHA256))
                # The pool would wait for half a minute.
                await asyncio.wait([first, key], timeout=20)
                clock.seconds += 0.1
                believed = [first.result(), await directory.prefix(PREFIX.prefix)]
                refused = key.exception()
            found = await until_found(directory)
        await database.close()

    assert believed == [PREFIX, PREFIX]
    assert isinstance(refused, Unavailable)
    assert found == KEY
