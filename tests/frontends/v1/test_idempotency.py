"""Idempotency-Key: the same request gets the same answer, byte for byte; another request with the key is refused."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from harness import NodeUnderTest
from route_requests import OWN, PUBLIC_VALUE, RouteRequest, RouteRequests, enterprise_form, key_form, made, template
from stored_rows import holding, places, stored_rows

from idnode.app import compose
from idnode.app_node import running
from idnode.config import Settings
from idnode.frontends.v1.sealing import Sealing
from idnode.model.errors import IdempotencyMisused
from idnode.storage.database import Database

Answer = tuple[int, bytes, str | None, str | None, str]
JX1 = {"identifier": "88.118.8/JX-1", "values": [PUBLIC_VALUE]}
JX2 = {"identifier": "88.118.8/JX-2", "values": [PUBLIC_VALUE]}
REUSED = "urn:idnode:problem:idempotency-key-reused"
CHANGES = {
    "rotate_key": 2,  # the old key ends
    "close_event": 2,  # so does the event
    "approve_transfer": 2,  # the identifier has another holder
    "give_signing_key": 3,  # the old key ends, the record of the prefix has the public half
    "approve_review": 5,  # the enterprise, its profile, its prefix and its user are made
}
"""Change rows of routes that write more than one."""


async def test_every_write_route_answers_a_repeated_request_byte_for_byte_and_writes_once(
    node: NodeUnderTest, dsn: str
) -> None:
    requests = await RouteRequests.prepare(node)
    wrong = []
    writes = [route for route in node.node.routes if route.is_write]

    for route in writes:
        request = await requests.of(route)
        first = await _answer(node, request, key=route.name)
        stood = await stored_rows(dsn)
        second = await _answer(node, request, key=route.name)
        if first[0] != route.status or second != first or await stored_rows(dsn) != stood:
            wrong.append(f"{route.name}: {first} then {second}, {places(await stored_rows(dsn) ^ stood)}")

    assert wrong == []
    assert len(writes) == 52


async def test_every_write_route_refuses_the_key_of_another_request(node: NodeUnderTest, dsn: str) -> None:
    requests = await RouteRequests.prepare(node)
    await _register(node, JX1, key="taken")
    wrong = []

    for route in (route for route in node.node.routes if route.is_write):
        request = await requests.of(route)
        stood = await stored_rows(dsn)
        status, body, *_ = await _answer(node, request, key="taken")
        if (status, json.loads(body)["type"]) != (422, REUSED) or await stored_rows(dsn) != stood:
            wrong.append(f"{route.name}: {status} {body!r}")

    assert wrong == []


async def test_a_dry_run_of_every_write_route_leaves_nothing_and_claims_no_key(node: NodeUnderTest, dsn: str) -> None:
    requests = await RouteRequests.prepare(node)
    wrong = []

    # What is received is tried in the background: it has a test of its own.
    for route in (route for route in node.node.routes if route.is_write and route.receive is None):
        request = await requests.of(route)
        stood = await stored_rows(dsn)
        tried = await _answer(node, request, key=route.name, query="?dry_run=true")
        left = places(await stored_rows(dsn) ^ stood)
        status, *_ = await _answer(node, request, key=route.name)
        if (tried[0], tried[2], tried[3], left, status) != (200, None, None, [], route.status):
            wrong.append(f"{route.name}: tried {tried}, left {left}, then {status}")

    assert wrong == []


async def test_another_body_path_or_if_match_is_refused_and_the_first_answer_stands(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    first = await _register(node, JX1, key="K-1")
    others = [
        await node.call("POST", "/v1/identifiers", JX2, Idempotency_Key="K-1"),
        await node.call("POST", "/v1/identifiers", {**JX1, "values": []}, Idempotency_Key="K-1"),
        await node.call("POST", "/v1/identifiers", {"no": "form"}, Idempotency_Key="K-1"),
        await node.call("POST", "/v1/enterprises", JX1, Idempotency_Key="K-1"),
        await node.call("PUT", "/v1/identifiers/88.118.8/JX-1", JX1, Idempotency_Key="K-1"),
        await node.call("POST", "/v1/identifiers", JX1, Idempotency_Key="K-1", If_Match='"1"'),
    ]

    assert [(other.status, (await other.json())["type"]) for other in others] == [(422, REUSED)] * 6
    assert (await others[0].json())["errors"] == [
        {
            "pointer": "Idempotency-Key",
            "rule": "idempotency-key-reused",
            "value": "K-1",
            "detail": "was used before for another request (method, path, If-Match and body must be the same)",
        }
    ]
    assert await _register(node, JX1, key="K-1") == first
    assert (await node.call("GET", "/v1/identifiers/88.118.8/JX-2")).status == 404


async def test_twenty_equal_requests_at_once_write_once_and_get_equal_answers(node: NodeUnderTest, dsn: str) -> None:
    requests = await RouteRequests.prepare(node)
    wrong = []

    for route in (route for route in node.node.routes if route.is_write):
        request = await requests.of(route)
        before = await stored_rows(dsn)
        answers = await asyncio.gather(*(_answer(node, request, key=route.name) for _ in range(20)))
        written = places(await stored_rows(dsn) - before)
        # Events, stops and imports are their own history.
        changes = len(written) - 1 if route.topic in ("monitoring", "imports") else written.count("change")
        expected = CHANGES.get(route.name, 1)
        if answers != [answers[0]] * 20 or answers[0][0] != route.status or changes != expected:
            wrong.append(f"{route.name}: {sorted({answer[:2] for answer in answers})}, {changes} changes")

    assert wrong == []


async def test_of_twenty_different_requests_with_one_key_one_wins(node: NodeUnderTest, dsn: str) -> None:
    await node.prefix(OWN)
    identifiers = [{"identifier": f"88.118.8/JX-{number}", "values": [PUBLIC_VALUE]} for number in range(20)]
    enterprises = [enterprise_form(number) for number in range(1, 21)]
    before = await stored_rows(dsn)

    registered = await asyncio.gather(*(_register(node, body, key="identifiers") for body in identifiers))
    founded = await asyncio.gather(
        *(node.call("POST", "/v1/enterprises", body, Idempotency_Key="enterprises") for body in enterprises)
    )

    assert sorted(answer[0] for answer in registered) == [201, *[422] * 19]
    assert {json.loads(answer[1])["type"] for answer in registered if answer[0] == 422} == {REUSED}
    assert sorted(response.status for response in founded) == [201, *[422] * 19]
    assert places(await stored_rows(dsn) - before) == [
        "change", "change", "enterprise", "idempotency", "idempotency", "identifier"
    ]  # fmt: skip


async def test_refusals_are_given_again_though_the_reason_is_gone(node: NodeUnderTest) -> None:
    enterprise = await node.enterprise()
    unknown_prefix = await _register(node, JX1, key="before-prefix")
    await node.prefix(OWN, enterprise=enterprise)
    made_by_template = {**JX2, "template": {"prefix": OWN, "version": "v1"}}
    unknown_template = await _register(node, made_by_template, key="before-template")
    await made(node, "/v1/templates", template("v1"))
    await _register(node, JX1, key="first")
    taken = await _register(node, JX1, key="second")
    stale = await node.call("DELETE", "/v1/identifiers/88.118.8/JX-1", Idempotency_Key="early", If_Match='"2"')
    await node.call("PATCH", "/v1/identifiers/88.118.8/JX-1", {"values": [{**PUBLIC_VALUE, "index": 7}]})

    assert [answer[0] for answer in (unknown_prefix, unknown_template, taken)] == [404, 422, 409]
    assert stale.status == 412
    assert await _register(node, JX1, key="before-prefix") == unknown_prefix
    assert await _register(node, made_by_template, key="before-template") == unknown_template
    assert await _register(node, JX1, key="second") == taken
    again = await node.call("DELETE", "/v1/identifiers/88.118.8/JX-1", Idempotency_Key="early", If_Match='"2"')
    assert (again.status, await again.read()) == (412, await stale.read())


async def test_what_cannot_be_read_claims_no_key(node: NodeUnderTest) -> None:
    await node.prefix(OWN)

    unreadable = await node.call("POST", "/v1/identifiers", {"values": []}, Idempotency_Key="K-1")
    mended = await node.call("POST", "/v1/identifiers", JX1, Idempotency_Key="K-1")

    assert (unreadable.status, mended.status) == (422, 201)


async def test_kept_answers_outlive_the_node(node: NodeUnderTest, dsn: str) -> None:
    await node.prefix(OWN)
    registered = await _register(node, JX1, key="K-1")
    refused = await _register(node, JX1, key="K-2")
    key = await _answer(node, RouteRequest("POST", "/v1/keys", key_form(1), 1), key="K-3")

    async with _another_node(dsn, node.admin_key) as successor:
        again = [
            await _register(successor, JX1, key="K-1"),
            await _register(successor, JX1, key="K-2"),
            await _answer(successor, RouteRequest("POST", "/v1/keys", key_form(1), 1), key="K-3"),
        ]

    assert again == [registered, refused, key]
    assert [answer[0] for answer in again] == [201, 409, 201]


async def test_a_made_key_is_shown_again_and_stands_nowhere_in_the_database(node: NodeUnderTest, dsn: str) -> None:
    first = await node.call("POST", "/v1/keys", key_form(1), Idempotency_Key="order-4711")
    second = await node.call("POST", "/v1/keys", key_form(1), Idempotency_Key="order-4711")
    secret = str((await first.json())["key"])
    rows = await stored_rows(dsn)

    assert (await node.call("GET", "/v1/prefixes", key=secret)).status == 200
    assert await second.read() == await first.read()
    assert second.headers["Location"] == first.headers["Location"]
    assert holding(rows, secret) == []
    assert holding(rows, secret.removeprefix("idn_")) == []
    assert holding(rows, "order-4711") == []
    assert holding(rows, node.admin_key) == []
    assert "idempotency" in places(rows)


def test_a_sealed_answer_opens_with_the_callers_key_and_its_idempotency_key_only() -> None:
    owner, other = UUID(int=1), UUID(int=2)
    sealed = Sealing("idn_caller", owner, "order-4711").seal(b'{"key":"idn_made"}')

    assert Sealing("idn_caller", owner, "order-4711").unseal(sealed) == b'{"key":"idn_made"}'
    for wrong in (
        Sealing("idn_reader_of_the_database", owner, "order-4711"),
        Sealing("idn_caller", other, "order-4711"),
        Sealing("idn_caller", owner, "order-4712"),
    ):
        with pytest.raises(IdempotencyMisused, match="cannot be opened with this Idempotency-Key"):
            wrong.unseal(sealed)


def test_sealing_twice_gives_different_bytes_that_hide_the_secret() -> None:
    sealing = Sealing("idn_caller", UUID(int=1), "order-4711")

    first, second = sealing.seal(b"idn_made"), sealing.seal(b"idn_made")

    assert first != second
    assert b"idn_made" not in first + second
    assert "idn_caller" not in repr(sealing)


async def test_another_api_key_may_use_the_same_idempotency_key(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    enterprise = await node.key("enterprise", OWN)

    by_admin = await node.call("POST", "/v1/identifiers", JX1, Idempotency_Key="K-1")
    by_enterprise = await node.call("POST", "/v1/identifiers", JX2, key=enterprise, Idempotency_Key="K-1")
    same_body = await node.call("POST", "/v1/identifiers", JX1, key=enterprise, Idempotency_Key="K-2")

    assert (by_admin.status, by_enterprise.status, same_body.status) == (201, 201, 409)


async def test_quotes_and_outer_spaces_are_no_part_of_the_key(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    first = await _register(node, JX1, key="K-1")

    assert await _register(node, JX1, key='"K-1"') == first
    assert await _register(node, JX1, key=" K-1 ") == first


async def test_keys_that_cannot_be_kept_are_refused_with_their_limit(node: NodeUnderTest, dsn: str) -> None:
    await node.prefix(OWN)
    stood = await stored_rows(dsn)

    answers = [await _register(node, JX1, key=key) for key in ("", " ", "k" * 129, "two words", "键", '""')]
    longest = await _register(node, JX1, key="k" * 128)

    assert [answer[0] for answer in answers] == [422] * 6
    assert json.loads(answers[2][1])["errors"] == [
        {
            "pointer": "Idempotency-Key",
            "rule": "idempotency-key",
            "value": "k" * 79 + "…",
            "limit": "128 characters",
            "detail": "takes 1 to 128 characters of printable ASCII without spaces",
        }
    ]
    assert {json.loads(answer[1])["errors"][0]["limit"] for answer in answers} == {"128 characters"}
    assert longest[0] == 201
    assert places(await stored_rows(dsn) - stood) == ["change", "idempotency", "identifier"]


async def _register(node: NodeUnderTest, body: Any, *, key: str) -> Answer:
    return await _answer(node, RouteRequest("POST", "/v1/identifiers", body, 1), key=key)


async def _answer(node: NodeUnderTest, request: RouteRequest, *, key: str, query: str = "") -> Answer:
    response = await node.call(request.method, request.path + query, request.body, Idempotency_Key=key)
    return await _seen(response)


async def _seen(response: ClientResponse) -> Answer:
    headers = response.headers
    return response.status, await response.read(), headers.get("ETag"), headers.get("Location"), headers["Content-Type"]


@asynccontextmanager
async def _another_node(dsn: str, admin_key: str) -> AsyncIterator[NodeUnderTest]:
    settings = Settings(native_port=0, seed="none", body_seconds=1)
    database = await Database.open(dsn, connections_max=4)
    composed = compose(settings, database, dsn)
    server = TestServer(composed.application)
    async with running(composed), TestClient(server) as client:
        yield NodeUnderTest(composed, client, admin_key, server.port or 0, server.port or 0)
    await database.close()
