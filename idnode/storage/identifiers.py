"""Records of identifiers: found by folded key, written in groups together with their change rows."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from enum import Enum, auto
from operator import attrgetter
from typing import NamedTuple

import asyncpg

from idnode.model.change import Trace
from idnode.model.identifier import Prefix
from idnode.model.record import Operation, State
from idnode.storage.database import Database, Session
from idnode.storage.idempotency import KeptClaim, keep_answers
from idnode.storage.statements import statements

SQL = statements("identifiers")

_NOTHING: frozenset[str] = frozenset()
# The order of bytes in UTF-8, which is that of the column.
_FOLDED = attrgetter("record.folded")
_STATES = {state.value: state for state in State}


class StoredRecord(NamedTuple):
    """A record as stored: `document` is the JSON of /v1 and bytes [values_at, -1) of it are the Handle values.

    A tuple, because tens of thousands a second are made, and a frozen dataclass costs twice as much.
    """

    folded: str
    version: int
    state: State
    is_public: bool
    values_at: int
    document: bytes

    @property
    def values_json(self) -> bytes:
        """The JSON array of values, as the Handle REST interface shows it."""
        return self.document[self.values_at : -1]


class RecordWrite(NamedTuple):
    """A planned write: `record` is what will stand. Its version is 1 for a registration, else one more than before."""

    record: StoredRecord
    operation: Operation
    trace: Trace
    kept: KeptClaim | None = None

    @property
    def is_registration(self) -> bool:
        """The identifier must not exist yet."""
        return self.operation is Operation.REGISTER


class WriteOutcome(Enum):
    """What became of one write of a group."""

    COMMITTED = auto()
    EXISTS = auto()
    VERSION_MOVED = auto()
    CLAIM_TAKEN = auto()


ReadRow = Callable[..., Awaitable[asyncpg.Record | None]]
"""A statement and its arguments: the first row."""
Again = Callable[[Sequence[RecordWrite], dict[str, StoredRecord]], Awaitable[list[RecordWrite]]]
"""Plans writes that others were faster than once more, on what stands now and stays as it is; may leave some out."""
Also = Callable[[Session, list[WriteOutcome]], Awaitable[None]]
"""What else is written in the transaction of a batch, knowing what becomes of its writes."""


class IdentifierStore:
    """Reads and writes of the identifier table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, folded: str) -> StoredRecord | None:
        """One record, whatever its state."""
        return (await self.find_many([folded])).get(folded)

    async def find_many(self, folded: Sequence[str]) -> dict[str, StoredRecord]:
        """Records by folded identifier; what does not exist is absent."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["find_records"], folded)
        return {row["folded"]: stored_record(row) for row in rows}

    async def page(self, prefix: Prefix, *, after: str, state: State | None, limit: int) -> list[StoredRecord]:
        """A page of a prefix's records in key order."""
        # "0" is the character after "/": everything between is below this prefix.
        low, high = prefix.folded + "/", prefix.folded + "0"
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_records"], low, high, after, state, limit)
        return [stored_record(row) for row in rows]

    async def commit(self, writes: Sequence[RecordWrite]) -> list[WriteOutcome]:
        """Write a group of different identifiers in one commit; each write gets its own outcome.

        Raises ClaimTaken when an Idempotency-Key of the group is in use: then nothing of the group was written.
        """
        new = [write for write in writes if write.is_registration]
        kept = [write for write in writes if write.kept is not None]
        if len(new) == len(writes) and not kept:
            lost = await _register(self._database.row, new)
        else:
            async with self._database.transaction() as session:
                lost = await _register(session.row, new) if new else _NOTHING
                if len(new) < len(writes):
                    lost |= await _lost_revisions(session, [write for write in writes if not write.is_registration])
                answers = [write.kept for write in kept if write.kept and write.record.folded not in lost]
                if answers:
                    await keep_answers(session, answers)
        return [_outcome(write, lost) for write in writes] if lost else [WriteOutcome.COMMITTED] * len(writes)

    async def commit_batch(
        self, writes: Sequence[RecordWrite], *, is_atomic: bool, also: Also, again: Again | None = None
    ) -> list[WriteOutcome]:
        """Write different identifiers under one trace in one commit, and what `also` writes besides.

        Where somebody was faster, `again` may plan on what then stands, and that is written. With `is_atomic` nothing
        at all is written, and `also` is not called, unless every write can be. Raises what `again` and `also` raise:
        nothing is written then.
        """
        outcomes: list[WriteOutcome] = []
        with suppress(_Undone):
            async with self._database.transaction() as session:
                lost = await _write(session, writes)
                if lost and again is not None:
                    lost -= await _write_again(session, [w for w in writes if w.record.folded in lost], again)
                outcomes = [_outcome(write, lost) for write in writes]
                if is_atomic and lost:
                    raise _Undone
                await also(session, outcomes)
        return outcomes


class _Undone(Exception):  # never leaves this module: it rolls a batch back
    """Not every write of an atomic batch could be done."""


def stored_record(row: asyncpg.Record) -> StoredRecord:
    """The record in a row of `find_records` or `list_records`."""
    return StoredRecord(row[0], row[1], _STATES[row[2]], row[3], row[4], row[5])


def _outcome(write: RecordWrite, lost: frozenset[str]) -> WriteOutcome:
    if write.record.folded not in lost:
        return WriteOutcome.COMMITTED
    return WriteOutcome.EXISTS if write.is_registration else WriteOutcome.VERSION_MOVED


async def _write(session: Session, writes: Sequence[RecordWrite]) -> frozenset[str]:
    """What could not be written of a batch, whose writes share one trace."""
    new = [write for write in writes if write.is_registration]
    lost = await _register_batch(session, new, writes[0].trace) if new else _NOTHING
    if len(new) == len(writes):
        return lost
    return lost | await _lost_revisions(session, [write for write in writes if not write.is_registration])


async def _lost_revisions(session: Session, writes: Sequence[RecordWrite]) -> set[str]:
    return {write.record.folded for write in writes} - await _revise(session, writes)


async def _write_again(session: Session, lost: Sequence[RecordWrite], again: Again) -> set[str]:
    new = [write.record.folded for write in lost if write.is_registration]
    revised = [write.record.folded for write in lost if not write.is_registration]
    rows = await session.rows(SQL["lock_records"], revised, new)
    return await _revise(session, await again(lost, {row["folded"]: stored_record(row) for row in rows}))


async def _register(row: ReadRow, writes: Sequence[RecordWrite]) -> frozenset[str]:
    """What could not be registered."""
    ordered = sorted(writes, key=_FOLDED)
    return _lost(await row(SQL["register_group"], *_columns(ordered)), ordered)


async def _register_batch(session: Session, writes: Sequence[RecordWrite], trace: Trace) -> frozenset[str]:
    ordered = sorted(writes, key=_FOLDED)
    folded, _, _, public, places, documents = zip(*[write.record for write in ordered], strict=True)
    statement = SQL["register_batch"]
    row = await session.row(statement, folded, public, places, documents, trace.at, trace.actor, trace.request_id)
    return _lost(row, ordered)


def _lost(row: asyncpg.Record | None, writes: Sequence[RecordWrite]) -> frozenset[str]:
    """What is missing in what was written."""
    if row is None or row["written"] is None:
        return _NOTHING
    return frozenset(write.record.folded for write in writes) - frozenset(row["written"])


async def _revise(session: Session, writes: Sequence[RecordWrite]) -> set[str]:
    if not writes:
        return set()
    rows = await session.rows(
        SQL["revise_group"],
        *_columns(writes),
        [write.record.version - 1 for write in writes],
        [write.record.state for write in writes],
        [write.operation for write in writes],
    )
    return {row["folded"] for row in rows}


def _columns(writes: Sequence[RecordWrite]) -> tuple[list[str | bool | int | bytes | datetime], ...]:
    return (
        [write.record.folded for write in writes],
        [write.record.is_public for write in writes],
        [write.record.values_at for write in writes],
        [write.record.document for write in writes],
        [write.trace.at for write in writes],
        [write.trace.actor for write in writes],
        [write.trace.request_id for write in writes],
    )
