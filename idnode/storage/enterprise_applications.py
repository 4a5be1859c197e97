"""Applications of enterprises: one row each, with the state of the prefix that came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from idnode.model.enterprise_application import CertificateType, EnterpriseApplication, ReviewState
from idnode.model.errors import AlreadyRegistered, VersionMoved
from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import PrefixState
from idnode.storage.database import Database, Session
from idnode.storage.statements import statements

SQL = statements("enterprise_applications")


@dataclass(frozen=True, slots=True)
class ApplicationFilters:
    """What ent/page asks for. `applicant` None means everybody's; otherwise its own, and those of `prefixes`."""

    applicant: str | None
    prefixes: tuple[Prefix, ...]
    organisation: str | None
    since: datetime | None
    until: datetime | None


class EnterpriseApplicationStore:
    """Reads and writes of the enterprise_application table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: UUID) -> EnterpriseApplication | None:
        """One application, whatever its state."""
        return await self._find(SQL["find_application"], id)

    async def find_by_number(self, number: int) -> EnterpriseApplication | None:
        """The same by its SNMS id."""
        return await self._find(SQL["find_application_by_number"], number)

    async def find_by_certificate(self, kind: CertificateType, code: str) -> EnterpriseApplication | None:
        """The one that a certificate has."""
        return await self._find(SQL["find_application_by_certificate"], kind, code)

    async def reviews(
        self, *, after: int, among: Sequence[Prefix] | None, state: ReviewState | None, limit: int
    ) -> list[EnterpriseApplication]:
        """A page for reviewers, oldest first; `among` narrows to some prefixes."""
        folded = None if among is None else [prefix.folded for prefix in among]
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_reviews"], after, folded, state, limit)
        return [_application(row) for row in rows]

    async def page(
        self, filters: ApplicationFilters, *, offset: int, limit: int
    ) -> tuple[list[EnterpriseApplication], int]:
        """A page, newest first, and how many there are in all."""
        folded = [prefix.folded for prefix in filters.prefixes]
        asked = (filters.applicant, folded, filters.organisation, filters.since, filters.until)
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_applications_of"], *asked, offset, limit)
            counted = rows[0] if rows else await session.row(SQL["count_applications_of"], *asked)
        return [_application(row) for row in rows], 0 if counted is None else counted["total"]

    async def next_number(self) -> int:
        """An SNMS id for a new application; numbers may be left out."""
        async with self._database.session() as session:
            row = await session.row(SQL["next_application_number"])
        return 0 if row is None else int(row["number"])

    async def insert(self, session: Session, application: EnterpriseApplication) -> None:
        """A new row. Raises AlreadyRegistered when certificate or prefix have one."""
        await self._write(session, SQL["insert_application"], application)

    async def update(self, session: Session, application: EnterpriseApplication) -> None:
        """Replace the row of the version before. Raises VersionMoved, AlreadyRegistered."""
        if not await self._write(session, SQL["update_application"], application):
            raise VersionMoved(f"application {application.id} was changed by someone else meanwhile")

    async def _find(self, sql: str, *arguments: object) -> EnterpriseApplication | None:
        async with self._database.session() as session:
            row = await session.row(sql, *arguments)
        return None if row is None else _application(row)

    async def _write(self, session: Session, sql: str, application: EnterpriseApplication) -> bool:
        try:
            return await session.row(sql, *_columns(application)) is not None
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name == "enterprise_application_prefix_once":
                detail = f"企业前缀 {application.prefix.text} 已有其他企业申请"
            else:
                detail = f"单位证件号 {application.certificate_code} 已有申请，请使用 upgrade-apply 修改"
            raise AlreadyRegistered(detail) from error


def _columns(application: EnterpriseApplication) -> tuple[object, ...]:
    return (
        application.id,
        application.number,
        application.enterprise,
        application.applicant,
        application.certificate_type,
        application.certificate_code,
        application.organisation,
        application.prefix.folded,
        application.prefix.text,
        application.state,
        application.reason,
        application.decided_by,
        orjson.dumps(application.content),
        application.sealed_password,
        list(application.warnings),
        application.version,
        application.created,
        application.updated,
    )


def _application(row: asyncpg.Record) -> EnterpriseApplication:
    return EnterpriseApplication(
        id=row["id"],
        number=row["number"],
        enterprise=row["enterprise"],
        applicant=row["applicant"],
        certificate_type=CertificateType(row["certificate_type"]),
        certificate_code=row["certificate_code"],
        organisation=row["organisation"],
        prefix=Prefix(row["prefix_shown"], row["prefix"]),
        state=ReviewState(row["state"]),
        reason=row["reason"],
        decided_by=row["decided_by"],
        content=orjson.loads(row["content"]),
        sealed_password=row["sealed_password"],
        warnings=tuple(row["warnings"]),
        version=row["version"],
        created=row["created"],
        updated=row["updated"],
        prefix_state=None if row["prefix_state"] is None else PrefixState(row["prefix_state"]),
        prefix_note=row["prefix_note"],
    )
