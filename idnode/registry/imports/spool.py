"""The files of imports on the disk of this node: taken in whole, hashed on the way, removed when their time is over."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from idnode.model.errors import IdnodeError

FREE_BYTES_MIN = 512 << 20
"""Of the disk stays free: PostgreSQL may write to the same one."""
BLOCK_BYTES = 1 << 20
"""Written at once, and between two looks at the free space."""
SPOOL_DIRECTORY = "imports"
"""In IDNODE_HOME."""
HOME_FILE = "home"
UPLOAD, LINES, DRAFT = ".upload", ".lines", ".draft"


class StorageFull(IdnodeError):
    """The disk of the node has no room for the file."""

    code = "storage-full"


class Spool:
    """The directory `imports` of a home. What blocks runs in threads."""

    def __init__(self, directory: Path, *, free_bytes: Callable[[Path], int] | None = None) -> None:
        self.directory = directory
        self.free_bytes = free_bytes or (lambda path: shutil.disk_usage(path).free)

    def home_id(self, new_id: Callable[[], UUID]) -> UUID:
        """What tells this directory from those of other nodes on the same database; made by who asks first."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.directory / HOME_FILE
        draft = self.directory / f"{HOME_FILE}.{os.getpid()}"
        if not path.exists():
            draft.write_text(f"{new_id()}\n")
            # A link is made by one alone, whoever else tries.
            with suppress(FileExistsError):
                path.hardlink_to(draft)
            draft.unlink()
        return UUID(path.read_text().strip())

    def upload(self, id: UUID) -> Path:
        """The file as it was sent."""
        return self.directory / f"{id}{UPLOAD}"

    def lines(self, id: UUID) -> Path:
        """Its rows, one a line, of a file that is no plain NDJSON."""
        return self.directory / f"{id}{LINES}"

    def receive(self, id: UUID) -> "Receiving":
        """Take a file in."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Receiving(self, self.upload(id))

    def require_room(self, size: int) -> None:
        """Raises StorageFull unless `size` bytes more leave FREE_BYTES_MIN."""
        free = self.free_bytes(self.directory)
        if free - size < FREE_BYTES_MIN:
            raise StorageFull(
                f"the disk of the node has {free} bytes free, of which {FREE_BYTES_MIN} stay free;"
                f" {size} more do not fit"
            )

    def remove(self, id: UUID) -> None:
        """All files of an import."""
        for path in (self.upload(id), self.lines(id), self.lines(id).with_suffix(DRAFT)):
            path.unlink(missing_ok=True)

    def ids(self, *, older_than: float) -> set[UUID]:
        """Imports of which there is a file that was last written before a moment (seconds since 1970)."""
        found: set[UUID] = set()
        if not self.directory.exists():
            return found
        for path in self.directory.iterdir():
            with suppress(ValueError, FileNotFoundError):
                if path.stat().st_mtime < older_than:
                    found.add(UUID(path.name.split(".")[0]))
        return found


class Receiving:
    """A file on its way in. It is removed unless it is kept."""

    def __init__(self, spool: Spool, path: Path) -> None:
        self.size = 0
        self._spool = spool
        self._path = path
        self._hash = hashlib.sha256()
        self._block = bytearray()
        self._file = path.open("xb", buffering=0)
        self._is_kept = False

    @property
    def sha256(self) -> bytes:
        """Of what was written."""
        return self._hash.digest()

    async def write(self, piece: bytes) -> None:
        """The next bytes. Raises StorageFull."""
        self.size += len(piece)
        self._block += piece
        if len(self._block) >= BLOCK_BYTES:
            await self._flush()

    async def finish(self) -> None:
        """All bytes have come: on disk when this returns. Raises StorageFull."""
        await self._flush()
        await asyncio.to_thread(self._sync)

    def keep(self) -> None:
        """There is an import of it now."""
        self._is_kept = True

    async def give_up(self) -> None:
        """Remove it, unless it is kept."""
        self._file.close()
        if not self._is_kept:
            await asyncio.to_thread(self._path.unlink, missing_ok=True)

    async def _flush(self) -> None:
        block, self._block = self._block, bytearray()
        try:
            await asyncio.to_thread(self._write, block)
        except OSError as error:
            raise StorageFull(f"the file cannot be kept at the node: {error.strerror}") from error

    def _write(self, block: bytearray) -> None:
        self._spool.require_room(len(block))
        self._hash.update(block)
        rest = memoryview(block)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _sync(self) -> None:
        os.fsync(self._file.fileno())
        sync_directory(self._path.parent)


def sync_directory(directory: Path) -> None:
    """A new name in it is on disk when this returns."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
