"""Bounds-checked reading and writing of big-endian Handle bytes; an error names the byte it happened at."""

from struct import Struct
from typing import Self

from idnode.model.errors import MalformedInput

HANDLE_BYTES_MAX = 2_048
"""A handle in any message or typed value (handle-protocol.md §1.3); longer than what this node registers itself."""

_INT2 = Struct(">H").unpack_from
_INT4 = Struct(">I").unpack_from
_INT4_SIGNED = Struct(">i").unpack_from


class MalformedMessage(MalformedInput):
    """Bytes that are not what the protocol says; `offset` is the byte of the message where the bad field begins."""

    def __init__(self, detail: str, *, offset: int) -> None:
        super().__init__(f"{detail} at byte {offset}")
        self.offset = offset


class Reader:
    """Takes fields off the front of `data[start:end]`: each read gives the whole field or raises MalformedMessage."""

    __slots__ = ("_data", "_end", "_offset")

    def __init__(self, data: bytes, *, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._offset = start
        self._end = len(data) if end is None else end

    @property
    def offset(self) -> int:
        """The byte that is read next, counted from the start of `data`."""
        return self._offset

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return self._end - self._offset

    def int1(self) -> int:
        """An unsigned byte."""
        return self._data[self._advance(1)]

    def int2(self) -> int:
        """Two bytes, unsigned."""
        value: int = _INT2(self._data, self._advance(2))[0]
        return value

    def int4(self) -> int:
        """Four bytes, unsigned."""
        value: int = _INT4(self._data, self._advance(4))[0]
        return value

    def int4_signed(self) -> int:
        """Four bytes in two's complement, as running peers read value indexes and lengths."""
        value: int = _INT4_SIGNED(self._data, self._advance(4))[0]
        return value

    def take(self, size: int) -> bytes:
        """Exactly `size` bytes."""
        start = self._advance(size)
        return self._data[start : start + size]

    def octets(self, *, bytes_max: int) -> bytes:
        """A str field of §1 as bytes: int4 length, then that many bytes, at most `bytes_max`."""
        return self.take(self._length(bytes_max))

    def text(self, *, bytes_max: int) -> str:
        """A str field of §1 as text; refuses what is not UTF-8, lone surrogates included."""
        octets = self.take(self._length(bytes_max))
        try:
            return octets.decode()
        except UnicodeDecodeError as error:
            raise MalformedMessage("not UTF-8", offset=self._offset - len(octets) + error.start) from error

    def count(self, *, items_max: int, item_bytes_min: int) -> int:
        """The int4 before a list; refuses more than `items_max` items, or more than the bytes left can hold."""
        start = self._offset
        count = self.int4()
        if count > items_max:
            raise MalformedMessage(f"{count} items, the limit is {items_max}", offset=start)
        if count * item_bytes_min > self.remaining:
            raise self._short(count * item_bytes_min)
        return count

    def part(self, size: int) -> "Reader":
        """A reader over the next `size` bytes, which this one skips; offsets stay those of the whole message."""
        start = self._advance(size)
        return Reader(self._data, start=start, end=start + size)

    def rest(self) -> bytes:
        """All bytes not read yet."""
        return self.take(self.remaining)

    def finish(self, *, padding_bytes: int = 0) -> None:
        """Refuses leftovers, except exactly `padding_bytes` zero bytes where a known writer allocates too much."""
        left = self.remaining
        if left == 0 or (left == padding_bytes and not any(self._data[self._offset : self._end])):
            return
        raise MalformedMessage(f"{left} bytes left over", offset=self._offset)

    def _advance(self, size: int) -> int:
        start = self._offset
        following = start + size
        # The first comparison stops a negative size, which would read the message backwards.
        if not start <= following <= self._end:
            raise self._short(size)
        self._offset = following
        return start

    def _length(self, bytes_max: int) -> int:
        start = self._offset
        length = self.int4()
        if length > bytes_max:
            raise MalformedMessage(f"{length} bytes, the limit is {bytes_max}", offset=start)
        return length

    def _short(self, size: int) -> MalformedMessage:
        return MalformedMessage(f"need {size} bytes, have {self.remaining}", offset=self._offset)


class Writer:
    """Appends fields, each call returning the writer; a number its field cannot hold raises OverflowError."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def __len__(self) -> int:
        return len(self._buffer)

    def int1(self, value: int) -> Self:
        """An unsigned byte."""
        self._buffer += value.to_bytes(1, "big")
        return self

    def int2(self, value: int) -> Self:
        """Two bytes, unsigned."""
        self._buffer += value.to_bytes(2, "big")
        return self

    def int4(self, value: int) -> Self:
        """Four bytes, unsigned."""
        self._buffer += value.to_bytes(4, "big")
        return self

    def raw(self, octets: bytes) -> Self:
        """Bytes as they are."""
        self._buffer += octets
        return self

    def octets(self, octets: bytes) -> Self:
        """A str field of §1: int4 length, then the bytes."""
        self._buffer += len(octets).to_bytes(4, "big")
        self._buffer += octets
        return self

    def text(self, text: str) -> Self:
        """A str field of §1 in UTF-8."""
        return self.octets(text.encode())

    def written(self) -> bytes:
        """Everything appended so far."""
        return bytes(self._buffer)
