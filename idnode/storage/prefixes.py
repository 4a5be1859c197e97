"""Prefixes: one row each, keyed by the folded prefix."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from idnode.model.errors import AlreadyRegistered, VersionMoved
from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import Hosting, PrefixRegistration, PrefixState, SiteEndpoint
from idnode.storage.database import Database, Session
from idnode.storage.statements import statements

SQL = statements("prefixes")


class PrefixStore:
    """Reads and writes of the prefix table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, prefix: Prefix) -> PrefixRegistration | None:
        """One prefix, whatever its state."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_prefix"], prefix.folded)
        return None if row is None else _registration(row)

    async def page(
        self,
        *,
        after: str,
        among: Sequence[Prefix] | None,
        enterprise: UUID | None,
        state: PrefixState | None,
        limit: int,
    ) -> list[PrefixRegistration]:
        """A page in key order; `among` narrows to some prefixes, `enterprise` to those of one."""
        folded = None if among is None else [prefix.folded for prefix in among]
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_prefixes"], after, folded, enterprise, state, limit)
        return [_registration(row) for row in rows]

    async def enterprises_of(self, prefixes: Sequence[Prefix]) -> list[UUID]:
        """The enterprises that hold these prefixes."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["enterprises_of_prefixes"], [prefix.folded for prefix in prefixes])
        return [row["enterprise"] for row in rows]

    async def insert(self, session: Session, registration: PrefixRegistration) -> None:
        """Raises AlreadyRegistered when the prefix is taken."""
        if await session.row(SQL["insert_prefix"], *_columns(registration)) is None:
            raise AlreadyRegistered(f"prefix {registration.prefix.text} is registered")

    async def update(self, session: Session, registration: PrefixRegistration) -> None:
        """Replace the row of the version before. Raises VersionMoved."""
        if await session.row(SQL["update_prefix"], *_columns(registration)) is None:
            raise VersionMoved(f"prefix {registration.prefix.text} was changed by someone else meanwhile")


def _columns(registration: PrefixRegistration) -> tuple[object, ...]:
    site = registration.site
    return (
        registration.prefix.folded,
        registration.prefix.text,
        registration.enterprise,
        registration.state,
        registration.hosting,
        None if site is None else site.ip,
        None if site is None else site.tcp_port,
        None if site is None else site.udp_port,
        None if site is None else site.http_port,
        registration.version,
        registration.created,
        registration.updated,
        registration.review_note,
    )


def _registration(row: asyncpg.Record) -> PrefixRegistration:
    site = None
    if row["site_ip"] is not None:
        site = SiteEndpoint(row["site_ip"], row["site_tcp_port"], row["site_udp_port"], row["site_http_port"])
    return PrefixRegistration(
        prefix=Prefix(row["shown"], row["folded"]),
        enterprise=row["enterprise"],
        state=PrefixState(row["state"]),
        hosting=Hosting(row["hosting"]),
        site=site,
        version=row["version"],
        created=row["created"],
        updated=row["updated"],
        review_note=row["review_note"],
        # Lists do not tell it.
        signing_index=row.get("signing_index"),
    )
