"""Challenges and sessions of the native protocol, found at every worker; what has expired is not found."""

from dataclasses import dataclass, field
from datetime import datetime

from idnode.storage.database import Database
from idnode.storage.statements import statements

SQL = statements("native_sessions")

CHALLENGES_MAX = 10_000
CHALLENGES_OF_ADDRESS_MAX = 256
CHALLENGED_BYTES_MAX = 64 << 20
CHALLENGED_BYTES_OF_ADDRESS_MAX = 8 << 20
"""Requests that wait for an answer are kept whole; anybody may send some."""
CHALLENGES_TRIED_MAX = 8
"""Of one session, for one answer."""


@dataclass(frozen=True, slots=True)
class StoredChallenge:
    """A message that was challenged. `id` is that of the session where `in_session`."""

    id: int
    nonce: bytes
    in_session: bool
    address: str
    request: bytes


@dataclass(frozen=True, slots=True)
class PendingChallenge:
    """What an answer is compared with."""

    nonce: bytes
    request: bytes


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to be opened; `timeout` in seconds."""

    id: int
    key: bytes = field(repr=False)
    address: str
    timeout: int


@dataclass(frozen=True, slots=True)
class Use:
    """Of a session, with a counter that was not there before; `identity` is None until it is proved."""

    identity: str | None


class NativeSessionStore:
    """Reads and writes of both tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_challenge(self, challenge: StoredChallenge, *, expires: datetime) -> bool:
        """Keep it; False when too many wait for their answer."""
        async with self._database.session() as session:
            row = await session.row(
                SQL["open_challenge"],
                challenge.id,
                challenge.nonce,
                challenge.in_session,
                challenge.address,
                challenge.request,
                expires,
                CHALLENGES_MAX,
                CHALLENGES_OF_ADDRESS_MAX,
                CHALLENGED_BYTES_MAX,
                CHALLENGED_BYTES_OF_ADDRESS_MAX,
            )
        return row is not None

    async def challenges(self, id: int, *, in_session: bool, at: datetime) -> list[PendingChallenge]:
        """Those with this id, the latest first."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["find_challenges"], id, in_session, at, CHALLENGES_TRIED_MAX)
        return [PendingChallenge(row["nonce"], row["request"]) for row in rows]

    async def take_challenge(self, id: int, nonce: bytes, at: datetime) -> bool:
        """It is answered; False when somebody was faster, or it expired meanwhile."""
        async with self._database.session() as session:
            return await session.row(SQL["take_challenge"], id, nonce, at) is not None

    async def count_unproved(self, address: str) -> tuple[int, int]:
        """Sessions without an identity: in all, and of this address."""
        async with self._database.session() as session:
            row = await session.row(SQL["count_unproved_sessions"], address)
        return (0, 0) if row is None else (row["all_of_them"], row["of_address"])

    async def open(self, new: NewSession, *, expires: datetime) -> bool:
        """False when the id is taken."""
        async with self._database.session() as session:
            row = await session.row(SQL["open_native_session"], new.id, new.key, new.address, new.timeout, expires)
        return row is not None

    async def key(self, id: int, at: datetime) -> bytes | None:
        """The key of a session that has not ended."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_native_session"], id, at)
        return None if row is None else row["key"]

    async def use(self, id: int, counter: int, at: datetime, *, window: int) -> Use | None:
        """A message of it has come; None when the session has ended or the message was there before."""
        async with self._database.session() as session:
            row = await session.row(SQL["use_native_session"], id, counter, at, window)
        return None if row is None else Use(row["identity"])

    async def prove(self, id: int, identity: str, at: datetime) -> bool:
        """It has an identity now; False when it ended meanwhile."""
        async with self._database.session() as session:
            return await session.row(SQL["prove_native_session"], id, identity, at) is not None

    async def end(self, id: int) -> bool:
        """False when there was none."""
        async with self._database.session() as session:
            return await session.row(SQL["end_native_session"], id) is not None

    async def forget(self, at: datetime) -> None:
        """Drop what has expired."""
        async with self._database.session() as session:
            await session.run(SQL["forget_challenges"], at)
            await session.run(SQL["forget_native_sessions"], at)
