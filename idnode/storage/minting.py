"""Patterns, how far their sequences have come, and ranges: a number leaves its counter once and never comes back."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from idnode.model.errors import AlreadyRegistered, VersionMoved
from idnode.model.identifier import Prefix
from idnode.model.mint import MintPattern, MintRange, PatternState, RangeState
from idnode.model.minting import Restart, SuffixPattern
from idnode.storage.database import Database, Session
from idnode.storage.statements import statements

SQL = statements("minting")


class MintStore:
    """Reads and writes of mint_pattern, mint_counter and mint_range."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: UUID) -> MintPattern | None:
        """One pattern, retired or not."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_pattern"], id)
        return None if row is None else _pattern(row)

    async def page(
        self, *, after: UUID | None, among: Sequence[Prefix] | None, state: PatternState | None, limit: int
    ) -> list[MintPattern]:
        """A page in order of definition; `among` narrows to some prefixes."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_patterns"], after, _folded(among), state, limit)
        return [_pattern(row) for row in rows]

    async def insert(self, session: Session, pattern: MintPattern) -> None:
        """Raises AlreadyRegistered when the prefix has a pattern of this name."""
        row = await session.row(
            SQL["insert_pattern"],
            pattern.id,
            pattern.prefix.folded,
            pattern.name,
            pattern.pattern.text,
            pattern.is_gapless,
            pattern.restart,
            pattern.first,
            pattern.state,
            pattern.version,
            pattern.created,
            pattern.updated,
        )
        if row is None:
            raise AlreadyRegistered(f"prefix {pattern.prefix.text} has a pattern called {pattern.name}")

    async def update(self, session: Session, pattern: MintPattern) -> None:
        """Write its state. Raises VersionMoved."""
        row = await session.row(SQL["update_pattern"], pattern.id, pattern.state, pattern.version, pattern.updated)
        if row is None:
            raise VersionMoved(f"pattern {pattern.id} was changed by someone else meanwhile")

    async def next_number(self, pattern: MintPattern, period: str) -> int:
        """The first number that nobody has taken."""
        async with self._database.session() as session:
            row = await session.row(SQL["read_counter"], pattern.id, period)
        return pattern.first if row is None else int(row["next"])

    async def take_block(self, pattern: MintPattern, period: str, *, wanted: int, last: int) -> range:
        """Up to `wanted` numbers that nobody else gets, none above `last`; empty when the sequence is used up."""
        async with self._database.transaction() as session:
            return await self.take(session, pattern, period, wanted=wanted, last=last)

    async def take(self, session: Session, pattern: MintPattern, period: str, *, wanted: int, last: int) -> range:
        """The same within a transaction."""
        row = await session.row(SQL["lock_counter"], pattern.id, period, pattern.first)
        begin = pattern.first if row is None else int(row["next"])
        end = min(begin + wanted, last + 1)
        if end > begin:
            await session.run(SQL["move_counter"], pattern.id, period, end)
        return range(begin, end)

    async def advance(self, session: Session, pattern: MintPattern, period: str, *, found: int, to: int) -> bool:
        """Move the counter from where a plan found it; False, and nothing is written, when it is elsewhere by now."""
        return await session.row(SQL["advance_counter"], pattern.id, period, found, to) is not None

    async def find_range(self, id: UUID) -> MintRange | None:
        """One range with its pattern."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_range"], id)
        return None if row is None else _range(row)

    async def ranges(
        self,
        *,
        after: UUID | None,
        among: Sequence[Prefix] | None,
        pattern: UUID | None,
        state: RangeState | None,
        limit: int,
    ) -> list[MintRange]:
        """A page in order of reservation."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_ranges"], after, _folded(among), pattern, state, limit)
        return [_range(row) for row in rows]

    async def insert_range(self, session: Session, reserved: MintRange) -> None:
        """A new range; its numbers were taken in the same transaction."""
        await session.run(
            SQL["insert_range"],
            reserved.id,
            reserved.pattern.id,
            reserved.day,
            reserved.first,
            reserved.size,
            reserved.line,
            reserved.state,
            reserved.used,
            reserved.version,
            reserved.created,
            reserved.updated,
        )

    async def close_range(self, session: Session, closed: MintRange) -> None:
        """Write state and use. Raises VersionMoved."""
        row = await session.row(
            SQL["close_range"], closed.id, closed.state, closed.used, closed.version, closed.updated
        )
        if row is None:
            raise VersionMoved(f"range {closed.id} was changed by someone else meanwhile")


def _folded(among: Sequence[Prefix] | None) -> list[str] | None:
    return None if among is None else [prefix.folded for prefix in among]


def _pattern(row: asyncpg.Record) -> MintPattern:
    return MintPattern(
        id=row["id"],
        prefix=Prefix(row["shown"], row["prefix"]),
        name=row["name"],
        pattern=SuffixPattern.parse(row["pattern"]),
        is_gapless=row["is_gapless"],
        restart=Restart(row["restart"]),
        first=row["first"],
        state=PatternState(row["state"]),
        version=row["version"],
        created=row["created"],
        updated=row["updated"],
    )


def _range(row: asyncpg.Record) -> MintRange:
    pattern = MintPattern(
        id=row["pattern"],
        prefix=Prefix(row["shown"], row["prefix"]),
        name=row["name"],
        pattern=SuffixPattern.parse(row["template"]),
        is_gapless=row["is_gapless"],
        restart=Restart(row["restart"]),
        first=row["begins"],
        state=PatternState(row["pattern_state"]),
        version=row["pattern_version"],
        created=row["pattern_created"],
        updated=row["pattern_updated"],
    )
    return MintRange(
        id=row["id"],
        pattern=pattern,
        day=row["day"],
        first=row["first"],
        size=row["size"],
        line=row["line"],
        state=RangeState(row["state"]),
        used=row["used"],
        version=row["version"],
        created=row["created"],
        updated=row["updated"],
    )
