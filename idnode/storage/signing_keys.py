"""Keys that records are signed with: one in force for each prefix, and those that were."""

from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from idnode.model.errors import VersionMoved
from idnode.model.identifier import Prefix
from idnode.storage.database import Database, Session
from idnode.storage.statements import statements

SQL = statements("signing_keys")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key: `place` is the index of `public` (HS_PUBKEY data) in 0.NA/{prefix}; `sealed` is None once retired."""

    place: int
    public: bytes
    sealed: bytes | None = field(repr=False)
    chain: tuple[str, ...]
    version: int
    created: datetime
    updated: datetime


class SigningKeyStore:
    """Reads and writes of the signing_key table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all_of(self, prefix: Prefix) -> list[SigningKey]:
        """Every key that a prefix ever had, the newest first."""
        async with self._database.session() as session:
            return await self.all_in(session, prefix)

    async def all_in(self, session: Session, prefix: Prefix) -> list[SigningKey]:
        """The same within a transaction."""
        return [_key(row) for row in await session.rows(SQL["find_signing_keys"], prefix.folded)]

    async def in_force(self, prefix: Prefix, place: int) -> SigningKey | None:
        """The key at this place, unless it was retired."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_signing_key"], prefix.folded, place)
        return None if row is None else _key(row)

    async def retire(self, session: Session, prefix: Prefix, at: datetime) -> SigningKey | None:
        """Forget the private half of the key in force; the key as it is then, None where there was none."""
        row = await session.row(SQL["retire_signing_keys"], prefix.folded, at)
        return None if row is None else _key(row)

    async def insert(self, session: Session, prefix: Prefix, key: SigningKey) -> None:
        """Put a key in force. Raises VersionMoved when somebody else was faster."""
        columns = (prefix.folded, key.place, key.public, key.sealed, list(key.chain), key.created)
        if await session.row(SQL["insert_signing_key"], *columns) is None:
            raise VersionMoved(f"the signing key of prefix {prefix.text} was changed by someone else meanwhile")


def _key(row: asyncpg.Record) -> SigningKey:
    return SigningKey(
        row["place"], row["public"], row["sealed"], tuple(row["chain"]), row["version"], row["created"], row["updated"]
    )
