"""Requests that two readers could take for different ones: the front is never the looser of the two."""

import pytest
from both_ways import KNOWN, both, get, stocked
from harness import NodeUnderTest

__all__ = ["stocked"]

HIDDEN = get(b"/v1/keys")
JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def shapes(target: bytes) -> dict[str, bytes]:
    """Requests for this target, by what is odd about them."""
    return {
        "a length and chunks": get(target, b"Content-Length: 5\r\n", CHUNKED) + b"0\r\n\r\n" + HIDDEN,
        "chunks and a length": get(target, CHUNKED, b"Content-Length: %d\r\n" % len(HIDDEN)) + HIDDEN,
        "a body after GET": get(target, b"Content-Length: %d\r\n" % len(HIDDEN)) + HIDDEN,
        "two lengths": get(target, b"Content-Length: 0\r\n", b"Content-Length: %d\r\n" % len(HIDDEN)) + HIDDEN,
        "a signed length": get(target, b"Content-Length: +0\r\n") + HIDDEN,
        "a length in hexadecimal": get(target, b"Content-Length: 0x5\r\n") + HIDDEN,
        "a length list": get(target, b"Content-Length: 0, 0\r\n") + HIDDEN,
        "a coding in capitals": get(target, b"TRANSFER-ENCODING: CHUNKED\r\n") + b"0\r\n\r\n",
        "an unknown coding": get(target, b"Transfer-Encoding: chunked, identity\r\n") + b"0\r\n\r\n",
        "a coding behind a tab": get(target, b"Transfer-Encoding:\tchunked\r\n") + b"0\r\n\r\n",
        "a coding with a space before the colon": get(target, b"Transfer-Encoding : chunked\r\n") + b"0\r\n\r\n",
        "a folded line": get(target, b"X-A: 1\r\n Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
        "a bare line feed": get(target, b"X-A: 1\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
        "a bare carriage return": get(target, b"X-A: 1\rTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
        "a line feed for the end": b"GET " + target + b" HTTP/1.1\nHost: a\n\n" + HIDDEN,
        "a NUL in a value": get(target, b"X-A: \x00\r\n") + HIDDEN,
        "a NUL in a name": get(target, b"X\x00A: 1\r\n") + HIDDEN,
        "a vertical tab": get(target, b"X-A\x0b: 1\r\n") + HIDDEN,
        "two hosts": get(target, b"Host: other.example\r\n"),
        "no host": b"GET " + target + b" HTTP/1.1\r\n\r\n" + HIDDEN,
        "a host of two names": b"GET " + target + b" HTTP/1.1\r\nHost: a, b\r\n\r\n",
        "an empty host": b"GET " + target + b" HTTP/1.1\r\nHost:\r\n\r\n",
        "HTTP/1.0": b"GET " + target + b" HTTP/1.0\r\nHost: a\r\n\r\n" + HIDDEN,
        "HTTP/2.0": b"GET " + target + b" HTTP/2.0\r\nHost: a\r\n\r\n" + HIDDEN,
        "HTTP/1.1 in the target": b"GET " + target + b" HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n" + HIDDEN,
        "two spaces": b"GET  " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n" + HIDDEN,
        "a tab in the line": b"GET\t" + target + b" HTTP/1.1\r\nHost: a\r\n\r\n" + HIDDEN,
        "a space at the end of the line": b"GET " + target + b" HTTP/1.1 \r\nHost: a\r\n\r\n" + HIDDEN,
        "lower case": b"get " + target + b" http/1.1\r\nHost: a\r\n\r\n" + HIDDEN,
        "an empty line before": b"\r\n" + get(target),
        "empty lines between": get(target) + b"\r\n\r\n" + get(target),
        "a header without a name": get(target, b": x\r\n"),
        "a header without a colon": get(target, b"X-A\r\n"),
        "an expectation": get(target, b"Expect: 100-continue\r\n"),
        # After one that stays open, aiohttp reads on or not, as the pieces happen to come.
        "an upgrade on a connection that closes": get(target, b"Connection: close, Upgrade\r\nUpgrade: h2c\r\n"),
        "a connection of two minds": get(target, b"Connection: keep-alive, close\r\n") + HIDDEN,
        "a connection that closes": get(target, b"Connection: close\r\n") + HIDDEN,
        "a long header": get(target, b"X-A: " + b"a" * 9_000 + b"\r\n"),
        "many headers": get(target, *(b"X-%d: a\r\n" % number for number in range(200))),
        "a body in chunks": get(b"/v1/resolve", JSON, CHUNKED, method=b"POST") + b"2\r\n{}\r\n0\r\n\r\n",
        "a chunk with an extension": get(b"/v1/resolve", CHUNKED, method=b"POST") + b"2;a=b\r\n{}\r\n0\r\nX: b\r\n\r\n",
        "a chunk of too much": get(b"/v1/resolve", CHUNKED, method=b"POST") + b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "a request in the body of another": (
            get(b"/v1/resolve", JSON, b"Content-Length: %d\r\n" % len(HIDDEN), method=b"POST") + HIDDEN
        ),
    }  # fmt: skip


SHAPES = shapes(KNOWN)
# Its answer needs no read of the database, so that there is time for every split.
FOREIGN_SHAPES = shapes(b"/api/handles/99.1.2/x")
# Without the long ones, and the one whose body never ends: every split of it takes the time that bodies have.
SPLIT = [title for title, shape in FOREIGN_SHAPES.items() if len(shape) < 400 and title != "a chunk of too much"]


@pytest.mark.parametrize("title", SHAPES)
async def test_a_shape_means_the_same_on_both_ways(stocked: NodeUnderTest, title: str) -> None:
    """Alone, and behind a request that was vetted on the same connection."""
    shape = SHAPES[title]

    alone, expected = await both(stocked, shape)
    after, expected_after = await both(stocked, get(KNOWN), shape)

    assert alone == expected
    assert after == expected_after


@pytest.mark.parametrize("title", SPLIT)
async def test_a_shape_in_two_pieces_means_the_same(stocked: NodeUnderTest, title: str) -> None:
    shape = FOREIGN_SHAPES[title]

    for at in range(1, len(shape)):
        ours, expected = await both(stocked, shape[:at], shape[at:])

        assert ours == expected, at
