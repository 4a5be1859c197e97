"""Every case goes both ways, through the connection front and through aiohttp alone: the bytes are the same."""

from collections.abc import Iterator

import pytest
from both_ways import HOST, KNOWN, RECORD, both, get, stocked
from harness import NodeUnderTest
from raw_http import RawAnswer, connect

__all__ = ["stocked"]

TARGETS = (
    KNOWN,
    b"/api/handles/88.118.8%2FJX-1",
    b"/api/handles/88.118.8/jx-1",
    b"/api/handles/88.118.8/%4A%58-1",
    b"/api/handles/88.118.8/%E4%BA%A7%E5%93%81",
    b"/api/handles/88.118.8/none",
    b"/api/handles/88.118.8/gone",
    b"/api/handles/88.118.8/held",
    b"/api/handles/88.118.8/half-secret",
    b"/api/handles/88.118.8/a//b",
    b"/api/handles/88.118.8/../JX-1",
    b"/api/handles/88.118.9/elsewhere",
    b"/api/handles/88.118.9/elsewhere?doNotRefer",
    b"/api/handles/99.1.2/foreign",
    b"/api/handles/no-slash",
    b"/api/handles/88.118.8",
    b"/api/handles/",
    b"/api/handles/88.118.8/",
    b"/api/handles/88.118.8/%zz",
    b"/api/handles/88.118.8/%ff",
    b"/api/handles/88.118.8/a%00b",
    b"/api/handles/88.118.8/" + b"x" * 3_000,
    KNOWN + b"?pretty",
    KNOWN + b"?pretty=true&index=1",
    KNOWN + b"?index=1&index=7",
    KNOWN + b"?index=7",
    KNOWN + b"?index=one",
    KNOWN + b"?type=URL&type=HS_ADMIN",
    KNOWN + b"?type=url",
    KNOWN + b"?type=U.",
    KNOWN + b"?callback=seen",
    KNOWN + b"?callback=a;b",
    KNOWN + b"?publicOnly=false",
    KNOWN + b"?auth&cert",
    KNOWN + b"?utm_source=letter",
    KNOWN + b"?",
    KNOWN + b"?&&pretty&",
    KNOWN + b"?a=b=c",
    KNOWN + b"?%70retty",
    KNOWN + b"?type=a+b",
    KNOWN + b"#fragment",
    b"/api/handles/88.118.8/half-secret?publicOnly=false",
    b"/api/handles/88.118.8/half-secret?index=300&publicOnly=false",
    RECORD,
    b"/v1/identifiers/88.118.8%2fJX-1",
    b"/v1/identifiers/88.118.8/none",
    b"/v1/identifiers/88.118.8/gone",
    b"/v1/identifiers/88.118.8/held",
    b"/v1/identifiers/88.118.8/half-secret",
    b"/v1/identifiers/99.1.2/foreign",
    b"/v1/identifiers/88.118.9/elsewhere",
    b"/v1/identifiers/no-slash",
    b"/v1/identifiers/88.118.8/%zz",
    RECORD + b"?at=2026-01-01T00:00:00Z",
    RECORD + b"?",
    RECORD + b"?unknown=1",
    RECORD + b"#x",
    b"/88.118.8/JX-1",
    b"/88.118.8/JX-1?noredirect",
    b"/88.118.8/JX-1?noredirect=no",
    b"/88.118.8/none",
    b"/88.118.8/gone",
    b"/88.118.8/half-secret",
    b"/88.118.9/elsewhere",
    b"/99.1.2/foreign",
    b"/88.118.8/%zz",
    b"/88.118.8/",
    b"/88.118.8",
    b"//88.118.8/JX-1",
    b"/API/handles/88.118.8/JX-1",
    b"/%61pi/handles/88.118.8/JX-1",
    b"http://node.example/api/handles/88.118.8/JX-1",
    b"/livez",
    b"/v1/nope",
    b"/",
)
HEADERS = {
    "a trace id": b"Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n",
    "a request id": b"X-Request-Id: order-7\r\n",
    "a request id that is none": b"X-Request-Id: a b\r\n",
    "two request ids": b"X-Request-Id: a\r\nX-Request-Id: b\r\n",
    "anything accepted": b"Accept: */*\r\n",
    "JSON accepted": b"Accept: application/json\r\n",
    "HTML accepted": b"Accept: text/html\r\n",
    "an origin": b"Origin: https://app.example.com\r\n",
    "a cookie": b"Cookie: a=b\r\n",
    "a wrong key": b"Authorization: Bearer nobody\r\n",
    "a version that is there": b'If-None-Match: "1"\r\n',
    "a version that is not": b'If-None-Match: "9"\r\n',
    "any version": b"If-None-Match: *\r\n",
    "a date": b"If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT\r\n",
    "a range": b"Range: bytes=0-9\r\n",
    "a length of nothing": b"Content-Length: 0\r\n",
    "keep-alive": b"Connection: keep-alive\r\n",
    "capitals": b"ACCEPT: */*\r\nUSER-AGENT: x\r\n",
    "tabs": b"User-Agent:\tx\t\r\n",
    "no value": b"User-Agent:\r\n",
    "Latin letters": b"User-Agent: M\xfcller\r\n",
}


def splits(request: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The request in two pieces, every way."""
    return ((request[:at], request[at:]) for at in range(1, len(request)))


async def test_every_target_has_the_same_answer_cold_and_warm(stocked: NodeUnderTest) -> None:
    for target in TARGETS:
        cold, expected = await both(stocked, get(target))
        warm, _ = await both(stocked, get(target))

        assert cold == expected, target
        assert warm == expected, target


async def test_a_miss_after_a_vetted_request_has_the_same_answer_whatever_it_finds(stocked: NodeUnderTest) -> None:
    await stocked.call("POST", "/v1/identifiers", {"identifier": "88.118.8/no-values", "values": []})
    names = ("JX-1", "jx-1", "half-secret", "no-values", "none", "gone", "held", "a:b@c!d$e'(f)*g,h;i=j", "-._~")
    targets = [f"/api/handles/88.118.8/{name}".encode() for name in names]
    targets += [b"/api/handles/88.118.9/elsewhere", b"/api/handles/99.1.2/foreign", b"/api/handles/088.118.8/JX-1"]
    for target in targets:
        stocked.node.freshness.changed_beyond_counting()
        async with await connect(stocked.port) as front, await connect(stocked.aiohttp_port) as aiohttp:
            for connection in (front, aiohttp):
                await connection.send(get(b"/api/handles/88.118.8/warm-up"))
                await connection.answer()
                await connection.send(get(target))
            found, expected = await front.answer(), await aiohttp.answer()

        assert found.status == expected.status, target
        assert comparable_headers(found) == comparable_headers(expected), target
        assert found.body == expected.body, target


def comparable_headers(answer: RawAnswer) -> list[tuple[str, str]]:
    """In their order, without the date."""
    return [(name, text) for name, text in answer.headers.items() if name != "date"]


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST", b"OPTIONS", b"PUT", b"DELETE", b"PATCH", b"TRACE"])
async def test_every_method_has_the_same_answer(stocked: NodeUnderTest, method: bytes) -> None:
    for target in (KNOWN, RECORD, b"/88.118.8/JX-1", b"/livez"):
        await both(stocked, get(target))
        ours, expected = await both(stocked, get(target, b"Content-Length: 0\r\n", method=method))

        assert ours == expected, target


async def test_every_header_leads_to_the_same_answer(stocked: NodeUnderTest) -> None:
    for title, header in HEADERS.items():
        for target in (KNOWN, RECORD, b"/88.118.8/JX-1"):
            cold, expected = await both(stocked, get(target, header))
            warm, _ = await both(stocked, get(target), get(target, header))

            assert cold == expected, (title, target)
            assert warm.endswith(expected), (title, target)


async def test_pipelined_requests_are_answered_in_order_with_the_same_bytes(stocked: NodeUnderTest) -> None:
    body = b'{"identifiers": ["88.118.8/JX-1"]}'
    resolve = b"POST /v1/resolve HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    mixed = (
        get(KNOWN) + get(KNOWN, b"X-Request-Id: 2\r\n") + get(b"/api/handles/88.118.8/none") + get(RECORD)
        + resolve % len(body) + body + get(KNOWN) + get(KNOWN, method=b"HEAD") + get(b"/livez") + get(b"/88.118.8/JX-1")
        + get(RECORD, b'If-None-Match: "1"\r\n') + get(KNOWN)
    )  # fmt: skip
    cold, expected = await both(stocked, mixed)
    warm, _ = await both(stocked, mixed * 3)

    assert cold == expected
    assert expected.count(b"HTTP/1.1 ") == 12
    assert warm.count(b"HTTP/1.1 ") == 34


async def test_a_request_in_pieces_has_the_same_answer(stocked: NodeUnderTest) -> None:
    request = get(KNOWN, b"X-Request-Id: order-7\r\n")
    _, expected = await both(stocked, request)

    for pieces in splits(request):
        ours, _ = await both(stocked, *pieces)

        assert ours == expected, pieces
