"""Minting: identifiers registered under the next suffixes of a pattern. What exists already is passed over."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from idnode.model.errors import AlreadyRegistered, Conflict, IdnodeError, InvalidInput, Unavailable
from idnode.model.identifier import Identifier
from idnode.model.mint import MintPattern
from idnode.model.minting import random_text
from idnode.registry.batches import BatchUndone, BatchWriter, DuplicateInBatch, Registration, Verdict
from idnode.registry.commands import Asked, Content
from idnode.registry.mint_patterns import PatternRegistry, require_active
from idnode.registry.mint_ranges import CounterMoved
from idnode.registry.number_blocks import NumberBlocks, exhausted, last_number
from idnode.registry.planning import already_registered
from idnode.registry.rules.moments import node_day
from idnode.registry.service import Answer, RegistryService
from idnode.registry.turns import Turns
from idnode.storage.database import Session
from idnode.storage.idempotency import KeptAnswer, KeptClaim, keep_answers
from idnode.storage.identifiers import IdentifierStore, StoredRecord
from idnode.storage.minting import MintStore

TRIES_MAX = 256
"""Numbers tried for one identifier that all exist already."""
REPLANS_MAX = 64
"""Of what is written at once: other workers may take the same numbers of a gapless pattern."""
LOOK_AHEAD_NUMBERS = 100
PATTERN_SECONDS_KEPT = 1.0
"""A retired pattern mints on for so long in other workers."""
PATTERNS_KEPT_MAX = 10_000
PASSED_NUMBERS_MAX = 10_000
"""Numbers that one request looks through for some that are free."""

MintedAnswer = Callable[[Sequence[StoredRecord], Sequence[Identifier]], KeptAnswer]
"""How a front-end answers what was minted at once."""
FromRow = Callable[[int], str]
"""The pointer to the content of a row."""
Besides = Callable[[Session], Awaitable[None]]
"""What else is written with the records."""


class Numbered(NamedTuple):
    """An identifier and the number that it has its suffix from."""

    number: int
    identifier: Identifier


class Minter:
    """Mints. `random_octets` gives as many random bytes as it is asked for, `monotonic` seconds."""

    def __init__(
        self,
        store: MintStore,
        patterns: PatternRegistry,
        registry: RegistryService,
        batches: BatchWriter,
        identifiers: IdentifierStore,
        *,
        random_octets: Callable[[int], bytes],
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._patterns = patterns
        self._registry = registry
        self._batches = batches
        self._identifiers = identifiers
        self._random_octets = random_octets
        self._monotonic = monotonic
        self._kept: dict[UUID, tuple[MintPattern, float]] = {}
        self._blocks = NumberBlocks(store)
        self._turns = Turns()

    async def mint(self, id: UUID, content: Content, asked: Asked, answer: Answer) -> KeptAnswer:
        """One identifier, registered like any other. Raises what registering raises, and SequenceExhausted."""
        pattern = await self._usable(id, asked)
        if pattern.is_gapless and not asked.dry_run:
            return await self._mint_gapless(
                pattern, [content], asked, lambda stored, minted: answer(minted[0], stored[0]), lambda _: ""
            )
        day = node_day(asked.trace.at)

        def minted(identifier: Identifier, stored: StoredRecord) -> KeptAnswer:
            # A reserved identifier would become active: it is somebody's, and passed over like every other.
            if stored.version != 1:
                raise already_registered(identifier)
            return answer(identifier, stored)

        number = await self._store.next_number(pattern, pattern.period(day)) if asked.dry_run else 0
        for passed in range(TRIES_MAX):
            following = number + passed if asked.dry_run else (await self._numbers(pattern, day, 1))[0]
            try:
                identifier = self._identifier(pattern, following, day)
                return await self._registry.register(identifier, content, asked, minted)
            except AlreadyRegistered:
                continue
        raise _passed_too_many(pattern, TRIES_MAX)

    async def mint_many(
        self, id: UUID, contents: Sequence[Content], asked: Asked, answer: MintedAnswer, from_row: FromRow
    ) -> KeptAnswer:
        """An identifier for each of the contents, all or none, in one transaction. Raises as `mint`."""
        pattern = await self._usable(id, asked)
        if pattern.is_gapless and not asked.dry_run:
            return await self._mint_gapless(pattern, contents, asked, answer, from_row)
        day = node_day(asked.trace.at)
        for _ in range(REPLANS_MAX):
            if asked.dry_run:
                first = await self._store.next_number(pattern, pattern.period(day))
                free = await self._free_from(pattern, day, first, len(contents))
            else:
                free = await self._free(pattern, day, len(contents))
            try:
                verdicts = await self._write(free, contents, asked, answer, _nothing_besides)
            except CounterMoved:
                continue
            if isinstance(verdicts, KeptAnswer):
                return verdicts
            _refuse(verdicts, from_row)
        raise _busy(pattern)

    async def _mint_gapless(
        self,
        pattern: MintPattern,
        contents: Sequence[Content],
        asked: Asked,
        answer: MintedAnswer,
        from_row: FromRow,
    ) -> KeptAnswer:
        """The counter moves in the transaction of the records: a refusal or a crash leaves no gap.

        One request after the other; another worker that was faster makes this one plan anew.
        """
        day = node_day(asked.trace.at)
        period = pattern.period(day)
        async with self._turns.turn((pattern.id, period)):
            for _ in range(REPLANS_MAX):
                found = await self._store.next_number(pattern, period)
                free = await self._free_from(pattern, day, found, len(contents))
                to = free[-1].number + 1

                async def move(session: Session, found: int = found, to: int = to) -> None:
                    if not await self._store.advance(session, pattern, period, found=found, to=to):
                        raise CounterMoved

                try:
                    verdicts = await self._write(free, contents, asked, answer, move)
                except CounterMoved:
                    continue
                if isinstance(verdicts, KeptAnswer):
                    return verdicts
                _refuse(verdicts, from_row)
        raise _busy(pattern)

    async def _write(
        self,
        free: Sequence[Numbered],
        contents: Sequence[Content],
        asked: Asked,
        answer: MintedAnswer,
        besides: Besides,
    ) -> KeptAnswer | list[Verdict]:
        """The answer when everything was written, else the verdicts."""
        minted = [each.identifier for each in free]
        kept: list[KeptAnswer] = []

        async def along(session: Session, verdicts: list[Verdict]) -> None:
            stored = [verdict.record for verdict in verdicts if verdict.record is not None]
            if len(stored) < len(minted):
                return
            # A name that was reserved a moment ago would become active: it is somebody's, and passed over.
            if any(record.version != 1 for record in stored):
                raise CounterMoved
            await besides(session)
            kept[:] = [answer(stored, minted)]
            if asked.claim is not None:
                await keep_answers(session, [KeptClaim(asked.claim, kept[0], asked.trace.at)])

        rows = [Registration(identifier, content) for identifier, content in zip(minted, contents, strict=True)]
        verdicts = await self._batches.write(rows, asked, is_atomic=True, along=along)
        stored = [verdict.record for verdict in verdicts if verdict.record is not None]
        if len(stored) < len(minted):
            return verdicts
        return kept[0] if kept else answer(stored, minted)

    async def _usable(self, id: UUID, asked: Asked) -> MintPattern:
        """From memory where it was read a moment ago: only its state ever changes."""
        now = self._monotonic()
        pattern, read_at = self._kept.get(id, (None, now))
        if pattern is None or now - read_at >= PATTERN_SECONDS_KEPT:
            pattern = await self._patterns.find_for(asked.key, id)
            if len(self._kept) >= PATTERNS_KEPT_MAX:
                self._kept.clear()
            self._kept[id] = (pattern, now)
        asked.key.require_reach(pattern.prefix)
        require_active(pattern)
        return pattern

    async def _numbers(self, pattern: MintPattern, day: date, count: int) -> list[int]:
        """Numbers that nobody else gets; noughts for a pattern that has none."""
        if pattern.pattern.highest is None:
            return [0] * count
        return await self._blocks.take(pattern, pattern.period(day), count)

    async def _free(self, pattern: MintPattern, day: date, count: int) -> list[Numbered]:
        """Identifiers that do not exist, by numbers that nobody else gets."""
        free: list[Numbered] = []
        passed = 0
        while len(free) < count:
            numbers = await self._numbers(pattern, day, count - len(free))
            found = await self._unregistered([Numbered(n, self._identifier(pattern, n, day)) for n in numbers])
            passed += len(numbers) - len(found)
            if passed > PASSED_NUMBERS_MAX:
                raise _passed_too_many(pattern, passed)
            free += found
        return free

    async def _free_from(self, pattern: MintPattern, day: date, first: int, count: int) -> list[Numbered]:
        """The first identifiers from a number on that do not exist; nothing is taken."""
        if pattern.pattern.highest is None:
            return [Numbered(0, self._identifier(pattern, 0, day)) for _ in range(count)]
        free: list[Numbered] = []
        number = first
        while len(free) < count:
            ahead = LOOK_AHEAD_NUMBERS if number > first else 0
            end = min(number + count - len(free) + ahead, last_number(pattern) + 1)
            if end <= number:
                raise exhausted(pattern, pattern.period(day))
            if number - first - len(free) > PASSED_NUMBERS_MAX:
                raise _passed_too_many(pattern, number - first - len(free))
            span = range(number, end)
            free += await self._unregistered([Numbered(n, self._identifier(pattern, n, day)) for n in span])
            number = end
        return free[:count]

    async def _unregistered(self, numbered: Sequence[Numbered]) -> list[Numbered]:
        existing = await self._identifiers.find_many([each.identifier.folded for each in numbered])
        return [each for each in numbered if each.identifier.folded not in existing]

    def _identifier(self, pattern: MintPattern, number: int, day: date) -> Identifier:
        if pattern.pattern.highest is not None and number > pattern.pattern.highest:
            raise exhausted(pattern, pattern.period(day))
        random = random_text(self._random_octets(pattern.pattern.random_characters))
        return Identifier.parse(f"{pattern.prefix.text}/{pattern.pattern.suffix(number, day, random)}")


async def _nothing_besides(_: Session) -> None:
    """Numbers of a block were taken before."""


def _refuse(verdicts: Sequence[Verdict], from_row: FromRow) -> None:
    """Raise what is wrong with the contents, all of it; nothing when only suffixes were taken meanwhile."""
    refusals = [
        (row, verdict.refusal)
        for row, verdict in enumerate(verdicts)
        if verdict.refusal is not None
        and not isinstance(verdict.refusal, BatchUndone | AlreadyRegistered | DuplicateInBatch)
    ]
    if not refusals:
        return
    first = refusals[0][1]
    if not isinstance(first, InvalidInput):
        raise first
    raise _together([(row, each) for row, each in refusals if isinstance(each, InvalidInput)], from_row)


def _together(refusals: Sequence[tuple[int, InvalidInput]], from_row: FromRow) -> IdnodeError:
    """One refusal of all rows; the same fault of a content that all rows share is told once."""
    violations = dict.fromkeys(
        violation.under(from_row(row)) for row, refusal in refusals for violation in refusal.violations
    )
    return InvalidInput.of(tuple(violations), unlisted=sum(refusal.unlisted for _, refusal in refusals))


def _busy(pattern: MintPattern) -> Unavailable:
    return Unavailable(f"others take numbers of pattern {pattern.id} at the same time; try again shortly")


def _passed_too_many(pattern: MintPattern, passed: int) -> Conflict:
    detail = f"{passed} suffixes of pattern {pattern.pattern.text} in a row exist already"
    return Conflict(f"{detail}; it was defined over identifiers that were registered without it")
