"""Handle values in bytes (RFC 3651 §3.1; handle-protocol.md §1.3)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from struct import Struct

from idnode.model.handle_value import TTL_DEFAULT, HandleValue, Permission, TimeToLive
from idnode.model.limits import VALUE_REFERENCES_MAX, VALUE_TYPE_BYTES_MAX, VALUES_MAX
from idnode.wire.cursor import MalformedMessage, Reader, Writer
from idnode.wire.reference import REFERENCE_BYTES_MIN, read_reference, write_reference

VALUE_BYTES_MIN = 26
DATA_BYTES_MAX = 1_048_576
"""As the protocol has it; what a record may hold is less, and the registry's to say."""
UNSIGNED_BYTES = 8
"""Index and timestamp: what a digest over a value leaves out (§4)."""

_FIXED = Struct(">iIBIB")
_PERMISSIONS = 0x0F


def write_value(writer: Writer, value: HandleValue) -> None:
    """Index · timestamp · ttl type · ttl · permissions · type · data · references."""
    ttl = value.ttl
    writer.raw(
        _FIXED.pack(value.index, _second_of(value.timestamp), ttl.is_absolute, ttl.seconds, int(value.permissions))
    )
    writer.text(value.type).octets(value.data).int4(len(value.references))
    for reference in value.references:
        write_reference(writer, reference)


def write_values(writer: Writer, values: Iterable[HandleValue]) -> None:
    """Their number, then each."""
    listed = tuple(values)
    writer.int4(len(listed))
    for value in listed:
        write_value(writer, value)


def value_bytes(value: HandleValue) -> bytes:
    """One value by itself."""
    writer = Writer()
    write_value(writer, value)
    return writer.written()


def read_value(reader: Reader) -> HandleValue:
    """Raises MalformedMessage. The index may be 0 or less: what it must be is told by the code for invalid values."""
    index, timestamp, ttl_type = reader.int4_signed(), reader.int4(), reader.int1()
    if ttl_type > 1:
        raise MalformedMessage(f"ttl type {ttl_type}, known are 0 and 1", offset=reader.offset - 1)
    seconds = reader.int4()
    permissions = Permission(reader.int1() & _PERMISSIONS)
    name = reader.text(bytes_max=VALUE_TYPE_BYTES_MAX)
    data = reader.octets(bytes_max=DATA_BYTES_MAX)
    count = reader.count(items_max=VALUE_REFERENCES_MAX, item_bytes_min=REFERENCE_BYTES_MIN)
    references = tuple(read_reference(reader) for _ in range(count))
    ttl = TimeToLive(seconds, is_absolute=ttl_type == 1)
    moment = datetime.fromtimestamp(timestamp, UTC)
    return HandleValue(index, name, data, moment, TTL_DEFAULT if ttl == TTL_DEFAULT else ttl, permissions, references)


def read_values(reader: Reader) -> tuple[HandleValue, ...]:
    """Raises MalformedMessage."""
    count = reader.count(items_max=VALUES_MAX, item_bytes_min=VALUE_BYTES_MIN)
    return tuple(read_value(reader) for _ in range(count))


def _second_of(moment: datetime) -> int:
    return min(max(int(moment.timestamp()), 0), 0xFFFF_FFFF)
