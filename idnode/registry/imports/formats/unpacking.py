"""The bytes of an upload as a stream, unpacked where they are gzip (RFC 1952): bounded in size and in ratio."""

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from idnode.model.errors import MalformedInput, Violation
from idnode.model.imports import ReadingOptions

RATIO_MAX = 200
"""Unpacked bytes for each packed one; rows of text come to 10 to 50."""
RATIO_FREE_BYTES = 64 << 20
"""So much may come out whatever the ratio: a small file of equal rows packs well."""
BLOCK_BYTES = 1 << 18
_GZIP = 16 + zlib.MAX_WBITS


@contextmanager
def unpacked(path: Path, options: ReadingOptions) -> Iterator[BinaryIO]:
    """The file's bytes for the length of a block. Reading raises MalformedInput for what is no gzip, is cut off, or
    holds too much; the place in the packed file is named.
    """
    with path.open("rb") as file:
        if options.is_gzip:
            yield io.BufferedReader(_Gunzipped(file, options.bytes_max), BLOCK_BYTES)
        else:
            yield file


class _Gunzipped(io.RawIOBase):
    """Members of a gzip file one after the other, as concatenated files are."""

    def __init__(self, file: BinaryIO, bytes_max: int) -> None:
        self._file = file
        self._bytes_max = bytes_max
        self._member = zlib.decompressobj(_GZIP)
        self._is_between = True
        """No byte of the present member was read."""
        self._packed = b""
        self._taken = 0
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]  # narrower than typeshed's
        piece = self._next(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def _next(self, size: int) -> bytes:
        while True:
            if not self._packed:
                self._packed = self._file.read(BLOCK_BYTES)
                self._taken += len(self._packed)
                if not self._packed:
                    return self._rest(size)
            if self._is_between and not self._begins():
                continue
            piece = self._unpack(size)
            if piece:
                return piece

    def _rest(self, size: int) -> bytes:
        """What zlib still holds when the file has ended."""
        piece = b"" if self._is_between else self._unpack(size)
        if not piece and (not self._is_between or not self._taken):
            raise self._refused("gzip", f"the gzip file ends too early, after byte {self._taken}; send it again")
        return piece

    def _begins(self) -> bool:
        """Zeros between members and after the last are padding (gzip(1))."""
        self._packed = self._packed.lstrip(b"\0") if self._given else self._packed
        self._is_between = not self._packed
        return bool(self._packed)

    def _unpack(self, size: int) -> bytes:
        try:
            piece = self._member.decompress(self._packed, size)
        except zlib.error as error:
            is_none = not self._given and "header" in str(error)
            what = "the file is no gzip" if is_none else "the gzip data are damaged"
            raise self._refused("gzip", f"{what} near byte {self._offset}: {error}") from error
        self._packed = self._member.unconsumed_tail
        if self._member.eof:
            self._packed = self._member.unused_data
            self._member, self._is_between = zlib.decompressobj(_GZIP), True
        self._given += len(piece)
        self._require_bounds()
        return piece

    def _require_bounds(self) -> None:
        if self._given > self._bytes_max:
            raise self._refused(
                "max-bytes", f"more than {self._bytes_max} bytes unpacked", f"{self._bytes_max} bytes unpacked"
            )
        if self._given > RATIO_FREE_BYTES and self._given > self._offset * RATIO_MAX:
            detail = f"{self._given} bytes came out of {self._offset}; over {RATIO_MAX} for one is no file of rows"
            raise self._refused("max-ratio", detail, f"{RATIO_MAX} bytes for one")

    @property
    def _offset(self) -> int:
        return self._taken - len(self._packed)

    @staticmethod
    def _refused(rule: str, detail: str, limit: str | None = None) -> MalformedInput:
        return MalformedInput(detail, violations=(Violation("", rule, detail, None, limit),))
