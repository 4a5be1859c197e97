"""aiohttp's own reading of requests, to hold ours against; and what requests are made of when they are to go wrong."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser
from hypothesis import strategies as st


@dataclass(frozen=True)
class Read:
    """One request as aiohttp reads it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    closes: bool
    upgrades: bool
    has_ended: bool

    def values(self, name: str) -> list[str]:
        """Of all headers with this name."""
        return [value for each, value in self.headers if each.lower() == name]


@contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    try:
        yield loop
    finally:
        loop.close()


def read_by_aiohttp(data: bytes) -> list[Read] | None:
    """What aiohttp's server makes of the bytes; None when it refuses them or goes on in another protocol."""
    with _loop() as loop:
        # The limits are those of aiohttp.web_protocol.RequestHandler.
        parser = HttpRequestParser(
            BaseProtocol(loop), loop, 2**16, max_line_size=8190, max_field_size=8190, max_headers=128
        )
        try:
            messages, has_become_another, _ = parser.feed_data(data)
        except HttpProcessingError:
            return None
        if has_become_another:
            return None
        return [
            Read(
                message.method,
                message.path,
                list(message.headers.items()),
                payload.read_nowait(-1),
                message.should_close,
                message.upgrade,
                payload.is_eof(),
            )
            for message, payload in messages
        ]


GOOD_NAMES = [
    b"Accept-Encoding",
    b"traceparent",
    b"X-Trace",
    b"user-agent",
    b"DNT",
    b"Cache-Control",
    b"!#$%&'*+-.^_`|~",
]
TELLING_LINES = [
    b"Content-Length: 5", b"Content-Length: 0", b"content-length:\t3 ", b"Content-Length: +5",
    b"Content-Length: 5, 5", b"Content-Length: 0x5", b"Content-Length:", b"Content-Length: 00012",
    b"Content-Length: 4294967297", b"Content-Length: 5 5", b"Content-Length : 5", b" Content-Length: 5",
    b"Content-Length: -0", b"Content-Length: 5\x00", b"Content_Length: 5", b"Transfer-Encoding: chunked",
    b"transfer-encoding:chunked", b"Transfer-Encoding: identity", b"Transfer-Encoding : chunked",
    b"Transfer-Encoding:\x0bchunked", b"Connection: close", b"Connection: keep-alive",
    b"connection: Keep-Alive, close", b"Connection: upgrade", b"Connection:", b"Upgrade: websocket", b"Upgrade: h2c",
    b"Expect: 100-continue", b"Host: other", b"host: node.example", b"Host: a, b", b"Host:", b"Host: a b",
    b"Host: [::1]:80", b"HOST:\tnode.example \t", b"Host : a", b"User-Agent: a", b"USER-AGENT:", b"Server: x",
    b"ETag: x", b"Max-Forwards: 1", b"Content-Location: /", b"Content-Type: a/b", b"Content-Encoding: gzip",
    b"Sec-WebSocket-Key1: x", b"Proxy-Connection: close", b"Proxy-Connection: keep-alive", b"TE: trailers",
    b"Accept: */*", b"Accept: text/html", b"accept: application/json", b"Range: bytes=0-1", b"If-None-Match: *",
    b"Cookie: a=b", b"Authorization: Bearer x", b"X-Request-Id: r-1", b"X-Request-Id: ",
    b"X-Forwarded-For: 203.0.113.7, 10.0.0.7", b"x-forwarded-for:192.0.2.1", b"X-Forwarded-For:", b"Origin: null",
    b": x", b"no colon", b"", b" folded", b"\tfolded", b"X-A: b\x0bc", b"X-A: b\xffc", b"X-A: \xe4\xba\xa7",
    b"X-\xc3\x84: b", b"X-A: b\x7fc", b"X-A: b\rc", b"X-A: b\rc\nd", b"X-A: b\rContent-Length: 5\nX-B: c",
    b"X-A: b\nContent-Length: 5", b"X-A: b\r\n\r\nGET /x HTTP/1.1", b"X-A(: b", b"X-A:  b  ", b"X-A:\t", b"X-A:b:c",
    b"X\x00A: b", b"X-A: " + b"a" * 8_185, b"X-A: " + b"a" * 8_190, b"X-A: " + b"a" * 7_900,
]  # fmt: skip

_good = st.builds(
    lambda name, colon, value: name + colon + value,
    st.sampled_from(GOOD_NAMES),
    st.sampled_from([b":", b": ", b":\t", b":  "]),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12).map(str.encode),
)
_any = st.one_of(_good, st.sampled_from(TELLING_LINES), st.binary(max_size=12))
_ends = st.sampled_from([b"\r\n"] * 40 + [b"\n", b"\r", b"\r\r\n", b"\r\n ", b"\r\n\t"])


@st.composite
def field_blocks(draw: st.DrawFn) -> bytes:
    """Header lines with the empty line behind them, good ones and others; often with a Host."""
    lines = draw(st.lists(st.one_of(_good, _any), max_size=6))
    if draw(st.integers(0, 9)):
        lines.insert(draw(st.integers(0, len(lines))), b"Host: node.example")
    if not draw(st.integers(0, 30)):
        lines += [b"X-%d: a" % number for number in range(draw(st.integers(100, 130)))]
    block = b"".join(line + draw(_ends) for line in lines) + b"\r\n"
    if not draw(st.integers(0, 3)):
        place = draw(st.integers(0, len(block)))
        block = block[:place] + draw(st.binary(min_size=1, max_size=1)) + block[place + draw(st.integers(0, 1)) :]
    return block
