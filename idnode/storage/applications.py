"""Applications: one row each."""

from uuid import UUID

import asyncpg

from idnode.model.application import Application, ApplicationKind, ApplicationState
from idnode.model.errors import VersionMoved
from idnode.storage.database import Database, Session
from idnode.storage.statements import statements

SQL = statements("applications")


class ApplicationStore:
    """Reads and writes of the application table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: UUID) -> Application | None:
        """One application, retired or not."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_application"], id)
        return None if row is None else _application(row)

    async def page(
        self, *, after: UUID | None, enterprise: UUID | None, state: ApplicationState | None, limit: int
    ) -> list[Application]:
        """A page in order of registration; `enterprise` narrows to those of one."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_applications"], after, enterprise, state, limit)
        return [_application(row) for row in rows]

    async def active(self) -> list[Application]:
        """All that are reported: the node's own first, then by enterprise."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_active_applications"])
        return [_application(row) for row in rows]

    async def insert(self, session: Session, application: Application) -> None:
        """A new row."""
        await session.row(SQL["insert_application"], *_columns(application))

    async def update(self, session: Session, application: Application) -> None:
        """Replace the row of the version before. Raises VersionMoved."""
        if await session.row(SQL["update_application"], *_columns(application)) is None:
            raise VersionMoved(f"application {application.id} was changed by someone else meanwhile")


def _columns(application: Application) -> tuple[object, ...]:
    return (
        application.id,
        application.enterprise,
        application.name,
        application.kind,
        application.description,
        application.users,
        application.recursive_node,
        application.developed_by,
        application.state,
        application.version,
        application.created,
        application.updated,
    )


def _application(row: asyncpg.Record) -> Application:
    return Application(
        id=row["id"],
        enterprise=row["enterprise"],
        name=row["name"],
        kind=ApplicationKind(row["kind"]),
        description=row["description"],
        users=row["users"],
        recursive_node=row["recursive_node"],
        developed_by=row["developed_by"],
        state=ApplicationState(row["state"]),
        version=row["version"],
        created=row["created"],
        updated=row["updated"],
    )
