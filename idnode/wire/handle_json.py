"""Handle values in the JSON of the REST interface, which is also the form that is stored (handle-protocol.md §2)."""

from collections.abc import Sequence

import orjson

from idnode.model.errors import MalformedInput, shown
from idnode.model.handle_value import PERMISSIONS_DEFAULT, HandleValue, Permission
from idnode.model.identifier import fold
from idnode.wire.cursor import MalformedMessage
from idnode.wire.encoded_bytes import base64_of
from idnode.wire.iso_time import iso_seconds, iso_time
from idnode.wire.plain_text import is_plain
from idnode.wire.reference import reference_to_json
from idnode.wire.typed_values.catalogue import FORMAT_OF, TYPED_VALUES

_TEXT_OF = tuple(f"{bits:04b}" for bits in range(16))
_TYPED_BEGINNINGS = frozenset(a + b + "_" for a in "Hh" for b in "Ss")
_BY_TEXT = {text: Permission(bits) for bits, text in enumerate(_TEXT_OF)}


def permissions_text(permissions: Permission) -> str:
    """Admin read, admin write, public read, public write as digits: "1110" unless said otherwise."""
    return _TEXT_OF[int(permissions) & 0xF]


def permissions_of(text: str) -> Permission:
    """The inverse of `permissions_text`. Raises MalformedInput."""
    try:
        return _BY_TEXT[text]
    except KeyError:
        raise MalformedInput(f"permissions are four binary digits such as 1110, not '{shown(text)}'") from None


def values_to_json(values: Sequence[HandleValue]) -> bytes:
    """The JSON array of the values, in their order."""
    return orjson.dumps([value_to_json(value) for value in values])


def value_to_json(value: HandleValue) -> dict[str, object]:
    """One value; `permissions` only when they are not 1110, `references` only when there are some."""
    index, kind, data, timestamp, ttl, permissions, references = value
    document: dict[str, object] = {
        "index": index,
        "type": kind,
        "data": data_to_json(kind, data),
        "ttl": iso_seconds(ttl.seconds) if ttl.is_absolute else ttl.seconds,
    }
    # Most values have the very object; comparing flags costs several times as much.
    if permissions is not PERMISSIONS_DEFAULT and permissions != PERMISSIONS_DEFAULT:
        document["permissions"] = permissions_text(permissions)
    document["timestamp"] = iso_time(timestamp)
    if references:
        document["references"] = [reference_to_json(reference) for reference in references]
    return document


def data_to_json(value_type: str, data: bytes) -> dict[str, object]:
    """`{"format": …, "value": …}` in the most telling format that gives back exactly these bytes. Never fails."""
    # Few values are typed ones: the rest is told from them by its first characters, without folding.
    typed = _typed_to_json(value_type, data) if value_type[:3] in _TYPED_BEGINNINGS else None
    if typed is not None:
        return typed
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"format": "base64", "value": base64_of(data)}
    if text.isprintable() or is_plain(text):
        return {"format": "string", "value": text}
    return {"format": "base64", "value": base64_of(data)}


def _typed_to_json(value_type: str, data: bytes) -> dict[str, object] | None:
    kind = TYPED_VALUES.get(fold(value_type))
    if kind is None:
        return None
    try:
        value = kind.decode(data)
    except MalformedMessage:
        return None
    # Bytes that the typed form would not give back (an RSA key without its unused bytes) go as base64: the digests of
    # HS_SIGNATURE cover the data as they are (§4).
    if value.encode() != data:
        return None
    document = value.to_json()
    return None if document is None else {"format": FORMAT_OF[kind], "value": document}
