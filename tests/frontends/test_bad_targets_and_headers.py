"""Bad paths, query parameters and headers: each is refused by name, or reaches the handler exactly as it was sent."""

import json
import re
from urllib.parse import quote

from faults import Fault, fault_of
from harness import NodeUnderTest
from raw_http import exchange, head
from route_requests import RouteRequests
from stored_rows import stored_rows

LONG = "x" * 79 + "…"
JX1 = "/v1/identifiers/88.118.8/JX-1"
STATES = "'active', 'suspended', 'deleted', 'reserved' or 'released'"
LIST = "/v1/identifiers?prefix=88.118.8&"

PATHS: dict[str, Fault] = {
    "/v1/identifiers/88.118.8/%FF": (400, "path", "utf-8", "88.118.8/%FF", None),
    "/v1/identifiers/88.118.8/%C0%AF": (400, "path", "utf-8", "88.118.8/%C0%AF", None),
    "/v1/identifiers/88.118.8/%ED%A0%80": (400, "path", "utf-8", "88.118.8/%ED%A0%80", None),
    "/v1/identifiers/88.118.8/%F5%80%80%80": (400, "path", "utf-8", "88.118.8/%F5%80%80%80", None),
    "/v1/identifiers/88.118.8/100%": (400, "path", "percent-encoding", "88.118.8/100%", None),
    "/v1/identifiers/88.118.8/%2": (400, "path", "percent-encoding", "88.118.8/%2", None),
    "/v1/identifiers/88.118.8/%zz": (400, "path", "percent-encoding", "88.118.8/%zz", None),
    "/v1/identifiers/88.118.8/%u0041": (400, "path", "percent-encoding", "88.118.8/%u0041", None),
    "/v1/identifiers/88.118.8/JX-1#2": (400, "path", "no-fragment", "2", None),
    "/v1/identifiers/88.118.8/%00": (422, "/identifier", "printable", "88.118.8/\\x00", None),
    "/v1/identifiers/88.118.8/a%0Ab": (422, "/identifier", "printable", "88.118.8/a\\nb", None),
    "/v1/identifiers/88.118.8/%E2%80%AEa": (422, "/identifier", "printable", "88.118.8/\\u202ea", None),
    "/v1/identifiers/88.118.8/a%20": (422, "/identifier", "no-outer-space", "88.118.8/a ", None),
    "/v1/identifiers/88.118.8%252FJX-1": (422, "/identifier", "prefix-slash-suffix", "88.118.8%2FJX-1", None),
    "/v1/identifiers/88.118.8": (422, "/identifier", "prefix-slash-suffix", "88.118.8", None),
    "/v1/identifiers/88.118.8/": (422, "/identifier", "suffix-not-empty", "88.118.8/", None),
    "/v1/identifiers//JX-1": (422, "/identifier", "dotted-labels", "", None),
    "/v1/identifiers/../JX-1": (422, "/identifier", "dotted-labels", "..", None),
    "/v1/identifiers/" + "x" * 7_000: (422, "/identifier", "prefix-slash-suffix", LONG, None),
    "/v1/history/88.118.8/%00": (422, "/identifier", "printable", "88.118.8/\\x00", None),
    "/v1/prefixes/%00": (422, "/prefix", "printable", "\\x00", None),
    "/v1/prefixes/%2F": (422, "/prefix", "dotted-labels", "/", None),
    "/v1/templates/88.118/%00": (422, "/version", "printable", "\\x00", None),
    "/v1/templates/88.118/" + "x" * 3_000: (422, "/version", "max-length", LONG, "128"),
    "/v1/templates/88.118%2Ftextiles-1.0/x": (422, "/prefix", "prefix", "88.118/textiles-1.0", None),
    "/v1/templates/88.118/%FF": (400, "path", "utf-8", "%FF", None),
    "/v1/enterprises/%00": (404, None, None, None, None),
    "/v1/keys/mine": (404, None, None, None, None),
}
QUERIES: dict[str, Fault] = {
    LIST + "limit=0": (422, "/limit", "minimum", "0", "1"),
    LIST + "limit=1001": (422, "/limit", "maximum", "1001", "1000"),
    LIST + "limit=-1": (422, "/limit", "minimum", "-1", "1"),
    LIST + "limit=abc": (422, "/limit", "int-parsing", "abc", None),
    LIST + "limit=": (422, "/limit", "int-parsing", "", None),
    LIST + "limit=1e2": (422, "/limit", "int-parsing", "1e2", None),
    LIST + "limit=" + "9" * 5_000: (422, "/limit", "int-parsing-size", "9" * 79 + "…", None),
    LIST + "limit=1&limit=2": (422, "/limit", "given-twice", "2", None),
    LIST + "limit=1&%6Cimit=2": (422, "/limit", "given-twice", "2", None),
    LIST + "cursor=": (422, "/cursor", "cursor", "", None),
    LIST + "cursor=!!!": (422, "/cursor", "cursor", "!!!", None),
    LIST + "cursor=AA": (422, "/cursor", "cursor", "AA", None),
    LIST + "cursor=%00": (422, "/cursor", "cursor", "\\x00", None),
    LIST + "cursor=%C3%A9": (422, "/cursor", "cursor", "é", None),
    LIST + "cursor=YWJj%3D": (422, "/cursor", "cursor", "YWJj=", None),
    LIST + "cursor=" + "A" * 1_025: (422, "/cursor", "max-length", "A" * 79 + "…", "1024"),
    "/v1/history/88.118.8/JX-1?cursor=YWJj": (422, "/cursor", "cursor", "YWJj", None),
    "/v1/enterprises?cursor=YWJj": (422, "/cursor", "cursor", "YWJj", None),
    "/v1/keys?cursor=YWJj": (422, "/cursor", "cursor", "YWJj", None),
    "/v1/prefixes?cursor=AAAA": (422, "/cursor", "cursor", "AAAA", None),
    "/v1/templates?cursor=AAAA": (422, "/cursor", "cursor", "AAAA", None),
    "/v1/identifiers": (422, "/prefix", "required", None, None),
    "/v1/identifiers?prefix=": (422, "/prefix", "prefix", "", None),
    "/v1/identifiers?prefix=%00": (422, "/prefix", "prefix", "\\x00", None),
    "/v1/identifiers?prefix=%FF": (400, "query", "utf-8", "%FF", None),
    "/v1/identifiers?prefix=%": (400, "query", "percent-encoding", "%", None),
    "/v1/identifiers?%FF=1": (400, "query", "utf-8", "%FF", None),
    LIST + "state=gone": (
        422,
        "/state",
        "option",
        "gone",
        "'active', 'suspended', 'deleted', 'reserved' or 'released'",
    ),
    "/v1/prefixes?enterprise=mine": (422, "/enterprise", "uuid-parsing", "mine", None),
    JX1 + "?x=1": (422, "/x", "unknown-member", "1", None),
    JX1 + "?a%2Fb%E2%80%AE=1": (422, "/a~1b\\u202e", "unknown-member", "1", None),
    JX1 + "?" + "x" * 7_000: (422, "/" + LONG, "unknown-member", "", None),
    JX1 + "?at=": (422, "/at", "date-time", "", None),
    JX1 + "?at=garbage": (422, "/at", "date-time", "garbage", None),
    JX1 + "?at=2026-01-01": (422, "/at", "date-time", "2026-01-01", None),
    JX1 + "?at=2026-01-01T00:00:00": (422, "/at", "date-time", "2026-01-01T00:00:00", None),
    JX1 + "?at=2026-01-01T00:00:00+08:00": (422, "/at", "date-time", "2026-01-01T00:00:00 08:00", None),
    JX1 + "?at=2026-02-30T00:00:00Z": (422, "/at", "date-time", "2026-02-30T00:00:00Z", None),
    JX1 + "?at=2026-01-01T00:00:60Z": (422, "/at", "date-time", "2026-01-01T00:00:60Z", None),
    JX1 + "?at=2026-01-01T00:00:00%2B24:00": (422, "/at", "date-time", "2026-01-01T00:00:00+24:00", None),
    JX1 + "?at=9999-12-31T23:59:59Z": (422, "/at", "calendar", "9999-12-31T23:59:59Z", None),
    JX1 + "?at=0001-01-01T00:00:00%2B14:00": (422, "/at", "calendar", "0001-01-01T00:00:00+14:00", None),
    JX1 + "?at=0000-01-01T00:00:00Z": (422, "/at", "date-time", "0000-01-01T00:00:00Z", None),
    JX1 + "?at=1700000000": (422, "/at", "date-time", "1700000000", None),
}
HEADERS: dict[bytes, Fault] = {
    b"If-Match: 1": (422, "If-Match", "etag", "1", None),
    b'If-Match: W/"1"': (422, "If-Match", "etag", 'W/"1"', None),
    b'If-Match: "1", "2"': (422, "If-Match", "etag", '"1", "2"', None),
    b'If-Match: "99999999999"': (422, "If-Match", "etag", '"99999999999"', None),
    'If-Match: "١"'.encode(): (422, "If-Match", "etag", '"١"', None),
    b"If-Match: \xff": (422, "If-Match", "etag", "\\udcff", None),
    b"If-Match:": (422, "If-Match", "etag", "", None),
    b"If-Match: " + b"x" * 5_000: (422, "If-Match", "etag", LONG, None),
    b'If-Match: "1"\r\nIf-Match: "1"': (422, "If-Match", "given-twice", None, None),
    b'If-Match: "7"': (412, None, None, None, None),
    b"Idempotency-Key:": (422, "Idempotency-Key", "idempotency-key", "", "128 characters"),
    b'Idempotency-Key: ""': (422, "Idempotency-Key", "idempotency-key", '""', "128 characters"),
    b"Idempotency-Key: a b": (422, "Idempotency-Key", "idempotency-key", "a b", "128 characters"),
    b"Idempotency-Key: \xc3\xa9": (422, "Idempotency-Key", "idempotency-key", "é", "128 characters"),
    b"Idempotency-Key: \xff": (422, "Idempotency-Key", "idempotency-key", "\\udcff", "128 characters"),
    b"Idempotency-Key: " + b"x" * 129: (422, "Idempotency-Key", "idempotency-key", LONG, "128 characters"),
    b"Idempotency-Key: a\r\nIdempotency-Key: b": (422, "Idempotency-Key", "given-twice", None, None),
    b"Authorization: Bearer another": (422, "Authorization", "given-twice", None, None),
}
CREDENTIALS = [
    b"",
    b"Bearer",
    b"Bearer ",
    b"Bearer unknown",
    b"Bearer " + b"x" * 257,
    b"Bearer " + b"x" * 8_000,
    b"Bearer \xc3\xa9",
    b"Bearer \xff\xfe",
    b"Bearer \xed\xa0\x80",
    b"Basic dXNlcjpwYXNzd29yZA==",
    b"\xff",
]


async def test_every_bad_path_is_refused_by_name(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")

    found = {path: await _fault(node, f"GET {path} HTTP/1.1") for path in PATHS}

    assert found == PATHS


async def test_every_bad_query_parameter_is_refused_by_name(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")

    found = {target: await _fault(node, f"GET {target} HTTP/1.1") for target in QUERIES}

    assert found == QUERIES


async def test_every_bad_header_is_refused_by_name_and_nothing_is_written(node: NodeUnderTest, dsn: str) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")
    before = await stored_rows(dsn)

    found = {header: await _fault(node, f"DELETE {JX1} HTTP/1.1", header) for header in HEADERS}

    assert found == HEADERS
    assert await stored_rows(dsn) == before


async def test_bad_credentials_are_refused_and_never_repeated(node: NodeUnderTest) -> None:
    line = b"GET /v1/keys HTTP/1.1\r\nHost: node.example\r\nAuthorization: "

    answers = [await exchange(node, line + credentials + b"\r\n\r\n") for credentials in CREDENTIALS]

    assert [answer.status for answer in answers] == [401] * 11
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Bearer realm="idnode"'}
    assert {answer.problem["type"] for answer in answers} == {"urn:idnode:problem:not-authenticated"}
    assert not [answer for answer in answers if b"xxx" in answer.body or b"dXNl" in answer.body]


async def test_an_unharmful_request_id_comes_back_and_another_is_replaced(node: NodeUnderTest, dsn: str) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")
    sent = [b"order-7.b:1_x", b"x" * 65, b"a b", b"\xff", b"a\xc2\xa0", b"", b'{"a":1}', b"<b>"]

    answers = [await exchange(node, head(node, f"POST /v1/suspend/88.118.8/JX-{n} HTTP/1.1", b"X-Request-Id: " + each))
               for n, each in enumerate(sent, 1)]  # fmt: skip
    given = [answer.headers["x-request-id"] for answer in answers]
    rows = [content for place, content in await stored_rows(dsn) if place == "change" and "suspend" in content]

    assert given[0] == "order-7.b:1_x"
    assert len(set(given)) == 8
    assert [each for each in given if re.fullmatch("[A-Za-z0-9._:-]{1,64}", each) is None] == []
    assert [each for each in given[1:] if each.encode() in sent] == []
    assert ["order-7.b:1_x" in row for row in rows] == [True]


async def test_a_path_is_decoded_once_and_dots_in_it_are_letters(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    names = ["../x", "./x", "a//b", "a/../b", "%2F", "100%", "a+b", "a?b", "a#b", "a;b=c", "a b", "产品"]
    for name in names:
        await node.identifier(f"88.118.8/{name}")

    answers = [
        await exchange(node, head(node, f"GET /v1/identifiers/88.118.8/{quote(name, safe=safe)} HTTP/1.1"))
        for name in names
        for safe in ("/+;=", "")
    ]
    dotted = await exchange(node, head(node, "GET /v1/identifiers/88.118.8/%2e%2e%2Fx HTTP/1.1"))

    assert [json.loads(answer.body).get("identifier") for answer in answers[::2]] == [f"88.118.8/{n}" for n in names]
    assert [json.loads(answer.body).get("identifier") for answer in answers[1::2]] == [f"88.118.8/{n}" for n in names]
    assert json.loads(dotted.body)["identifier"] == "88.118.8/../x"


async def test_a_time_to_come_shows_the_present_and_the_edges_of_the_calendar_are_times(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")
    moments = ["9998-12-31T23:59:59-14:00", "2999-01-01T00:00:00Z", "1970-01-01T00:00:00+14:00"]

    answers = [await node.call("GET", f"{JX1}?at={quote(moment)}") for moment in moments]

    assert [answer.status for answer in answers] == [200, 200, 404]


async def test_no_text_in_a_path_makes_any_route_fail(node: NodeUnderTest) -> None:
    requests = await RouteRequests.prepare(node)
    wrong = []

    for route in (route for route in node.node.routes if "{" in route.path):
        body = json.dumps((await requests.of(route)).body).encode() if route.body else b""
        for text in ("%00", "%FF", "%", "..", ".", "%2F", "%2e%2e%2f", "x" * 4_000, "%E2%80%AE", "88.118.8/%00", "%0A"):
            path = route.path.replace("{", "").replace("}", "")
            for name in ("identifier", "prefix", "version", "id"):
                path = path.replace(f"/{name}", f"/{text}")
            size = f"Content-Length: {len(body)}"
            line = f"{route.method} {path} HTTP/1.1"
            answer = await exchange(node, head(node, line, "Content-Type: application/json", size), body)
            # With a slash in it a text may lead to another route, which has other methods.
            if answer.status not in (400, 404, 422) and (answer.status, text) != (405, "88.118.8/%00"):
                wrong.append(f"{answer.status} to {line}")

    assert wrong == []


async def _fault(node: NodeUnderTest, line: str, *headers: bytes) -> Fault:
    answer = await exchange(node, head(node, line, *headers))
    return fault_of(answer.status, answer.body)
