"""The life of identifiers over HTTP: reserved, activated, given back, deleted with a successor, restored, held."""

from typing import Any

from harness import NodeUnderTest

from idnode.storage.database import Database

VALUES = [{"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/"}}]
PRIVATE = [{**VALUES[0], "index": 2, "permissions": "1100"}]
NAME = "88.118.8/KEPT-1"


async def read(node: NodeUnderTest, path: str, key: str | None = "") -> tuple[int, Any]:
    response = await node.call("GET", path, key=key)
    return response.status, await response.json()


async def public_answers(node: NodeUnderTest, identifier: str) -> list[tuple[int, str]]:
    """What everyone is told of an identifier, by all ways of reading, with its own name taken out."""
    one_by_one = [
        await node.call("GET", path + identifier, key=None) for path in ("/v1/identifiers/", "/api/handles/", "/")
    ]
    batch = await node.call("POST", "/v1/resolve", {"identifiers": [identifier]}, key=None)
    relations = await node.call("GET", f"/v1/relations/{identifier}", key=None)
    texts = [(each.status, await each.text()) for each in (*one_by_one, batch, relations)]
    return [(status, text.replace(identifier, "X")) for status, text in texts]


async def operations(node: NodeUnderTest, identifier: str) -> list[tuple[int, str]]:
    _, history = await read(node, f"/v1/history/{identifier}")
    return [(item["version"], item["operation"]) for item in history["items"]]


async def test_a_reserved_name_is_not_there_to_the_public_until_it_is_registered(node: NodeUnderTest) -> None:
    await node.prefix()
    stranger = await node.key("reader", "88.118.77")
    nothing = await public_answers(node, "88.118.8/NONE-1")

    reserved = await node.call("POST", f"/v1/reserve/{NAME}")
    again = await node.call("POST", f"/v1/reserve/{NAME}")

    assert (reserved.status, reserved.headers["Location"]) == (201, f"/v1/identifiers/{NAME}")
    assert (again.status, (await again.json())["type"]) == (409, "urn:idnode:problem:already-registered")
    assert await public_answers(node, NAME) == nothing
    assert await public_answers(node, NAME.lower()) == nothing
    assert (await read(node, f"/v1/identifiers/{NAME}", stranger))[0] == 404
    status, owned = await read(node, f"/v1/identifiers/{NAME}")
    assert (status, owned["state"], owned["values"], owned["version"]) == (200, "reserved", [], 1)
    resolved = await (await node.call("POST", "/v1/resolve", {"identifiers": [NAME]})).json()
    assert resolved["results"][0]["record"]["state"] == "reserved"

    tried = await node.call("POST", "/v1/identifiers?dry_run=true", {"identifier": NAME, "values": VALUES})
    registered = await node.call("POST", "/v1/identifiers", {"identifier": NAME, "values": VALUES})
    twice = await node.call("POST", "/v1/identifiers", {"identifier": NAME, "values": VALUES})

    assert (tried.status, registered.status, registered.headers["ETag"], twice.status) == (200, 201, '"2"', 409)
    assert (await node.call("GET", f"/api/handles/{NAME}", key=None)).status == 200
    assert await operations(node, NAME) == [(2, "activate"), (1, "reserve")]


async def test_a_reserved_name_is_activated_by_put_or_given_back(node: NodeUnderTest) -> None:
    await node.prefix()
    for name in ("88.118.8/PUT", "88.118.8/BACK"):
        assert (await node.call("POST", f"/v1/reserve/{name}")).status == 201
    nothing = await public_answers(node, "88.118.8/NONE-1")

    put = await node.call("PUT", "/v1/identifiers/88.118.8/PUT", {"values": VALUES})
    patched = await node.call("PATCH", "/v1/identifiers/88.118.8/BACK", {"values": VALUES})
    succeeded = await node.call("DELETE", "/v1/identifiers/88.118.8/BACK?successor=88.118.8/PUT")
    given_back = await node.call("DELETE", "/v1/identifiers/88.118.8/BACK")

    assert (put.status, (await put.json())["state"]) == (200, "active")
    assert (patched.status, (await patched.json())["detail"]) == (
        409,
        "88.118.8/BACK is reserved; patch is not possible",
    )
    assert succeeded.status == 409
    assert (given_back.status, (await given_back.json())["state"]) == (200, "released")
    assert await public_answers(node, "88.118.8/BACK") == nothing
    assert (await read(node, "/v1/identifiers/88.118.8/BACK"))[0] == 404
    assert (await node.call("DELETE", "/v1/identifiers/88.118.8/BACK")).status == 404

    listed = await read(node, "/v1/identifiers?prefix=88.118.8")
    again = await node.call("POST", "/v1/reserve/88.118.8/BACK")
    registered = await node.call("POST", "/v1/identifiers", {"identifier": "88.118.8/BACK", "values": VALUES})

    assert [item["identifier"] for item in listed[1]["items"]] == ["88.118.8/PUT"]
    assert (again.status, (await again.json())["version"], registered.headers["ETag"]) == (201, 3, '"4"')
    assert await operations(node, "88.118.8/BACK") == [
        (4, "activate"),
        (3, "reserve"),
        (2, "release"),
        (1, "reserve"),
    ]


async def test_many_names_are_reserved_at_once_each_with_its_verdict(node: NodeUnderTest) -> None:
    await node.prefix()
    await node.identifier("88.118.8/THERE")
    names = ["88.118.8/A", "88.118.8/a", "88.118.8/THERE", "nonsense", "88.200.1/FOREIGN", "88.118.8/B"]

    dry = await node.call("POST", "/v1/reservations?dry_run=true", {"identifiers": names})
    first = await node.call("POST", "/v1/reservations", {"identifiers": names}, Idempotency_Key="one")
    repeated = await node.call("POST", "/v1/reservations", {"identifiers": names}, Idempotency_Key="one")
    many = [f"88.118.8/N-{number}" for number in range(2_001)]
    too_many = await node.call("POST", "/v1/reservations", {"identifiers": many})
    most = await node.call("POST", "/v1/reservations", {"identifiers": many[:2_000]})

    document = await first.json()
    assert await dry.json() == document
    assert await repeated.json() == document
    assert [result["code"] for result in document["results"]] == [
        "reserved",
        "duplicate-in-batch",
        "already-registered",
        "invalid-identifier",
        "not-found",
        "reserved",
    ]
    assert (document["done"], document["refused"], document["results"][0]["version"]) == (2, 4, 1)
    assert document["results"][3]["problem"]["errors"][0]["pointer"] == "/identifiers/3"
    assert (too_many.status, (await too_many.json())["errors"][0]["pointer"]) == (422, "/identifiers")
    assert (await most.json())["done"] == 2_000


async def test_a_tombstone_says_when_and_the_successor_until_it_is_restored(node: NodeUnderTest) -> None:
    await node.prefix()
    await node.identifier("88.118.8/OLD")
    await node.identifier("88.118.8/NEW")
    path = "/v1/identifiers/88.118.8/OLD"
    await node.call("GET", "/api/handles/88.118.8/OLD", key=None)

    wrong = await node.call("DELETE", f"{path}?successor=nonsense")
    itself = await node.call("DELETE", f"{path}?successor=88.118.8/old")
    moved = await node.call("DELETE", f"{path}?successor=88.118.8/NEW", If_Match='"7"')
    tried = await node.call("DELETE", f"{path}?successor=88.118.8/NEW&dry_run=true")
    untouched = await node.call("GET", path, key=None)
    deleted = await node.call("DELETE", f"{path}?successor=88.118.8/NEW", Idempotency_Key="once")
    repeated = await node.call("DELETE", f"{path}?successor=88.118.8/NEW", Idempotency_Key="once")
    tombstone = await read(node, path, None)
    at = (await deleted.json())["updated"]

    assert [(each.status) for each in (wrong, itself, moved, tried, untouched)] == [422, 422, 412, 200, 200]
    assert (await wrong.json())["errors"][0]["pointer"] == "/successor"
    assert (await itself.json())["errors"][0]["rule"] == "own-successor"
    assert await repeated.json() == await deleted.json()
    assert (await deleted.json())["successor"] == "88.118.8/NEW"
    assert tombstone == (
        410,
        {
            "type": "urn:idnode:problem:identifier-deleted",
            "title": "The identifier was deleted",
            "status": 410,
            "detail": f"88.118.8/OLD was deleted at {at}; 88.118.8/NEW is its successor",
            "deleted": at,
            "successor": "88.118.8/NEW",
        },
    )
    _, replaced = await read(node, "/v1/relations/88.118.8/NEW", None)
    assert [(item["relation"], item["identifier"]) for item in replaced["items"]] == [("replaces", "88.118.8/OLD")]

    restored = await node.call("POST", "/v1/restore/88.118.8/OLD")
    _, replaced = await read(node, "/v1/relations/88.118.8/NEW", None)

    assert (restored.status, (await restored.json()).get("successor")) == (200, None)
    assert (await node.call("GET", "/api/handles/88.118.8/OLD", key=None)).status == 200
    assert replaced["items"] == []


async def test_two_deletions_cannot_name_each_other(node: NodeUnderTest) -> None:
    await node.prefix()
    await node.identifier("88.118.8/A")
    await node.identifier("88.118.8/B")

    first = await node.call("DELETE", "/v1/identifiers/88.118.8/A?successor=88.118.8/B")
    second = await node.call("DELETE", "/v1/identifiers/88.118.8/B?successor=88.118.8/A")

    assert (first.status, second.status) == (200, 409)
    assert (await second.json())["detail"] == "this closes a ring of replaced_by: 88.118.8/A → 88.118.8/B → 88.118.8/A"
    assert (await read(node, "/v1/identifiers/88.118.8/B", None))[0] == 200


async def hold(database: Database, identifier: str, enterprise: str) -> None:
    """What a transfer leaves behind."""
    async with database.session() as session:
        await session.run(
            """UPDATE identifier SET record = convert_to(replace(
                   convert_from(record, 'UTF8'), ',"values":', ',"holder":"' || $2 || '","values":'), 'UTF8'),
               values_at = values_at + 48
               WHERE folded = $1""",
            identifier,
            enterprise,
        )


async def test_what_was_transferred_is_its_holders_to_read_and_write(node: NodeUnderTest, database: Database) -> None:
    await node.prefix()
    holder = await node.enterprise(uscc="91310000775785552L", name="示例船舶有限公司")
    await node.prefix("88.118.9", enterprise=holder)
    former, present = await node.key("enterprise", "88.118.8"), await node.key("enterprise", "88.118.9")
    stranger = await node.key("enterprise", "88.118.77")
    body = {"identifier": "88.118.8/SHIP", "values": [*VALUES, *PRIVATE]}
    assert (await node.call("POST", "/v1/identifiers", body)).status == 201
    path = "/v1/identifiers/88.118.8/SHIP"
    kept = await read(node, path, present)
    assert len(kept[1]["values"]) == 1

    await hold(database, "88.118.8/SHIP", holder)
    seen = {key: len((await read(node, path, key))[1]["values"]) for key in (former, present, stranger, "")}
    patch = {"values": [{**VALUES[0], "index": 3}]}
    refused = [await node.call("PATCH", path, patch, key=key) for key in (former, stranger)]
    unknown = await node.call("PATCH", "/v1/identifiers/88.118.8/NONE", patch, key=stranger)
    patched = await node.call("PATCH", path, patch, key=present)
    histories = [await node.call("GET", "/v1/history/88.118.8/SHIP", key=key) for key in (former, present, stranger)]
    handle = await read(node, "/api/handles/88.118.8/SHIP", present)
    former_handle = await read(node, "/api/handles/88.118.8/SHIP", former)
    listed = await read(node, "/v1/identifiers?prefix=88.118.8", former)
    foreign = await node.call("POST", "/v1/identifiers", {**body, "identifier": "88.118.8/MORE"}, key=present)
    deleted = await node.call("DELETE", f"{path}?successor=88.118.9/SHIP", key=present)

    assert seen == {former: 1, present: 2, stranger: 1, "": 2}
    assert [each.status for each in refused] == [403, 403]
    scoped = "prefix 88.118.8 is outside this key's scope (88.118.77)"
    assert (await refused[1].json())["detail"] == (await unknown.json())["detail"] == scoped
    assert patched.status == 200
    assert (await patched.json())["holder"] == holder
    assert [each.status for each in histories] == [403, 200, 403]
    assert (len(handle[1]["values"]), len(former_handle[1]["values"])) == (3, 2)
    assert [len(item["values"]) for item in listed[1]["items"]] == [2]
    assert foreign.status == 403
    assert (deleted.status, (await deleted.json())["successor"]) == (200, "88.118.9/SHIP")
