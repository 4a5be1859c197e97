"""Random requests to the identifier routes: refused or done, never a fault of ours, never half a write."""

import json
from typing import Any
from urllib.parse import quote

from harness import TEXTILE, NodeUnderTest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from raw_http import exchange, head

MEMBERS = [
    "identifier",
    "values",
    "template",
    "attributes",
    "remove",
    "index",
    "type",
    "data",
    "format",
    "value",
    "ttl",
]
MORE_MEMBERS = ["permissions", "timestamp", "references", "handle", "prefix", "version", *TEXTILE]
WORDS = ["88.118.8/JX-1", "88.118.8/JX-2", "88.118", "textiles-1.0", "string", "base64", "URL", "1110", "a\0", "\u202e"]
WRITES = [
    ("POST", "/v1/identifiers"),
    ("PUT", "/v1/identifiers/88.118.8/JX-1"),
    ("PATCH", "/v1/identifiers/88.118.8/JX-1"),
]
CHANGES_WITHOUT_A_VERSION = """
SELECT (SELECT count(*) FROM change WHERE subject = 'identifier') - (SELECT coalesce(sum(version), 0) FROM identifier)
"""
"""Each version of a record has its change, and each change made a version."""

# Examples share the node: what one of them has registered is there for the next.
bounded = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

names = st.sampled_from(MEMBERS + MORE_MEMBERS) | st.text(max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 2_100)
    | st.integers()
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(st.characters(), max_size=12)
)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6), max_leaves=24
)
indexes = st.integers(1, 5) | st.integers(998, 1_002) | scalars
data = st.text(max_size=20) | st.fixed_dictionaries(
    {"format": st.sampled_from(["string", "base64", "hex", "admin", "vlist", "site", "key"]), "value": documents}
)
values = st.fixed_dictionaries(
    {"index": indexes, "type": st.sampled_from(["URL", "EMAIL", "HS_ADMIN", "product_name"]) | scalars, "data": data},
    optional={"ttl": scalars, "permissions": scalars, "timestamp": scalars, "references": documents},
)
contents = st.fixed_dictionaries(
    {"values": st.lists(values, max_size=4)},
    optional={
        "identifier": st.sampled_from(WORDS) | st.text(max_size=20),
        "template": st.just({"prefix": "88.118", "version": "textiles-1.0"}) | documents,
        "attributes": st.dictionaries(st.sampled_from([*TEXTILE, "width"]) | names, documents, max_size=4),
        "remove": st.lists(indexes, max_size=3),
    },
)


@given(write=st.sampled_from(WRITES), document=documents | contents)
@bounded
async def test_any_json_is_done_or_refused(node: NodeUnderTest, write: tuple[str, str], document: Any) -> None:
    await _ensure_record(node)
    method, path = write

    response = await node.client.request(method, path, data=json.dumps(document), headers=_headers(node))

    assert response.status in (200, 201, 400, 404, 409, 422), await response.text()
    assert await _changes_without_a_version(node) == 0


@given(write=st.sampled_from(WRITES), body=st.binary(min_size=1, max_size=64))
@example(write=WRITES[0], body=b"\xef\xbb\xbf{}")
@example(write=WRITES[0], body=b"\x1f\x8b\x08\x00")
@bounded
async def test_any_bytes_are_refused(node: NodeUnderTest, write: tuple[str, str], body: bytes) -> None:
    await _ensure_record(node)
    method, path = write

    response = await node.client.request(method, path, data=body, headers=_headers(node))

    assert response.status in (400, 422), await response.text()
    assert await _changes_without_a_version(node) == 0


suffixes = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(identifier=suffixes.map("88.118.8/{}".format) | suffixes)
@example(identifier="88.118.8/" + "品" * 82)
@example(identifier="88.118.8/.")
@example(identifier="88.118.8/..")
@example(identifier="88.118.8/%2F")
@example(identifier="88.118.8/a?b#c")
@example(identifier="88.118.8/\ufffd")
@bounded
async def test_any_text_that_registers_as_an_identifier_reads_as_it_was_written(
    node: NodeUnderTest, identifier: str
) -> None:
    await _ensure_record(node)
    form = {"identifier": identifier, "values": [{"index": 1, "type": "URL", "data": identifier}]}

    registered = await node.client.post("/v1/identifiers", data=json.dumps(form), headers=_headers(node))
    path = "/v1/identifiers/" + quote(identifier, safe="")
    read = await exchange(node, head(node, f"GET {path} HTTP/1.1"))
    batch = await (await node.call("POST", "/v1/resolve", {"identifiers": [identifier]})).json()

    match registered.status:
        case 201:
            assert (read.status, json.loads(read.body)["identifier"]) == (200, identifier)
            assert registered.headers["Location"] == "/v1/identifiers/" + quote(identifier, safe="/")
            assert batch["results"][0]["record"]["values"][0]["data"]["value"] == identifier
        case 409:
            assert json.loads(read.body)["identifier"].upper() == identifier.upper()
        case _:
            assert registered.status in (404, 422), await registered.text()
            assert read.status in (404, 422), read
            assert batch["results"][0]["found"] is False


def _escaped(octets: bytes) -> str:
    return "".join(f"%{octet:02X}" for octet in octets)


targets = st.lists(
    st.sampled_from(
        ["88.118.8/", "JX-1", "/", "%2F", "%252F", "%", "..", ".", "%2e", "?at=", "&", "#", ";", "+", "%00"]
    )
    | st.binary(max_size=4).map(_escaped)
    | st.text("abcXYZ089-_.~!$'()*,;=:@", max_size=6),
    max_size=8,
).map("".join)


@given(
    method=st.sampled_from(["GET", "PUT", "PATCH", "DELETE"]),
    base=st.sampled_from(
        ["/v1/identifiers/", "/v1/history/", "/v1/prefixes/", "/v1/templates/", "/v1/", "/api/handles/"]
    ),
    target=targets,
)
@bounded
async def test_any_target_is_answered(node: NodeUnderTest, method: str, base: str, target: str) -> None:
    await _ensure_record(node)

    answer = await exchange(node, head(node, f"{method} {base}{target} HTTP/1.1", "Content-Length: 0"))

    # 501 is what the Handle REST interface says to methods that it does not have yet.
    assert answer.status < 500 or (base == "/api/handles/" and answer.status == 501), answer
    assert await _changes_without_a_version(node) == 0


async def _ensure_record(node: NodeUnderTest) -> None:
    """The record that the requests are about; an example may find it there already."""
    if (await node.call("GET", "/v1/prefixes/88.118.8")).status == 404:
        await node.prefix("88.118.8")
        await node.identifier("88.118.8/JX-1")


async def _changes_without_a_version(node: NodeUnderTest) -> int:
    async with node.node.database.session() as session:
        row = await session.row(CHANGES_WITHOUT_A_VERSION)
    assert row is not None
    return int(row[0])


def _headers(node: NodeUnderTest) -> dict[str, str]:
    return {**node.admin, "Content-Type": "application/json"}
