"""Applications over HTTP: register, read, list, revise, retire."""

from typing import Any

import pytest
from harness import NodeUnderTest
from route_requests import made

FORM = {
    "name": "示例查询",
    "type": 2,
    "description": "扫码查询产品",
    "users": "公众",
    "recursive_node": "示例递归节点",
    "developed_by": "示例标识服务有限公司",
}


async def test_a_registered_application_reads_back(node: NodeUnderTest) -> None:
    enterprise = await node.enterprise()

    registered = await node.call("POST", "/v1/applications", {**FORM, "enterprise": enterprise})
    document = await registered.json()
    read = await node.call("GET", f"/v1/applications/{document['id']}")

    assert registered.status == 201
    assert (registered.headers["Location"], registered.headers["ETag"]) == (
        f"/v1/applications/{document['id']}",
        '"1"',
    )
    assert {name: document[name] for name in (*FORM, "enterprise", "state", "version")} == {
        **FORM,
        "enterprise": enterprise,
        "state": "active",
        "version": 1,
    }
    assert (read.status, read.headers["ETag"], await read.json()) == (200, '"1"', document)


async def test_an_application_is_revised_member_by_member(node: NodeUnderTest) -> None:
    path = f"/v1/applications/{(await made(node, '/v1/applications', FORM))['id']}"

    revised = await node.call("PATCH", path, {"type": 5, "users": None}, If_Match='"1"')
    stale = await node.call("PATCH", path, {"type": 1}, If_Match='"1"')
    document = await revised.json()

    assert (document["type"], document["users"], document["name"], document["version"]) == (5, None, "示例查询", 2)
    assert stale.status == 412


async def test_a_retired_application_stays_and_is_retired_once(node: NodeUnderTest) -> None:
    path = f"/v1/applications/{(await made(node, '/v1/applications', FORM))['id']}"

    retired = await node.call("DELETE", path)
    again = await node.call("DELETE", path)

    assert ((await retired.json())["state"], again.status) == ("retired", 409)
    assert (await (await node.call("GET", path)).json())["state"] == "retired"


async def test_lists_are_paged_and_filtered(node: NodeUnderTest) -> None:
    enterprise = await node.enterprise()
    first = await made(node, "/v1/applications", FORM)
    second = await made(node, "/v1/applications", {**FORM, "enterprise": enterprise})
    await node.call("DELETE", f"/v1/applications/{first['id']}")

    async def ids(query: str) -> tuple[list[str], str | None]:
        page = await (await node.call("GET", f"/v1/applications{query}")).json()
        return [each["id"] for each in page["items"]], page["next"]

    begin, cursor = await ids("?limit=1")

    assert begin == [first["id"]]
    assert await ids(f"?limit=1&cursor={cursor}") == ([second["id"]], (await ids(f"?limit=1&cursor={cursor}"))[1])
    assert await ids(f"?enterprise={enterprise}") == ([second["id"]], None)
    assert await ids("?state=retired") == ([first["id"]], None)


@pytest.mark.parametrize(
    ("changed", "status", "pointer", "rule"),
    [
        ({"name": ""}, 422, "/name", "min-length"),
        ({"name": "a\0"}, 422, "/name", "printable"),
        ({"type": 6}, 422, "/type", "maximum"),
        ({"type": 0}, 422, "/type", "minimum"),
        ({"type": "1"}, 422, "/type", "int-type"),
        ({"type": True}, 422, "/type", "int-type"),
        ({"users": "x" * 256}, 422, "/users", "max-length"),
        ({"colour": "blue"}, 422, "/colour", "unknown-member"),
        ({"enterprise": "mine"}, 422, "/enterprise", "uuid-parsing"),
        ({"enterprise": "00000000-0000-0000-0000-000000000000"}, 404, None, None),
    ],
)
async def test_a_wrong_application_is_refused_by_name(
    node: NodeUnderTest, changed: dict[str, Any], status: int, pointer: str | None, rule: str | None
) -> None:
    response = await node.call("POST", "/v1/applications", FORM | changed)
    errors = (await response.json()).get("errors", [])

    assert response.status == status
    assert [(error["pointer"], error["rule"]) for error in errors] == ([] if pointer is None else [(pointer, rule)])
    assert (await (await node.call("GET", "/v1/applications")).json())["items"] == []
