"""Requests to /v1 have the answers of aiohttp, whether the front serves them itself or not."""

import asyncio
import json
import re
from collections.abc import Iterator
from itertools import product

from both_ways import LIMITS, RecordedTransport, both, each, get, stocked
from harness import NodeUnderTest
from raw_http import ANSWER_SECONDS_MAX

from idnode.frontends.fastpath.connection import Connection
from idnode.model.limits import REQUEST_BYTES_MAX

__all__ = ["stocked"]

JSON = b"Content-Type: application/json\r\n"
VALUES = [{"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/"}}]
# What one registration has and the next one has not.
MOMENT = re.compile(rb"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")
FRESH = b"@@"
"""In a request: a name that this way has and the other one has not, of the same length."""


def body_of(identifier: str = "88.118.8/@@-1", **members: object) -> bytes:
    """A registration."""
    return json.dumps({"identifier": identifier, "values": VALUES, **members}).encode()


def post(
    *headers: bytes, body: bytes = b"", target: bytes = b"/v1/identifiers", method: bytes = b"POST", kind: bytes = JSON
) -> bytes:
    """A request with a body, without Authorization."""
    size = b"Content-Length: %d\r\n" % len(body)
    return get(target, kind, size, *headers, method=method) + body


async def both_fresh(node: NodeUnderTest, *parts: bytes) -> tuple[bytes, bytes]:
    """The answers of both ways to the same pieces, each way with identifiers of its own."""
    mine, theirs = ([part.replace(FRESH, name) for part in parts] for name in (b"FA", b"AI"))
    ours, expected = await each(node, mine, theirs)
    return told(ours.replace(b"FA", FRESH)), told(expected.replace(b"AI", FRESH))


def told(answers: bytes) -> bytes:
    """Without the moments in it."""
    return MOMENT.sub(b"then", answers)


def authorization(key: str) -> bytes:
    """The header of a key."""
    return b"Authorization: Bearer %b\r\n" % key.encode()


REGISTRATIONS = {
    "one value": body_of(),
    "the same once more": body_of(),
    "a warning": body_of("88.118.8/@@+1"),
    "letters beyond ASCII": body_of("88.118.8/产@@"),
    "a template that is not there": body_of(template={"prefix": "88.118", "version": "none-1.0"}),
    "what exists": body_of("88.118.8/jx-1"),
    "a foreign prefix": body_of("99.1.2/@@"),
    "a prefix that its enterprise hosts": body_of("88.118.9/@@"),
    "no slash": body_of("no-slash"),
    "no values": b'{"identifier": "88.118.8/@@"}',
    "a reserved index": body_of(values=[{**VALUES[0], "index": 1000}]),
    "an unknown member": body_of(unknown=1),
    "an array": b"[]",
    "no JSON": b"{",
    "no UTF-8": b'{"identifier": "\xff"}',
    "a member twice": b'{"identifier": "88.118.8/@@", "identifier": "88.118.8/@@", "values": []}',
    "NaN": b'{"identifier": "88.118.8/@@", "values": [], "attributes": {"a": NaN}}',
    "another request in it": get(b"/v1/keys"),
    "nothing": b"",
}
HEADERS = {
    "a request id": b"X-Request-Id: order-7\r\n",
    "a request id that is none": b"X-Request-Id: a b\r\n",
    "two request ids": b"X-Request-Id: a\r\nX-Request-Id: b\r\n",
    "a version": b'If-Match: "1"\r\n',
    "a version that is none": b"If-Match: one\r\n",
    "two versions": b'If-Match: "1"\r\nIf-Match: "2"\r\n',
    "what is not modified": b'If-None-Match: "1"\r\n',
    "an Idempotency-Key": b"Idempotency-Key: order-@@\r\n",
    "an Idempotency-Key that is none": b"Idempotency-Key: a b\r\n",
    "two Idempotency-Keys": b"Idempotency-Key: a\r\nIdempotency-Key: b\r\n",
    "an expectation": b"Expect: 100-continue\r\n",
    "no packing": b"Content-Encoding: identity\r\n",
    "a packing": b"Content-Encoding: gzip\r\n",
    "a cookie and an origin": b"Cookie: a=b\r\nOrigin: https://app.example.com\r\n",
    "hops": b"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\n",
    "a second type": b"Content-Type: text/plain\r\n",
    "a second length": b"Content-Length: 0\r\n",
    "a last request": b"Connection: close\r\n",
}
KINDS = {
    "none": b"",
    "capitals": b"content-type: APPLICATION/JSON\r\n",
    "a charset": b"Content-Type: application/json; charset=utf-8\r\n",
    "text": b"Content-Type: text/plain\r\n",
    "a list": b"Content-Type: application/json, text/plain\r\n",
}
METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")
TARGETS = (
    b"/v1/identifiers?dry_run=true",
    b"/v1/identifiers?dry_run=true&dry_run=true",
    b"/v1/identifiers?dry_run=maybe",
    b"/v1/identifiers?unknown=1",
    b"/v1/identifiers?",
    b"/v1/identifiers?dry%5Frun=true",
    b"/v1/identifiers#x",
    b"/v1/identifiers/",
    b"//v1/identifiers",
    b"/v1/%69dentifiers",
    b"/v1/../v1/identifiers",
    b"/v1/nothing",
    b"/v1/suspend/88.118.8/none",
    b"/v1/suspend/88.118.8/../JX-1",
    b"/v1/suspend/88.118.8%2Fnone",
    b"/v1/enterprises/none",
    b"/v1/enterprises/none/more",
)


async def test_a_registration_has_the_same_answer(stocked: NodeUnderTest) -> None:
    for title, body in REGISTRATIONS.items():
        ours, expected = await both_fresh(stocked, post(authorization(stocked.admin_key), body=body))

        assert ours == expected, title


async def test_headers_have_the_same_effect(stocked: NodeUnderTest) -> None:
    for title, header in HEADERS.items():
        request = post(authorization(stocked.admin_key), header, body=body_of(f"88.118.8/@@ {title}".replace(" ", "-")))
        ours, expected = await both_fresh(stocked, request)

        assert ours == expected, title


async def test_media_types_have_the_same_effect(stocked: NodeUnderTest) -> None:
    for title, kind in KINDS.items():
        request = post(authorization(stocked.admin_key), body=body_of(f"88.118.8/@@{len(title)}"), kind=kind)
        ours, expected = await both_fresh(stocked, request)

        assert ours == expected, title


async def test_targets_and_methods_have_the_same_effect(stocked: NodeUnderTest) -> None:
    for method, target, body in product(METHODS, TARGETS, (b"", b"{}")):
        request = post(authorization(stocked.admin_key), body=body, target=target, method=method)
        ours, expected = await both_fresh(stocked, request)

        assert ours == expected, (method, target, body)


async def test_who_asks_decides_alike(stocked: NodeUnderTest) -> None:
    reader = await stocked.key("reader")
    foreign = await stocked.key("enterprise", "88.118.9")
    admin = authorization(stocked.admin_key)
    askers = {
        "nobody": b"",
        "a reader": authorization(reader),
        "another enterprise": authorization(foreign),
        "an unknown key": b"Authorization: Bearer idn_nobody\r\n",
        "another scheme": b"Authorization: Basic YTpi\r\n",
        "no scheme": b"Authorization: x\r\n",
        "an empty header": b"Authorization:\r\n",
        "two keys": admin + admin,
        "small letters": admin.lower().replace(stocked.admin_key.lower().encode(), stocked.admin_key.encode()),
    }

    for number, (title, header) in enumerate(askers.items()):
        ours, expected = await both_fresh(stocked, post(header, body=body_of(f"88.118.8/@@{number}")))

        assert ours == expected, title


async def test_a_revoked_key_is_refused_with_the_bytes_that_were_good_before(stocked: NodeUnderTest) -> None:
    response = await stocked.call("POST", "/v1/keys", {"name": "short", "role": "admin", "prefixes": []})
    made = await response.json()
    request = post(authorization(made["key"]), body=body_of("88.118.8/JX-1"))
    before, _ = await both(stocked, request)
    revoked = await stocked.call("DELETE", f"/v1/keys/{made['id']}")
    after, expected = await both(stocked, request)

    assert revoked.status == 200
    assert before.startswith(b"HTTP/1.1 409 ")
    assert after.startswith(b"HTTP/1.1 401 ")
    assert after == expected


async def test_a_kept_answer_is_the_same_by_whichever_way_it_is_asked_for(stocked: NodeUnderTest) -> None:
    key = authorization(stocked.admin_key) + b"Idempotency-Key: order-1\r\nX-Request-Id: 1\r\n"
    request = post(key, body=body_of("88.118.8/KEPT"))
    first, second = await both(stocked, request)
    other, also = await both(stocked, post(key, body=body_of("88.118.8/OTHER")))

    assert first.startswith(b"HTTP/1.1 201 ")
    assert first == second
    assert other.startswith(b"HTTP/1.1 422 ")
    assert other == also


async def test_a_body_of_the_limit_and_one_more_have_the_same_answer(stocked: NodeUnderTest) -> None:
    key = authorization(stocked.admin_key)
    frame = len(body_of("88.118.8/", padding=""))
    for size in (REQUEST_BYTES_MAX, REQUEST_BYTES_MAX + 1):
        ours, expected = await both(stocked, post(key, body=body_of("88.118.8/", padding="x" * (size - frame))))

        assert ours == expected, size


async def test_a_body_in_chunks_has_the_same_answer(stocked: NodeUnderTest) -> None:
    body = body_of()
    head = get(
        b"/v1/identifiers", JSON, authorization(stocked.admin_key), b"Transfer-Encoding: chunked\r\n", method=b"POST"
    )
    ours, expected = await both_fresh(stocked, head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

    assert ours == expected


async def test_writes_and_reads_in_one_piece_are_answered_in_their_order(stocked: NodeUnderTest) -> None:
    # History shows request ids.
    key = authorization(stocked.admin_key) + b"X-Request-Id: order-7\r\n"
    target, history = b"/v1/identifiers/88.118.8/@@-1", b"/v1/history/88.118.8/@@-1"
    change = post(key, body=json.dumps({"values": VALUES}).encode(), target=target, method=b"PUT")
    ours, expected = await both_fresh(
        stocked,
        post(key, body=body_of()) + get(target) + change + get(target, key) + get(b"/livez")
        + post(key, target=b"/v1/suspend/88.118.8/@@-1", kind=b"") + get(target) + get(history, key)
        + post(key, target=target, method=b"DELETE", kind=b"") + get(target),
    )  # fmt: skip

    assert ours == expected
    assert [answer[:3] for answer in ours.split(b"HTTP/1.1 ")[1:]] == [
        b"201", b"200", b"200", b"200", b"200", b"200", b"404", b"200", b"200", b"410", b"200",
    ]  # fmt: skip


def splits(request: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Around the places where something ends."""
    head = request.index(b"\r\n\r\n")
    for at in (1, 5, head, head + 3, head + 4, head + 5, len(request) - 1):
        yield request[:at], request[at:]


async def test_a_write_in_pieces_has_the_same_answer(stocked: NodeUnderTest) -> None:
    request = post(authorization(stocked.admin_key), body=body_of("88.118.8/JX-1"))
    whole, expected = await both(stocked, request)

    assert whole == expected
    for pieces in splits(request):
        ours, _ = await both(stocked, *pieces)

        assert ours == expected, pieces


async def test_the_front_asks_no_handler_of_aiohttp_for_a_write_and_counts_it(stocked: NodeUnderTest) -> None:
    front = stocked.node.make_front(no_handler, limits=LIMITS)
    before = stocked.node.http.by_route_and_status[("register_identifier", 201)]
    request = post(authorization(stocked.admin_key), body=body_of("88.118.8/COUNTED"))
    connection = Connection(front)
    transport = RecordedTransport(connection)
    connection.data_received(request)
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        while front.owed:  # noqa: ASYNC110  # a connection sets no event
            await asyncio.sleep(0.001)

    assert transport.written.startswith(b"HTTP/1.1 201 Created\r\n")
    assert stocked.node.http.by_route_and_status[("register_identifier", 201)] == before + 1
    assert stocked.node.http.in_flight == 0


async def test_the_last_answer_of_a_node_that_goes_down_says_so(stocked: NodeUnderTest) -> None:
    front = stocked.node.make_front(no_handler, limits=LIMITS)
    connection = Connection(front)
    transport = RecordedTransport(connection)
    connection.data_received(post(authorization(stocked.admin_key), body=body_of("88.118.8/LAST")))
    front.leave()
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        await transport.closed.wait()

    assert transport.written.startswith(b"HTTP/1.1 201 Created\r\n")
    assert b"\r\nConnection: close\r\n" in transport.written


def no_handler() -> asyncio.Protocol:
    """A front that needs aiohttp fails."""
    raise AssertionError("a handler of aiohttp was asked for")
