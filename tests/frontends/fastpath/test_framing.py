"""Framing: where a request ends is said only where aiohttp finds the same end; where our own answer ends, always."""

import pytest
from aiohttp_parser import TELLING_LINES, field_blocks, read_by_aiohttp
from hypothesis import given, settings
from hypothesis import strategies as st

from idnode.frontends.fastpath.framing import ANSWER_HEAD_BYTES_MAX, AnswerFraming, exchange_size

NEXT = b"GET /next HTTP/1.1\r\nHost: next\r\n\r\n"
BODY_BYTES_TRIED_MAX = 1_000

METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"post"]
TARGETS = [b"/", b"/v1/resolve?a=b#c", b"//a", b"*", b"http://a/", b"a:80", b"/\xff", b"/a b", b'/"<>\\^`{|}~']

methods = st.sampled_from(METHODS)
targets = st.sampled_from(TARGETS) | (
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12).map(lambda text: b"/" + text.encode())
)


def head(*lines: bytes, first: bytes = b"POST /v1/resolve HTTP/1.1", host: bytes = b"Host: node.example") -> bytes:
    return b"".join(line + b"\r\n" for line in (first, host, *lines, b""))


def holds_against_aiohttp(whole: bytes) -> None:
    """Where a size is given, aiohttp finds the next request behind as many bytes."""
    size = exchange_size(whole)
    if size is None:
        return
    # Of a body that is too long to try, aiohttp has to say that it is not complete.
    body = b"G" * min(size, BODY_BYTES_TRIED_MAX)
    read = read_by_aiohttp(whole + body + NEXT * (size <= BODY_BYTES_TRIED_MAX))
    assert read is not None
    assert (read[0].method, read[0].target) == tuple(text.decode() for text in whole.split(b" ")[:2])
    assert (read[0].body, read[0].closes, read[0].upgrades) == (body, False, False)
    assert read[0].has_ended == (size <= BODY_BYTES_TRIED_MAX)
    assert [each.target for each in read[1:]] == ["/next"] * (size <= BODY_BYTES_TRIED_MAX)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(methods, targets, field_blocks())
def test_a_size_is_what_aiohttp_takes_for_the_body(method: bytes, target: bytes, fields: bytes) -> None:
    holds_against_aiohttp(method + b" " + target + b" HTTP/1.1\r\n" + fields)


@pytest.mark.parametrize("line", TELLING_LINES, ids=lambda line: repr(line[:40]))
def test_a_telling_line_is_framed_only_as_aiohttp_frames_it(line: bytes) -> None:
    holds_against_aiohttp(head(line))
    holds_against_aiohttp(head(line, line))
    holds_against_aiohttp(head(line, b"Content-Length: 7"))
    holds_against_aiohttp(head(b"Content-Length: 7", line, first=b"GET / HTTP/1.1"))
    holds_against_aiohttp(head(host=line))


@pytest.mark.parametrize(
    ("whole", "size"),
    [
        (head(), 0),
        (head(b"Content-Length: 17"), 17),
        (head(b"content-length:\t0017 "), 17),
        (head(b"Content-Length: 9999999999"), 9_999_999_999),
        (head(b"Authorization: Bearer x", b"Content-Type: application/json", b"Content-Length: 2", b"If-Match: *"), 2),
        (head(b"Content-Length: 5", first=b"GET / HTTP/1.1"), 5),
        (head(first=b"HEAD /api/handles/88.118/1?a=b HTTP/1.1"), 0),
        (head(b"Cookie: a=b", b"TE: trailers", b"Connection: Keep-Alive", first=b"DELETE /v1/keys/1 HTTP/1.1"), 0),
        (head(b"Access-Control-Request-Method: POST", b"Origin: https://a.example", first=b"OPTIONS / HTTP/1.1"), 0),
        (head(first=b"PUT / HTTP/1.1"), 0),
        (head(first=b"PATCH / HTTP/1.1"), 0),
    ],
)
def test_a_head_without_doubt_has_a_size(whole: bytes, size: int) -> None:
    assert exchange_size(whole) == size


@pytest.mark.parametrize(
    "whole",
    [
        head(first=b"TRACE / HTTP/1.1"),
        head(first=b"CONNECT a:80 HTTP/1.1"),
        head(first=b"get / HTTP/1.1"),
        head(first=b"GET / HTTP/1.0"),
        head(first=b"GET / HTTP/1.1 "),
        head(first=b"GET  / HTTP/1.1"),
        head(first=b"GET /a b HTTP/1.1"),
        head(first=b"GET /\xe4 HTTP/1.1"),
        head(first=b"GET http://a/ HTTP/1.1"),
        head(first=b"OPTIONS * HTTP/1.1"),
        b"\r\n" + head(),
        head()[:-2],
        head() + b"x",
        head(host=b"X-A: b"),
        head(b"Host: a"),
        head(b"Content-Length: 5", b"Content-Length: 5"),
        head(b"Content-Length: 5", b"content-length: 6"),
        head(b"Content-Length: +5"),
        head(b"Content-Length: 5, 5"),
        head(b"Content-Length:"),
        head(b"Content-Length: 10000000000"),
        head(b"Content-Length : 5"),
        head(b"Transfer-Encoding: chunked"),
        head(b"Transfer-Encoding: chunked", b"Content-Length: 5"),
        head(b"transfer-encoding: identity"),
        head(b"Content-Encoding: gzip", b"Content-Length: 5"),
        head(b"Expect: 100-continue", b"Content-Length: 5"),
        head(b"Upgrade: h2c"),
        head(b"Connection: close"),
        head(b"Connection: keep-alive, upgrade"),
        head(b"Connection: keep-alive", b"Connection: close"),
        head(b"Connection: keep-alive", b"connection: keep-alive"),
        head(b"Proxy-Connection: close"),
        head(b"Sec-WebSocket-Key1: x"),
        head(b"X-A: b\x00"),
        head(b" folded"),
        head(b"X-A: b\nContent-Length: 5"),
        head(b"X-A: b\rContent-Length: 5\nX-B: c"),
        head(b"X-A: " + b"a" * 8_190),
        head(*(b"X-%d: a" % number for number in range(120))),
    ],
    ids=lambda whole: repr(whole[-50:]),
)
def test_a_head_with_a_doubt_has_none(whole: bytes) -> None:
    assert exchange_size(whole) is None


ENDED = b"HTTP/1.1 200 OK\r\nDate: x\r\nContent-Type: a/b\r\nContent-Length: 12\r\n\r\n" + b"{\r\n\r\n\r\n    }"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


def fed(*pieces: bytes, is_head: bool = False) -> AnswerFraming:
    framing = AnswerFraming(is_head=is_head)
    for piece in pieces:
        framing.feed(piece)
    return framing


@pytest.mark.parametrize(
    ("answer", "is_head"),
    [
        (ENDED, False),
        (INTERIM + INTERIM + ENDED, False),
        (b"HTTP/1.1 204 No Content\r\nServer: idnode\r\n\r\n", False),
        (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 12\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", True),
        (b"HTTP/1.1 404 Not Found\r\nX-A: b\r\n\r\n", True),
        (b"HTTP/1.1 302 \r\ncontent-length:0\r\nConnection: keep-alive\r\n\r\n", False),
    ],
)
def test_an_answer_is_complete_with_its_last_byte_however_it_is_split(answer: bytes, is_head: bool) -> None:
    for place in range(1, len(answer)):
        framing = fed(answer[:place], is_head=is_head)
        assert (framing.is_complete, framing.keeps_open, framing.is_unknown) == (False, False, False)
        framing.feed(answer[place:])
        assert (framing.is_complete, framing.keeps_open, framing.closes) == (True, True, False)

    assert fed(*(bytes([byte]) for byte in answer), is_head=is_head).keeps_open
    assert fed(answer, b"", is_head=is_head).keeps_open


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX-Content-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"\r\n" + ENDED,
        b"{}\r\n\r\n",
        ENDED + b"x",
        ENDED + ENDED,
        b"HTTP/1.1 204 No Content\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * ANSWER_HEAD_BYTES_MAX,
    ],
    ids=lambda answer: repr(answer[:60]),
)
def test_where_there_is_no_telling_where_an_answer_ends_there_is_no_way_back(answer: bytes) -> None:
    for framing in (fed(answer), fed(answer[:20], answer[20:]), fed(answer, b"more")):
        assert framing.is_unknown
        assert not framing.keeps_open


def test_more_than_one_piece_behind_the_end_is_noticed_too() -> None:
    framing = fed(ENDED)
    framing.feed(b"x")

    assert framing.is_unknown


@pytest.mark.parametrize("line", [b"Connection: close", b"connection:CLOSE", b"Connection: keep-alive, close"])
def test_an_answer_that_closes_is_complete_and_keeps_nothing_open(line: bytes) -> None:
    framing = fed(ENDED.replace(b"Date: x", line))

    assert (framing.is_complete, framing.closes, framing.keeps_open) == (True, True, False)


def test_what_looks_like_a_header_in_a_body_is_none() -> None:
    body = b"\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"

    assert fed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body).keeps_open
