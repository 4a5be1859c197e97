"""Imports as their owners see them: handed in, looked at, paused, resumed, cancelled; what became of each row."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from idnode.model.access import ApiKey, Role
from idnode.model.errors import Conflict, NotFound
from idnode.model.imports import ENDED, Import, ImportMode, ImportState, ReadingOptions
from idnode.registry.commands import Asked
from idnode.registry.imports.rejected import Rejection, rejected_rows
from idnode.registry.imports.spool import Receiving, Spool
from idnode.registry.imports.verdicts import DONE_CODES, line_of, reason_of, unpacked
from idnode.storage.database import Database, Session
from idnode.storage.idempotency import KeptAnswer, KeptClaim, keep_answers
from idnode.storage.imports import ImportStore

VERDICTS_READ = 8
"""Commits whose verdicts are read at once: some thousand rows."""
READ_SECONDS_MAX = 30.0

Answer = Callable[[Import], KeptAnswer]

OPEN = (ImportState.WAITING, ImportState.READING, ImportState.RUNNING)
STEPS: dict[str, tuple[tuple[ImportState, ...], ImportState]] = {
    "pause": (OPEN, ImportState.PAUSED),
    "resume": ((ImportState.PAUSED,), ImportState.WAITING),
    "cancel": ((*OPEN, ImportState.PAUSED), ImportState.CANCELLED),
}
"""From which states a step leads, and where to; any other is refused."""


class SameImport(Conflict):
    """The same file was imported before under the same key; `again` does it once more all the same."""

    code = "imported-before"


@dataclass(frozen=True, slots=True)
class ImportForm:
    """What is said of a file that is handed in."""

    name: str
    options: ReadingOptions
    mode: ImportMode
    is_dry_run: bool
    is_again: bool


class ImportRegistry:
    """Imports of a home. `home` tells its id: a file is made for it at the first one."""

    def __init__(
        self,
        database: Database,
        store: ImportStore,
        spool: Spool,
        *,
        home: Callable[[], UUID],
        new_id: Callable[[], UUID],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._store = store
        self._spool = spool
        self._home = home
        self._new_id = new_id
        self._now = now

    def receive(self) -> tuple[UUID, Receiving]:
        """Take in the file of a new import."""
        id = self._new_id()
        return id, self._spool.receive(id)

    async def submit(self, id: UUID, received: Receiving, form: ImportForm, asked: Asked, answer: Answer) -> KeptAnswer:
        """It is accepted, and waits. Raises SameImport, ClaimTaken: the file is not kept then."""
        now = self._now()
        job = Import(
            id=id,
            owner=asked.key.id,
            actor=asked.trace.actor,
            scope=tuple(prefix.folded for prefix in asked.key.prefixes),
            name=form.name,
            options=form.options,
            mode=form.mode,
            is_dry_run=form.is_dry_run,
            sha256=received.sha256,
            size=received.size,
            home=self._home(),
            state=ImportState.WAITING,
            created=now,
            updated=now,
            bytes_total=received.size if form.options.is_plain else None,
        )
        kept = answer(job)
        async with self._database.transaction() as session:
            if not form.is_dry_run and not form.is_again:
                await self._require_new(session, job)
            await self._store.insert(session, job)
            if asked.claim is not None:
                await keep_answers(session, [KeptClaim(asked.claim, kept, now)])
            # A commit that is not acknowledged may be one: without an import the file is removed as an orphan.
            received.keep()
        return kept

    async def find(self, id: UUID, key: ApiKey) -> Import:
        """One that this key may see. Raises NotFound."""
        job = await self._store.find(id)
        if job is None or not _may_see(key, job):
            raise NotFound(f"there is no import {id}")
        return job

    async def page(self, key: ApiKey, *, before: UUID | None, state: ImportState | None, limit: int) -> list[Import]:
        """Those that this key may see, the newest first."""
        owner = None if key.role is Role.ADMIN else key.id
        scope = [prefix.folded for prefix in key.prefixes]
        return await self._store.page(before=before, owner=owner, scope=scope, state=state, limit=limit)

    async def step(self, id: UUID, name: str, asked: Asked, answer: Answer) -> KeptAnswer:
        """Pause, resume or cancel. Raises NotFound, Conflict, VersionMoved, ClaimTaken."""
        job = await self.find(id, asked.key)
        asked.require_version(job.version)
        starts, target = STEPS[name]
        if job.state not in starts:
            raise Conflict(f"import {id} is {job.state}; only what is {', '.join(starts)} can {name}")
        now = self._now()
        ended = now if target in ENDED else None
        if asked.dry_run:
            return answer(replace(job, state=target, ended=ended, version=job.version + 1))
        async with self._database.transaction() as session:
            changed = await self._store.set_state(
                session, job, target, at=now, ended=ended, version=asked.expected_version
            )
            kept = answer(changed)
            if asked.claim is not None:
                await keep_answers(session, [KeptClaim(asked.claim, kept, now)])
        return kept

    async def verdict_lines(self, job: Import, *, only_refused: bool) -> AsyncGenerator[bytes, None]:
        """A line for each row that has a verdict, a few thousand at a time."""
        after = 0
        while True:
            kept = await self._store.verdicts(job.id, after=after, only_refused=only_refused, limit=VERDICTS_READ)
            if not kept:
                return
            for each in kept:
                lines = [
                    line_of(verdict)
                    for verdict in unpacked(each.verdicts)
                    if not only_refused or verdict.code not in DONE_CODES
                ]
                if lines:
                    yield b"".join(lines)
                await asyncio.sleep(0)
            after = kept[-1].first_row

    def require_file(self, job: Import) -> None:
        """Raises NotFound when the upload is not on this node's disk."""
        if not self._spool.upload(job.id).exists():
            raise NotFound(f"the file of import {job.id} is not on the disk of this node")

    async def rejected(self, job: Import) -> AsyncGenerator[bytes, None]:
        """The file of rejected rows, made of the upload: see `require_file`."""
        path = self._spool.upload(job.id)
        loop = asyncio.get_running_loop()

        def refusals() -> Iterator[Rejection]:
            """Runs in the thread that writes the file, and has the loop read."""
            after = 0
            while True:
                page: Future[list[tuple[int, Sequence[Rejection]]]] = asyncio.run_coroutine_threadsafe(
                    self._rejections(job, after), loop
                )
                read = page.result(READ_SECONDS_MAX)
                if not read:
                    return
                for _, rejections in read:
                    yield from rejections
                after = read[-1][0]

        pieces = rejected_rows(path, job.options, refusals())
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece

    async def _rejections(self, job: Import, after: int) -> list[tuple[int, Sequence[Rejection]]]:
        kept = await self._store.verdicts(job.id, after=after, only_refused=True, limit=VERDICTS_READ)
        return [
            (
                each.first_row,
                [Rejection(v.row, reason_of(v)) for v in unpacked(each.verdicts) if v.code not in DONE_CODES],
            )
            for each in kept
        ]

    async def _require_new(self, session: Session, job: Import) -> None:
        first = await self._store.find_same(session, job.sha256, job.owner)
        if first is not None:
            raise SameImport(f"this file was imported before, as {first}; send again=true to import it once more")


def _may_see(key: ApiKey, job: Import) -> bool:
    if key.role is Role.ADMIN or key.id == job.owner:
        return True
    own = {prefix.folded for prefix in key.prefixes}
    return bool(job.scope) and own.issuperset(job.scope)
