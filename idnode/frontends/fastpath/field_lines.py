"""Header lines as aiohttp's parser takes them without a doubt, and no others: pure."""

import re

HEAD_BYTES_MAX = 8_190
"""aiohttp's limit for one line and for one field; where the whole is within it, nobody has to measure the parts."""
LINE_ENDS_MAX = 120
"""aiohttp's parser in C takes 128 fields, the one in Python counts the lines around them as well."""
LINE_END = b"\r\n"
HEAD_END = b"\r\n\r\n"

SINGLE_NAMES = frozenset(
    {
        b"content-length", b"content-location", b"content-range", b"content-type", b"etag", b"host", b"max-forwards",
        b"server", b"transfer-encoding", b"user-agent",
    }
)  # fmt: skip
"""What aiohttp refuses when it comes twice, in lower case."""

# Visible ASCII, space and tab. aiohttp takes bytes beyond ASCII as well, but which text they are is not beyond doubt.
_PLAIN = bytes((0x09, *range(0x20, 0x7F)))
# By what remains of a head without them: how many header lines it has.
_HEADER_LINES = {LINE_END * count: count - 2 for count in range(3, LINE_ENDS_MAX + 1)}
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HOST = re.compile(rb"[ \t]*[0-9A-Za-z._\-:\[\]]+[ \t]*")
_KEEP_ALIVE = re.compile(rb"[ \t]*keep-alive[ \t]*", re.IGNORECASE)


def field_lines(head: bytes, begin: int) -> list[bytes] | None:
    """The lines of a head from `begin`, where its first header line begins, to the empty line that ends it.

    None when a line has another end than CR LF, a byte beside visible ASCII, space and tab, or when it is too much.
    What the lines say is for `is_token` and its like to look at.
    """
    if len(head) > HEAD_BYTES_MAX or not head.endswith(HEAD_END):
        return None
    lines = head[begin:-4].split(LINE_END)
    # A CR somewhere and an LF later on remain like a line end, but do not divide lines.
    return lines if _HEADER_LINES.get(head.translate(None, _PLAIN)) == len(lines) else None


def is_token(name: bytes) -> bool:
    """Whether it is a field name (RFC 9110 §5.1): not empty, no space before or after it."""
    return _TOKEN.fullmatch(name) is not None


def is_host(value: bytes) -> bool:
    """Whether it is one name or address, with or without a port; spaces around it are allowed, nothing is not."""
    return _HOST.fullmatch(value) is not None


def is_keep_alive(value: bytes) -> bool:
    """Whether a Connection header says nothing but what HTTP/1.1 does anyway."""
    return _KEEP_ALIVE.fullmatch(value) is not None
