"""The typed values and the `format` under which each stands in JSON; a new type is one file and one row here."""

from typing import Protocol, Self

from idnode.wire.json_reader import JsonReader
from idnode.wire.typed_values.hs_admin import HsAdmin
from idnode.wire.typed_values.hs_pubkey import HsPubkey
from idnode.wire.typed_values.hs_site import HsSite
from idnode.wire.typed_values.hs_vlist import HsVlist


class TypedValue(Protocol):
    """What every file of this package provides."""

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Raises MalformedMessage, and nothing else, when `data` are not of this type."""

    def encode(self) -> bytes:
        """The bytes that HANDLE.NET writes for this value."""

    def to_json(self) -> object | None:
        """The JSON form, or None where it could not carry everything."""

    @classmethod
    def from_json(cls, reader: JsonReader) -> Self:
        """The inverse of `to_json`, strict; what is wrong is noted in `reader`, and the stand-ins can be encoded."""


TYPED_VALUES: dict[str, type[TypedValue]] = {
    "HS_ADMIN": HsAdmin,
    "HS_VLIST": HsVlist,
    "HS_PUBKEY": HsPubkey,
    "HS_SITE": HsSite,
}
"""By the type of the value that holds them, folded."""

JSON_FORMATS: dict[str, type[TypedValue]] = {
    "admin": HsAdmin,
    "vlist": HsVlist,
    "key": HsPubkey,
    "site": HsSite,
}
"""By `format` (handle-protocol.md §2)."""

FORMAT_OF: dict[type[TypedValue], str] = {kind: name for name, kind in JSON_FORMATS.items()}
"""The inverse of JSON_FORMATS."""
