"""Many writes at once: planned together, committed together, each row with a verdict of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from idnode.model.errors import Conflict, IdnodeError, VersionMoved
from idnode.model.identifier import Identifier
from idnode.model.record import Operation
from idnode.registry.commands import Asked, Content, Revision
from idnode.registry.metrics import RegistryCounters
from idnode.registry.planning import RecordPlanner
from idnode.registry.service import already_registered
from idnode.storage.database import Session
from idnode.storage.identifiers import IdentifierStore, RecordWrite, StoredRecord, WriteOutcome

BATCH_ROWS_MAX = 2_000
ROWS_BETWEEN_PAUSES = 100
"""The event loop serves others in between."""


class Registration(NamedTuple):
    """A row that registers an identifier."""

    identifier: Identifier
    content: Content


Row = Registration | Revision | IdnodeError
"""What a row asks for, or why it could not even be read."""


class Verdict(NamedTuple):
    """What became of a row: the record that stands, or the refusal."""

    record: StoredRecord | None
    refusal: IdnodeError | None


Along = Callable[[Session, list[Verdict]], Awaitable[None]]
"""What is written in the same transaction as the rows: a kept answer, how far an import has come."""
Committed = Callable[[Iterable[str]], None]


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
    ) -> None:
        self._identifiers = identifiers
        self._planner = planner
        self._counters = counters
        self._committed = committed

    async def write(self, rows: Sequence[Row], asked: Asked, *, is_atomic: bool, along: Along) -> list[Verdict]:
        """One verdict per row, in their order; `along` is written with them, also when no row could be.

        Best effort (not `is_atomic`): what can be written is. Atomic: everything or nothing of it. `asked.claim` and
        `asked.expected_version` are not looked at: the claim is `along`'s to keep, a version is the row's own. Raises
        Unavailable and what `along` raises; nothing is written then.
        """
        planned = await self._plan(rows, asked)
        if asked.dry_run:
            return planned
        writes = [
            RecordWrite(verdict.record, _operation(row), asked.trace)
            for row, verdict in zip(rows, planned, strict=True)
            if verdict.record is not None
        ]
        if is_atomic and len(writes) < len(rows):
            return await self._refuse_all(planned, along)
        verdicts: list[Verdict] = []

        async def settle(session: Session, outcomes: list[WriteOutcome]) -> None:
            verdicts.extend(_settled(rows, planned, outcomes))
            await along(session, verdicts)

        outcomes = await self._identifiers.commit_batch(writes, is_atomic=is_atomic, also=settle)
        if not verdicts and rows:
            return await self._refuse_all(_settled(rows, planned, outcomes), along)
        done = [write for write, outcome in zip(writes, outcomes, strict=True) if outcome is WriteOutcome.COMMITTED]
        self._committed([write.record.folded for write in done])
        for write in done:
            self._counters.count_written(write.operation)
        return verdicts

    async def _refuse_all(self, verdicts: list[Verdict], along: Along) -> list[Verdict]:
        """Nothing of an atomic batch was written; what was right in itself says so."""
        undone = BatchUndone("the row is right, but another one of this atomic batch was refused")
        told = [verdict if verdict.refusal is not None else Verdict(None, undone) for verdict in verdicts]

        async def settle(session: Session, _: list[WriteOutcome]) -> None:
            await along(session, told)

        await self._identifiers.commit_batch([], is_atomic=True, also=settle)
        return told

    async def _plan(self, rows: Sequence[Row], asked: Asked) -> list[Verdict]:
        revised = [row.identifier.folded for row in rows if isinstance(row, Revision)]
        found = await self._identifiers.find_many(revised) if revised else {}
        seen: set[str] = set()
        verdicts: list[Verdict] = []
        for number, row in enumerate(rows):
            if number % ROWS_BETWEEN_PAUSES == 0:
                await asyncio.sleep(0)
            try:
                verdicts.append(Verdict(await self._planned(row, found, seen, asked), None))
            except IdnodeError as refusal:
                verdicts.append(Verdict(None, refusal))
        return verdicts

    async def _planned(self, row: Row, found: dict[str, StoredRecord], seen: set[str], asked: Asked) -> StoredRecord:
        if isinstance(row, IdnodeError):
            raise row
        folded = row.identifier.folded
        if folded in seen:
            raise DuplicateInBatch(f"{row.identifier.text} stands in an earlier row of this batch")
        seen.add(folded)
        if isinstance(row, Registration):
            return await self._planner.register(row.identifier, row.content, asked)
        await self._planner.require_writable(row.identifier.prefix, asked)
        return await self._planner.revise(found.get(folded), row, asked)


def _operation(row: Row) -> Operation:
    return row.operation if isinstance(row, Revision) else Operation.REGISTER


def _settled(rows: Sequence[Row], planned: Sequence[Verdict], outcomes: Sequence[WriteOutcome]) -> list[Verdict]:
    """The plan's verdicts, and for what was to be written the outcome's."""
    following = iter(outcomes)
    return [
        verdict if verdict.record is None else _concluded(row, verdict, next(following))
        for row, verdict in zip(rows, planned, strict=True)
    ]


def _concluded(row: Row, verdict: Verdict, outcome: WriteOutcome) -> Verdict:
    if outcome is WriteOutcome.COMMITTED or isinstance(row, IdnodeError):
        return verdict
    if outcome is WriteOutcome.EXISTS:
        return Verdict(None, already_registered(row.identifier))
    return Verdict(None, VersionMoved(f"{row.identifier.text} was changed by someone else meanwhile"))
