"""What lenient JSON readers let pass: a member given twice, of which each reader believes another one, and NaN.

RFC 8259 §4 leaves open what a repeated name means, RFC 7493 §2.3 forbids it; NaN and Infinity are no JSON at all.
"""

from collections.abc import Iterable
from json import JSONDecoder

import orjson

from idnode.model.errors import Violation, pointer_of

_Path = tuple[int | str, ...]
_Pairs = list[tuple[str, object]]


_ESCAPED_DIGIT_OR_COLON = b"\\u003"


class _Loose(ValueError):
    """Raised at the first thing that strict JSON has not."""


class _Constant(str):
    """NaN, Infinity or -Infinity, found in a document."""

    __slots__ = ()


def looseness(document: str) -> Violation | None:
    """Where `document`, which a JSON reader has taken, is no strict JSON, or None. Its depth must be bounded."""
    try:
        _CHECKING.decode(document)
    except _Loose:
        # Where it is, is asked only now: the first reading keeps nothing, which makes it cheap for what is in order.
        return _found(_KEEPING.decode(document), ())
    return None


def is_surely_strict(document: bytes, read: object) -> bool:
    """Whether `document`, which orjson has read as `read`, is beyond doubt strict JSON; False proves nothing.

    orjson takes no NaN. A member has one colon; one that was given twice is read once, and its colon is missing when
    what was read is written again. Colons in strings stay, unless they were escaped.
    """
    if _ESCAPED_DIGIT_OR_COLON in document:
        return False
    try:
        written = orjson.dumps(read)
    except orjson.JSONEncodeError:  # deeper than it writes
        return False
    return written.count(b":") == document.count(b":")


def _require_once(pairs: _Pairs) -> None:
    if len(pairs) > 1 and len(dict(pairs)) < len(pairs):
        raise _Loose


def _refuse_constant(name: str) -> None:
    raise _Loose(name)


_CHECKING = JSONDecoder(object_pairs_hook=_require_once, parse_constant=_refuse_constant)
_KEEPING = JSONDecoder(object_pairs_hook=tuple, parse_constant=_Constant)


def _found(value: object, path: _Path) -> Violation | None:
    match value:
        case _Constant():
            return Violation(pointer_of(path), "json", f"{value} is no JSON number", str(value))
        case tuple():
            return _found_twice(value, path) or _found_among(value, path)
        case list():
            return _found_among(enumerate(value), path)
    return None


def _found_twice(pairs: tuple[tuple[str, object], ...], path: _Path) -> Violation | None:
    names: set[str] = set()
    for name, _ in pairs:
        if name in names:
            return Violation(pointer_of((*path, name)), "given-twice", "this member is given twice")
        names.add(name)
    return None


def _found_among(members: Iterable[tuple[int | str, object]], path: _Path) -> Violation | None:
    for step, inner in members:
        found = _found(inner, (*path, step))
        if found is not None:
            return found
    return None
