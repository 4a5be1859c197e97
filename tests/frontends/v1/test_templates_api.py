"""Templates over HTTP: define, widen, disable items, retire; what that means for records; every refusal."""

from typing import Any

from harness import NodeUnderTest
from route_requests import FOREIGN, ITEM, OWN, PUBLIC_VALUE, made, template, uscc
from stored_rows import stored_rows

PATH = f"/v1/templates/{OWN}/v1"
NAME = {"prefix": OWN, "version": "v1"}
MASS = {
    "index": 2001,
    "name": "mass",
    "title": "重量",
    "type": "number",
    "unit": "kg",
    "minimum": 0.0,
    "maximum": 900.0,
}


async def test_a_defined_template_reads_back_and_makes_records(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    form = {**template("v1"), "description": "示例", "carrier": "active", "items": [ITEM, MASS]}

    defined = await node.call("POST", "/v1/templates", form)
    document = await defined.json()
    read = await node.call("GET", PATH)
    record = await _record(node, "JX-1", {"note": "一", "mass": 12})

    assert (defined.status, defined.headers["Location"], defined.headers["ETag"]) == (201, PATH, '"1"')
    assert [document[name] for name in ("prefix", "version", "industry", "carrier", "state", "revision", "checks")] == [
        OWN, "v1", "C1711", "active", "active", 1, []
    ]  # fmt: skip
    assert document["items"] == [
        {**ITEM, "required": False, "enabled": True},
        {**MASS, "required": False, "enabled": True},
    ]
    assert (read.status, read.headers["ETag"], await read.json()) == (200, '"1"', document)
    assert (record["template"], record["attributes"]) == (NAME, {"note": "一", "mass": 12})


async def test_a_version_with_other_letters_is_found_by_its_location(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    form = {**template("2.0 草案#1?"), "description": None}

    location = (await node.call("POST", "/v1/templates", form)).headers["Location"]
    read = await node.call("GET", location)

    assert location == "/v1/templates/88.118.8/2.0%20%E8%8D%89%E6%A1%88%231%3F"
    assert (read.status, (await read.json())["version"]) == (200, "2.0 草案#1?")


async def test_a_patch_adds_and_replaces_items_and_removes_none(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    await made(node, "/v1/templates", template("v1"))

    wider = {**ITEM, "title": "说明", "max_length": 64}
    added = await (await node.call("PATCH", PATH, {"items": [MASS]})).json()
    replaced = await node.call("PATCH", PATH, {"title": "新名", "items": [wider]}, If_Match='"2"')
    document = await replaced.json()

    assert [item["name"] for item in added["items"]] == ["note", "mass"]
    assert [item["name"] for item in document["items"]] == ["note", "mass"]
    assert (document["items"][0]["title"], document["items"][0]["max_length"]) == ("说明", 64)
    assert (document["title"], document["revision"], replaced.headers["ETag"]) == ("新名", 3, '"3"')
    assert await (await node.call("GET", PATH)).json() == document


async def test_a_description_is_kept_unless_sent_and_cleared_by_null(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    await made(node, "/v1/templates", {**template("v1"), "description": "示例"})

    kept = await (await node.call("PATCH", PATH, {"title": "新名"})).json()
    cleared = await (await node.call("PATCH", PATH, {"description": None})).json()

    assert (kept["description"], cleared["description"]) == ("示例", None)


async def test_a_disabled_item_takes_nothing_new_and_old_records_keep_what_they_have(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    await made(node, "/v1/templates", {**template("v1"), "items": [ITEM, MASS]})
    await _record(node, "JX-1", {"note": "一", "mass": 12})

    disabled = await (await node.call("PATCH", PATH, {"items": [{**MASS, "enabled": False}]})).json()
    refused = await node.call("POST", "/v1/identifiers", _form("JX-2", {"mass": 13}))
    patched = await node.call("PATCH", f"/v1/identifiers/{OWN}/JX-1", {"attributes": {"note": "二"}})
    touched = await node.call("PATCH", f"/v1/identifiers/{OWN}/JX-1", {"attributes": {"mass": 13}})
    enabled = await (await node.call("PATCH", PATH, {"items": [MASS]})).json()

    assert [item["enabled"] for item in disabled["items"]] == [True, False]
    assert _faults(await refused.json()) == [("/attributes/mass", "disabled-item")]
    assert (patched.status, (await patched.json())["attributes"]) == (200, {"note": "二", "mass": 12})
    assert _faults(await touched.json()) == [("/attributes/mass", "disabled-item")]
    assert [item["enabled"] for item in enabled["items"]] == [True, True]


async def test_index_name_and_type_of_an_item_are_fixed(node: NodeUnderTest, dsn: str) -> None:
    await node.prefix(OWN)
    await made(node, "/v1/templates", {**template("v1"), "items": [ITEM, MASS]})
    stood = await stored_rows(dsn)
    changes: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
        ({"items": [{**ITEM, "name": "remark"}]}, [("/items/0", "index-and-name")]),
        ({"items": [{**ITEM, "type": "integer"}]}, [("/items/0/type", "type-fixed")]),
        ({"items": [MASS, {**ITEM, "type": "integer"}]}, [("/items/1/type", "type-fixed")]),
        ({"items": [{**ITEM, "index": 2002}]}, [("/items/0/name", "unique"), ("/items/0", "index-and-name")]),
        ({"items": [{**ITEM, "index": 1000, "name": "x"}]}, [("/items/0/index", "index")]),
        ({"items": [{**MASS, "minimum": 901.0}]}, [("/items/0/minimum", "bounds")]),
        ({"items": [MASS, MASS]}, [("/items", "unique-index")]),
        ({}, [("", "empty-patch")]),
        ({"version": "v2"}, [("/version", "unknown-member")]),
        ({"state": "active"}, [("/state", "unknown-member")]),
        ({"checks": [{"check": "requires", "items": ["note", "nothing"]}]}, [("/checks/0/items/1", "record-check")]),
    ]

    found = []
    for patch, _ in changes:
        response = await node.call("PATCH", PATH, patch)
        assert response.status == 422, patch
        found.append((patch, _faults(await response.json())))

    assert found == changes
    assert await stored_rows(dsn) == stood


async def test_a_retired_template_makes_no_records_and_keeps_describing_those_it_made(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    await made(node, "/v1/templates", template("v1"))
    await _record(node, "JX-1", {"note": "一"})
    await made(node, "/v1/identifiers", {"identifier": f"{OWN}/JX-3", "values": [PUBLIC_VALUE]})

    retired = await node.call("DELETE", PATH, If_Match='"1"')
    again = await node.call("DELETE", PATH)
    new = await node.call("POST", "/v1/identifiers", _form("JX-2", {"note": "二"}))
    moved = await node.call("PUT", f"/v1/identifiers/{OWN}/JX-3", {"template": NAME, "attributes": {"note": "三"}})
    read = await (await node.call("GET", f"/v1/identifiers/{OWN}/JX-1", key=None)).json()
    patched = await node.call("PATCH", f"/v1/identifiers/{OWN}/JX-1", {"attributes": {"note": "四"}})
    replaced = await node.call("PUT", f"/v1/identifiers/{OWN}/JX-1", {"template": NAME, "attributes": {"note": "五"}})

    assert (retired.status, (await retired.json())["state"], retired.headers["ETag"]) == (200, "retired", '"2"')
    assert (again.status, (await again.json())["detail"]) == (409, "template v1 is retired already")
    for refused in (new, moved):
        assert (refused.status, (await refused.json())["detail"]) == (
            409,
            "template v1 is retired; it makes no new records",
        )
    assert read["attributes"] == {"note": "一"}
    assert (patched.status, (await patched.json())["attributes"]) == (200, {"note": "四"})
    assert (replaced.status, (await replaced.json())["attributes"]) == (200, {"note": "五"})


async def test_an_enterprise_uses_its_own_templates_and_the_nodes_but_no_others(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    await node.prefix(FOREIGN, enterprise=await node.enterprise(uscc=uscc(0)))
    await made(node, "/v1/templates", template("v1"))
    owner, stranger = await node.key("enterprise", OWN), await node.key("enterprise", FOREIGN)
    form = {"identifier": f"{FOREIGN}/JX-1", "values": [PUBLIC_VALUE]}
    await made(node, "/v1/identifiers", form)
    by_template = {**form, "identifier": f"{FOREIGN}/JX-2", "template": NAME, "attributes": {"nothing": 1}}

    refused = [
        await node.call("GET", PATH, key=stranger),
        await node.call("POST", "/v1/identifiers", by_template, key=stranger),
        await node.call("PUT", f"/v1/identifiers/{FOREIGN}/JX-1", {"template": NAME}, key=stranger),
        await node.call("PATCH", PATH, {"title": "新名"}, key=stranger),
        await node.call("DELETE", PATH, key=stranger),
        await node.call("POST", "/v1/templates", template("v2"), key=stranger),
        await node.call("GET", f"/v1/templates?prefix={OWN}", key=stranger),
        await node.call("POST", "/v1/templates", {**template("v2"), "prefix": "88.118"}, key=owner),
    ]
    own = await node.call("POST", "/v1/identifiers", _form("JX-1", {"note": "一"}), key=owner)
    shipped = await node.call("GET", "/v1/templates/88.118/textiles-1.0", key=stranger)

    assert [(answer.status, (await answer.json())["detail"]) for answer in refused] == [
        *[(403, "prefix 88.118.8 is outside this key's scope (88.118.9)")] * 7,
        (403, "prefix 88.118 is outside this key's scope (88.118.8)"),
    ]
    assert (own.status, shipped.status) == (201, 200)


async def test_a_scoped_key_lists_its_own_templates_and_the_nodes(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    await node.prefix(FOREIGN, enterprise=await node.enterprise(uscc=uscc(0)))
    await made(node, "/v1/templates", template("v1"))
    await made(node, "/v1/templates", {**template("v2"), "prefix": FOREIGN})
    await node.call("DELETE", f"/v1/templates/{FOREIGN}/v2")
    reader = await node.key("reader", OWN)

    shown = [
        [
            f"{item['prefix']} {item['version']}"
            for item in (await (await node.call("GET", f"/v1/templates{query}", key=key)).json())["items"]
        ]
        for key, query in ((reader, ""), (reader, "?prefix=88.118.8"), (node.admin_key, "?state=retired"))
    ]

    assert shown == [
        [
            "88.118 construction-1.0",
            "88.118 electronics-1.0",
            "88.118 shipbuilding-1.0",
            "88.118 textiles-1.0",
            "88.118.8 v1",
        ],
        ["88.118.8 v1"],
        ["88.118.9 v2"],
    ]


async def test_a_version_is_defined_once_and_a_dry_run_says_so_too(node: NodeUnderTest, dsn: str) -> None:
    await node.prefix(OWN)
    await made(node, "/v1/templates", template("v1"))
    stood = await stored_rows(dsn)

    answers = [
        await node.call("POST", "/v1/templates", template("v1")),
        await node.call("POST", "/v1/templates?dry_run=true", template("v1")),
        await node.call("POST", "/v1/templates", {**template("v1"), "prefix": "88.118.77"}),
    ]

    assert [(answer.status, (await answer.json())["detail"]) for answer in answers] == [
        (409, "prefix 88.118.8 has a template version v1"),
        (409, "prefix 88.118.8 has a template version v1"),
        (404, "prefix 88.118.77 is not registered at this node"),
    ]
    assert await stored_rows(dsn) == stood


async def test_every_fault_of_a_definition_is_named_at_once(node: NodeUnderTest, dsn: str) -> None:
    await node.prefix(OWN)
    stood = await stored_rows(dsn)
    items = [
        {**ITEM, "index": 1999},
        {**ITEM, "index": 300, "name": "HS_ADMIN"},
        {"index": 2001, "name": "colour", "title": "颜色", "type": "enum"},
        {"index": 2001, "name": "Note", "title": "重复", "type": "string", "checks": ["gtim"]},
    ]

    response = await node.call("POST", "/v1/templates", {**template("a/b"), "items": items})

    assert response.status == 422
    assert set(_faults(await response.json())) == {
        ("/version", "version"),
        ("/items/0/index", "index"),
        ("/items/1/index", "index"),
        ("/items/1/name", "name"),
        ("/items/2/options", "options"),
        ("/items/3/index", "unique"),
        ("/items/3/name", "unique"),
        ("/items/3/checks/0", "checks"),
    }
    assert await stored_rows(dsn) == stood


async def test_every_fault_of_the_form_is_named_at_once(node: NodeUnderTest) -> None:
    form = {"prefix": OWN, "industry": "C99", "items": [{**ITEM, "type": "text"}, {"index": 0}], "colour": 1}

    response = await node.call("POST", "/v1/templates", form)

    assert response.status == 422
    assert set(_faults(await response.json())) == {
        ("/version", "required"),
        ("/title", "required"),
        ("/industry", "industry"),
        ("/items/0/type", "option"),
        ("/items/1/index", "minimum"),
        ("/items/1/name", "required"),
        ("/items/1/title", "required"),
        ("/items/1/type", "required"),
        ("/colour", "unknown-member"),
    }


async def test_templates_that_do_not_exist_are_said_not_to(node: NodeUnderTest) -> None:
    await node.prefix(OWN)

    answers = [
        await node.call("GET", PATH),
        await node.call("PATCH", PATH, {"title": "新名"}),
        await node.call("DELETE", PATH),
    ]
    record = await node.call("POST", "/v1/identifiers", _form("JX-1", {"note": "一"}))

    assert [(answer.status, (await answer.json())["detail"]) for answer in answers] == [
        (404, "prefix 88.118.8 has no template version v1")
    ] * 3
    assert (record.status, _faults(await record.json())) == (422, [("/template", "unknown-template")])


def _form(suffix: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"identifier": f"{OWN}/{suffix}", "template": NAME, "attributes": attributes}


async def _record(node: NodeUnderTest, suffix: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return await made(node, "/v1/identifiers", _form(suffix, attributes))


def _faults(problem: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["pointer"], error["rule"]) for error in problem["errors"]]
