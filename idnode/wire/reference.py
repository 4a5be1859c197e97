"""A reference (handle and value index) in bytes and in JSON, as values, HS_VLIST and others hold it (§1.3, §1.5)."""

from idnode.model.handle_value import Reference
from idnode.model.limits import VALUE_INDEX_MAX
from idnode.wire.cursor import HANDLE_BYTES_MAX, Reader, Writer
from idnode.wire.json_reader import JsonReader
from idnode.wire.plain_text import is_name

REFERENCE_BYTES_MIN = 8
"""An empty handle and an index."""


def read_reference(reader: Reader) -> Reference:
    """Str handle · int4 index. Raises MalformedMessage."""
    return Reference(handle=reader.text(bytes_max=HANDLE_BYTES_MAX), index=reader.int4())


def write_reference(writer: Writer, reference: Reference) -> None:
    """Str handle · int4 index."""
    writer.text(reference.handle).int4(reference.index)


def reference_to_json(reference: Reference) -> dict[str, object]:
    """`{"handle": …, "index": …}`."""
    return {"handle": reference.handle, "index": reference.index}


def reference_from_json(reader: JsonReader) -> Reference:
    """Strict; index 0 means any value of the handle."""
    reader.members(required=("handle", "index"))
    return Reference(
        handle=reader.member("handle").name(bytes_max=HANDLE_BYTES_MAX),
        index=reader.member("index").integer(minimum=0, maximum=VALUE_INDEX_MAX),
    )


def is_writable_in_json(reference: Reference) -> bool:
    """Whether `reference_from_json` would take it back."""
    return is_name(reference.handle) and reference.index <= VALUE_INDEX_MAX
