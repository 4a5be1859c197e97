"""Transfers, and which prefixes and identifiers are in an open one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from idnode.model.errors import VersionMoved
from idnode.model.identifier import Identifier, Prefix
from idnode.model.transfer import OPEN, Transfer, TransferState
from idnode.storage.database import Database, Session
from idnode.storage.statements import statements
from idnode.wire.naming_json import read_steps, steps_document

SQL = statements("transfers")


class TransferStore:
    """Reads and writes of transfer and transfer_open."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: UUID) -> Transfer | None:
        """One transfer as it was written; whether it has expired since is for the reader to say."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_transfer"], id)
        return None if row is None else _transfer(row)

    async def page(
        self,
        *,
        after: UUID | None,
        among: Sequence[UUID] | None,
        state: TransferState | None,
        now: datetime,
        limit: int,
    ) -> list[Transfer]:
        """A page in order of request; `among` narrows to those that some enterprises give or receive."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_transfers"], after, among, state, now, limit)
        return [_transfer(row) for row in rows]

    async def expired(self, now: datetime, *, limit: int) -> list[Transfer]:
        """Open ones that nobody answered in time, the oldest first."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_expired_transfers"], now, limit)
        return [_transfer(row) for row in rows]

    async def insert(self, session: Session, transfer: Transfer) -> list[str]:
        """A new, open transfer. Returns what of it is in another open one: then the caller must not commit."""
        await session.run(
            SQL["insert_transfer"],
            transfer.id,
            None if transfer.prefix is None else transfer.prefix.text,
            [identifier.text for identifier in transfer.identifiers],
            transfer.giver,
            transfer.receiver,
            transfer.state,
            _steps(transfer),
            transfer.expires,
            transfer.version,
            transfer.created,
            transfer.updated,
        )
        rows = await session.rows(SQL["open_names"], transfer.names, transfer.id)
        opened = {row["name"] for row in rows}
        return [name for name in transfer.names if name not in opened]

    async def update(self, session: Session, transfer: Transfer) -> None:
        """Replace the version before; what was in a transfer that is over is free again. Raises VersionMoved."""
        row = await session.row(
            SQL["update_transfer"],
            transfer.id,
            transfer.state,
            _steps(transfer),
            transfer.version,
            transfer.updated,
        )
        if row is None:
            raise VersionMoved(f"transfer {transfer.id} was changed by someone else meanwhile")
        if transfer.state not in OPEN:
            await session.run(SQL["close_names"], transfer.id)

    async def is_active(self, session: Session, enterprise: UUID) -> bool:
        """Whether an enterprise is active, and stays so until this transaction ends."""
        row = await session.row(SQL["lock_enterprise"], enterprise)
        return row is not None and row["state"] == "active"

    async def holders(self, session: Session, prefixes: Sequence[str]) -> dict[str, UUID | None]:
        """Who holds these prefixes (folded), and does so until this transaction ends."""
        rows = await session.rows(SQL["lock_holders"], prefixes)
        return {row["folded"]: row["enterprise"] for row in rows}

    async def keys_of(self, session: Session, prefix: Prefix, now: datetime) -> list[tuple[UUID, int]]:
        """Id and version of every key that is not revoked and whose scope names the prefix."""
        rows = await session.rows(SQL["list_keys_of_prefix"], prefix.folded, now)
        return [(row["id"], row["version"]) for row in rows]

    async def end_sessions(self, session: Session, handle: str) -> None:
        """Whoever proved a key of this record (folded) has to prove one anew."""
        await session.run(SQL["end_handle_sessions"], handle)
        await session.run(SQL["end_native_sessions"], handle)

    async def keys_now(self, prefix: Prefix, now: datetime) -> list[tuple[UUID, int]]:
        """The same outside of a transaction."""
        async with self._database.session() as session:
            return await self.keys_of(session, prefix, now)


def _steps(transfer: Transfer) -> bytes:
    return orjson.dumps(steps_document(transfer.steps))


def _transfer(row: asyncpg.Record) -> Transfer:
    return Transfer(
        id=row["id"],
        prefix=None if row["prefix"] is None else Prefix.parse(row["prefix"]),
        identifiers=tuple(Identifier.parse(text) for text in row["identifiers"]),
        giver=row["giver"],
        receiver=row["receiver"],
        state=TransferState(row["state"]),
        steps=read_steps(orjson.loads(row["steps"])),
        expires=row["expires"],
        version=row["version"],
        created=row["created"],
        updated=row["updated"],
    )
