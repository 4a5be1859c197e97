"""Patterns that suffixes are minted from: define, read, retire. What they say never changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from idnode.model.access import ApiKey
from idnode.model.change import Subject
from idnode.model.errors import Conflict, InvalidInput, NotFound
from idnode.model.identifier import Prefix
from idnode.model.mint import MintPattern, PatternState
from idnode.model.minting import Restart, SuffixPattern
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWrite, DirectoryWriter
from idnode.registry.prefixes import PrefixRegistry
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.minting import MintStore
from idnode.wire.naming_json import pattern_document

Answer = Callable[[MintPattern], KeptAnswer]


@dataclass(frozen=True, slots=True)
class PatternForm:
    """What is said of a pattern; `pattern` is still to be parsed."""

    prefix: Prefix
    name: str
    pattern: str
    is_gapless: bool
    restart: Restart
    first: int


class PatternRegistry:
    """The patterns of the node."""

    def __init__(self, store: MintStore, prefixes: PrefixRegistry, writer: DirectoryWriter) -> None:
        self._store = store
        self._prefixes = prefixes
        self._writer = writer

    async def find_for(self, key: ApiKey, id: UUID) -> MintPattern:
        """For whoever reaches its prefix. Raises NotFound, Forbidden."""
        pattern = await self._store.find(id)
        if pattern is None:
            raise NotFound(f"there is no pattern {id}")
        key.require_reach(pattern.prefix)
        return pattern

    async def page(
        self, *, after: UUID | None, among: Sequence[Prefix] | None, state: PatternState | None, limit: int
    ) -> list[MintPattern]:
        """A page in order of definition."""
        return await self._store.page(after=after, among=among, state=state, limit=limit)

    async def define(self, form: PatternForm, asked: Asked, answer: Answer) -> KeptAnswer:
        """A new pattern. Raises InvalidInput with every fault, Forbidden, NotFound, AlreadyRegistered."""
        asked.key.require_reach(form.prefix)
        parsed = SuffixPattern.parse(form.pattern)
        InvalidInput.refuse_any(
            parsed.misfits(form.prefix, restart=form.restart, first=form.first, is_gapless=form.is_gapless)
        )
        registration = await self._prefixes.find(form.prefix)
        now = self._writer.now()
        pattern = MintPattern(
            id=self._writer.new_id(),
            prefix=registration.prefix,
            name=form.name,
            pattern=parsed,
            is_gapless=form.is_gapless,
            restart=form.restart,
            first=form.first,
            state=PatternState.ACTIVE,
            version=1,
            created=now,
            updated=now,
        )
        write = DirectoryWrite(Subject.PATTERN, str(pattern.id), 1, "define", None, pattern_document(pattern))
        return await self._writer.commit(
            write, asked, answer(pattern), lambda session: self._store.insert(session, pattern)
        )

    async def retire(self, id: UUID, asked: Asked, answer: Answer) -> KeptAnswer:
        """It mints nothing more. Raises NotFound, Forbidden, VersionMoved, Conflict."""
        current = await self.find_for(asked.key, id)
        asked.require_version(current.version)
        if current.state is PatternState.RETIRED:
            raise Conflict(f"pattern {id} is retired already")
        following = replace(
            current, state=PatternState.RETIRED, version=current.version + 1, updated=self._writer.now()
        )
        write = DirectoryWrite(
            Subject.PATTERN,
            str(id),
            following.version,
            "retire",
            pattern_document(current),
            pattern_document(following),
        )
        return await self._writer.commit(
            write, asked, answer(following), lambda session: self._store.update(session, following)
        )


def require_active(pattern: MintPattern) -> None:
    """Raises Conflict for a retired pattern."""
    if pattern.state is PatternState.RETIRED:
        raise Conflict(f"pattern {pattern.id} ({pattern.name}) is retired; it gives no more numbers")
