"""An import process at work: takes chunks of the imports of its home, one after the other, beside other processes.

No process leads. Each takes the first chunk that nobody has, by an advisory lock that its connection holds: whatever
ends the process ends the lock, at once and without a lease that would have to run out. It plans the rows, waits until
nobody has the chunk before, looks whether that one was committed, and commits its own. The lock only spares work; what
makes it exact is the transaction: it moves the import's next row on from the one that the chunk begins with, or falls.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog

from idnode.model.errors import IdnodeError, InvalidInput
from idnode.model.imports import CHUNK_ROWS_MAX, Import, ImportState
from idnode.model.template import Item, TemplateName
from idnode.registry.imports.chunks import Piece, pieces
from idnode.registry.imports.metrics import ImportCounters
from idnode.registry.imports.reading import Normalised, normalise, scan_lines, template_of
from idnode.registry.imports.spool import DRAFT, Spool, sync_directory
from idnode.registry.imports.writing import ChunkWriter
from idnode.storage.database import StorageFault
from idnode.storage.imports import READER, Claims, ImportStore, Overtaken

LOOK_SECONDS = 0.5
"""Between two looks for work."""
SHIFT_SECONDS = 2.0
"""For one import, before the others get theirs."""
FAULTS_MAX = 5
"""Refusals of PostgreSQL in a row, after which an import is given up."""
FORGET_DIRECTORY_SECONDS = 1.0
"""How old may be what is known of prefixes and templates."""
UPKEEP_SECONDS = 3_600.0
ORPHAN_SECONDS = 1_800.0
"""A file that nobody has written to for so long, and that is no import's, is the rest of an upload that broke off."""

log = structlog.get_logger("idnode.imports")

ItemsOf = Callable[[TemplateName], Awaitable[tuple[Item, ...]]]


class Stopped(Exception):  # never leaves this module: it ends the reading of a file
    """The import was paused or cancelled, or the process leaves."""


class Importer:
    """The imports of one home. `open_claims` connects; `monotonic` gives seconds, `now` is the clock."""

    def __init__(
        self,
        home: UUID,
        spool: Spool,
        store: ImportStore,
        writer: ChunkWriter,
        counters: ImportCounters,
        *,
        open_claims: Callable[[], Awaitable[Claims]],
        forget_directory: Callable[[], None],
        items_of: ItemsOf,
        days: int,
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._home = home
        self._spool = spool
        self._store = store
        self._writer = writer
        self._counters = counters
        self._open_claims = open_claims
        self._forget_directory = forget_directory
        self._items_of = items_of
        self._days = days
        self._monotonic = monotonic
        self._now = now
        self._faults: dict[UUID, int] = {}
        self._forgot_at = monotonic()

    async def run(self) -> None:
        """Work until cancelled. While the database is away it is tried again."""
        while True:
            try:
                claims = await self._open_claims()
                try:
                    while True:
                        if not await self.round(claims):
                            await asyncio.sleep(LOOK_SECONDS)
                finally:
                    claims.close()
            except IdnodeError as error:
                self._counters.failures += 1
                log.warning("import_postponed", code=error.code, detail=error.detail)
                await asyncio.sleep(LOOK_SECONDS)

    async def round(self, claims: Claims, *, shift_seconds: float = SHIFT_SECONDS) -> bool:
        """A shift for each open import; whether anything was done. Raises Unavailable."""
        self._counters.jobs = await self._store.by_state(self._home)
        has_worked = False
        jobs = await self._store.open_ones(self._home)
        waiting = [(self._now() - job.created).total_seconds() for job in jobs if job.state is ImportState.WAITING]
        self._counters.oldest_waiting_seconds = max(waiting, default=0.0)
        for job in jobs:
            try:
                has_worked |= await self._shift(job, claims, shift_seconds)
                self._faults.pop(job.id, None)
            except Overtaken:
                self._counters.overtaken += 1
                has_worked = True
            except FileNotFoundError:
                await self._fail(job, "its file is gone from the disk of the node")
            except (InvalidInput, OSError) as error:
                await self._fail(job, str(error))
            except StorageFault as error:
                await self._suffered(job, error)
        return has_worked

    async def upkeep(self) -> None:
        """Forget imports whose time is over, and files that are no import's, every hour until cancelled."""
        while True:
            try:
                await self.tidy()
            except (IdnodeError, OSError) as error:
                log.warning("import_upkeep_postponed", detail=str(error))
            await asyncio.sleep(UPKEEP_SECONDS)

    async def tidy(self) -> None:
        """Once. Raises Unavailable."""
        now = self._now()
        await self._store.forget(self._home, now - timedelta(days=self._days))
        found = await asyncio.to_thread(self._spool.ids, older_than=now.timestamp() - ORPHAN_SECONDS)
        for id in found - await self._store.known(sorted(found)):
            self._spool.remove(id)
            log.info("import_file_removed", import_id=str(id))

    async def _shift(self, job: Import, claims: Claims, shift_seconds: float) -> bool:
        if job.bytes_total is None:
            return await self._make_lines(job, claims)
        if job.state is ImportState.WAITING:
            await self._store.begin(job.id, ImportState.RUNNING, self._now())
        path = self._spool.upload(job.id) if job.options.is_plain else self._spool.lines(job.id)
        ends, has_worked = self._monotonic() + shift_seconds, False
        for piece in pieces(scan_lines(path, job.cursor.offset, CHUNK_ROWS_MAX), job.cursor):
            standing = await claims.take(job.id, piece.chunk)
            if standing is None:
                continue
            try:
                if standing.next_row >= piece.following.row:
                    continue
                if standing.state is not ImportState.RUNNING or standing.next_row > piece.row:
                    # Paused, or done in part: begin anew where it stands.
                    return has_worked
                await self._write(job, piece, path, claims, is_next=standing.next_row == piece.row)
                has_worked = True
            finally:
                await claims.leave(job.id, piece.chunk)
            if self._monotonic() >= ends:
                return True
        await self._store.finish(job.id, self._now())
        return has_worked

    async def _write(self, job: Import, piece: Piece, path: Path, claims: Claims, *, is_next: bool) -> None:
        if self._monotonic() - self._forgot_at >= FORGET_DIRECTORY_SECONDS:
            self._forget_directory()
            self._forgot_at = self._monotonic()
        block = b"" if piece.span.is_oversize else _read(path, piece)
        has_turn = is_next

        async def turn() -> None:
            nonlocal has_turn
            if not has_turn:
                await _await_turn(job, piece, claims)
                has_turn = True

        await self._writer.write(job, piece, block, turn)

    async def _make_lines(self, job: Import, claims: Claims) -> bool:
        """Of a file that is no plain NDJSON; from its beginning, if a process ended at it."""
        if await claims.take(job.id, READER) is None:
            return False
        try:
            present = await self._store.find(job.id)
            if present is None or present.bytes_total is not None or present.state is ImportState.PAUSED:
                return False
            await self._store.begin(job.id, ImportState.READING, self._now())
            made = await self._read_all(job)
            if made is not None:
                await self._store.lines_made(job.id, rows=made.rows, size=made.size, at=self._now())
            return True
        finally:
            await claims.leave(job.id, READER)

    async def _read_all(self, job: Import) -> Normalised | None:
        """In a thread, which is told to stop when the import is paused or cancelled, or this process leaves."""
        template = template_of(job.options)
        items = () if template is None else await self._items_of(template)
        is_stopped = False

        def told(_: int) -> None:
            if is_stopped:
                raise Stopped

        def make() -> Normalised:
            target = self._spool.lines(job.id)
            draft = target.with_suffix(DRAFT)
            made = normalise(self._spool.upload(job.id), job.options, draft, items, told=told)
            draft.replace(target)
            sync_directory(target.parent)
            return made

        making = asyncio.create_task(asyncio.to_thread(make))
        try:
            while not making.done():
                await asyncio.wait([making], timeout=LOOK_SECONDS)
                present = await self._store.find(job.id)
                is_stopped = present is None or present.state is not ImportState.READING
            return await making
        except Stopped:
            return None
        finally:
            is_stopped = True

    async def _suffered(self, job: Import, error: StorageFault) -> None:
        """PostgreSQL refused; a deadlock with others passes, a fault of ours does not."""
        self._counters.failures += 1
        self._faults[job.id] = self._faults.get(job.id, 0) + 1
        log.warning("import_fault", import_id=str(job.id), detail=error.detail, times=self._faults[job.id])
        if self._faults[job.id] >= FAULTS_MAX:
            await self._fail(job, error.detail)

    async def _fail(self, job: Import, reason: str) -> None:
        log.warning("import_failed", import_id=str(job.id), detail=reason)
        self._faults.pop(job.id, None)
        await self._store.fail(job.id, reason, self._now())


async def _await_turn(job: Import, piece: Piece, claims: Claims) -> None:
    """Raises Overtaken when the rows of the piece are not to be written by this process now."""
    while True:
        standing = await claims.standing(job.id)
        if standing is None or standing.state is not ImportState.RUNNING or standing.next_row > piece.row:
            raise Overtaken(f"chunk {piece.chunk} of import {job.id} was done by another process, or is to be left")
        if standing.next_row == piece.row:
            return
        if not await claims.await_chunk(job.id, piece.chunk - 1):
            continue
        standing = await claims.standing(job.id)
        if standing is not None and standing.next_row < piece.row:
            raise Overtaken(f"the chunk before chunk {piece.chunk} of import {job.id} was left undone")


def _read(path: Path, piece: Piece) -> bytes:
    with path.open("rb") as file:
        file.seek(piece.span.offset)
        return file.read(piece.span.size)
