"""Sealed bytes: a header line of JSON, then chunks, each encrypted and bound to its place; the last one says it is.

Chunk i has the nonce i, under a key that is derived for this deposit alone. Its associated data are the SHA-256 of the
header line, i, and whether it is the last: chunks cannot be changed, exchanged, repeated or cut off unnoticed.
"""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Protocol

import orjson

from idnode.model.errors import shown
from idnode.sync.deposit.cipher import CIPHERS, NONCE_BYTES, TAG_BYTES, Cipher, DepositKey
from idnode.sync.deposit.errors import DepositMisconfigured, DepositRefused
from idnode.wire.encoded_bytes import base64_of, from_base64

FORMAT = "idnode-sealed-1"
CHUNK_BYTES = 1 << 20
SALT_BYTES = 32
HEADER_BYTES_MAX = 4_096


class Sink(Protocol):
    """Takes bytes."""

    def write(self, octets: bytes, /) -> object:
        """All of them."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What a deposit is sealed with."""

    cipher_name: str
    key: DepositKey

    @property
    def cipher(self) -> Cipher:
        """Raises DepositMisconfigured."""
        cipher = CIPHERS.get(self.cipher_name)
        if cipher is None:
            raise DepositMisconfigured(f"there is no cipher '{self.cipher_name}'; there are {', '.join(CIPHERS)}")
        return cipher


class SealedWriter(io.RawIOBase):
    """Seals what is written to it; `finish` writes the last chunk. Not seekable."""

    def __init__(self, sink: Sink, seal: Seal, *, deposit: str, salt: bytes) -> None:
        super().__init__()
        header = {
            "format": FORMAT,
            "cipher": seal.cipher_name,
            "key": seal.key.id,
            "deposit": deposit,
            "chunk_bytes": CHUNK_BYTES,
            "salt": base64_of(salt),
        }
        line = orjson.dumps(header) + b"\n"
        self._sink = sink
        self._cipher = seal.cipher
        self._key = seal.key.derive(seal.cipher, salt)
        self._header_sha256 = hashlib.sha256(line).digest()
        self._waiting = bytearray()
        self._chunks = 0
        sink.write(line)

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, octets: object, /) -> int:
        """Takes everything."""
        view = memoryview(octets).cast("B")  # type: ignore[arg-type]  # whatever zipfile hands over is a buffer
        self._waiting += view
        # A chunk is only known not to be the last when something follows it.
        while len(self._waiting) > CHUNK_BYTES:
            self._put(bytes(self._waiting[:CHUNK_BYTES]), is_last=False)
            del self._waiting[:CHUNK_BYTES]
        return len(view)

    def finish(self) -> None:
        """Write the last chunk; the sink stays open."""
        self._put(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _put(self, chunk: bytes, *, is_last: bool) -> None:
        associated = _associated(self._header_sha256, self._chunks, is_last=is_last)
        self._sink.write(self._cipher.seal(self._key, _nonce(self._chunks), chunk, associated))
        self._chunks += 1


class SealedReader(io.RawIOBase):
    """What was sealed, seekable. Raises DepositRefused when it is opened or read, if anything was altered."""

    def __init__(self, file: IO[bytes], key: DepositKey, *, deposit: str) -> None:
        super().__init__()
        line = file.readline(HEADER_BYTES_MAX)
        header = _header(line)
        if header["deposit"] != deposit:
            raise DepositRefused(f"these are bytes of deposit '{shown(header['deposit'])}', expected '{deposit}'")
        if header["key"] != key.id:
            raise DepositRefused(f"the deposit is sealed with key {shown(header['key'])}, the key given is {key.id}")
        if header["cipher"] not in CIPHERS:
            raise DepositRefused(f"the deposit is sealed with '{shown(header['cipher'])}', which is not known here")
        salt = from_base64(str(header["salt"]))
        if header["chunk_bytes"] != CHUNK_BYTES or salt is None:
            raise DepositRefused(f"chunks have {shown(header['chunk_bytes'])} bytes, expected {CHUNK_BYTES}")
        self._file = file
        self._cipher = Seal(str(header["cipher"]), key).cipher
        self._key = key.derive(self._cipher, salt)
        self._header_sha256 = hashlib.sha256(line).digest()
        self._begins = len(line)
        sealed_bytes = file.seek(0, io.SEEK_END) - self._begins
        self._chunks = -(-sealed_bytes // (CHUNK_BYTES + TAG_BYTES))
        self._size = sealed_bytes - self._chunks * TAG_BYTES
        self._place = 0
        self._kept: tuple[int, bytes] = (-1, b"")
        if self._chunks == 0:
            raise DepositRefused("the deposit ends after its header")
        self._chunk(self._chunks - 1)

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes: any chunk can be opened by itself."""
        return True

    def tell(self) -> int:
        """The place in what was sealed."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a place, which may lie beyond the end."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(origin + offset, 0)
        return self._place

    def readinto(self, buffer: object, /) -> int:
        """At most to the end of a chunk."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # the base class hands over its own buffer
        number, offset = divmod(self._place, CHUNK_BYTES)
        if self._place >= self._size:
            return 0
        piece = self._chunk(number)[offset : offset + len(view)]
        view[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)

    def _chunk(self, number: int) -> bytes:
        if self._kept[0] != number:
            self._file.seek(self._begins + number * (CHUNK_BYTES + TAG_BYTES))
            sealed = self._file.read(CHUNK_BYTES + TAG_BYTES)
            associated = _associated(self._header_sha256, number, is_last=number == self._chunks - 1)
            self._kept = (number, self._cipher.open(self._key, _nonce(number), sealed, associated))
        return self._kept[1]


_HEADER_MEMBERS = ("format", "cipher", "key", "deposit", "chunk_bytes", "salt")


def _header(line: bytes) -> Mapping[str, object]:
    try:
        header = orjson.loads(line)
    except orjson.JSONDecodeError:
        header = None
    if (
        not isinstance(header, dict)
        or header.get("format") != FORMAT
        or any(name not in header for name in _HEADER_MEMBERS)
    ):
        raise DepositRefused(f"the sealed bytes do not begin with a header of format {FORMAT}")
    return header


def _nonce(number: int) -> bytes:
    return number.to_bytes(NONCE_BYTES)


def _associated(header_sha256: bytes, number: int, *, is_last: bool) -> bytes:
    return header_sha256 + number.to_bytes(8) + bytes([is_last])
