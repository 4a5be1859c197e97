"""API keys: found by the SHA-256 of their secret, which is all that is stored of it."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import asyncpg

from idnode.model.access import ApiKey, Role
from idnode.model.errors import VersionMoved
from idnode.model.identifier import Prefix, fold
from idnode.storage.database import Database, Session
from idnode.storage.statements import statements

SQL = statements("keys")


class KeyStore:
    """Reads and writes of the api_key table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: UUID) -> ApiKey | None:
        """One key by its id."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_key"], id)
        return None if row is None else _key(row)

    async def find_by_secret(self, secret_sha256: bytes) -> ApiKey | None:
        """One key by the hash of what the client sent."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_key_by_secret"], secret_sha256)
        return None if row is None else _key(row)

    async def page(self, *, after: UUID | None, limit: int) -> list[ApiKey]:
        """A page in order of creation."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_keys"], after, limit)
        return [_key(row) for row in rows]

    async def has_admin(self, now: datetime) -> bool:
        """Whether an admin key works at `now`."""
        async with self._database.session() as session:
            row = await session.row(SQL["any_admin_key"], now)
        return row is not None and bool(row[0])

    async def insert(self, session: Session, key: ApiKey, secret_sha256: bytes) -> None:
        """A new key."""
        await session.run(SQL["insert_key"], *_columns(key), secret_sha256)

    async def update(self, session: Session, key: ApiKey) -> None:
        """Replace the row of the version before; the secret stays. Raises VersionMoved."""
        if await session.row(SQL["update_key"], *_columns(key)) is None:
            raise VersionMoved(f"key {key.id} was changed by someone else meanwhile")

    async def record_uses(self, uses: Mapping[UUID, datetime]) -> None:
        """Move `last_used` forward."""
        if not uses:
            return
        async with self._database.session() as session:
            await session.run(SQL["record_uses"], list(uses), list(uses.values()))


def _columns(key: ApiKey) -> tuple[object, ...]:
    return (
        key.id,
        key.name,
        key.role,
        [prefix.text for prefix in key.prefixes],
        key.hint,
        key.created,
        key.expires,
        key.revoked,
        key.replaces,
        key.version,
    )


def _key(row: asyncpg.Record) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        role=Role(row["role"]),
        prefixes=tuple(Prefix(text, fold(text)) for text in row["prefixes"]),
        hint=row["hint"],
        created=row["created"],
        expires=row["expires"],
        revoked=row["revoked"],
        last_used=row["last_used"],
        replaces=row["replaces"],
        version=row["version"],
    )
