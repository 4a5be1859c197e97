"""Bodies of requests about handles and their values, and of the answers to them (handle-protocol.md §1.3)."""

from collections.abc import Sequence
from typing import NamedTuple

from idnode.model.handle_value import HandleValue
from idnode.model.limits import VALUE_TYPE_BYTES_MAX, VALUES_MAX
from idnode.wire.cursor import HANDLE_BYTES_MAX, Reader, Writer
from idnode.wire.messages.values import read_values, write_values

SELECTED_TYPES_MAX = 1_024
HANDLES_MAX = 65_536
"""Of one list."""
_INDEX_BYTES = 4
_TEXT_BYTES_MIN = 4
MESSAGE_TEXT_BYTES_MAX = 16_384


class ResolutionRequest(NamedTuple):
    """What of a handle is wanted: values with one of the indexes or one of the types; neither: all."""

    handle: str
    indexes: tuple[int, ...]
    types: tuple[str, ...]

    @classmethod
    def decode(cls, body: bytes) -> "ResolutionRequest":
        """Str handle · int4 n · n × int4 · int4 m · m × str. Raises MalformedMessage."""
        reader = Reader(body)
        handle, indexes = reader.text(bytes_max=HANDLE_BYTES_MAX), _read_indexes(reader)
        count = reader.count(items_max=SELECTED_TYPES_MAX, item_bytes_min=_TEXT_BYTES_MIN)
        types = tuple(reader.text(bytes_max=VALUE_TYPE_BYTES_MAX) for _ in range(count))
        reader.finish()
        return cls(handle, indexes, types)

    def encode(self) -> bytes:
        """As `decode` reads it."""
        writer = Writer().text(self.handle)
        _write_indexes(writer, self.indexes)
        writer.int4(len(self.types))
        for name in self.types:
            writer.text(name)
        return writer.written()


class HandleValues(NamedTuple):
    """A handle with values: an answer to a resolution, a request to create, add or modify."""

    handle: str
    values: tuple[HandleValue, ...]

    @classmethod
    def decode(cls, body: bytes) -> "HandleValues":
        """Str handle · int4 n · n × value. Raises MalformedMessage."""
        reader = Reader(body)
        handle, values = reader.text(bytes_max=HANDLE_BYTES_MAX), read_values(reader)
        reader.finish()
        return cls(handle, values)

    def encode(self) -> bytes:
        """As `decode` reads it."""
        writer = Writer().text(self.handle)
        write_values(writer, self.values)
        return writer.written()


class HandleIndexes(NamedTuple):
    """A handle with indexes of values: a request to remove them."""

    handle: str
    indexes: tuple[int, ...]

    @classmethod
    def decode(cls, body: bytes) -> "HandleIndexes":
        """Str handle · int4 n · n × int4. Raises MalformedMessage."""
        reader = Reader(body)
        handle, indexes = reader.text(bytes_max=HANDLE_BYTES_MAX), _read_indexes(reader)
        reader.finish()
        return cls(handle, indexes)

    def encode(self) -> bytes:
        """As `decode` reads it."""
        writer = Writer().text(self.handle)
        _write_indexes(writer, self.indexes)
        return writer.written()


class Referral(NamedTuple):
    """Where to go on: a handle that tells of the service, or its values right here."""

    handle: str
    values: tuple[HandleValue, ...]

    @classmethod
    def decode(cls, body: bytes) -> "Referral":
        """Str handle · [int4 n · n × value]. Raises MalformedMessage."""
        reader = Reader(body)
        handle = reader.text(bytes_max=HANDLE_BYTES_MAX)
        values = read_values(reader) if reader.remaining else ()
        reader.finish()
        return cls(handle, values)

    def encode(self) -> bytes:
        """Without values the list is left away."""
        writer = Writer().text(self.handle)
        if self.values:
            write_values(writer, self.values)
        return writer.written()


def read_text_body(body: bytes) -> str:
    """A body of one str: the handle to delete or to list below, the message of an error; "" where there is none."""
    if not body:
        return ""
    reader = Reader(body)
    text = reader.text(bytes_max=MESSAGE_TEXT_BYTES_MAX)
    reader.finish()
    return text


def text_body(text: str) -> bytes:
    """As `read_text_body` reads it."""
    return Writer().text(text).written()


def handles_body(handles: Sequence[str]) -> bytes:
    """Int4 n · n × str: a part of a list."""
    writer = Writer().int4(len(handles))
    for handle in handles:
        writer.text(handle)
    return writer.written()


def read_handles_body(body: bytes) -> tuple[str, ...]:
    """As `handles_body` writes it. Raises MalformedMessage."""
    reader = Reader(body)
    count = reader.count(items_max=HANDLES_MAX, item_bytes_min=_TEXT_BYTES_MIN)
    handles = tuple(reader.text(bytes_max=HANDLE_BYTES_MAX) for _ in range(count))
    reader.finish()
    return handles


def _read_indexes(reader: Reader) -> tuple[int, ...]:
    count = reader.count(items_max=VALUES_MAX, item_bytes_min=_INDEX_BYTES)
    return tuple(reader.int4_signed() for _ in range(count))


def _write_indexes(writer: Writer, indexes: Sequence[int]) -> None:
    writer.int4(len(indexes))
    for index in indexes:
        writer.int4(index & 0xFFFF_FFFF)
