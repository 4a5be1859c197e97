"""Which requests are answered from their target alone: a strict look at everything that follows it. Pure.

What is not vetted goes to aiohttp, so a doubt costs time and nothing else. Nothing here may be looser than its parser.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from idnode.frontends.fastpath.field_lines import SINGLE_NAMES, field_lines, is_host, is_keep_alive, is_token

FIRST_LINE = b" HTTP/1.1\r\n"
LINES_REMEMBERED_MAX = 1024
NAMES_REMEMBERED_MAX = 256
"""Of up to 8,190 bytes each. Clients repeat most of their lines."""

REFUSED_NAMES = frozenset(
    {
        b"authorization", b"cookie", b"expect", b"http2-settings", b"origin", b"range", b"te", b"trailer",
        b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip
"""In lower case: what may change the answer, or where the request ends."""
REFUSED_BEGINNINGS = (b"access-control-request-", b"content-", b"if-", b"proxy-", b"sec-websocket-")

_QUALITY = rb"(?:[ \t]*;[ \t]*[qQ]=(?:1(?:\.0{1,3})?|0\.[0-9]{0,2}[1-9]))?"
_JSON = rb"application/json" + _QUALITY
_ACCEPT = re.compile(
    rb"[ \t]*(?:%b(?:[ \t]*,[ \t]*\*/\*%b)?|\*/\*%b)[ \t]*" % (_JSON, _QUALITY, _QUALITY), re.IGNORECASE
)
# As in frontends/request_ids.py.
_REQUEST_ID = re.compile(rb"[ \t]*[A-Za-z0-9._:-]{1,64}[ \t]*")

# What a line is, as a bit; a bit that was seen before may not come again, and _REFUSED counts as seen.
_ANY, _REFUSED, _HOST, _ACCEPTS, _CONNECTION = 0, 1, 2, 4, 8
_SINGLE = {name: 16 << place for place, name in enumerate(sorted(SINGLE_NAMES - {b"host"}))}
# The two whose values are wanted are above all others.
_HAS_REQUEST_ID, _HAS_FORWARDED = 1 << 20, 1 << 21
_BITS = _SINGLE | {
    b"host": _HOST,
    b"accept": _ACCEPTS,
    b"connection": _CONNECTION,
    b"x-request-id": _HAS_REQUEST_ID,
    b"x-forwarded-for": _HAS_FORWARDED,
}
_ALLOWED: dict[int, Callable[[bytes], object]] = {
    _HOST: is_host,
    _ACCEPTS: _ACCEPT.fullmatch,
    _CONNECTION: is_keep_alive,
    _HAS_REQUEST_ID: _REQUEST_ID.fullmatch,
}
_remembered: dict[bytes, int] = {}


class Vetted(NamedTuple):
    """What else the request says: its harmless X-Request-Id, and X-Forwarded-For, several lines of it joined."""

    request_id: bytes | None
    forwarded: bytes | None


PLAIN = Vetted(None, None)


def vet(block: bytes) -> Vetted | None:
    """A value when the request is plain: no body, no condition, kept alive, its answer the same for everyone.

    `block` is what follows `GET ` and the target: from the space before HTTP/1.1 up to and with the empty line.
    """
    lines = field_lines(block, len(FIRST_LINE)) if block.startswith(FIRST_LINE) else None
    if lines is None:
        return None
    seen, request_id, forwarded = _REFUSED, None, None
    for line in lines:
        bit = _remembered.get(line)
        if bit is None:
            bit = _bit_of(line)
        if bit:
            if bit & seen and bit != _HAS_FORWARDED:
                return None
            seen |= bit
            if bit == _HAS_REQUEST_ID:
                request_id = _value_of(line)
            elif bit == _HAS_FORWARDED:
                forwarded = _value_of(line) if forwarded is None else b"%b, %b" % (forwarded, _value_of(line))
    if not seen & _HOST:
        return None
    return Vetted(request_id, forwarded) if seen >= _HAS_REQUEST_ID else PLAIN


def _bit_of(line: bytes) -> int:
    name, colon, value = line.partition(b":")
    bit = _bit_of_name(name) if colon else _REFUSED
    is_allowed = _ALLOWED.get(bit)
    # What is refused is not remembered: it may be somebody's key.
    if bit == _REFUSED or (is_allowed is not None and not is_allowed(value)):
        return _REFUSED
    if len(_remembered) >= LINES_REMEMBERED_MAX:
        _remembered.clear()
    _remembered[line] = bit
    return bit


@lru_cache(maxsize=NAMES_REMEMBERED_MAX)
def _bit_of_name(name: bytes) -> int:
    folded = name.lower()
    if not is_token(name) or folded in REFUSED_NAMES or folded.startswith(REFUSED_BEGINNINGS):
        return _REFUSED
    return _BITS.get(folded, _ANY)


def _value_of(line: bytes) -> bytes:
    return line.partition(b":")[2].strip(b" \t")
