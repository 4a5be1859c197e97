"""The client of a node: paths, pages, refusals, and answers that no idnode gives."""

import pytest
from played_node import KEY, Said, played_node, problem

from idnode.cli.destination import Destination
from idnode.cli.errors import NodeRefused, NodeUnreachable, StrangeAnswer
from idnode.cli.node_client import NodeClient
from idnode.frontends.v1.schemas.directory import KeyPage
from idnode.model.errors import Violation


def key(name: str) -> dict[str, object]:
    return {
        "id": "01a20ca9-9b60-7bf8-8ddf-c13ad95da979",
        "name": name,
        "role": "reader",
        "prefixes": [],
        "hint": "idn_8eTx",
        "replaces": None,
        "version": 1,
        "created": "2026-01-15T09:30:00.000Z",
        "expires": None,
        "revoked": None,
        "last_used": None,
    }


async def test_steps_of_a_path_are_encoded_whole() -> None:
    with played_node() as node:
        node.says("GET /v1/identifiers/88.118%2F%E4%B8%AD%2F..%2Fa%3Fb", Said(200, {}))
        async with NodeClient.connected(Destination(node.url, KEY)) as client:
            answer = await client.read("identifiers", "88.118/中/../a?b")

    assert answer.status == 200


async def test_pages_follow_the_cursor() -> None:
    with played_node() as node:
        node.says(
            "GET /v1/keys",
            Said(200, {"items": [key("one")], "next": "c=1&2"}),
            Said(200, {"items": [key("two")], "next": None}),
        )
        async with NodeClient.connected(Destination(node.url, KEY)) as client:
            names = [each.name async for page in client.pages(KeyPage, "keys") for each in page.items]

    assert names == ["one", "two"]
    assert [asked.target for asked in node.asked] == ["/v1/keys?limit=1000", "/v1/keys?limit=1000&cursor=c%3D1%262"]


async def test_a_refusal_carries_every_violation() -> None:
    errors = [
        {"pointer": "/a", "rule": "required", "detail": "is required"},
        {"pointer": "/b", "rule": "x", "detail": "y"},
    ]
    with played_node() as node:
        node.says("GET /v1/keys", problem(422, "invalid-input", "two things", *errors))
        async with NodeClient.connected(Destination(node.url, KEY)) as client:
            with pytest.raises(NodeRefused) as refusal:
                await client.read("keys")

    assert (refusal.value.status, refusal.value.refused_as) == (422, "invalid-input")
    assert refusal.value.violations == (Violation("/a", "required", "is required"), Violation("/b", "x", "y"))


async def test_a_refusal_without_a_key_says_where_to_get_one() -> None:
    with played_node() as node:
        node.says("GET /v1/keys", problem(401, "not-authenticated", "this route takes an API key"))
        async with NodeClient.connected(Destination(node.url, None, "give --key")) as client:
            with pytest.raises(NodeRefused, match=r"this route takes an API key \(give --key\)"):
                await client.read("keys")

    assert node.asked[0].key is None


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("9999", 60.0), ("soon", 0.0)])
async def test_a_node_that_is_away_may_say_for_how_long(header: str, seconds: float) -> None:
    with played_node() as node:
        said = problem(503, "unavailable", "the database is away")
        node.says("GET /v1/keys", Said(503, said.document, {"Retry-After": header}))
        async with NodeClient.connected(Destination(node.url, KEY)) as client:
            with pytest.raises(NodeUnreachable, match="answers: the database is away") as away:
                await client.read("keys")

    assert away.value.is_retryable
    assert away.value.retry_after_seconds == seconds


async def test_a_port_without_a_server_is_named_with_the_reason() -> None:
    async with NodeClient.connected(Destination("http://127.0.0.1:1", KEY)) as client:
        with pytest.raises(NodeUnreachable) as away:
            await client.read("keys")

    assert away.value.detail == "cannot reach the node at http://127.0.0.1:1: Connection refused"


async def test_a_server_that_is_no_idnode_is_told_and_not_tried_again() -> None:
    with played_node() as node:
        node.says("GET /v1/keys", Said(200, b"<html>"))
        async with NodeClient.connected(Destination(node.url, KEY)) as client:
            answer = await client.read("keys")
            with pytest.raises(StrangeAnswer, match="the answer is no KeyPage of /v1") as strange:
                answer.as_model(KeyPage)

    assert not strange.value.is_retryable


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    with played_node() as node, played_node() as thief:
        node.says("GET /v1/keys", Said(302, b"", {"Location": thief.url}))
        async with NodeClient.connected(Destination(node.url, KEY)) as client:
            with pytest.raises(StrangeAnswer, match=r"HTTP 302 .* without a problem document: is an idnode there"):
                await client.read("keys")

    assert thief.asked == []
