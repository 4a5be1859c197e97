"""Sessions of Handle clients end by themselves, and are found at every worker."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from idnode.model.errors import Unavailable
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier
from idnode.model.record import Record, State
from idnode.registry import handle_sessions
from idnode.registry.handle_admin import HandleAdministrators, HandleIdentity, IdentityNotVerified, Proof
from idnode.registry.handle_sessions import HandleSessions
from idnode.storage.database import Database
from idnode.storage.handle_sessions import HandleSessionStore
from idnode.storage.identifiers import StoredRecord
from idnode.wire.record_json import render_record

MOMENT = datetime(2026, 11, 24, 7, 18, 31, tzinfo=UTC)
IDENTITY = HandleIdentity.parse("301:0.NA/88.118.8")


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = MOMENT

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


def proof(password: bytes) -> Callable[[bytes], Proof]:
    return lambda _nonce: Proof.by_password(password)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(database: Database, clock: Clock) -> HandleSessions:
    secret = HandleValue(301, "HS_SECKEY", b"secret", MOMENT)
    record = Record(Identifier.parse("0.NA/88.118.8"), 1, State.ACTIVE, None, {}, (secret,), MOMENT, MOMENT)
    document = render_record(record)
    folded = record.identifier.folded
    stored = StoredRecord(folded, 1, record.state, False, document.values_at, document.json)

    async def find_many(_: object) -> dict[str, StoredRecord]:
        return {folded: stored}

    numbers = count(1)
    return HandleSessions(
        HandleSessionStore(database),
        HandleAdministrators(find_many),
        now=lambda: clock.now,
        random=lambda size: next(numbers).to_bytes(size, "big"),
    )


async def test_a_proved_session_ends_half_an_hour_after_it_was_used_last(
    sessions: HandleSessions, clock: Clock
) -> None:
    opened = await sessions.open()
    with pytest.raises(IdentityNotVerified):
        await sessions.prove(opened, IDENTITY, proof(b"wrong"))
    proved = await sessions.prove(opened, IDENTITY, proof(b"secret"))
    clock.pass_by(minutes=29)
    used = await sessions.find(opened.id)
    clock.pass_by(minutes=29)
    used_again = await sessions.find(opened.id)
    clock.pass_by(minutes=30)

    assert proved.identity == IDENTITY
    assert used == used_again == proved
    assert await sessions.find(opened.id) is None
    with pytest.raises(Unavailable, match="the session has ended"):
        await sessions.end(opened.id)
        await sessions.prove(opened, IDENTITY, proof(b"secret"))


async def test_a_session_that_nobody_proves_ends_after_five_minutes(sessions: HandleSessions, clock: Clock) -> None:
    opened = await sessions.open()
    clock.pass_by(minutes=4, seconds=59)
    found = await sessions.find(opened.id)
    clock.pass_by(seconds=1)

    assert found == opened
    assert await sessions.find(opened.id) is None


async def test_only_so_many_sessions_wait_for_their_proof(
    sessions: HandleSessions, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle_sessions, "SESSIONS_UNVERIFIED_MAX", 2)
    first = await sessions.open()
    await sessions.prove(first, IDENTITY, proof(b"secret"))
    await sessions.open()
    await sessions.open()

    with pytest.raises(Unavailable, match="2 sessions wait for their proof already"):
        await sessions.open()
    clock.pass_by(minutes=5)
    assert await sessions.find((await sessions.open()).id) is not None
    assert await sessions.find(first.id) is not None


async def test_the_database_knows_no_id(sessions: HandleSessions, database: Database) -> None:
    opened = await sessions.open()
    async with database.session() as session:
        [row] = await session.rows("SELECT * FROM handle_session")

    assert bytes.fromhex(opened.id) not in row["token"]
    assert len(row["token"]) == 32
    assert await sessions.find("x") is None
    assert await sessions.find("\ud800") is None
