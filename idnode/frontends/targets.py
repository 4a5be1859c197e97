"""The target of a request: percent-encoding is decoded once and strictly, so that nobody reads another name in it."""

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from idnode.model.errors import InvalidInput, MalformedInput, Violation, pointer_of, shown

_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})", re.ASCII)


def decode_percent(raw: str, *, place: str = "path") -> str:
    """The text. Raises MalformedInput for a `%` without two hexadecimal digits, and for what is not UTF-8 or ASCII."""
    if not raw.isascii():
        # Unescaped bytes arrive as surrogates or worse; a URI is ASCII (RFC 3986 §2).
        detail = f"the {place} has bytes beyond ASCII that are not percent-encoded"
        raise _malformed(place, "ascii", detail, raw)
    broken = _BROKEN.search(raw)
    if broken is not None:
        escape = shown(raw[broken.start() : broken.start() + 3])
        detail = f"'{escape}' is no percent-encoding; a % itself is sent as %25"
        raise _malformed(place, "percent-encoding", detail, raw)
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise _malformed(place, "utf-8", f"percent-encoded bytes in the {place} are not UTF-8", raw) from None


def query_members(raw: str) -> dict[str, object]:
    """The parameters of a query string. Raises MalformedInput as above, InvalidInput when one is given twice."""
    members: dict[str, object] = {}
    for name, value in _pairs(raw):
        if name in members:
            detail = f"query parameter {shown(name)} is given twice"
            raise InvalidInput.of([Violation(pointer_of((name,)), "given-twice", detail, shown(value))])
        members[name] = value
    return members


def require_no_fragment(raw: str) -> None:
    """Raises MalformedInput: clients keep a fragment to themselves; what was meant is another path, with %23 in it."""
    if raw:
        detail = "a # is no part of a request's target; in a path it is sent as %23"
        raise _malformed("path", "no-fragment", detail, raw)


def _pairs(raw: str) -> Iterator[tuple[str, str]]:
    for part in raw.split("&"):
        name, _, value = part.replace("+", " ").partition("=")
        if part:
            yield decode_percent(name, place="query"), decode_percent(value, place="query")


def _malformed(place: str, rule: str, detail: str, raw: str) -> MalformedInput:
    return MalformedInput(detail, violations=(Violation(place, rule, detail, shown(raw)),))
