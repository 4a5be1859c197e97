"""Handle values from JSON: what a client sent, strictly, all faults at once; what we stored, trusting it (§2)."""

import binascii
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from idnode.model.handle_value import (
    PERMISSIONS_DEFAULT,
    TTL_DEFAULT,
    HandleValue,
    Permission,
    Reference,
    TimeToLive,
)
from idnode.model.identifier import fold
from idnode.model.limits import (
    TTL_SECONDS_MAX,
    VALUE_DATA_BYTES_MAX,
    VALUE_INDEX_MAX,
    VALUE_REFERENCES_MAX,
    VALUE_TYPE_BYTES_MAX,
    VALUES_MAX,
)
from idnode.wire.handle_json import permissions_of
from idnode.wire.iso_time import moment_of
from idnode.wire.json_reader import JsonReader
from idnode.wire.reference import reference_from_json
from idnode.wire.typed_values.catalogue import JSON_FORMATS, TypedValue

_REQUIRED = ("index", "type", "data")
_OPTIONAL = ("ttl", "permissions", "timestamp", "references")
_FOUR_DIGITS = re.compile(r"[01]{4}")
_SECKEY = "HS_SECKEY"
_ISO_BYTES_MAX = len("2033-05-18T11:33:20+08:00")
_ABSOLUTE_TTL_MAX = 0xFFFF_FFFF
"""Unix seconds that fit the four bytes of the wire."""
_UTF_8_BYTES_MAX = 4
"""Bytes of a character (RFC 3629 §3)."""
_PLAIN_TYPE_CHARACTERS_MAX = VALUE_TYPE_BYTES_MAX // _UTF_8_BYTES_MAX
_PLAIN_DATA_CHARACTERS_MAX = VALUE_DATA_BYTES_MAX // _UTF_8_BYTES_MAX
"""Text that is within the limits whatever its characters."""


def values_from_json(document: object, *, now: datetime, pointer: str = "/values") -> tuple[HandleValue, ...]:
    """The array of values that a client sent, stamped `now`; `pointer` says where in the body it stands.

    Raises InvalidInput with the violations of all values (limits.VIOLATIONS_MAX at most).
    """
    second = _whole_second(now)
    plain = _plain_values(document, second)
    return plain if plain is not None else _values_from_any(document, second, pointer)


def _values_from_any(document: object, second: datetime, pointer: str) -> tuple[HandleValue, ...]:
    reader = JsonReader(document, pointer)
    items = reader.items(items_max=VALUES_MAX)
    values = []
    taken: set[int] = set()
    for item in items:
        value = _read_value(item, second)
        if value.index in taken:
            item.member("index").refuse("unique-index", f"Index conflict for {value.index}")
        # A refused index reads as 0: two of those are no conflict.
        if value.index:
            taken.add(value.index)
        values.append(value)
    reader.raise_refusals()
    return tuple(values)


def value_from_json(document: object, *, now: datetime, pointer: str = "") -> HandleValue:
    """One value as above. Raises InvalidInput with all its violations."""
    reader = JsonReader(document, pointer)
    value = _read_value(reader, _whole_second(now))
    reader.raise_refusals()
    return value


def values_from_stored(document: Iterable[dict[str, Any]]) -> tuple[HandleValue, ...]:
    """What `values_to_json` wrote, timestamps included and data to the byte; checks no limits."""
    return tuple(_value_from_stored(item) for item in document)


def _whole_second(now: datetime) -> datetime:
    moment = now.astimezone(UTC)
    # A third of the time of datetime.replace.
    return moment - timedelta(0, 0, moment.microsecond)


def _plain_values(document: object, second: datetime) -> tuple[HandleValue, ...] | None:
    """What the reader would make of values that are all plain, in a fraction of its time; None for what is not."""
    if type(document) is not list or len(document) > VALUES_MAX:
        return None
    values: list[HandleValue] = []
    taken: set[int] = set()
    for item in document:
        value = _plain_value(item, second) if type(item) is dict else None
        if value is None or value.index in taken:
            return None
        taken.add(value.index)
        values.append(value)
    return tuple(values)


def _plain_value(item: dict[object, object], second: datetime) -> HandleValue | None:
    """A value of index, type, data as text and perhaps ttl in seconds; no limit is near it."""
    index, kind, data = item.get("index"), item.get("type"), item.get("data")
    if type(index) is not int or not 1 <= index <= VALUE_INDEX_MAX or type(kind) is not str:
        return None
    if not (kind and kind.isprintable() and len(kind) <= _PLAIN_TYPE_CHARACTERS_MAX):
        return None
    if type(data) is dict:
        data = data.get("value") if len(data) == 2 and data.get("format") == "string" else None
    # What is printable is plain text, and well-formed.
    if type(data) is not str or len(data) > _PLAIN_DATA_CHARACTERS_MAX or not data.isprintable():
        return None
    if len(item) == 3:
        return HandleValue(index, kind, data.encode(), second)
    ttl = item.get("ttl")
    if len(item) > 4 or type(ttl) is not int or not 0 <= ttl <= TTL_SECONDS_MAX:
        return None
    return HandleValue(index, kind, data.encode(), second, TimeToLive(ttl))


def _read_value(reader: JsonReader, timestamp: datetime) -> HandleValue:
    reader.members(required=_REQUIRED, optional=_OPTIONAL)
    if reader.has("timestamp"):
        # It is taken so that a record can be sent back as it was read; the server sets its own (§1.3).
        _read_moment(reader.member("timestamp"), "must be a date such as 2033-05-18T03:33:20Z")
    value_type = reader.member("type").name(bytes_max=VALUE_TYPE_BYTES_MAX)
    data = reader.member("data")
    return HandleValue(
        index=reader.member("index").integer(minimum=1, maximum=VALUE_INDEX_MAX),
        type=value_type,
        data=_read_data(data.hiding_values() if fold(value_type) == _SECKEY else data),
        timestamp=timestamp,
        ttl=_read_ttl(reader.member("ttl")) if reader.has("ttl") else TTL_DEFAULT,
        permissions=(
            _read_permissions(reader.member("permissions")) if reader.has("permissions") else PERMISSIONS_DEFAULT
        ),
        references=_read_references(reader.member("references")) if reader.has("references") else (),
    )


def _read_references(reader: JsonReader) -> tuple[Reference, ...]:
    return tuple(reference_from_json(item) for item in reader.items(items_max=VALUE_REFERENCES_MAX))


def _read_ttl(reader: JsonReader) -> TimeToLive:
    if not reader.is_text:
        return TimeToLive(reader.integer(minimum=0, maximum=TTL_SECONDS_MAX))
    moment = _read_moment(reader, "must be seconds, or a date such as 2033-05-18T03:33:20Z")
    if moment is None:
        return TimeToLive()
    second = int(moment.timestamp())
    if not 0 <= second <= _ABSOLUTE_TTL_MAX:
        reader.refuse(
            "range", "must lie between 1970-01-01T00:00:00Z and 2106-02-07T06:28:15Z: four bytes hold no more"
        )
    return TimeToLive(second, is_absolute=True)


def _read_moment(reader: JsonReader, detail: str) -> datetime | None:
    moment = moment_of(reader.text(bytes_max=_ISO_BYTES_MAX))
    if moment is None:
        reader.refuse("date-time", detail)
    return moment


def _read_permissions(reader: JsonReader) -> Permission:
    detail = "must be four binary digits for admin read, admin write, public read, public write, such as 1110"
    return permissions_of(reader.matching(_FOUR_DIGITS, detail, instead="1110"))


def _read_data(reader: JsonReader) -> bytes:
    if reader.is_text:
        # §2: "a bare JSON string" means format `string`.
        return _read_string(reader)
    reader.members(required=("format", "value"))
    read = reader.member("format").choice(_FORMATS)
    return b"" if read is None else read(reader.member("value"))


def _read_string(reader: JsonReader) -> bytes:
    return reader.plain_text(bytes_max=VALUE_DATA_BYTES_MAX, instead="; send such data in format base64").encode()


def _read_base64(reader: JsonReader) -> bytes:
    return reader.base64(bytes_max=VALUE_DATA_BYTES_MAX)


def _read_hex(reader: JsonReader) -> bytes:
    return reader.hexadecimal(bytes_max=VALUE_DATA_BYTES_MAX)


def _typed(kind: type[TypedValue]) -> Callable[[JsonReader], bytes]:
    def read(reader: JsonReader) -> bytes:
        data = kind.from_json(reader).encode()
        return data if reader.fits(len(data), bytes_max=VALUE_DATA_BYTES_MAX) else b""

    return read


_FORMATS: dict[str, Callable[[JsonReader], bytes]] = {
    "string": _read_string,
    "base64": _read_base64,
    "hex": _read_hex,
    **{name: _typed(kind) for name, kind in JSON_FORMATS.items()},
}


def _value_from_stored(document: dict[str, Any]) -> HandleValue:
    return HandleValue(
        index=document["index"],
        type=document["type"],
        data=_data_from_stored(document["data"]),
        timestamp=datetime.fromisoformat(document["timestamp"]),
        ttl=_ttl_from_stored(document["ttl"]),
        permissions=permissions_of(document["permissions"]) if "permissions" in document else PERMISSIONS_DEFAULT,
        references=tuple(Reference(item["handle"], item["index"]) for item in document.get("references", ())),
    )


def _ttl_from_stored(ttl: int | str) -> TimeToLive:
    if isinstance(ttl, int):
        return TimeToLive(ttl)
    return TimeToLive(int(datetime.fromisoformat(ttl).timestamp()), is_absolute=True)


def _data_from_stored(document: dict[str, Any]) -> bytes:
    value = document["value"]
    match document["format"]:
        case "string":
            return bytes(value, "utf-8")
        case "base64":
            return binascii.a2b_base64(value)
        case name:
            reader = JsonReader(value)
            typed = JSON_FORMATS[name].from_json(reader)
            reader.raise_refusals()
            return typed.encode()
