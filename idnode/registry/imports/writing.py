"""Writes a chunk of an import when it is its turn: rows, change rows, verdicts and how far it is, in one commit."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from idnode.model.access import ApiKey, Role
from idnode.model.change import Trace
from idnode.model.errors import Forbidden, IdnodeError, NotAuthenticated
from idnode.model.imports import Import, ImportMode
from idnode.model.record import Operation, State
from idnode.registry.batches import Along, BatchWriter, Registration, Row, Verdict
from idnode.registry.commands import Asked, Revision
from idnode.registry.imports.chunks import (
    Piece,
    Segment,
    is_ahead_of_its_turn,
    numbered_of,
    rows_of,
    segments,
    verdicts_of,
)
from idnode.registry.imports.metrics import ImportCounters
from idnode.registry.imports.verdicts import counts_of, packed
from idnode.storage.database import Database, Session
from idnode.storage.identifiers import Again, Also, IdentifierStore, RecordWrite, WriteOutcome
from idnode.storage.imports import ChunkResult, ImportStore
from idnode.storage.keys import KeyStore

Turn = Callable[[], Awaitable[None]]
"""Returns when the rows before have been written. Raises Overtaken."""
MakeBatches = Callable[[IdentifierStore], BatchWriter]


class IdentifiersInTurn(IdentifierStore):
    """Identifiers whose batches are planned at any time, and written when it is their turn."""

    def __init__(self, database: Database, turn: Turn) -> None:
        super().__init__(database)
        self._turn = turn

    async def commit_batch(
        self, writes: Sequence[RecordWrite], *, is_atomic: bool, also: Also, again: Again | None = None
    ) -> list[WriteOutcome]:
        """As IdentifierStore has it, in its turn."""
        await self._turn()
        return await super().commit_batch(writes, is_atomic=is_atomic, also=also, again=again)


class ChunkWriter:
    """Makes records of lines. `make_batches` builds the writer of rows upon a store; `now` is the clock."""

    def __init__(
        self,
        database: Database,
        store: ImportStore,
        keys: KeyStore,
        make_batches: MakeBatches,
        counters: ImportCounters,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._store = store
        self._keys = keys
        self._make_batches = make_batches
        self._counters = counters
        self._now = now

    async def write(self, job: Import, piece: Piece, block: bytes, turn: Turn) -> None:
        """All rows of a piece, each once. Raises Overtaken, Unavailable, StorageFault: nothing is half done then."""
        key = await self._keys.find(job.owner)
        now = self._now()
        numbered = numbered_of(piece, block, job.options)
        rows = rows_of(numbered, job.options, now)
        refusal = _refusal_of(key, now)
        if key is None or refusal is not None:
            rows = [refusal or NotAuthenticated("the key of this import is gone")] * len(rows)
        for segment in segments(piece, block, numbered, rows, job.options):
            await self._write_segment(job, segment, key, turn)
        self._counters.chunks += 1

    async def _write_segment(self, job: Import, segment: Segment, key: ApiKey | None, turn: Turn) -> None:
        rows = segment.rows
        if job.mode is ImportMode.UPSERT or not is_ahead_of_its_turn(rows):
            # What stands is looked up: what earlier rows write has to stand by then.
            await turn()
        if job.mode is ImportMode.UPSERT:
            segment = replace(segment, rows=await self._upserting(rows))
        at = self._now()

        async def along(session: Session, verdicts: list[Verdict]) -> None:
            told = verdicts_of(segment, verdicts)
            result = ChunkResult(segment.first_row, segment.following, counts_of(told), packed(told))
            await self._store.advance(session, job.id, result, at)
            counted.append(result)

        counted: list[ChunkResult] = []
        await self._commit(job, segment.rows, key, at, turn, along)
        counts = counted[-1].counts
        for outcome in ("registered", "replaced", "patched", "deleted", "refused"):
            self._counters.count(outcome, getattr(counts, outcome))

    async def _commit(
        self, job: Import, rows: Sequence[Row], key: ApiKey | None, at: datetime, turn: Turn, along: Along
    ) -> None:
        identifiers = IdentifiersInTurn(self._database, turn)
        if key is None:
            async with self._database.transaction() as session:
                await along(session, [Verdict(None, row) for row in rows if isinstance(row, IdnodeError)])
            return
        asked = Asked(key, Trace(job.actor, job.id.hex, at), dry_run=job.is_dry_run)
        verdicts = await self._make_batches(identifiers).write(rows, asked, is_atomic=False, along=along)
        if job.is_dry_run:
            await turn()
            async with self._database.transaction() as session:
                await along(session, verdicts)

    async def _upserting(self, rows: Sequence[Row]) -> list[Row]:
        """Registrations of what exists become replacements of it."""
        wanted = [row.identifier.folded for row in rows if isinstance(row, Registration)]
        found = await IdentifierStore(self._database).find_many(wanted) if wanted else {}
        return [
            Revision(row.identifier, Operation.REPLACE, row.content)
            if isinstance(row, Registration)
            and row.identifier.folded in found
            and found[row.identifier.folded].state is not State.DELETED
            else row
            for row in rows
        ]


def _refusal_of(key: ApiKey | None, now: datetime) -> IdnodeError | None:
    """Why nothing can be written with this key as it stands now."""
    if key is None or not key.is_usable(now):
        return NotAuthenticated("the API key of this import has expired or was revoked")
    if key.role not in (Role.ADMIN, Role.ENTERPRISE):
        return Forbidden(f"the API key of this import has the role {key.role} now, which writes no identifiers")
    return None
