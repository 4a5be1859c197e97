"""What a JSON value may be here: its kind in words, clean text, safe numbers, bounded depth (RFC 8259, RFC 7493)."""

import math
import re

INTEGER_MAX = 2**53
"""Largest magnitude of an integer: readers that hold numbers as IEEE 754 doubles lose digits beyond (RFC 7493 §2.2)."""
JSON_DEPTH_MAX = 32
"""How many arrays and objects may surround a value."""

_UNCLEAN = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_KINDS = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a number"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
)


def kind_of(value: object) -> str:
    """The JSON kind of `value` with its article, or the name of a Python type that JSON does not have."""
    if value is None:
        return "null"
    return next((kind for type_, kind in _KINDS if isinstance(value, type_)), type(value).__name__)


def text_problem(text: str) -> str | None:
    """The first control character (tab, line ends and bidirectional ones too) or lone surrogate of `text`, or None."""
    found = _UNCLEAN.search(text)
    if found is None:
        return None
    kind = "a lone surrogate" if found[0] >= "\ud800" else "a control character"
    return f"holds {kind}: U+{ord(found[0]):04X} at character {found.start()}"


def json_problem(value: object) -> str | None:
    """Why `value` cannot stand in a JSON document that every reader understands alike, or None; null is a value."""
    level = [value]
    for _ in range(JSON_DEPTH_MAX + 1):
        problem = next((found for part in level if (found := _shallow_problem(part)) is not None), None)
        if problem is not None or not level:
            return problem
        level = [inner for part in level for inner in _parts(part)]
    return f"is nested deeper than {JSON_DEPTH_MAX} levels" if level else None


def _parts(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    return [*value.keys(), *value.values()] if isinstance(value, dict) else []


def _shallow_problem(value: object) -> str | None:
    if isinstance(value, str):
        return text_problem(value)
    if isinstance(value, float):
        return None if math.isfinite(value) else "holds a number that is not finite"
    if isinstance(value, int):
        return None if abs(value) <= INTEGER_MAX else "holds an integer beyond ±2^53, where JSON readers lose digits"
    if isinstance(value, dict):
        return None if all(isinstance(name, str) for name in value) else "holds an object whose names are not all text"
    return None if value is None or isinstance(value, list) else f"holds {kind_of(value)}, which JSON does not have"
