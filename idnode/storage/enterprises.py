"""Enterprises: one row each, USCC unique."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from idnode.model.enterprise import Contact, Enterprise, EnterpriseState
from idnode.model.errors import AlreadyRegistered, VersionMoved
from idnode.model.industry import Industry
from idnode.storage.database import Database, Session
from idnode.storage.statements import statements

SQL = statements("enterprises")


class EnterpriseStore:
    """Reads and writes of the enterprise table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: UUID) -> Enterprise | None:
        """One enterprise."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_enterprise"], id)
        return None if row is None else _enterprise(row)

    async def find_by_uscc(self, uscc: str) -> Enterprise | None:
        """One enterprise by its credit code."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_enterprise_by_uscc"], uscc)
        return None if row is None else _enterprise(row)

    async def page(
        self, *, after: UUID | None, among: Sequence[UUID] | None, state: EnterpriseState | None, limit: int
    ) -> list[Enterprise]:
        """A page in order of registration; `among` narrows to some ids."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_enterprises"], after, among, state, limit)
        return [_enterprise(row) for row in rows]

    async def is_empty(self) -> bool:
        """No enterprise was ever registered."""
        async with self._database.session() as session:
            row = await session.row(SQL["any_enterprise"])
        return row is None or not row[0]

    async def insert(self, session: Session, enterprise: Enterprise) -> None:
        """Raises AlreadyRegistered when the USCC is taken."""
        await self._write(session, SQL["insert_enterprise"], enterprise)

    async def update(self, session: Session, enterprise: Enterprise) -> None:
        """Replace the row of the version before. Raises VersionMoved, AlreadyRegistered."""
        if not await self._write(session, SQL["update_enterprise"], enterprise):
            raise VersionMoved(f"enterprise {enterprise.id} was changed by someone else meanwhile")

    async def _write(self, session: Session, sql: str, enterprise: Enterprise) -> bool:
        try:
            row = await session.row(sql, *_columns(enterprise))
        except asyncpg.UniqueViolationError as error:
            raise AlreadyRegistered(f"an enterprise with the USCC {enterprise.uscc} is registered") from error
        return row is not None


def _columns(enterprise: Enterprise) -> tuple[object, ...]:
    contact = enterprise.contact
    return (
        enterprise.id,
        enterprise.name,
        enterprise.uscc,
        enterprise.industry.code,
        contact.name,
        contact.phone,
        contact.email,
        enterprise.website,
        enterprise.address,
        enterprise.state,
        enterprise.version,
        enterprise.created,
        enterprise.updated,
    )


def _enterprise(row: asyncpg.Record) -> Enterprise:
    return Enterprise(
        id=row["id"],
        name=row["name"],
        uscc=row["uscc"],
        industry=Industry(row["industry"]),
        contact=Contact(row["contact_name"], row["contact_phone"], row["contact_email"]),
        website=row["website"],
        address=row["address"],
        state=EnterpriseState(row["state"]),
        version=row["version"],
        created=row["created"],
        updated=row["updated"],
    )
