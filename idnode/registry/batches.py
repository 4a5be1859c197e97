"""Many writes at once: planned together, committed together, each row with a verdict of its own."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from idnode.model.errors import Conflict, IdnodeError, Unavailable, VersionMoved
from idnode.model.identifier import Identifier, Prefix
from idnode.model.record import Operation
from idnode.model.template import Template, TemplateName
from idnode.registry.commands import Asked, Content, Revision
from idnode.registry.metrics import RegistryCounters
from idnode.registry.planning import RecordPlanner, already_registered, first_version, fitted, moment_of
from idnode.storage.database import Session
from idnode.storage.identifiers import IdentifierStore, RecordWrite, StoredRecord, WriteOutcome

BATCH_ROWS_MAX = 2_000
ROWS_BETWEEN_PAUSES = 100
"""The event loop serves others in between."""


class Registration(NamedTuple):
    """A row that registers an identifier; one whose name was reserved activates it."""

    identifier: Identifier
    content: Content


Row = Registration | Revision | IdnodeError
"""What a row asks for, or why it could not even be read."""
Planned = RecordWrite | IdnodeError
"""What a row would write, or why not."""


class Verdict(NamedTuple):
    """What became of a row: the record that stands, or the refusal."""

    record: StoredRecord | None
    refusal: IdnodeError | None


Along = Callable[[Session, list[Verdict]], Awaitable[None]]
"""What is written in the same transaction as the rows: a kept answer, how far an import has come."""
Committed = Callable[[Iterable[str]], None]
Registered = Callable[[str, int, int], None]
"""Hears of registrations below a prefix (folded) that were committed: how long it took, nanoseconds, and how many."""


class DuplicateInBatch(Conflict):
    """An earlier row of the same batch names the same identifier."""

    code = "duplicate-in-batch"


class BatchUndone(Conflict):
    """The row is right; another one of the same atomic batch was refused, and nothing of it was written."""

    code = "batch-undone"


class BatchWriter:
    """Writes rows in one transaction. `committed` hears what was written before the caller does."""

    def __init__(
        self,
        identifiers: IdentifierStore,
        planner: RecordPlanner,
        counters: RegistryCounters,
        *,
        committed: Committed,
        registered: Registered = lambda _prefix, _nanoseconds, _count: None,
        nanoseconds: Callable[[], int] = lambda: 0,
    ) -> None:
        self._identifiers = identifiers
        self._planner = planner
        self._counters = counters
        self._committed = committed
        self._registered = registered
        self._nanoseconds = nanoseconds

    async def write(self, rows: Sequence[Row], asked: Asked, *, is_atomic: bool, along: Along) -> list[Verdict]:
        """One verdict per row, in their order; `along` is written with them, also when no row could be.

        Best effort (not `is_atomic`): what can be written is. Atomic: everything or nothing of it. A row without a
        version of its own that others were faster with is planned once more on what then stands. `asked.claim` and
        `asked.expected_version` are not looked at: the claim is `along`'s to keep, a version is the row's own. Raises
        Unavailable and what `along` raises; nothing is written then. A dry run writes nothing, `along` neither.
        """
        begun = self._nanoseconds()
        asked = asked._replace(expected_version=None)
        batch = _Batch(rows, asked, self._planner)
        await batch.plan(await self._found(rows, asked))
        if asked.dry_run:
            return batch.undone() if is_atomic and batch.is_broken else batch.planned_verdicts()
        if is_atomic and batch.is_broken:
            return await self._refuse_all(batch, along)
        verdicts: list[Verdict] = []

        async def settle(session: Session, outcomes: list[WriteOutcome]) -> None:
            verdicts.extend(batch.conclude(outcomes))
            await along(session, verdicts)

        try:
            outcomes = await self._identifiers.commit_batch(
                batch.writes, is_atomic=is_atomic, also=settle, again=batch.plan_again
            )
        except Unavailable:
            # It may have been committed all the same.
            self._committed([write.record.folded for write in batch.writes])
            raise
        if not verdicts and rows:
            batch.conclude(outcomes)
            return await self._refuse_all(batch, along)
        self._tell(batch, self._nanoseconds() - begun)
        return verdicts

    async def _found(self, rows: Sequence[Row], asked: Asked) -> dict[str, StoredRecord]:
        """The records to be changed; for a dry run also those that stand in the way."""
        sought: list[str] = []
        if asked.dry_run:
            sought = [row.identifier.folded for row in rows if not isinstance(row, IdnodeError)]
        else:
            sought = [row.identifier.folded for row in rows if isinstance(row, Revision)]
        return await self._identifiers.find_many(sought) if sought else {}

    async def _refuse_all(self, batch: "_Batch", along: Along) -> list[Verdict]:
        """Nothing of an atomic batch was written; what was right in itself says so."""
        told = batch.undone()

        async def settle(session: Session, _: list[WriteOutcome]) -> None:
            await along(session, told)

        await self._identifiers.commit_batch([], is_atomic=True, also=settle)
        return told

    def _tell(self, batch: "_Batch", nanoseconds: int) -> None:
        done = batch.done
        self._committed([write.record.folded for write in done])
        for operation, count in Counter([write.operation for write in done]).items():
            self._counters.count_written(operation, count)
        for prefix, count in batch.registered().items():
            self._registered(prefix, nanoseconds, count)


class _Batch:
    """The rows of one batch and what becomes of them."""

    def __init__(self, rows: Sequence[Row], asked: Asked, planner: RecordPlanner) -> None:
        self._rows = rows
        self._asked = asked
        self._planner = planner
        self._planned: list[Planned] = []
        self._row_of: dict[str, Registration | Revision] = {}
        self.writes: list[RecordWrite] = []
        self.done: list[RecordWrite] = []

    @property
    def is_broken(self) -> bool:
        """Not every row can be written."""
        return len(self.writes) < len(self._rows)

    async def plan(self, found: dict[str, StoredRecord]) -> None:
        """Decide on every row; `found` are the records that they name."""
        permits = await _Permits.of(self._rows, self._asked, self._planner)
        trace, row_of, planned = self._asked.trace, self._row_of, self._planned
        for number, row in enumerate(self._rows):
            if number % ROWS_BETWEEN_PAUSES == 0:
                await asyncio.sleep(0)
            if isinstance(row, IdnodeError):
                planned.append(row)
                continue
            folded = row.identifier.folded
            if folded in row_of:
                detail = f"{row.identifier.text} stands in an earlier row of this batch"
                planned.append(DuplicateInBatch(detail))
                continue
            row_of[folded] = row
            if type(row) is Registration and folded not in found:
                record = permits.first_version(row)
                planned.append(
                    record if isinstance(record, IdnodeError) else RecordWrite(record, Operation.REGISTER, trace)
                )
            else:
                planned.append(await self._next_version(row, found.get(folded)))
        if permits.signing:
            await self._sign(permits.signing)
        self.writes = [each for each in planned if type(each) is RecordWrite]

    async def plan_again(self, lost: Sequence[RecordWrite], found: dict[str, StoredRecord]) -> list[RecordWrite]:
        """Plan what others were faster with on what stands now; what is not in `found` is somebody else's."""
        planned: dict[str, Planned] = {}
        for write in lost:
            folded = write.record.folded
            if folded in found:
                planned[folded] = await self._next_version(self._row_of[folded], found[folded])
        self._planned = [
            each if isinstance(each, IdnodeError) else planned.get(each.record.folded, each) for each in self._planned
        ]
        return [each for each in planned.values() if not isinstance(each, IdnodeError)]

    def conclude(self, outcomes: Sequence[WriteOutcome]) -> list[Verdict]:
        """The verdicts, given what became of each of `writes`."""
        lost = {
            write.record.folded: outcome
            for write, outcome in zip(self.writes, outcomes, strict=True)
            if outcome is not WriteOutcome.COMMITTED
        }
        if lost:
            self._planned = [self._concluded(each, lost) for each in self._planned]
        self.done = [each for each in self._planned if not isinstance(each, IdnodeError)]
        return self.planned_verdicts()

    def planned_verdicts(self) -> list[Verdict]:
        """The verdicts if everything is written that can be."""
        return [
            Verdict(None, each) if isinstance(each, IdnodeError) else Verdict(each.record, None)
            for each in self._planned
        ]

    def undone(self) -> list[Verdict]:
        """The verdicts when nothing is written, because not everything can be."""
        undone = BatchUndone("the row is right, but another one of this atomic batch was refused")
        return [Verdict(None, each if isinstance(each, IdnodeError) else undone) for each in self._planned]

    def registered(self) -> Counter[str]:
        """How many identifiers became active, by folded prefix."""
        born = (Operation.REGISTER, Operation.ACTIVATE)
        return Counter(
            [self._row_of[w.record.folded].identifier.prefix.folded for w in self.done if w.operation in born]
        )

    async def _sign(self, places: Mapping[str, int]) -> None:
        """The registrations below prefixes that have a key (its place, by folded prefix), many at once."""
        planned = self._planned
        for folded, place in places.items():
            top = folded + "/"
            at = [
                number
                for number, each in enumerate(planned)
                if type(each) is RecordWrite and each.is_registration and each.record.folded.startswith(top)
            ]
            records = [each.record for number in at if isinstance(each := planned[number], RecordWrite)]
            prefix = Prefix(folded, folded)
            for number, record in zip(at, await self._planner.signed(prefix, place, records, self._asked), strict=True):
                planned[number] = (
                    record
                    if isinstance(record, IdnodeError)
                    else RecordWrite(record, Operation.REGISTER, self._asked.trace)
                )

    async def _next_version(self, row: Registration | Revision, found: StoredRecord | None) -> Planned:
        try:
            if isinstance(row, Revision):
                row = fitted(row, found)
                record, operation = await self._planner.revise(found, row, self._asked), row.operation
            elif found is not None:
                record, operation = await self._planner.activate(found, row.content, self._asked), Operation.ACTIVATE
            else:
                return already_registered(row.identifier)
        except Unavailable:
            raise
        except IdnodeError as refusal:
            return refusal
        return RecordWrite(record, operation, self._asked.trace)

    def _concluded(self, planned: Planned, lost: Mapping[str, WriteOutcome]) -> Planned:
        if isinstance(planned, IdnodeError) or planned.record.folded not in lost:
            return planned
        identifier = self._row_of[planned.record.folded].identifier
        if lost[planned.record.folded] is WriteOutcome.EXISTS:
            return already_registered(identifier)
        return VersionMoved(f"{identifier.text} was changed by someone else meanwhile")


class _Permits:
    """What the registrations of a batch may do: asked once for each prefix and each template."""

    def __init__(self, asked: Asked) -> None:
        self._moment = moment_of(asked.trace.at)
        self._prefixes: dict[str, IdnodeError | None] = {}
        self.signing: dict[str, int] = {}
        # By identity: the rows hold the names, and a name has no cheap hash.
        self._templates: dict[int, Template | IdnodeError | None] = {}

    @classmethod
    async def of(cls, rows: Sequence[Row], asked: Asked, planner: RecordPlanner) -> "_Permits":
        """Ask the directory."""
        permits = cls(asked)
        for row in rows:
            if type(row) is not Registration:
                continue
            prefix, name = row.identifier.prefix, row.content.template
            if prefix.folded not in permits._prefixes:
                await permits._ask(prefix, planner, asked)
            if id(name) not in permits._templates:
                permits._templates[id(name)] = await _template(planner, name, asked)
        return permits

    async def _ask(self, prefix: Prefix, planner: RecordPlanner, asked: Asked) -> None:
        self._prefixes[prefix.folded] = None
        try:
            registration = await planner.require_writable(prefix, asked)
        except Unavailable:
            raise
        except IdnodeError as refusal:
            self._prefixes[prefix.folded] = refusal
        else:
            if registration.signing_index is not None:
                self.signing[prefix.folded] = registration.signing_index

    def first_version(self, row: Registration) -> StoredRecord | IdnodeError:
        """The record, or why it cannot be registered."""
        content = row.content
        refusal = self._prefixes[row.identifier.prefix.folded]
        if refusal is not None:
            return refusal
        template = self._templates[id(content.template)]
        if isinstance(template, IdnodeError):
            return template
        try:
            return first_version(row.identifier, content, template, self._moment)
        except IdnodeError as error:
            return error


async def _template(planner: RecordPlanner, name: TemplateName | None, asked: Asked) -> Template | IdnodeError | None:
    try:
        return await planner.usable_template(name, asked)
    except Unavailable:
        raise
    except IdnodeError as refusal:
        return refusal
