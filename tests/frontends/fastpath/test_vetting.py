"""Vetting: nothing passes that aiohttp would read in another way, or whose answer depends on more than its target."""

import pytest
from aiohttp_parser import TELLING_LINES, field_blocks, read_by_aiohttp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from idnode.frontends.fastpath import vetting
from idnode.frontends.fastpath.vetting import LINES_REMEMBERED_MAX, Vetted, vet
from idnode.frontends.request_ids import RequestIds

PLAIN = Vetted(request_id=None, forwarded=None)


def block(*lines: bytes, host: bytes = b"Host: node.example") -> bytes:
    return b"".join(line + b"\r\n" for line in (b" HTTP/1.1", host, *lines, b""))


def holds_against_aiohttp(what: bytes) -> None:
    """Whatever is vetted, aiohttp reads as one plain GET, and then goes on with the next request."""
    vetted = vet(what)
    if vetted is None:
        return
    read = read_by_aiohttp(b"GET /88.118.8/JX-1?a=b" + what + b"GET /next HTTP/1.1\r\nHost: next\r\n\r\n")
    assert read is not None
    first, second = read
    assert (first.method, first.target, first.body, first.has_ended) == ("GET", "/88.118.8/JX-1?a=b", b"", True)
    assert (first.closes, first.upgrades) == (False, False)
    assert (second.target, second.values("host")) == ("/next", ["next"])
    assert len(first.values("host")) == 1
    assert first.values("x-request-id") == ([vetted.request_id.decode()] if vetted.request_id is not None else [])
    assert ", ".join(first.values("x-forwarded-for")) == (vetted.forwarded or b"").decode()


@settings(max_examples=600, deadline=None, derandomize=True)
@given(field_blocks())
@example(b"Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")
def test_what_is_vetted_is_for_aiohttp_the_same_request(fields: bytes) -> None:
    holds_against_aiohttp(b" HTTP/1.1\r\n" + fields)


@pytest.mark.parametrize("line", TELLING_LINES, ids=lambda line: repr(line[:40]))
def test_a_telling_line_is_vetted_only_as_aiohttp_reads_it(line: bytes) -> None:
    holds_against_aiohttp(block(line))
    holds_against_aiohttp(block(line, line))
    holds_against_aiohttp(block(host=line))
    holds_against_aiohttp(block(line, host=b"X-First: a"))


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (b"User-Agent: curl/8.14.1", b"Accept: */*"),
        (b"accept-encoding: gzip, deflate, br", b"CONNECTION: Keep-Alive", b"cache-control: no-cache"),
        (b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", b"tracestate: a=b"),
        (b"Upgrade-Insecure-Requests: 1", b"Sec-Fetch-Mode: cors", b"Priority: u=0, i", b"Referer: https://a.example/"),
        (b"X-Empty:", b"X-Spaces: \t ", b"X-Colons:a:b:c", b"X-Tab: a\tb", b"X-Twice: 1", b"X-Twice: 2"),
        (b"!#$%&'*+-.^_`|~09azAZ: any",),
        (b"Content_Length: 5", b"Ifs: a", b"Teapot: a", b"Ranges: a"),
        tuple(b"X-%d: a" % number for number in range(117)),
    ],
)  # fmt: skip
def test_a_plain_request_is_vetted(lines: tuple[bytes, ...]) -> None:
    assert vet(block(*lines)) == PLAIN


@pytest.mark.parametrize(
    "host", [b"Host: a", b"host:127.0.0.1:8000", b"HOST: \t[2001:db8::1]:80 \t", b"Host: my_node-1.example"]
)
def test_one_host_of_any_kind_is_enough(host: bytes) -> None:
    assert vet(block(host=host)) == PLAIN


@pytest.mark.parametrize(
    "value",
    [
        b" */*", b"*/*", b" */*;q=0.8", b" application/json", b" Application/JSON ; q=1.000",
        b"application/json, */*", b" application/json;q=0.9,*/*;Q=0.001",
    ],
)  # fmt: skip
def test_who_takes_json_or_anything_is_vetted(value: bytes) -> None:
    assert vet(block(b"Accept:" + value)) == PLAIN


@pytest.mark.parametrize(
    "value",
    [
        b" text/html", b" application/json;q=0", b" application/json;q=0.000", b" */*;q=0.0",
        b" */*, application/json", b" */json", b" application/json, text/html", b" application/json;charset=utf-8",
        b" application/*", b"", b" application/json;q=1.5",
    ],
)  # fmt: skip
def test_who_wants_something_else_is_not(value: bytes) -> None:
    assert vet(block(b"Accept:" + value)) is None


@pytest.mark.parametrize(
    "line",
    [
        b"Authorization: Bearer x", b"Cookie: a=b", b"Origin: https://a.example", b"If-None-Match: *", b"IF-MATCH: x",
        b"If-Modified-Since: x", b"if-range: x", b"Range: bytes=0-1", b"Expect: 100-continue", b"Upgrade: h2c",
        b"upgrade: websocket", b"Content-Length: 0", b"CONTENT-LENGTH: 5", b"Transfer-Encoding: chunked",
        b"tRANSFER-eNCODING: chunked", b"TE: trailers", b"Trailer: x", b"HTTP2-Settings: AAMAAABk",
        b"Proxy-Authorization: x", b"Proxy-Connection: keep-alive", b"Sec-WebSocket-Key: x", b"Sec-WebSocket-Key1: x",
        b"Content-Encoding: gzip", b"Content-Type: application/json", b"Connection: close",
        b"Connection: keep-alive, close", b"Connection: upgrade", b"Connection:",
        b"Access-Control-Request-Method: GET", b"Access-Control-Request-Private-Network: true", b"Host: node.example",
        b"X-Request-Id: a b", b"X-Request-Id:", b"X-Request-Id: " + b"a" * 65, b"X-A : b", b" X-A: b", b"\tX-A: b",
        b": b", b"X-A", b"Accept", b"", b"X-\xc3\x84: b", b"X-A: \xe4\xba\xa7", b"X-A: b\x00", b"X-A: \x0b",
        b"X-A: b\x7f", b"X-A: b\rc", b"X-A: b\rc\nd", b"X-A: b\nc\rd", b"X-A: b\rContent-Length: 5\nX-B: c",
        b"X-A: b\nc", b"X A: b", b"X(A: b", b"X-A: b\r", b"X-A: " + b"a" * 8_190,
    ],
    ids=lambda line: repr(line[:40]),
)  # fmt: skip
def test_one_other_line_is_enough_to_leave_the_request_to_aiohttp(line: bytes) -> None:
    assert vet(block(line)) is None
    assert vet(block(b"X-Before: a", line, b"X-After: b")) is None


@pytest.mark.parametrize(
    "name", [b"User-Agent", b"Accept", b"Connection", b"X-Request-Id", b"Server", b"ETag", b"Max-Forwards"]
)
def test_what_may_come_once_is_not_vetted_when_it_comes_twice_in_whatever_letters(name: bytes) -> None:
    value = {b"Accept": b": */*", b"Connection": b": keep-alive"}.get(name, b": a")

    assert vet(block(name + value)) is not None
    assert vet(block(name + value, b"X-Between: a", name.lower() + value)) is None


@pytest.mark.parametrize(
    "whole",
    [
        b"", b"\r\n\r\n", b" HTTP/1.1\r\n\r\n", b" HTTP/1.1\r\n", b" HTTP/1.1\r\nHost: a\r\n",
        b" HTTP/1.1\r\nHost: a", b" HTTP/1.0\r\nHost: a\r\n\r\n", b" HTTP/1.1 \r\nHost: a\r\n\r\n",
        b"  HTTP/1.1\r\nHost: a\r\n\r\n", b" http/1.1\r\nHost: a\r\n\r\n", b" HTTP/1.1\nHost: a\n\n",
        b" HTTP/1.1\r\nHost: a\r\n\n", b" HTTP/1.1\r\nHost: a\r\nX-A: b\r\n", b" HTTP/1.1\r\nHost: a\rX-A: b\n\r\n",
        b" HTTP/1.1\r\nX-A: b\r\n\r\n", b" HTTP/1.1\r\nHost:\r\n\r\n", b" HTTP/1.1\r\nHost: a\r\n\r\n\r\n",
        b" HTTP/1.1\r\nHost: a\r\n\r\nX-A: b\r\n\r\n", b" HTTP/1.1\r\n\r\nHost: a\r\n\r\n",
        b" HTTP/1.1\r\n Host: a\r\n\r\n", b" HTTP/1.1\r\nHost: a, b\r\n\r\n", b" HTTP/1.1\r\nHost: a@b\r\n\r\n",
        b" HTTP/1.1\r\nHost: a/b\r\n\r\n",
    ],
)  # fmt: skip
def test_a_block_of_another_shape_is_not_vetted(whole: bytes) -> None:
    assert vet(whole) is None


def test_more_than_aiohttp_takes_is_left_to_it() -> None:
    assert vet(block(*(b"X-%d: a" % number for number in range(118)))) is None
    assert vet(block(b"X-A: " + b"a" * 8_151)) is None
    assert vet(block(b"X-A: " + b"a" * 8_150)) == PLAIN


def test_request_id_and_forwarded_come_out_without_the_spaces_around_them() -> None:
    assert vet(block(b"X-Request-Id:  a.B_c:d-9 \t")) == Vetted(b"a.B_c:d-9", None)
    assert vet(block(b"x-forwarded-for:\t203.0.113.7 ")) == Vetted(None, b"203.0.113.7")
    assert vet(block(b"X-Forwarded-For: unknown", b"X-Request-ID: r")) == Vetted(b"r", b"unknown")


def test_several_lines_of_forwarded_are_joined_in_their_order() -> None:
    vetted = vet(
        block(b"X-Forwarded-For: 203.0.113.7", b"X-A: b", b"x-forwarded-for: 192.0.2.1,10.0.0.7", b"X-Forwarded-For:")
    )

    assert vetted == Vetted(None, b"203.0.113.7, 192.0.2.1,10.0.0.7, ")


@settings(max_examples=200, derandomize=True)
@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=70))
@example("a" * 64)
@example("a" * 65)
def test_a_request_id_is_harmless_exactly_when_it_is_for_everyone_else(sent: str) -> None:
    vetted = vet(block(b"X-Request-Id: " + sent.encode()))

    assert (vetted is not None) == (RequestIds("node").of(sent) == sent)


def test_lines_that_were_never_seen_before_do_not_confuse_those_that_were() -> None:
    for number in range(2 * LINES_REMEMBERED_MAX):
        assert vet(block(b"X-Trace: %d" % number)) == PLAIN
        assert vet(block(b"X-Request-Id: %d" % number)) == Vetted(b"%d" % number, None)

    assert vet(block(b"Content-Length: 5")) is None
    assert vet(block(b"X-Trace: 0")) == PLAIN


def test_no_secret_is_remembered() -> None:
    for line in (b"Authorization: Bearer idn_geheim", b"Cookie: key=geheim", b"Proxy-Authorization: Basic geheim"):
        assert vet(block(line)) is None

    assert not [line for line in vetting._remembered if b"geheim" in line]
