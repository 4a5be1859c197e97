"""API keys over HTTP: make, revise, rotate with overlap, revoke; what a key may do from then on."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from harness import NodeUnderTest
from route_requests import OWN, PUBLIC_VALUE, made
from stored_rows import holding, stored_rows

from idnode.model.access import ApiKey, Role

FORM = {"name": "示例读者", "role": "reader", "prefixes": [OWN]}
UNUSABLE = "this API key is unknown, has expired or was revoked"


async def test_a_made_key_shows_its_secret_once_and_works(node: NodeUnderTest, dsn: str) -> None:
    response = await node.call("POST", "/v1/keys", {**FORM, "expires": "2999-01-01T08:00:00+08:00"})
    document = await response.json()
    secret = document.pop("key")
    read = await node.call("GET", response.headers["Location"])

    assert (response.status, response.headers["ETag"]) == (201, '"1"')
    assert response.headers["Location"] == f"/v1/keys/{document['id']}"
    assert (document["name"], document["role"], document["prefixes"]) == ("示例读者", "reader", [OWN])
    assert document["expires"] == "2999-01-01T00:00:00.000Z"
    assert (document["revoked"], document["last_used"], document["replaces"]) == (None, None, None)
    assert secret.startswith("idn_")
    assert len(secret) == 47
    assert document["hint"] == secret[:8]
    assert await read.json() == document
    assert holding(await stored_rows(dsn), secret) == []
    assert (await node.call("GET", "/v1/enterprises", key=secret)).status == 200


async def test_a_dry_run_shows_a_key_without_a_secret(node: NodeUnderTest, dsn: str) -> None:
    stood = await stored_rows(dsn)

    tried = await node.call("POST", "/v1/keys?dry_run=true", FORM)

    assert (tried.status, "key" in await tried.json(), (await tried.json())["name"]) == (200, False, "示例读者")
    assert await stored_rows(dsn) == stood


async def test_name_scope_and_expiry_change_and_the_secret_stays(node: NodeUnderTest) -> None:
    document = await made(node, "/v1/keys", FORM)
    await node.prefix(OWN)
    patch = {"name": "新名", "prefixes": ["88.118.9"], "expires": "2999-01-01T00:00:00Z"}

    revised = await node.call("PATCH", f"/v1/keys/{document['id']}", patch, If_Match='"1"')
    changed = await revised.json()
    read = await node.call("GET", f"/v1/prefixes/{OWN}", key=document["key"])
    endless = await (await node.call("PATCH", f"/v1/keys/{document['id']}", {"expires": None})).json()

    assert (revised.status, revised.headers["ETag"]) == (200, '"2"')
    assert (changed["name"], changed["prefixes"], changed["role"]) == ("新名", ["88.118.9"], "reader")
    assert (read.status, (await read.json())["detail"]) == (
        403,
        "prefix 88.118.8 is outside this key's scope (88.118.9)",
    )
    assert (endless["expires"], endless["version"], endless["hint"]) == (None, 3, document["hint"])


async def test_a_revoked_key_stops_at_once(node: NodeUnderTest) -> None:
    document = await made(node, "/v1/keys", FORM)
    path = f"/v1/keys/{document['id']}"
    works = await node.call("GET", "/v1/prefixes", key=document["key"])

    revoked = await node.call("DELETE", path)
    refused = await node.call("GET", "/v1/prefixes", key=document["key"])
    public = await node.call("GET", f"/v1/identifiers/{OWN}/JX-1", key=document["key"])
    again = await node.call("DELETE", path)
    rotated = await node.call("POST", f"{path}/rotate")

    assert (works.status, revoked.status) == (200, 200)
    assert (await revoked.json())["revoked"] is not None
    assert (refused.status, (await refused.json())["detail"]) == (401, UNUSABLE)
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="idnode"'
    assert public.status == 401
    assert (again.status, (await again.json())["detail"]) == (409, f"key {document['id']} is revoked already")
    assert (rotated.status, (await rotated.json())["detail"]) == (
        409,
        f"key {document['id']} no longer works; make a new one instead",
    )


async def test_an_expired_key_is_refused(node: NodeUnderTest) -> None:
    document = await made(node, "/v1/keys", {**FORM, "expires": "2024-01-01T00:00:00Z"})

    refused = await node.call("GET", "/v1/prefixes", key=document["key"])

    assert (refused.status, (await refused.json())["detail"]) == (401, UNUSABLE)


async def test_a_rotated_key_works_on_beside_its_successor_for_the_overlap(node: NodeUnderTest) -> None:
    old = await made(node, "/v1/keys", {**FORM, "expires": "2999-01-01T00:00:00Z"})

    response = await node.call("POST", f"/v1/keys/{old['id']}/rotate", {"overlap_seconds": 3_600})
    new = await response.json()
    ending = await (await node.call("GET", f"/v1/keys/{old['id']}")).json()
    answers = [await node.call("GET", "/v1/prefixes", key=key["key"]) for key in (old, new)]

    assert (response.status, response.headers["Location"]) == (201, f"/v1/keys/{new['id']}")
    assert (new["replaces"], new["key"] == old["key"], new["version"]) == (old["id"], False, 1)
    assert [new[name] for name in ("name", "role", "prefixes", "expires")] == [
        old[name] for name in ("name", "role", "prefixes", "expires")
    ]
    assert datetime.fromisoformat(ending["revoked"]) == datetime.fromisoformat(new["created"]) + timedelta(hours=1)
    assert ending["version"] == 2
    assert [answer.status for answer in answers] == [200, 200]


async def test_without_overlap_only_the_successor_works(node: NodeUnderTest) -> None:
    old = await made(node, "/v1/keys", FORM)

    new = await (await node.call("POST", f"/v1/keys/{old['id']}/rotate", {"overlap_seconds": 0})).json()
    answers = [await node.call("GET", "/v1/prefixes", key=key["key"]) for key in (old, new)]

    assert [answer.status for answer in answers] == [401, 200]


async def test_the_overlap_is_a_day_unless_said_and_a_second_rotation_does_not_lengthen_it(node: NodeUnderTest) -> None:
    old = await made(node, "/v1/keys", FORM)
    path = f"/v1/keys/{old['id']}"

    first = await (await node.call("POST", f"{path}/rotate")).json()
    ending = (await (await node.call("GET", path)).json())["revoked"]
    await node.call("POST", f"{path}/rotate", {"overlap_seconds": 2_592_000})

    assert datetime.fromisoformat(ending) == datetime.fromisoformat(first["created"]) + timedelta(days=1)
    assert (await (await node.call("GET", path)).json())["revoked"] == ending


async def test_a_key_that_is_ending_can_be_ended_now(node: NodeUnderTest) -> None:
    old = await made(node, "/v1/keys", FORM)
    await node.call("POST", f"/v1/keys/{old['id']}/rotate", {"overlap_seconds": 3_600})

    revoked = await node.call("DELETE", f"/v1/keys/{old['id']}")
    refused = await node.call("GET", "/v1/prefixes", key=old["key"])

    assert (revoked.status, refused.status) == (200, 401)


async def test_a_rotation_is_in_the_log_of_both_keys(node: NodeUnderTest, dsn: str) -> None:
    old = await made(node, "/v1/keys", FORM)
    stood = await stored_rows(dsn)

    new = await (await node.call("POST", f"/v1/keys/{old['id']}/rotate")).json()
    changes = [content for place, content in await stored_rows(dsn) - stood if place == "change"]

    assert sorted(change.split(",")[4:7] for change in changes) == sorted(
        [[new["id"], "1", "rotate"], [old["id"], "2", "replace"]]
    )


def test_a_key_works_until_the_instant_it_ends() -> None:
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    before = noon - timedelta(milliseconds=1)

    def key(*, expires: datetime | None = None, revoked: datetime | None = None) -> ApiKey:
        return ApiKey(UUID(int=1), "k", Role.READER, (), "idn_", before, expires, revoked, None, None, 1)

    assert key().is_usable(noon)
    assert [key(expires=noon).is_usable(moment) for moment in (before, noon)] == [True, False]
    assert [key(revoked=noon).is_usable(moment) for moment in (before, noon)] == [True, False]
    assert not key(expires=noon + timedelta(days=1), revoked=noon).is_usable(noon)


async def test_last_use_is_recorded_and_never_moves_back(node: NodeUnderTest) -> None:
    document = await made(node, "/v1/keys", FORM)
    path = f"/v1/keys/{document['id']}"
    unused = (await (await node.call("GET", path)).json())["last_used"]

    await node.call("GET", "/v1/prefixes", key=document["key"])
    await node.node.authentication.flush_uses()
    used = (await (await node.call("GET", path)).json())["last_used"]
    await node.node.authentication.flush_uses()

    assert unused is None
    assert datetime.fromisoformat(used) >= datetime.fromisoformat(document["created"])
    assert (await (await node.call("GET", path)).json())["last_used"] == used


async def test_a_refused_key_is_not_counted_as_used(node: NodeUnderTest) -> None:
    document = await made(node, "/v1/keys", {**FORM, "expires": "2024-01-01T00:00:00Z"})

    await node.call("GET", "/v1/prefixes", key=document["key"])
    await node.node.authentication.flush_uses()

    assert (await (await node.call("GET", f"/v1/keys/{document['id']}")).json())["last_used"] is None


async def test_an_enterprise_key_reaches_each_of_its_prefixes_and_no_other(node: NodeUnderTest) -> None:
    enterprise = await node.enterprise()
    for prefix in (OWN, "88.118.9", "88.118.80"):
        await node.prefix(prefix, enterprise=enterprise)
    key = await node.key("enterprise", OWN, "88.118.9")
    prefixes = (OWN, "88.118.9", "88.118.80", "88.118")

    statuses = [
        (
            await node.call(
                "POST", "/v1/identifiers", {"identifier": f"{prefix}/JX-1", "values": [PUBLIC_VALUE]}, key=key
            )
        ).status
        for prefix in prefixes
    ]

    assert statuses == [201, 201, 403, 403]


async def test_every_fault_of_a_form_is_named(node: NodeUnderTest, dsn: str) -> None:
    stood = await stored_rows(dsn)
    forms: list[tuple[dict[str, Any], str, str]] = [
        ({"name": "k", "role": "enterprise"}, "", "scope"),
        ({"name": "k", "role": "enterprise", "prefixes": []}, "", "scope"),
        ({"name": "k", "role": "admin", "prefixes": [OWN]}, "", "scope"),
        ({"name": "k", "role": "owner"}, "/role", "option"),
        ({"name": "", "role": "reader"}, "/name", "min-length"),
        ({"name": "k\n", "role": "reader"}, "/name", "printable"),
        ({"name": "k", "role": "reader", "prefixes": ["88..8"]}, "/prefixes/0", "prefix"),
        ({"name": "k", "role": "reader", "prefixes": OWN}, "/prefixes", "list-type"),
        ({"name": "k", "role": "reader", "expires": "tomorrow"}, "/expires", "date-time"),
        ({"name": "k", "role": "reader", "expires": "2024-01-01T00:00:00"}, "/expires", "date-time"),
        ({"name": "k", "role": "reader", "key": "idn_mine"}, "/key", "unknown-member"),
    ]

    found = []
    for sent, _, _ in forms:
        response = await node.call("POST", "/v1/keys", sent)
        assert response.status == 422, sent
        found += [(sent, error["pointer"], error["rule"]) for error in (await response.json())["errors"]]

    assert found == forms
    assert await stored_rows(dsn) == stood


async def test_every_fault_of_a_change_or_a_rotation_is_named(node: NodeUnderTest, dsn: str) -> None:
    enterprise = await made(node, "/v1/keys", {**FORM, "role": "enterprise"})
    admin = await made(node, "/v1/keys", {"name": "second admin", "role": "admin"})
    stood = await stored_rows(dsn)
    one, other = f"/v1/keys/{enterprise['id']}", f"/v1/keys/{admin['id']}"
    requests: list[tuple[str, str, dict[str, Any], str, str]] = [
        ("PATCH", one, {}, "", "empty-patch"),
        ("PATCH", one, {"prefixes": []}, "", "scope"),
        ("PATCH", other, {"prefixes": [OWN]}, "", "scope"),
        ("PATCH", one, {"prefixes": None}, "/prefixes", "list-type"),
        ("PATCH", one, {"name": None}, "/name", "string-type"),
        ("PATCH", one, {"role": "admin"}, "/role", "unknown-member"),
        ("POST", f"{one}/rotate", {"overlap_seconds": -1}, "/overlap_seconds", "minimum"),
        ("POST", f"{one}/rotate", {"overlap_seconds": 2_592_001}, "/overlap_seconds", "maximum"),
        ("POST", f"{one}/rotate", {"overlap_seconds": "3600"}, "/overlap_seconds", "int-type"),
    ]

    found = []
    for method, path, body, _, _ in requests:
        response = await node.call(method, path, body)
        assert response.status == 422, body
        found += [(method, path, body, error["pointer"], error["rule"]) for error in (await response.json())["errors"]]

    assert found == requests
    assert await stored_rows(dsn) == stood


async def test_ids_that_name_no_key_are_not_found(node: NodeUnderTest) -> None:
    id = "01890000-0000-7000-8000-000000000000"

    answers = [
        await node.call("GET", f"/v1/keys/{id}"),
        await node.call("PATCH", f"/v1/keys/{id}", {"name": "k"}),
        await node.call("POST", f"/v1/keys/{id}/rotate"),
        await node.call("DELETE", f"/v1/keys/{id}"),
    ]

    assert [(answer.status, (await answer.json())["detail"]) for answer in answers] == [
        (404, f"there is no key {id}")
    ] * 4


async def test_headers_that_hold_no_usable_key_are_refused_alike(node: NodeUnderTest) -> None:
    headers = {
        "Bearer": "send the header `Authorization: Bearer <key>`",
        "Bearer ": "send the header `Authorization: Bearer <key>`",
        "Basic YWRtaW46YWRtaW4=": "send the header `Authorization: Bearer <key>`",
        node.admin_key: "send the header `Authorization: Bearer <key>`",
        "Bearer " + "k" * 257: "send the header `Authorization: Bearer <key>`",
        "Bearer 密钥": "send the header `Authorization: Bearer <key>`",
        "Bearer idn_unknown": UNUSABLE,
        f"Bearer {node.admin_key}x": UNUSABLE,
        f"Bearer {node.admin_key.swapcase()}": UNUSABLE,
    }

    found = {}
    for header in headers:
        response = await node.call("GET", "/v1/keys", key=None, Authorization=header)
        assert response.status == 401, header
        found[header] = (await response.json())["detail"]
    lower = await node.call("GET", "/v1/keys", key=None, Authorization=f"bearer {node.admin_key}")

    assert found == headers
    assert lower.status == 200


async def test_bytes_that_are_no_text_in_the_header_are_no_fault_of_the_node(node: NodeUnderTest) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    writer.write(b"GET /v1/keys HTTP/1.1\r\nHost: node\r\nConnection: close\r\nAuthorization: Bearer \xff\xfe\r\n\r\n")

    answer = await asyncio.wait_for(reader.read(), timeout=5)
    writer.close()

    assert answer.startswith(b"HTTP/1.1 401 ")
