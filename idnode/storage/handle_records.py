"""The handles of a prefix as Handle clients list them: what is active, in key order."""

from collections.abc import AsyncIterator

from idnode.model.identifier import Prefix
from idnode.storage.database import Database
from idnode.storage.statements import statements

SQL = statements("handle_records")

HANDLES_READ_AT_ONCE = 1_000


class HandleListing:
    """Reads of the identifier table, a step at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, prefix: Prefix) -> int:
        """How many there are."""
        async with self._database.session() as session:
            row = await session.row(SQL["count_handles"], *_span(prefix))
        return 0 if row is None else int(row[0])

    async def handles(self, prefix: Prefix, *, past: int = 0, limit: int | None = None) -> AsyncIterator[list[str]]:
        """Folded handles in lists of at most HANDLES_READ_AT_ONCE, without the first `past`; at most `limit` in all."""
        after = ""
        while limit is None or limit > 0:
            size = HANDLES_READ_AT_ONCE if limit is None else min(limit, HANDLES_READ_AT_ONCE)
            async with self._database.session() as session:
                rows = await session.rows(SQL["list_handles"], *_span(prefix), after, past, size)
            if rows:
                yield [row["folded"] for row in rows]
            if len(rows) < size:
                return
            after, past = rows[-1]["folded"], 0
            limit = None if limit is None else limit - len(rows)


def _span(prefix: Prefix) -> tuple[str, str]:
    # "0" is the character after "/": everything between is below this prefix.
    return prefix.folded + "/", prefix.folded + "0"
