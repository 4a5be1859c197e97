"""Records of identifiers: found by folded key, written in groups together with their change rows."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple

import asyncpg

from idnode.model.change import Trace
from idnode.model.identifier import Prefix
from idnode.model.record import Operation, State
from idnode.storage.database import Database, Session
from idnode.storage.idempotency import KeptClaim, keep_answers
from idnode.storage.statements import statements

SQL = statements("identifiers")

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
        revised = [write for write in writes if not write.is_registration]
        if not revised and all(write.kept is None for write in new):
            async with self._database.session() as session:
                done = await _register(session, new)
        else:
            async with self._database.transaction() as session:
                done = await _register(session, new) | await _revise(session, revised)
                kept = [write.kept for write in writes if write.kept and write.record.folded in done]
                if kept:
                    await keep_answers(session, kept)
        return [_outcome(write, done) for write in writes]

    async def commit_batch(self, writes: Sequence[RecordWrite], *, is_atomic: bool, also: Also) -> list[WriteOutcome]:
        """Write different identifiers in one commit, and what `also` writes besides.

        With `is_atomic` nothing at all is written, and `also` is not called, unless every write can be. Raises what
        `also` raises: nothing is written then.
        """
        with suppress(_Undone):
            async with self._database.transaction() as session:
                done = await _register(session, [write for write in writes if write.is_registration])
                done |= await _revise(session, [write for write in writes if not write.is_registration])
                outcomes = [_outcome(write, done) for write in writes]
                if is_atomic and len(done) < len(writes):
                    raise _Undone
                await also(session, outcomes)
        return outcomes


class _Undone(Exception):  # never leaves this module: it rolls a batch back
    """Not every write of an atomic batch could be done."""


def stored_record(row: asyncpg.Record) -> StoredRecord:
    """The record in a row of `find_records` or `list_records`."""
    return StoredRecord(row[0], row[1], _STATES[row[2]], row[3], row[4], row[5])


def _outcome(write: RecordWrite, done: set[str]) -> WriteOutcome:
    if write.record.folded in done:
        return WriteOutcome.COMMITTED
    return WriteOutcome.EXISTS if write.is_registration else WriteOutcome.VERSION_MOVED


async def _register(session: Session, writes: Sequence[RecordWrite]) -> set[str]:
    if not writes:
        return set()
    rows = await session.rows(SQL["register_group"], *_columns(writes))
    return {row["folded"] for row in rows}


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
