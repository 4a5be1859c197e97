"""Uploaded files: one row each, and their bytes in a directory."""

import asyncio
import os
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg

from idnode.model.enterprise_application import FileKind, UploadedFile
from idnode.model.errors import Unavailable
from idnode.storage.database import Database, Session
from idnode.storage.statements import statements

SQL = statements("uploads")

FORGOTTEN_AT_ONCE_MAX = 100


class UploadStore:
    """Reads and writes of the uploaded_file table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(
        self, *, name: UUID, kind: FileKind, size_bytes: int, uploaded_by: str, created: datetime
    ) -> UploadedFile:
        """A row for a file that is about to be written."""
        async with self._database.session() as session:
            row = await session.row(SQL["insert_file"], name, kind, size_bytes, uploaded_by, created)
        if row is None:
            raise Unavailable("the file could not be entered")
        return _file(row)

    async def find_many(self, numbers: Sequence[int]) -> dict[int, UploadedFile]:
        """Those of these numbers that there are."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["find_files"], numbers)
        return {row["number"]: _file(row) for row in rows}

    async def of_application(self, application: UUID) -> list[UploadedFile]:
        """The files that an application has named, ever."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_files_of_application"], application)
        return [_file(row) for row in rows]

    async def bind(self, session: Session, numbers: Collection[int], application: UUID) -> bool:
        """Give files to an application; False when one of them belongs to another, or is gone."""
        bound = await session.rows(SQL["bind_files"], sorted(numbers), application)
        return len(bound) == len(numbers)

    async def forget(self, number: int) -> None:
        """The row of a file that could not be written."""
        async with self._database.session() as session:
            await session.run(SQL["forget_file"], number)

    async def forget_unused(self, before: datetime) -> list[UploadedFile]:
        """Rows of files that came before `before` and that no application has named, FORGOTTEN_AT_ONCE_MAX at most."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["forget_unused_files"], before, FORGOTTEN_AT_ONCE_MAX)
        return [_file(row) for row in rows]


class UploadDirectory:
    """The bytes of files, each under a name of ours, for the node's own user only."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def write(self, path: str, content: bytes) -> None:
        """Whole and on disk before this returns. Raises Unavailable."""
        try:
            await asyncio.to_thread(self._write, path, content)
        except OSError as error:
            raise Unavailable(f"cannot write to {self._directory}: {error.strerror}") from error

    async def remove(self, paths: Sequence[str]) -> None:
        """What is gone already is as good. Raises Unavailable."""
        try:
            await asyncio.to_thread(self._remove, paths)
        except OSError as error:
            raise Unavailable(f"cannot remove from {self._directory}: {error.strerror}") from error

    def _write(self, path: str, content: bytes) -> None:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._directory / f"{path}.draft"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._directory / path)

    def _remove(self, paths: Sequence[str]) -> None:
        for path in paths:
            (self._directory / path).unlink(missing_ok=True)
            (self._directory / f"{path}.draft").unlink(missing_ok=True)


def _file(row: asyncpg.Record) -> UploadedFile:
    return UploadedFile(
        row["number"],
        row["name"],
        FileKind(row["kind"]),
        row["bytes"],
        row["uploaded_by"],
        row["created"],
        row["application"],
    )
