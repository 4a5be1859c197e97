"""Imports: a row each, the verdicts of each chunk, and who works on which chunk."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

import asyncpg
import orjson

from idnode.model.errors import IdnodeError, Unavailable, VersionMoved
from idnode.model.identifier import Prefix
from idnode.model.imports import (
    Import,
    ImportCounts,
    ImportCursor,
    ImportFormat,
    ImportMode,
    ImportState,
    Pace,
    ReadingOptions,
)
from idnode.model.template import TemplateName
from idnode.storage.database import AWAY, UPKEEP_SECONDS_MAX, Database, Session
from idnode.storage.dedicated import Connection, connect, cut_off
from idnode.storage.statements import statements

SQL = statements("imports")

APPLICATION_NAME = "idnode import"
TURN_MILLISECONDS_MAX = 2_000
"""One wait for the chunk before; then it is looked whether there is still something to wait for."""
CLAIM_SECONDS_MAX = 5.0
"""Of one statement about claims, the wait included."""
READER = -1
"""Stands for the number of a chunk where lines are made of a file."""


class Overtaken(IdnodeError):
    """The chunk was done by another process, or the import was paused or cancelled: nothing of it was written."""

    code = "import-overtaken"


class ChunkResult(NamedTuple):
    """What is kept of rows that are written together; `following` is where the import goes on."""

    first_row: int
    following: ImportCursor
    counts: ImportCounts
    verdicts: bytes


class KeptVerdicts(NamedTuple):
    """The verdicts of rows that were written together, as they are kept."""

    first_row: int
    verdicts: bytes


class ImportStore:
    """Reads and writes of the import tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: UUID) -> Import | None:
        """One import."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_import"], id)
        return None if row is None else _import(row)

    async def page(
        self,
        *,
        before: UUID | None,
        owner: UUID | None,
        scope: Sequence[str],
        state: ImportState | None,
        limit: int,
    ) -> list[Import]:
        """The newest first; `owner` None means everybody's, else his and those of keys within `scope`."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_imports"], before, owner, list(scope), state, limit)
        return [_import(row) for row in rows]

    async def open_ones(self, home: UUID) -> list[Import]:
        """What the processes of a home have to do, the oldest first."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_open_imports"], home)
        return [_import(row) for row in rows]

    async def find_same(self, session: Session, sha256: bytes, owner: UUID) -> UUID | None:
        """The first import of this file under this key; nobody else can insert one before the transaction ends."""
        await session.row(SQL["lock_same_import"], _key(sha256 + owner.bytes))
        row = await session.row(SQL["find_same_import"], sha256, owner)
        return None if row is None else row["id"]

    async def insert(self, session: Session, job: Import) -> None:
        """A new one, waiting."""
        await session.run(
            SQL["insert_import"],
            job.id,
            job.owner,
            job.actor,
            list(job.scope),
            job.name,
            options_json(job.options),
            job.mode,
            job.is_dry_run,
            job.sha256,
            job.size,
            job.home,
            job.created,
            job.bytes_total,
        )

    async def set_state(
        self,
        session: Session,
        job: Import,
        state: ImportState,
        *,
        at: datetime,
        ended: datetime | None = None,
        version: int | None = None,
    ) -> Import:
        """From the state of `job`, at any version or at this one alone. Raises VersionMoved when it has moved on."""
        row = await session.row(SQL["set_import_state"], job.id, job.state, version, state, ended, at)
        if row is None:
            raise VersionMoved(f"import {job.id} has moved on meanwhile")
        return _import(row)

    async def begin(self, id: UUID, state: ImportState, at: datetime) -> None:
        """Its first step: reading or running."""
        await self._run("begin_import", id, state, at)

    async def lines_made(self, id: UUID, *, rows: int, size: int, at: datetime) -> None:
        """Its rows stand in lines."""
        await self._run("lines_made", id, rows, size, at)

    async def fail(self, id: UUID, reason: str, at: datetime) -> None:
        """It cannot go on; what was committed stands."""
        await self._run("fail_import", id, reason, at)

    async def finish(self, id: UUID, at: datetime) -> None:
        """It is done, if its last row is."""
        await self._run("finish_import", id, at)

    async def advance(self, session: Session, id: UUID, result: ChunkResult, at: datetime) -> None:
        """Keep a chunk's verdicts in the transaction that writes its rows. Raises Overtaken, which rolls it back."""
        following, counts = result.following, result.counts
        row = await session.row(
            SQL["advance_import"],
            id,
            result.first_row,
            following.chunk,
            following.row,
            following.offset,
            counts.registered,
            counts.replaced,
            counts.patched,
            counts.deleted,
            counts.refused,
            at,
            result.verdicts,
        )
        if row is None:
            raise Overtaken(f"the rows from {result.first_row} on of import {id} are none of this process's any more")

    async def verdicts(self, id: UUID, *, after: int, only_refused: bool, limit: int) -> list[KeptVerdicts]:
        """A few of them in order, those after the one that begins with the row `after`."""
        sql = SQL["list_refusals"] if only_refused else SQL["list_verdicts"]
        async with self._database.session() as session:
            rows = await session.rows(sql, id, after, limit)
        return [KeptVerdicts(row["first_row"], row["verdicts"]) for row in rows]

    async def forget(self, home: UUID, before: datetime) -> None:
        """Finished ones that ended before this moment, with their verdicts."""
        async with self._database.session() as session:
            await session.run(SQL["forget_imports"], home, before, seconds_max=UPKEEP_SECONDS_MAX)

    async def known(self, ids: Sequence[UUID]) -> set[UUID]:
        """Those of these ids that there still is an import of."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["known_imports"], list(ids))
        return {row["id"] for row in rows}

    async def by_state(self, home: UUID) -> dict[str, int]:
        """How many there are."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["count_imports"], home)
        return {row["state"]: row["imports"] for row in rows}

    async def _run(self, name: str, *arguments: object) -> None:
        async with self._database.session() as session:
            await session.run(_STEPS[name], *arguments)


_STEPS = {
    "begin_import": SQL["begin_import"],
    "lines_made": SQL["lines_made"],
    "fail_import": SQL["fail_import"],
    "finish_import": SQL["finish_import"],
}


class Standing(NamedTuple):
    """Where an import stands: the row that is to be written next."""

    next_row: int
    state: ImportState


class Claims:
    """A connection whose advisory locks tell which chunks this process works on, and end with it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, dsn: str) -> Self:
        """Raises Unavailable."""
        try:
            return cls(await connect(dsn, APPLICATION_NAME, lock_timeout=str(TURN_MILLISECONDS_MAX)))
        except (*AWAY, asyncpg.PostgresError) as error:
            raise Unavailable(f"cannot connect to PostgreSQL: {error or type(error).__name__}") from error

    async def take(self, id: UUID, chunk: int) -> Standing | None:
        """Work on this chunk; None when another process does. Raises Unavailable."""
        row = await self._row("take_chunk", id, claim_key(id, chunk))
        if row is None or not row["is_taken"]:
            return None
        return Standing(row["next_row"], ImportState(row["state"]))

    async def leave(self, id: UUID, chunk: int) -> None:
        """Not any more."""
        await self._row("leave_chunk", claim_key(id, chunk))

    async def standing(self, id: UUID) -> Standing | None:
        """As of now."""
        row = await self._row("tell_progress", id)
        return None if row is None else Standing(row["next_row"], ImportState(row["state"]))

    async def await_chunk(self, id: UUID, chunk: int) -> bool:
        """Return when nobody works on this chunk any more; False when somebody does after TURN_MILLISECONDS_MAX."""
        try:
            await self._row("await_chunk", claim_key(id, chunk))
        except _StillTaken:
            return False
        return True

    def close(self) -> None:
        """Leave all of them."""
        self._connection.terminate()

    async def _row(self, name: str, *arguments: object) -> asyncpg.Record | None:
        try:
            with cut_off(self._connection, CLAIM_SECONDS_MAX):
                return await self._connection.fetchrow(_CLAIMS[name], *arguments)
        except asyncpg.LockNotAvailableError as error:
            raise _StillTaken from error
        except (*AWAY, asyncpg.PostgresError) as error:
            self._connection.terminate()
            raise Unavailable(f"the claims of imports cannot be told: {error or type(error).__name__}") from error


_CLAIMS = {
    "take_chunk": SQL["take_chunk"],
    "leave_chunk": SQL["leave_chunk"],
    "tell_progress": SQL["tell_progress"],
    "await_chunk": SQL["await_chunk"],
}


class _StillTaken(Exception):  # never leaves this module
    """The lock was not given up in time."""


def claim_key(id: UUID, chunk: int) -> int:
    """The advisory lock of a chunk. Two chunks with one key would only wait for each other."""
    return _key(id.bytes + chunk.to_bytes(4, signed=True))


def _key(content: bytes) -> int:
    return int.from_bytes(hashlib.sha256(content).digest()[:8], signed=True)


def options_json(options: ReadingOptions) -> bytes:
    """As it is stored."""
    template = options.template
    return orjson.dumps(
        {
            "format": options.format,
            "is_gzip": options.is_gzip,
            "encoding": options.encoding,
            "mapping": options.mapping,
            "delimiter": options.delimiter,
            "sheet": options.sheet,
            "has_header": options.has_header,
            "prefix": options.prefix,
            "template": None if template is None else [template.prefix.text, template.version],
            "bytes_max": options.bytes_max,
        }
    )


def _options(stored: bytes) -> ReadingOptions:
    members = orjson.loads(stored)
    template = members["template"]
    return ReadingOptions(
        **members
        | {
            "format": ImportFormat(members["format"]),
            "template": None if template is None else TemplateName(Prefix.parse(template[0]), template[1]),
        }
    )


def _import(row: asyncpg.Record) -> Import:
    since = row["paced_since"]
    return Import(
        id=row["id"],
        owner=row["owner"],
        actor=row["actor"],
        scope=tuple(row["scope"]),
        name=row["name"],
        options=_options(row["options"]),
        mode=ImportMode(row["mode"]),
        is_dry_run=row["is_dry_run"],
        sha256=row["sha256"],
        size=row["size"],
        home=row["home"],
        state=ImportState(row["state"]),
        created=row["created"],
        updated=row["updated"],
        started=row["started"],
        ended=row["ended"],
        rows_total=row["rows_total"],
        bytes_total=row["bytes_total"],
        cursor=ImportCursor(row["next_chunk"], row["next_row"], row["next_offset"]),
        counts=ImportCounts(*(row[name] for name in ("registered", "replaced", "patched", "deleted", "refused"))),
        pace=None if since is None else Pace(since, row["paced_rows"]),
        failure=row["failure"],
        version=row["version"],
    )
