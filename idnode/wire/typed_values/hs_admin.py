"""HS_ADMIN: who administers an identifier, and what that administrator may do (handle-protocol.md §1.5)."""

import re
from dataclasses import dataclass
from enum import IntFlag
from typing import Self

from idnode.model.handle_value import Reference
from idnode.model.limits import VALUE_INDEX_MAX
from idnode.wire.cursor import HANDLE_BYTES_MAX, Reader, Writer
from idnode.wire.json_reader import JsonReader
from idnode.wire.reference import is_writable_in_json

_LEGACY_PADDING_BYTES = 2
_PERMISSION_DIGITS = re.compile(r"[01]{12}")
_DECIMAL = re.compile(r"[0-9]{1,10}")


class AdminPermission(IntFlag):
    """The twelve rights, with their bits on the wire."""

    ADD_HANDLE = 0x0001
    DELETE_HANDLE = 0x0002
    ADD_DERIVED_PREFIX = 0x0004
    DELETE_DERIVED_PREFIX = 0x0008
    MODIFY_VALUE = 0x0010
    REMOVE_VALUE = 0x0020
    ADD_VALUE = 0x0040
    MODIFY_ADMIN = 0x0080
    REMOVE_ADMIN = 0x0100
    ADD_ADMIN = 0x0200
    READ_VALUE = 0x0400
    LIST_HANDLES = 0x0800


ADMIN_PERMISSIONS_ALL = AdminPermission(0x0FFF)


@dataclass(frozen=True, slots=True)
class HsAdmin:
    """The administrator is the key in value `index` of `handle` (index 0: in any of its values).

    `has_legacy_length`: old writers end the data with two zero bytes; kept, so that the bytes stay what was signed.
    """

    permissions: AdminPermission
    handle: str
    index: int
    has_legacy_length: bool = False

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Int2 permissions · str handle · int4 index. Raises MalformedMessage."""
        reader = Reader(data)
        permissions = AdminPermission(reader.int2())
        handle = reader.text(bytes_max=HANDLE_BYTES_MAX)
        index = reader.int4()
        has_legacy_length = reader.remaining == _LEGACY_PADDING_BYTES
        reader.finish(padding_bytes=_LEGACY_PADDING_BYTES)
        return cls(permissions, handle, index, has_legacy_length)

    def encode(self) -> bytes:
        """As `decode` reads it."""
        writer = Writer().int2(self.permissions).text(self.handle).int4(self.index)
        if self.has_legacy_length:
            writer.raw(bytes(_LEGACY_PADDING_BYTES))
        return writer.written()

    def to_json(self) -> dict[str, object] | None:
        """Format `admin` of §2; None when a right outside the twelve is set or the handle is no name."""
        if self.permissions > ADMIN_PERMISSIONS_ALL or not is_writable_in_json(Reference(self.handle, self.index)):
            return None
        document: dict[str, object] = {
            "handle": self.handle,
            "index": self.index,
            "permissions": f"{self.permissions:012b}",
        }
        if self.has_legacy_length:
            # HANDLE.NET's own member; without it the bytes would come back two shorter.
            document["legacyByteLength"] = True
        return document

    @classmethod
    def from_json(cls, reader: JsonReader) -> Self:
        """Strict but for the index, which may be decimal text: pyhandle sends "200" for its default administrator."""
        reader.members(required=("handle", "index", "permissions"), optional=("legacyByteLength",))
        permissions = reader.member("permissions").matching(
            _PERMISSION_DIGITS, "must be 12 binary digits, from list handles to add handle", instead="0"
        )
        return cls(
            permissions=AdminPermission(int(permissions, 2)),
            handle=reader.member("handle").name(bytes_max=HANDLE_BYTES_MAX),
            index=_read_index(reader.member("index")),
            has_legacy_length=reader.has("legacyByteLength") and reader.member("legacyByteLength").boolean(),
        )


def _read_index(reader: JsonReader) -> int:
    if not reader.is_text:
        return reader.integer(minimum=0, maximum=VALUE_INDEX_MAX)
    index = int(reader.matching(_DECIMAL, "must be an integer", instead="0"))
    if index > VALUE_INDEX_MAX:
        reader.refuse("range", f"must be at most {VALUE_INDEX_MAX}", limit=str(VALUE_INDEX_MAX))
        return 0
    return index
