"""The change log: appended in the transaction of the write that it tells of, read as history."""

from datetime import datetime

import asyncpg

from idnode.model.change import Change, Subject, Trace
from idnode.storage.database import Database, Session
from idnode.storage.statements import statements

SQL = statements("changes")


async def append_change(session: Session, change: Change) -> None:
    """Write one change row of the directory and ring the doorbell at commit."""
    trace = change.trace
    await session.run(
        SQL["append_change"],
        trace.at,
        change.subject,
        change.name,
        change.version,
        change.operation,
        trace.actor,
        trace.request_id,
        change.old,
        change.new,
    )


class ChangeStore:
    """Reading side of the change log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, subject: Subject, name: str, *, below_version: int, limit: int) -> list[Change]:
        """The history of one thing, newest first."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_changes"], subject, name, below_version, limit)
        return [_change(row) for row in rows]

    async def find_as_of(self, subject: Subject, name: str, at: datetime) -> Change | None:
        """The newest change not after `at`, or None when the thing did not exist yet."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_change_as_of"], subject, name, at)
        return None if row is None else _change(row)


def _change(row: asyncpg.Record) -> Change:
    return Change(
        Subject(row["subject"]),
        row["name"],
        row["version"],
        row["operation"],
        Trace(row["actor"], row["request_id"], row["at"]),
        row["old"],
        row["new"],
    )
