"""New names that are reserved: rows of the identifier table without values."""

from collections.abc import Sequence

from idnode.model.change import Trace
from idnode.storage.database import Session
from idnode.storage.identifiers import StoredRecord
from idnode.storage.statements import statements

SQL = statements("reservations")


async def insert_reservations(session: Session, records: Sequence[StoredRecord], trace: Trace) -> set[str]:
    """Insert different records of version 1 with their change rows; the folded names of those that did not exist."""
    if not records:
        return set()
    rows = await session.rows(
        SQL["reserve_group"],
        [record.folded for record in records],
        [record.values_at for record in records],
        [record.document for record in records],
        trace.at,
        trace.actor,
        trace.request_id,
    )
    return {row["folded"] for row in rows}
