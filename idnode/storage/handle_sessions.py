"""Sessions of Handle clients, found by the SHA-256 of their id at every worker."""

from dataclasses import dataclass
from datetime import datetime

from idnode.storage.database import Database
from idnode.storage.statements import statements

SQL = statements("handle_sessions")


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session that has not ended; `identity` (index:handle) is None until it is verified."""

    nonce: bytes
    identity: str | None


class HandleSessionStore:
    """Reads and writes of the session table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, token: bytes, nonce: bytes, at: datetime, *, unverified_max: int) -> bool:
        """A new one; False when `unverified_max` wait for their proof already."""
        async with self._database.session() as session:
            return await session.row(SQL["open_session"], token, nonce, at, unverified_max) is not None

    async def use(
        self, token: bytes, at: datetime, *, used_after: datetime, unverified_after: datetime
    ) -> StoredSession | None:
        """The session, kept alive; None when there is none or it was not used for too long."""
        async with self._database.session() as session:
            row = await session.row(SQL["use_session"], token, at, used_after, unverified_after)
        return None if row is None else StoredSession(row["nonce"], row["identity"])

    async def verify(self, token: bytes, identity: str, at: datetime) -> bool:
        """It has an identity now; False when it ended meanwhile."""
        async with self._database.session() as session:
            return await session.row(SQL["verify_session"], token, identity, at) is not None

    async def end(self, token: bytes) -> bool:
        """False when there was none."""
        async with self._database.session() as session:
            return await session.row(SQL["end_session"], token) is not None

    async def forget(self, *, used_before: datetime, unverified_before: datetime) -> None:
        """Drop those that have ended by themselves."""
        async with self._database.session() as session:
            await session.run(SQL["forget_sessions"], used_before, unverified_before)
