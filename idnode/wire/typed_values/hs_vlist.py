"""HS_VLIST: a list of values, used as a group of administrators (handle-protocol.md §1.5)."""

from dataclasses import dataclass
from typing import Self

from idnode.model.handle_value import Reference
from idnode.wire.cursor import Reader, Writer
from idnode.wire.json_reader import JsonReader
from idnode.wire.reference import (
    REFERENCE_BYTES_MIN,
    is_writable_in_json,
    read_reference,
    reference_from_json,
    reference_to_json,
    write_reference,
)

VLIST_MEMBERS_MAX = 8_192
"""As many of the shortest as the data of one value can hold."""


@dataclass(frozen=True, slots=True)
class HsVlist:
    """The members, in order; index 0 stands for any value of that handle."""

    members: tuple[Reference, ...]

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Int4 n · n × (str handle · int4 index). Raises MalformedMessage."""
        reader = Reader(data)
        count = reader.count(items_max=VLIST_MEMBERS_MAX, item_bytes_min=REFERENCE_BYTES_MIN)
        members = tuple(read_reference(reader) for _ in range(count))
        reader.finish()
        return cls(members)

    def encode(self) -> bytes:
        """As `decode` reads it."""
        writer = Writer().int4(len(self.members))
        for member in self.members:
            write_reference(writer, member)
        return writer.written()

    def to_json(self) -> list[dict[str, object]] | None:
        """Format `vlist` of §2: `[{"handle": …, "index": …}]`; None when a handle is no name."""
        if not all(is_writable_in_json(member) for member in self.members):
            return None
        return [reference_to_json(member) for member in self.members]

    @classmethod
    def from_json(cls, reader: JsonReader) -> Self:
        """Strict inverse of `to_json`."""
        return cls(tuple(reference_from_json(item) for item in reader.items(items_max=VLIST_MEMBERS_MAX)))
