"""Challenges and sessions of the native protocol in PostgreSQL: bounded, answered once, each message taken once."""

from datetime import UTC, datetime, timedelta

import pytest

from idnode.storage import native_sessions
from idnode.storage.database import Database
from idnode.storage.native_sessions import NativeSessionStore, NewSession, PendingChallenge, StoredChallenge, Use

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
LATER = NOW + timedelta(seconds=60)


def challenge(nonce: int, *, id: int = 9, in_session: bool = False, address: str = "192.0.2.1") -> StoredChallenge:
    return StoredChallenge(id, nonce.to_bytes(16), in_session, address, b"request %d" % nonce)


async def test_a_challenge_is_found_by_its_number_and_taken_once(database: Database) -> None:
    store, other = NativeSessionStore(database), NativeSessionStore(database)
    assert await store.open_challenge(challenge(1), expires=LATER)
    assert await store.open_challenge(challenge(2, in_session=True), expires=LATER)

    assert await other.challenges(9, in_session=False, at=NOW) == [PendingChallenge((1).to_bytes(16), b"request 1")]
    assert await other.challenges(9, in_session=False, at=LATER) == []
    assert not await other.take_challenge(9, (1).to_bytes(16), LATER)
    assert await other.take_challenge(9, (1).to_bytes(16), NOW)
    assert not await store.take_challenge(9, (1).to_bytes(16), NOW)
    await store.forget(LATER)
    assert await store.challenges(9, in_session=True, at=NOW) == []


async def test_strangers_make_only_so_many_challenges(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    store = NativeSessionStore(database)
    monkeypatch.setattr(native_sessions, "CHALLENGES_OF_ADDRESS_MAX", 2)
    monkeypatch.setattr(native_sessions, "CHALLENGES_MAX", 4)
    first = [await store.open_challenge(challenge(n), expires=LATER) for n in range(3)]
    second = [await store.open_challenge(challenge(n, address="192.0.2.2"), expires=LATER) for n in (4, 5)]
    third = await store.open_challenge(challenge(6, address="192.0.2.3"), expires=LATER)

    assert (first, second, third) == ([True, True, False], [True, True], False)
    monkeypatch.setattr(native_sessions, "CHALLENGES_MAX", 9)
    monkeypatch.setattr(native_sessions, "CHALLENGED_BYTES_MAX", 30)
    assert not await store.open_challenge(challenge(7, address="192.0.2.3"), expires=LATER)
    monkeypatch.undo()
    monkeypatch.setattr(native_sessions, "CHALLENGED_BYTES_OF_ADDRESS_MAX", 15)
    assert not await store.open_challenge(challenge(7, address="192.0.2.2"), expires=LATER)
    assert await store.open_challenge(challenge(7, address="192.0.2.3"), expires=LATER)


async def test_a_session_lives_while_it_is_used_once_it_is_proved(database: Database) -> None:
    store = NativeSessionStore(database)
    new = NewSession(7, b"key", "192.0.2.1", 3_600)
    assert await store.open(new, expires=LATER)
    assert not await store.open(new, expires=LATER)
    assert await store.count_unproved("192.0.2.1") == (1, 1)
    assert await store.count_unproved("192.0.2.2") == (1, 0)

    # Unproved it ends when it was going to, used or not.
    assert await store.use(7, 1, NOW, window=200) == Use(None)
    assert await store.use(7, 2, LATER, window=200) is None
    assert await store.prove(7, "301:0.NA/88.118.8", NOW)
    assert await store.count_unproved("192.0.2.1") == (0, 0)
    hour = timedelta(hours=1)
    assert await store.use(7, 2, NOW + hour - timedelta(seconds=1), window=200) == Use("301:0.NA/88.118.8")
    assert await store.use(7, 3, NOW + hour, window=200) == Use("301:0.NA/88.118.8")
    assert await store.use(7, 4, NOW + 2 * hour, window=200) is None
    assert await store.key(7, NOW + hour) == b"key"
    assert await store.key(7, NOW + 2 * hour) is None
    assert not await store.prove(7, "301:0.NA/88.118.8", NOW + 2 * hour)
    assert await store.end(7)
    assert not await store.end(7)


async def test_a_counter_is_taken_once_within_the_window(database: Database) -> None:
    store, other = NativeSessionStore(database), NativeSessionStore(database)
    await store.open(NewSession(7, b"key", "192.0.2.1", 3_600), expires=LATER)

    async def taken(counter: int) -> bool:
        one = await store.use(7, counter, NOW, window=200) is not None
        # At another worker.
        assert await other.use(7, counter, NOW, window=200) is None
        return one

    for counter in (0, 3, 1, 2, 200, 4, 4_294_967_295, 4_294_967_096):
        assert await taken(counter), counter
    for counter in (3, 200, 4_294_967_095):
        assert not await taken(counter), counter
