"""Batches over HTTP: one result for each row whatever is wrong with it, and clear refusals of the batch as a whole."""

import json
from typing import Any

import pytest
from aiohttp import ClientResponse
from harness import NodeUnderTest

URL = {"index": 1, "type": "URL", "data": "https://example.com/"}
NDJSON = "application/x-ndjson"


async def batch(node: NodeUnderTest, rows: list[Any], *, query: str = "", key: str = "", **headers: str) -> Any:
    response = await node.call("POST", f"/v1/identifiers:batch{query}", {"rows": rows}, key=key, **headers)
    assert response.status == 200, await response.text()
    return await response.json()


async def sent(node: NodeUnderTest, body: bytes, *, query: str = "", **headers: str) -> ClientResponse:
    given = {"Content_Type": NDJSON, **headers}
    sent = {name.replace("_", "-"): value for name, value in given.items()} | node.admin
    response = await node.client.post(f"/v1/identifiers:batch{query}", data=body, headers=sent)
    await response.read()
    return response


def codes(document: Any) -> list[tuple[int, str | None, str]]:
    return [(each["row"], each["identifier"], each["code"]) for each in document["results"]]


async def rule(response: ClientResponse) -> tuple[int, str, str | None, str | None]:
    [error] = (await response.json())["errors"]
    return response.status, error["rule"], error.get("value"), error.get("limit")


async def test_every_row_has_its_own_result_in_json_and_in_ndjson(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    first = await batch(
        node,
        [
            {"identifier": "88.118.8/A", "values": [URL]},
            {"op": "register", "identifier": "88.118.8/B", "values": [URL]},
            {"identifier": "88.118.8/a", "values": [URL]},
            {"identifier": "88.118.9/A", "values": [URL]},
            {"identifier": "88.118.8/C"},
            [],
            {"op": "suspend", "identifier": "88.118.8/A"},
        ],
    )
    body = b"\n".join(
        [
            b'{"op":"patch","identifier":"88.118.8/A","values":[{"index":2,"type":"NOTE","data":"two"}],"version":1}',
            b"",
            b'{"op":"replace","identifier":"88.118.8/B","values":[],"template":null}',
            b'{"identifier":"88.118.8/D","identifier":"88.118.8/E"}',
            b'{"identifier":',
            b'\xff{"identifier":"88.118.8/D"}',
            b'{"op":"delete","identifier":"88.118.8/B"}\r',
            b'{"op":"delete","identifier":"88.118.8/NONE"}',
            b"",
        ]
    )
    second = await (await sent(node, body)).json()
    read = await (await node.call("GET", "/v1/identifiers/88.118.8/A")).json()

    assert codes(first) == [
        (0, "88.118.8/A", "registered"),
        (1, "88.118.8/B", "registered"),
        (2, "88.118.8/a", "duplicate-in-batch"),
        (3, "88.118.9/A", "not-found"),
        (4, "88.118.8/C", "invalid-input"),
        (5, None, "invalid-input"),
        (6, "88.118.8/A", "invalid-input"),
    ]
    assert (first["done"], first["refused"], first["results"][0]["version"]) == (2, 5, 1)
    assert first["results"][6]["problem"]["errors"] == [
        {
            "pointer": "/op",
            "rule": "option",
            "value": "suspend",
            "limit": "register, replace, patch, delete",
            "detail": "must be one of register, replace, patch, delete",
        }
    ]
    assert codes(second) == [
        (0, "88.118.8/A", "patched"),
        (1, "88.118.8/B", "invalid-input"),
        (2, None, "malformed-input"),
        (3, None, "malformed-input"),
        (4, None, "malformed-input"),
        (5, "88.118.8/B", "duplicate-in-batch"),
        (6, "88.118.8/NONE", "not-found"),
    ]
    assert [value["type"] for value in read["values"]] == ["URL", "NOTE"]


async def test_what_is_wrong_with_the_batch_as_a_whole_refuses_all_of_it(
    node: NodeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await node.prefix("88.118.8")
    row, one = b'{"identifier":"88.118.8/A","values":[]}\n', {"identifier": "88.118.8/A", "values": [URL]}
    json_body = {"Content_Type": "application/json"}

    assert await rule(await sent(node, row * 2_001)) == (422, "max-rows", "2001", "2000 rows")
    assert await rule(await sent(node, b"\n" * 4_001)) == (422, "max-rows", "4001", "4000 lines")
    many = await node.call("POST", "/v1/identifiers:batch", {"rows": [0] * 2_001})
    assert await rule(many) == (422, "max-rows", "2001", "2000 rows")
    assert await rule(await sent(node, b"")) == (422, "min-rows", "0", "1 row")
    assert await rule(await sent(node, b"{", **json_body)) == (400, "json", "{", None)
    assert await rule(await sent(node, b'{"rows":[],"rows":[]}', **json_body)) == (400, "given-twice", None, None)
    assert await rule(await sent(node, b"[]", **json_body)) == (422, "object", "an array of 0", None)
    assert await rule(await sent(node, b'{"rows":7}', **json_body)) == (422, "list-type", "7", None)
    assert await rule(await sent(node, b'{"rows":[0],"atomic":1}', **json_body)) == (422, "bool-type", "1", None)
    assert (await rule(await sent(node, row, Content_Type="text/csv")))[:3] == (415, "media-type", "text/csv")
    assert (await rule(await sent(node, row, Content_Encoding="gzip")))[:3] == (415, "identity", "gzip")
    assert (await rule(await sent(node, row, If_Match='"1"')))[:3] == (422, "no-condition", '"1"')
    monkeypatch.setattr("idnode.frontends.v1.batches.BODY_BYTES_MAX", 64)
    assert await rule(await sent(node, row * 2)) == (413, "max-bytes", "80 bytes", "64 bytes")
    monkeypatch.setattr("idnode.frontends.v1.batches.BODY_BYTES_MAX", 1 << 20)
    monkeypatch.setattr("idnode.frontends.v1.batches.BYTES_AT_ONCE_MAX", 64)
    assert (await sent(node, row * 2)).status == 503
    monkeypatch.setattr("idnode.frontends.v1.batches.BYTES_AT_ONCE_MAX", 128)
    assert codes(await batch(node, [one], query="?dry_run=true")) == [(0, "88.118.8/A", "registered")]
    assert codes(await batch(node, [one])) == [(0, "88.118.8/A", "registered")]


async def test_an_atomic_batch_is_answered_row_by_row_too(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    good, bad = {"identifier": "88.118.8/A", "values": [URL]}, {"identifier": "nonsense"}
    body = "\n".join(json.dumps(each) for each in (good, bad)).encode()

    by_member = await node.call("POST", "/v1/identifiers:batch", {"rows": [good, bad], "atomic": True})
    by_query = await sent(node, body, query="?atomic=true")
    read = await node.call("GET", "/v1/identifiers/88.118.8/A")

    expected = [(0, "88.118.8/A", "batch-undone"), (1, "nonsense", "invalid-identifier")]
    assert (codes(await by_member.json()), codes(await by_query.json())) == (expected, expected)
    assert (await by_query.json())["done"] == 0
    assert read.status == 404


async def test_the_same_idempotency_key_gives_the_same_answer_and_writes_once(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    rows = {"rows": [{"identifier": "88.118.8/A", "values": [URL]}, {"identifier": "x"}]}
    others = {"rows": [{"identifier": "88.118.8/B", "values": [URL]}]}

    first = await node.call("POST", "/v1/identifiers:batch", rows, Idempotency_Key="shift-7")
    again = await node.call("POST", "/v1/identifiers:batch", rows, Idempotency_Key="shift-7")
    other = await node.call("POST", "/v1/identifiers:batch", others, Idempotency_Key="shift-7")
    without = await node.call("POST", "/v1/identifiers:batch", rows)

    assert codes(await first.json()) == [(0, "88.118.8/A", "registered"), (1, "x", "invalid-identifier")]
    assert await again.read() == await first.read()
    assert (other.status, (await other.json())["type"]) == (422, "urn:idnode:problem:idempotency-key-reused")
    assert codes(await without.json())[0] == (0, "88.118.8/A", "already-registered")


async def test_a_key_writes_the_rows_that_it_reaches_and_is_refused_the_others(node: NodeUnderTest) -> None:
    enterprise = await node.enterprise()
    for prefix in ("88.118.8", "88.118.9"):
        await node.prefix(prefix, enterprise=enterprise)
    key, reader = await node.key("enterprise", "88.118.8"), await node.key("reader", "88.118.8")
    rows = [{"identifier": f"88.118.{number}/A", "values": [URL]} for number in (8, 9)]

    written = await batch(node, rows, key=key)
    refused = await node.call("POST", "/v1/identifiers:batch", {"rows": rows}, key=reader)
    unknown = await node.call("POST", "/v1/identifiers:batch", {"rows": rows}, key=None)

    assert codes(written) == [(0, "88.118.8/A", "registered"), (1, "88.118.9/A", "forbidden")]
    assert (refused.status, unknown.status) == (403, 401)


async def test_an_answer_is_bounded_whatever_is_wrong_with_the_rows(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    broken = {"identifier": "88.118.8/A", "values": [{"index": 0}] * 40, **{f"more-{n}": 1 for n in range(30)}}

    document = await batch(node, [broken] * 600)
    listed = [len(each["problem"]["errors"]) for each in document["results"]]

    assert listed[0] == 10
    assert document["results"][0]["problem"]["errors_unlisted"] == 20
    assert sum(listed) == 600 + 4_000
    assert listed[-1] == 1
