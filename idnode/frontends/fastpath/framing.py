"""Where a request and its answer end: for exchanges that are aiohttp's, so that the connection can come back. Pure."""

import re
from functools import lru_cache

from idnode.frontends.fastpath.field_lines import (
    HEAD_END,
    SINGLE_NAMES,
    field_lines,
    is_host,
    is_keep_alive,
    is_token,
)

ANSWER_HEAD_BYTES_MAX = 65_536
"""None of our own answers has a head of this size."""
NAMES_REMEMBERED_MAX = 256

DOUBTFUL_NAMES = frozenset({b"content-encoding", b"expect", b"http2-settings", b"transfer-encoding", b"upgrade"})
"""In lower case. Behind a body that it cannot decode, aiohttp reads no further request: hence Content-Encoding."""
DOUBTFUL_BEGINNINGS = (b"proxy-connection", b"sec-websocket-")

_REQUEST_LINE = re.compile(rb"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /[!-~]* HTTP/1\.1\r\n")
_SIZE = re.compile(rb"[ \t]*([0-9]{1,10})[ \t]*")
_ONCE = SINGLE_NAMES | {b"connection"}
_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [^\r\n]*\r\n")
_ANSWER_FIELD = re.compile(
    rb"\r\n(content-length|transfer-encoding|connection|upgrade):[ \t]*([^\r\n]*?)[ \t]*(?=\r\n)"
)
_BODILESS = frozenset({204, 304})


def exchange_size(head: bytes) -> int | None:
    """How many bytes of body follow this head, which goes up to and with its empty line; None where there is a doubt.

    Beyond doubt is a head that aiohttp's parser reads and frames in the same way, with the connection kept open.
    """
    request_line = _REQUEST_LINE.match(head)
    lines = field_lines(head, request_line.end()) if request_line is not None else None
    if lines is None:
        return None
    size, seen = 0, set[bytes]()
    for line in lines:
        name, colon, value = line.partition(b":")
        folded = _known_name(name) if colon else None
        if folded is None or folded in seen or not _is_clear(folded, value):
            return None
        if folded in _ONCE:
            seen.add(folded)
        if folded == b"content-length":
            size = int(value)
    return size if b"host" in seen else None


@lru_cache(maxsize=NAMES_REMEMBERED_MAX)
def _known_name(name: bytes) -> bytes | None:
    """The name in lower case; None for what is no name or leaves a doubt by being there."""
    folded = name.lower()
    if not is_token(name) or folded in DOUBTFUL_NAMES or folded.startswith(DOUBTFUL_BEGINNINGS):
        return None
    return folded


def _is_clear(name: bytes, value: bytes) -> bool:
    match name:
        case b"host":
            return is_host(value)
        case b"connection":
            return is_keep_alive(value)
        case b"content-length":
            return _SIZE.fullmatch(value) is not None
        case _:
            return True


class AnswerFraming:
    """Reads one of our own answers as it is written, in pieces of any size, to know when it is complete.

    `is_unknown`: there is no telling (chunked, ended by closing, more bytes than announced, not what aiohttp writes).
    `closes`: it says that the connection ends with it. Both are settled at the latest when `is_complete` is.
    """

    __slots__ = ("_head", "_is_head_request", "_missing", "closes", "is_complete", "is_unknown")

    def __init__(self, *, is_head: bool) -> None:
        self._is_head_request = is_head
        self._head: bytes | None = b""
        self._missing = 0
        self.is_complete = False
        self.is_unknown = False
        self.closes = False

    @property
    def keeps_open(self) -> bool:
        """The answer is complete, and nothing speaks against a further exchange on the connection."""
        return self.is_complete and not (self.closes or self.is_unknown)

    def feed(self, data: bytes) -> None:
        """The next bytes of the answer."""
        while data and not self.is_unknown:
            if self._head is None:
                self._count(data)
                return
            self._head += data
            end = self._head.find(HEAD_END)
            if end < 0:
                self.is_unknown = len(self._head) > ANSWER_HEAD_BYTES_MAX
                return
            end += len(HEAD_END)
            head, data, self._head = self._head[:end], self._head[end:], None
            self._read(head)

    def _count(self, data: bytes) -> None:
        self._missing -= len(data)
        self.is_unknown = self._missing < 0
        self.is_complete = self._missing == 0

    def _read(self, head: bytes) -> None:
        status_line = _STATUS_LINE.match(head)
        if status_line is None:
            self.is_unknown = True
            return
        status = int(status_line[1])
        if status < 200:
            # An interim answer (RFC 9110 §15.2): the answer itself follows. After 101 nothing is HTTP any more.
            self._head = b""
            self.is_unknown = status == 101
            return
        fields = _ANSWER_FIELD.findall(head.lower(), status_line.end() - 2)
        sizes = [value for name, value in fields if name == b"content-length"]
        self.closes = any(name == b"connection" and value != b"keep-alive" for name, value in fields)
        self.is_unknown = any(name in (b"transfer-encoding", b"upgrade") for name, _ in fields) or len(sizes) > 1
        if self._is_head_request or status in _BODILESS:
            self.is_complete = not self.is_unknown
        elif not sizes or not sizes[0].isdigit():
            self.is_unknown = True
        else:
            self._missing = int(sizes[0])
            self.is_complete = self._missing == 0 and not self.is_unknown
