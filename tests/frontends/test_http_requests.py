"""Requests at the edge of HTTP: what is none, what has no route or the wrong method, targets in other forms."""

import json

from harness import NodeUnderTest
from raw_http import connect, exchange, head
from stored_rows import stored_rows

HOST = b"Host: node.example\r\n"
END = b"\r\n\r\n"
JX1 = "/v1/identifiers/88.118.8/JX-1"

UNREADABLE = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "garbage": b"\x00\x01\x02\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no HTTP version of ours": b"GET /livez HTTP/9.9\r\n" + HOST + END,
    "no method": b" /livez HTTP/1.1\r\n" + HOST + END,
    "an unknown method": b"FETCH /livez HTTP/1.1\r\n" + HOST + END,
    "a method with another letter": b"G\xc3\x8bT /livez HTTP/1.1\r\n" + HOST + END,
    "a space in the target": b"GET /v1/identifiers/88.118.8/a b HTTP/1.1\r\n" + HOST + END,
    "raw UTF-8 in the target": "GET /v1/identifiers/88.118.8/产品 HTTP/1.1\r\n".encode() + HOST + END,
    "a raw byte in the target": b"GET /v1/identifiers/88.118.8/\xff HTTP/1.1\r\n" + HOST + END,
    "a control character in the target": b"GET /v1/identifiers/88.118.8/a\x01 HTTP/1.1\r\n" + HOST + END,
    "a NUL in the query": b"GET /v1/keys?limit=\x00 HTTP/1.1\r\n" + HOST + END,
    "a target that is no path": b"GET node.example:80 HTTP/1.1\r\n" + HOST + END,
    "a broken host in the target": b"GET http://[bad/livez HTTP/1.1\r\n" + HOST + END,
    "a star": b"GET * HTTP/1.1\r\n" + HOST + END,
    "a target of 10,000 bytes": b"GET /v1/identifiers/" + b"x" * 10_000 + b" HTTP/1.1\r\n" + HOST + END,
    "no Host": b"GET /livez HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /livez HTTP/1.1\r\n" + HOST + HOST + END,
    "a header without a colon": b"GET /livez HTTP/1.1\r\n" + HOST + b"X-Request-Id\r\n\r\n",
    "a header with NUL": b"GET /livez HTTP/1.1\r\n" + HOST + b"X-Request-Id: a\x00b\r\n\r\n",
    "a folded header": b"GET /livez HTTP/1.1\r\n" + HOST + b"X-Request-Id: a\r\n b\r\n\r\n",
    "a space before the colon": b"GET /livez HTTP/1.1\r\n" + HOST + b"X-Request-Id : a\r\n\r\n",
    "a header of 10,000 bytes": b"GET /livez HTTP/1.1\r\n" + HOST + b"X-A: " + b"a" * 10_000 + END,
    "a header of 3,000,000 bytes": b"GET /livez HTTP/1.1\r\n" + HOST + b"X-A: " + b"a" * 3_000_000 + END,
    "a key of 10,000 bytes": b"GET /livez HTTP/1.1\r\n" + HOST + b"Authorization: Bearer " + b"k" * 10_000 + END,
    "500 headers": b"GET /livez HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: a\r\n" % n for n in range(500)) + b"\r\n",
    "a negative length": b"POST /v1/resolve HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    "a signed length": b"POST /v1/resolve HTTP/1.1\r\n" + HOST + b"Content-Length: +1\r\n\r\n",
    "a length of 30 digits": b"POST /v1/resolve HTTP/1.1\r\n" + HOST + b"Content-Length: " + b"9" * 30 + END,
    "two lengths": b"POST /v1/resolve HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a length and chunks": (
        b"POST /v1/resolve HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "an unknown transfer coding": b"POST /v1/resolve HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip\r\n\r\n",
    "a chunk without a size": b"POST /v1/resolve HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
}


async def test_what_is_no_http_is_refused_and_the_connection_closed(node: NodeUnderTest) -> None:
    found = {}
    for title, request in UNREADABLE.items():
        async with await connect(node.port) as connection:
            await connection.send(request)
            answer = await connection.answer()
            found[title] = (answer.status, len(answer.body) < 1_000, await connection.rest())
    alive = await node.call("GET", "/livez")

    assert found == dict.fromkeys(UNREADABLE, (400, True, b""))
    assert alive.status == 200


async def test_an_expectation_that_nobody_knows_is_refused(node: NodeUnderTest) -> None:
    assert (await exchange(node, head(node, "GET /livez HTTP/1.1", "Expect: wonders"))).status == 417


async def test_a_path_without_a_route_is_a_problem_document(node: NodeUnderTest) -> None:
    for target in (
        "/v1/",
        "/v1/nope",
        "/v1/identifiers/",
        "/v1//identifiers",
        "/v1/../v1/keys",
        "/v1/keys/",
        "//v1/keys",
    ):
        answer = await exchange(node, head(node, f"POST {target} HTTP/1.1", "Content-Length: 0"))

        assert answer.status == 404
        assert answer.problem == {
            "type": "urn:idnode:problem:no-such-route",
            "title": "No such route",
            "status": 404,
            "detail": f"there is nothing at {target}",
        }
        assert answer.headers["x-request-id"]


async def test_a_wrong_method_is_a_problem_document_that_names_the_right_ones(node: NodeUnderTest) -> None:
    for method, target, allowed in (
        ("POST", "/livez", "GET, HEAD"),
        ("PUT", "/v1/identifiers", "GET, HEAD, POST"),
        ("POST", JX1, "DELETE, GET, HEAD, PATCH, PUT"),
        ("GET", "/v1/suspend/88.118.8/JX-1", "POST"),
        ("OPTIONS", JX1, "DELETE, GET, HEAD, PATCH, PUT"),
        ("OPTIONS", "/v1/resolve", "POST"),
        ("TRACE", "/livez", "GET, HEAD"),
        ("PROPFIND", "/v1/keys", "GET, HEAD, POST"),
    ):
        answer = await exchange(node, head(node, f"{method} {target} HTTP/1.1", "Content-Length: 0"))

        assert answer.status == 405
        assert answer.headers["allow"] == allowed
        assert answer.problem["type"] == "urn:idnode:problem:method-not-allowed"
        assert answer.problem["detail"] == f"{method} is not possible here, only {allowed}"


async def test_a_request_about_no_path_is_a_problem_document(node: NodeUnderTest) -> None:
    lines = ("OPTIONS * HTTP/1.1", "CONNECT node.example:443 HTTP/1.1")

    answers = [await exchange(node, head(node, line)) for line in lines]

    assert [answer.problem["type"] for answer in answers] == ["urn:idnode:problem:no-such-route"] * 2


async def test_head_answers_like_get_without_the_body(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")
    compared = ("content-type", "content-length", "etag", "vary")

    for target, status in ((JX1, 200), ("/v1/identifiers/88.118.8/none", 404), ("/v1/identifiers/none", 422)):
        get = await exchange(node, head(node, f"GET {target} HTTP/1.1"))
        async with await connect(node.port) as connection:
            await connection.send(head(node, f"HEAD {target} HTTP/1.1", "Connection: close"))
            answer = await connection.answer(has_body=False)
            rest = await connection.rest()

        assert (get.status, answer.status, rest) == (status, status, b"")
        assert {name: answer.headers.get(name) for name in compared} == {n: get.headers.get(n) for n in compared}


async def test_a_target_with_an_authority_is_its_path(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/../JX-1")
    authorities = ("http://node.example", "https://other.example:8443", "http://u:p@[::1]")

    answers = [
        await exchange(node, head(node, f"GET {authority}/v1/identifiers/88.118.8/../JX-1 HTTP/1.1"))
        for authority in authorities
    ]

    assert [answer.status for answer in answers] == [200] * 3
    assert [json.loads(answer.body)["identifier"] for answer in answers] == ["88.118.8/../JX-1"] * 3


async def test_requests_that_follow_each_other_at_once_are_answered_in_order(node: NodeUnderTest, dsn: str) -> None:
    await node.prefix("88.118.8")
    before = await stored_rows(dsn)
    wrong = head(node, "POST /v1/identifiers HTTP/1.1", "Content-Type: application/json", "Content-Length: 2") + b"{}"

    async with await connect(node.port) as connection:
        await connection.send(wrong + head(node, "GET /livez HTTP/1.1") + wrong + head(node, f"GET {JX1} HTTP/1.1"))
        statuses = [(await connection.answer()).status for _ in range(4)]

    assert statuses == [422, 200, 422, 404]
    assert await stored_rows(dsn) == before
