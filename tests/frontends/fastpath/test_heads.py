"""Which heads the front serves without aiohttp; that they mean the same to both is for test_same_writes to show."""

import pytest
from pydantic import BaseModel

from idnode.frontends.fastpath.heads import HEADS_REMEMBERED_MAX, Heads
from idnode.frontends.v1.routes import Call, Route
from idnode.storage.idempotency import KeptAnswer


async def act(_: Call) -> KeptAnswer:
    """Not asked here."""
    raise AssertionError


def route(method: str, path: str, name: str) -> Route:
    """A row of the table."""
    return Route(method, path, name, name, act, None, BaseModel)


TABLE = (
    route("POST", "/v1/identifiers", "register_identifier"),
    route("GET", "/v1/identifiers/{identifier}", "read_identifier"),
    route("PUT", "/v1/identifiers/{identifier}", "replace_identifier"),
    route("GET", "/v1/keys/{id}", "read_key"),
    route("POST", "/v1/keys/{id}/rotate", "rotate_key"),
)
JSON = (b"Content-Type: application/json", b"Content-Length: 2")


def head(line: bytes, *headers: bytes) -> bytes:
    """Request line without its version, and headers with a Host before them."""
    return b"\r\n".join((line + b" HTTP/1.1", b"Host: node.example", *headers, b"", b""))


@pytest.fixture
def heads() -> Heads:
    """Of a small table."""
    return Heads(TABLE)


def test_a_registration_is_read_with_the_headers_that_matter(heads: Heads) -> None:
    read = heads.read(
        head(b"POST /v1/identifiers?dry_run=true", *JSON, b"authorization: \tBearer x ", b"Accept: */*", b"IF-MATCH:*")
    )

    assert read is not None
    assert (read.route.name, read.target, read.path, read.query, read.body_size) == (
        "register_identifier", "/v1/identifiers?dry_run=true", "/v1/identifiers", "dry_run=true", 2,
    )  # fmt: skip
    assert read.values("Authorization") == ("Bearer x",)
    assert read.values("If-Match") == ("*",)
    assert read.values("Idempotency-Key") == ()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"PUT /v1/identifiers/88.118.8/a/b", "replace_identifier"),
        (b"GET /v1/keys/7", "read_key"),
        (b"POST /v1/keys/7/rotate", "rotate_key"),
    ],
)
def test_a_path_is_found_in_the_table(heads: Heads, line: bytes, name: str) -> None:
    read = heads.read(head(line))

    assert read is not None
    assert read.route.name == name


@pytest.mark.parametrize(
    "line",
    [
        b"GET /v1/identifiers/88.118.8/a", b"HEAD /v1/keys/7", b"DELETE /v1/keys/7", b"GET /v1/keys/7/8",
        b"GET /v1/keys/%37", b"GET /v1/keys/7#x", b"GET /v1/keys/7?a=%37", b"GET /v1/keys/7?a=b?c", b"GET /v1/keys/",
        b"GET /v1/keys/{id}", b"GET http://node.example/v1/keys/7", b"GET /v2/keys/7",
    ],
)  # fmt: skip
def test_another_target_is_for_aiohttp(heads: Heads, line: bytes) -> None:
    assert heads.read(head(line)) is None


@pytest.mark.parametrize(
    "headers",
    [
        (b"Content-Length: 2",),
        (b"Content-Length: 2", b"Content-Type: text/plain"),
        (b"Content-Length: 2", b"Content-Type: application/json; charset=utf-8"),
        (*JSON, b"Content-Type: application/json"),
        (*JSON, b"Content-Length: 2"),
        (*JSON, b"Content-Encoding: gzip"),
        (*JSON, b"Expect: 100-continue"),
        (*JSON, b"Connection: close"),
        (*JSON, b"Authorization: Bearer a", b"Authorization: Bearer b"),
        (*JSON, b"Idempotency-Key: a", b"idempotency-key: a"),
        (*JSON, b"X-Request-Id: a", b"X-Request-Id: b"),
        (*JSON, b'If-None-Match: "1"'),
        (*JSON, b"Host: other.example"),
        (b"Content-Type: application/json", b"Content-Length: 1048577"),
        (b"Content-Type: application/json", b"Transfer-Encoding: chunked"),
    ],
)
def test_a_doubt_about_a_header_is_for_aiohttp(heads: Heads, headers: tuple[bytes, ...]) -> None:
    assert heads.read(head(b"POST /v1/identifiers", *headers)) is None


def test_hops_of_several_headers_are_one_list(heads: Heads) -> None:
    read = heads.read(head(b"POST /v1/identifiers", b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-For: 192.0.2.2"))

    assert read is not None
    assert read.values("X-Forwarded-For") == ("192.0.2.1,192.0.2.2",)


def test_a_head_is_remembered_and_no_more_than_so_many(heads: Heads) -> None:
    first = heads.read(head(b"GET /v1/keys/0"))
    again = heads.read(head(b"GET /v1/keys/0"))
    for number in range(1, HEADS_REMEMBERED_MAX + 1):
        heads.read(head(b"GET /v1/keys/%d" % number))
    anew = heads.read(head(b"GET /v1/keys/0"))

    assert first is again
    assert anew is not first
    assert anew == first
