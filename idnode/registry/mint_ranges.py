"""Ranges of numbers for printing lines that work offline: reserve, read, close. Nobody else gets a number of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

from idnode.model.access import ApiKey
from idnode.model.change import Subject
from idnode.model.errors import Conflict, InvalidInput, NotFound, Unavailable, Violation
from idnode.model.identifier import Prefix
from idnode.model.mint import MintPattern, MintRange, RangeState
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWrite, DirectoryWriter
from idnode.registry.mint_patterns import PatternRegistry, require_active
from idnode.registry.number_blocks import exhausted, last_number
from idnode.registry.rules.moments import node_day
from idnode.storage.database import Session
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.minting import MintStore
from idnode.wire.naming_json import range_document

REPLANS_MAX = 32
"""A counter that workers take blocks from moves now and then between plan and commit."""

Answer = Callable[[MintRange], KeptAnswer]


class CounterMoved(Exception):  # never leaves the services: they plan anew
    """Somebody else has taken numbers since the plan was made; this transaction left nothing behind."""


class RangeRegistry:
    """The ranges of the node."""

    def __init__(self, store: MintStore, patterns: PatternRegistry, writer: DirectoryWriter) -> None:
        self._store = store
        self._patterns = patterns
        self._writer = writer

    async def find_for(self, key: ApiKey, id: UUID) -> MintRange:
        """For whoever reaches its prefix. Raises NotFound, Forbidden."""
        reserved = await self._store.find_range(id)
        if reserved is None:
            raise NotFound(f"there is no range {id}")
        key.require_reach(reserved.pattern.prefix)
        return reserved

    async def page(
        self,
        *,
        after: UUID | None,
        among: Sequence[Prefix] | None,
        pattern: UUID | None,
        state: RangeState | None,
        limit: int,
    ) -> list[MintRange]:
        """A page in order of reservation."""
        return await self._store.ranges(after=after, among=among, pattern=pattern, state=state, limit=limit)

    async def reserve(self, pattern: UUID, size: int, line: str | None, asked: Asked, answer: Answer) -> KeptAnswer:
        """The next `size` numbers of a pattern, all or none.

        Raises NotFound, Forbidden, Conflict (gapless, random, retired), SequenceExhausted, Unavailable.
        """
        chosen = await self._patterns.find_for(asked.key, pattern)
        _require_reservable(chosen)
        for _ in range(REPLANS_MAX):
            reserved = await self._planned(chosen, size, line, asked)
            write = DirectoryWrite(Subject.RANGE, str(reserved.id), 1, "reserve", None, range_document(reserved))

            async def act(session: Session, reserved: MintRange = reserved) -> None:
                period = chosen.period(reserved.day)
                to = reserved.last + 1
                if not await self._store.advance(session, chosen, period, found=reserved.first, to=to):
                    raise CounterMoved
                await self._store.insert_range(session, reserved)

            try:
                return await self._writer.commit(write, asked, answer(reserved), act)
            except CounterMoved:
                continue
        raise Unavailable(f"others took numbers of pattern {chosen.id} at the same time; try again shortly")

    async def close(self, id: UUID, used: int, asked: Asked, answer: Answer) -> KeptAnswer:
        """The line needs no more of it; `used` says how many it printed. Raises NotFound, Forbidden, Conflict."""
        current = await self.find_for(asked.key, id)
        asked.require_version(current.version)
        if current.state is RangeState.CLOSED:
            raise Conflict(f"range {id} is closed already, with {current.used} of {current.size} numbers used")
        if used > current.size:
            detail = f"{used} numbers used, and the range has {current.size}"
            raise InvalidInput.of([Violation("/used", "maximum", detail, str(used), str(current.size))])
        closed = replace(
            current, state=RangeState.CLOSED, used=used, version=current.version + 1, updated=self._writer.now()
        )
        old, new = range_document(current), range_document(closed)
        write = DirectoryWrite(Subject.RANGE, str(id), closed.version, "close", old, new)
        return await self._writer.commit(
            write, asked, answer(closed), lambda session: self._store.close_range(session, closed)
        )

    async def _planned(self, pattern: MintPattern, size: int, line: str | None, asked: Asked) -> MintRange:
        day = node_day(asked.trace.at)
        period = pattern.period(day)
        first = await self._store.next_number(pattern, period)
        if first + size - 1 > last_number(pattern):
            raise exhausted(pattern, period)
        now = self._writer.now()
        return MintRange(
            id=self._writer.new_id(),
            pattern=pattern,
            day=day,
            first=first,
            size=size,
            line=line,
            state=RangeState.OPEN,
            used=None,
            version=1,
            created=now,
            updated=now,
        )


def _require_reservable(pattern: MintPattern) -> None:
    require_active(pattern)
    if pattern.is_gapless:
        raise Conflict(
            f"pattern {pattern.id} is gapless; a range may stay unused in part, and gives no promise of that"
        )
    if pattern.pattern.highest is None or pattern.pattern.random_characters:
        raise Conflict(f"pattern {pattern.pattern.text} has random characters; its suffixes cannot be told beforehand")
