"""One JSON document of many, read strictly and fast: what any reader would make of it, or why readers would differ."""

import json

import orjson

from idnode.model.errors import MalformedInput, Violation, shown
from idnode.wire.strict_json import is_surely_strict, looseness

DEPTH_MAX = 64
"""How deep arrays and objects may lie; what the node takes anywhere is half as deep."""
_DIGITS = bytes(ord("0") if chr(octet).isascii() and chr(octet).isdigit() else octet for octet in range(256))
_LONG_NUMBER = b"0" * 19
"""An integer of 64 bits has 19 digits at least; the quick reader makes a float of a longer one."""


def read_document(octets: bytes) -> object:
    """The document. Raises MalformedInput for what is no JSON, holds a member twice, or is nested too deep."""
    try:
        document: object = orjson.loads(octets)
    except orjson.JSONDecodeError as error:
        detail = f"is no JSON: {error}"
        raise MalformedInput(detail, violations=(Violation("", "json", detail, _seen(octets)),)) from None
    if is_surely_strict(octets, document) and not may_hold_long_numbers(octets):
        return document
    _require_depth(document)
    text = octets.decode()
    loose = looseness(text)
    if loose is not None:
        raise MalformedInput(f"{loose.pointer}: {loose.detail}", violations=(loose,))
    # As exact as the text: the standard reader knows no limit to integers.
    return json.loads(text) if may_hold_long_numbers(octets) else document


def may_hold_long_numbers(octets: bytes) -> bool:
    """Whether there are so many digits in a row as no integer of 64 bits has; in a string, mostly."""
    return _LONG_NUMBER in octets.translate(_DIGITS)


def _require_depth(document: object) -> None:
    level = [document]
    for _ in range(DEPTH_MAX + 1):
        if not level:
            return
        level = [inner for part in level for inner in _parts(part)]
    detail = f"is nested deeper than {DEPTH_MAX} levels"
    raise MalformedInput(detail, violations=(Violation("", "max-depth", detail, limit=f"{DEPTH_MAX} levels"),))


def _parts(value: object) -> list[object]:
    if isinstance(value, dict):
        return [inner for inner in value.values() if isinstance(inner, dict | list)]
    return [inner for inner in value if isinstance(inner, dict | list)] if isinstance(value, list) else []


def _seen(octets: bytes) -> str:
    return shown(octets[:256].decode(errors="replace"))
