"""The parts of a deposit: one stream of bytes in files of bounded size, with a SHA-256 of each and of all."""

import hashlib
import io
import os
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from idnode.sync.deposit.errors import DepositMisconfigured

PARTS_MAX = 9_999
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a deposit. `number` counts from 1."""

    number: int
    size_bytes: int
    sha256: str


def staged_name(number: int) -> str:
    """What a part is called while it waits at the node."""
    return f"part{number:03}"


class PartWriter:
    """Cuts what is written into files `part001`, `part002`, … of a directory; each is on disk when the next begins."""

    def __init__(self, directory: Path, *, part_bytes: int) -> None:
        self._directory = directory
        self._part_bytes = part_bytes
        self._file: BinaryIO | None = None
        self._file_bytes = 0
        self._file_sha256 = hashlib.sha256()
        self._sha256 = hashlib.sha256()
        self.parts: list[Part] = []

    @property
    def sha256(self) -> str:
        """Of everything written."""
        return self._sha256.hexdigest()

    def write(self, octets: bytes, /) -> None:
        """Takes everything. Raises DepositMisconfigured when there would be too many parts, and OSError."""
        rest = memoryview(octets)
        while rest:
            piece = rest[: self._part_bytes - self._file_bytes]
            self._present().write(piece)
            self._file_sha256.update(piece)
            self._sha256.update(piece)
            self._file_bytes += len(piece)
            rest = rest[len(piece) :]
            if self._file_bytes == self._part_bytes:
                self.finish()

    def finish(self) -> None:
        """End the part that is being written."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self.close()
            self.parts.append(Part(len(self.parts) + 1, self._file_bytes, self._file_sha256.hexdigest()))
            self._file_bytes, self._file_sha256 = 0, hashlib.sha256()

    def close(self) -> None:
        """Let go of the file, complete or not."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _present(self) -> BinaryIO:
        if self._file is None:
            if len(self.parts) == PARTS_MAX:
                detail = f"the deposit needs more than {PARTS_MAX} parts of {self._part_bytes} bytes; make them larger"
                raise DepositMisconfigured(detail)
            self._file = (self._directory / staged_name(len(self.parts) + 1)).open("wb")
        return self._file


class PartsReader(io.RawIOBase):
    """The files as the one stream that they were cut from, seekable."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self._open = ExitStack()
        self._files = [self._open.enter_context(path.open("rb")) for path in paths]
        sizes = [file.seek(0, io.SEEK_END) for file in self._files]
        self._begins = [0, *accumulate(sizes)]
        self._place = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The place in the stream."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a place."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._begins[-1]}[whence]
        self._place = max(origin + offset, 0)
        return self._place

    def readinto(self, buffer: object, /) -> int:
        """At most to the end of a file."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # the base class hands over its own buffer
        if self._place >= self._begins[-1]:
            return 0
        number = bisect_right(self._begins, self._place) - 1
        file = self._files[number]
        file.seek(self._place - self._begins[number])
        read = file.readinto(view)
        self._place += read
        return read

    def close(self) -> None:
        """Let go of the files."""
        self._open.close()
        super().close()


def part_of(path: Path, number: int) -> Part:
    """A file as a part. Raises OSError."""
    sha256 = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            sha256.update(block)
            size += len(block)
    return Part(number, size, sha256.hexdigest())
