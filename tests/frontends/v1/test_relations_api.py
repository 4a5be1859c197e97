"""Relations over HTTP: said, refused, followed in both directions, and hidden with what they lead to."""

from typing import Any

from harness import NodeUnderTest

from idnode.storage.database import Database

OWN = "88.118.8"
SHIP, BLOCK, PLATE, OTHER_PLATE, HEAT = (f"{OWN}/{name}" for name in ("SHIP", "BLOCK", "PLATE-1", "PLATE-2", "HEAT"))


def relation(subject: str, kind: str, object: str) -> dict[str, str]:
    return {"subject": subject, "kind": kind, "object": object}


BUILT = {
    "relations": [
        relation(BLOCK, "part_of", SHIP),
        relation(PLATE, "part_of", BLOCK),
        relation(OTHER_PLATE, "part_of", BLOCK),
        relation(PLATE, "made_from", "88.200.1/MELT-7"),
    ]
}


async def ship(node: NodeUnderTest) -> None:
    await node.prefix()
    for identifier in (SHIP, BLOCK, PLATE, OTHER_PLATE, HEAT):
        await node.identifier(identifier)


async def relate(node: NodeUnderTest, *relations: dict[str, str], method: str = "POST", **more: Any) -> tuple[int, Any]:
    response = await node.call(method, "/v1/relations", {"relations": list(relations)}, **more)
    return response.status, await response.json()


async def follow(node: NodeUnderTest, path: str, *, key: str | None = None) -> list[tuple[int, str, str, str]]:
    """Depth, origin, relation and identifier of everything on the page."""
    response = await node.call("GET", f"/v1/relations/{path}", key=key)
    assert response.status == 200, await response.text()
    items = (await response.json())["items"]
    return [(item["depth"], item["from"], item["relation"], item["identifier"]) for item in items]


async def test_a_blocks_plates_are_found_from_both_ends(node: NodeUnderTest) -> None:
    await ship(node)

    written = await relate(node, *BUILT["relations"])
    again = await relate(node, *BUILT["relations"], relation(PLATE.lower(), "part_of", BLOCK))

    assert written == (200, {"changed": 4, "unchanged": 0})
    assert again == (200, {"changed": 0, "unchanged": 4})
    assert await follow(node, BLOCK) == [
        (1, BLOCK, "part_of", SHIP),
        (1, BLOCK, "has_part", PLATE),
        (1, BLOCK, "has_part", OTHER_PLATE),
    ]
    assert await follow(node, f"{SHIP}?direction=in&depth=8") == [
        (1, SHIP, "has_part", BLOCK),
        (2, BLOCK, "has_part", PLATE),
        (2, BLOCK, "has_part", OTHER_PLATE),
    ]
    assert await follow(node, f"{PLATE}?direction=out&depth=2&kind=part_of") == [
        (1, PLATE, "part_of", BLOCK),
        (2, BLOCK, "part_of", SHIP),
    ]
    # Its siblings are no relations of a plate's.
    assert len(await follow(node, f"{PLATE}?depth=8")) == 3
    assert await follow(node, f"{PLATE}?kind=made_from") == [(1, PLATE, "made_from", "88.200.1/MELT-7")]


async def test_pages_go_through_both_directions_and_walks(node: NodeUnderTest) -> None:
    await ship(node)
    await relate(node, *BUILT["relations"])

    for query, expected in (("?", 3), ("?depth=3&", 3)):
        found, cursor = [], ""
        for _ in range(4):
            response = await node.call("GET", f"/v1/relations/{BLOCK}{query}limit=1{cursor}", key=None)
            page = await response.json()
            found += [item["identifier"] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"

        assert found[:3] == [SHIP, PLATE, OTHER_PLATE]
        assert len(found) == expected
    foreign = await node.call("GET", f"/v1/relations/{BLOCK}?cursor=bm9uc2Vuc2U", key=None)
    assert foreign.status == 422


async def test_relations_are_taken_back_and_leave_their_history(node: NodeUnderTest, database: Database) -> None:
    await ship(node)
    await relate(node, *BUILT["relations"])
    gone = relation(PLATE, "part_of", BLOCK)

    tried = await relate(node, gone, method="DELETE", Idempotency_Key="once")
    repeated = await relate(node, gone, method="DELETE", Idempotency_Key="once")
    absent = await relate(node, gone, method="DELETE")
    assert await follow(node, f"{BLOCK}?direction=in") == [(1, BLOCK, "has_part", OTHER_PLATE)]
    anew = await relate(node, gone)
    async with database.session() as session:
        rows = await session.rows(
            "SELECT version, operation, old IS NULL, new IS NULL FROM change WHERE subject = 'relation' AND name = $1 "
            "ORDER BY version",
            f'["{PLATE}","part_of","{BLOCK}"]',
        )

    assert tried == repeated == (200, {"changed": 1, "unchanged": 0})
    assert absent == (200, {"changed": 0, "unchanged": 1})
    assert anew == (200, {"changed": 1, "unchanged": 0})
    assert [tuple(row) for row in rows] == [
        (1, "relate", True, False),
        (2, "unrelate", False, True),
        (3, "relate", True, False),
    ]


async def test_what_is_wrong_is_said_at_once_and_nothing_is_written(node: NodeUnderTest) -> None:
    await ship(node)

    status, refused = await relate(
        node,
        relation(PLATE, "part_of", BLOCK),
        relation(f"{OWN}/NONE", "part_of", BLOCK),
        relation(PLATE, "part_of", PLATE),
        relation(PLATE, "part_of", f"{OWN}/NONE"),
    )
    unreadable = await relate(node, relation("nonsense", "part_of", "more"))
    kind = await relate(node, relation(PLATE, "glued_to", BLOCK))
    many = await relate(node, *[relation(PLATE, "part_of", f"88.200.1/{number}") for number in range(1_001)])

    assert status == 422
    assert [(error["pointer"], error["rule"]) for error in refused["errors"]] == [
        ("/relations/1/subject", "unknown-identifier"),
        ("/relations/2/object", "self-relation"),
        ("/relations/3/object", "unknown-identifier"),
    ]
    assert [error["pointer"] for error in unreadable[1]["errors"]] == ["/relations/0/subject", "/relations/0/object"]
    assert (kind[0], kind[1]["errors"][0]["pointer"]) == (422, "/relations/0/kind")
    assert (many[0], many[1]["errors"][0]["pointer"]) == (422, "/relations")
    assert await follow(node, PLATE) == []


async def test_no_ring_is_closed_however_it_is_begun(node: NodeUnderTest) -> None:
    await ship(node)
    await relate(node, *BUILT["relations"])

    closed = await relate(node, relation(SHIP, "part_of", PLATE))
    at_once = await relate(node, relation(SHIP, "packed_in", HEAT), relation(HEAT, "packed_in", SHIP))
    other_kind = await relate(node, relation(SHIP, "packed_in", PLATE))
    round_trip = await relate(node, relation(PLATE, "made_from", HEAT), relation(HEAT, "made_from", PLATE))

    assert closed[0] == 409
    assert closed[1]["type"] == "urn:idnode:problem:relation-ring"
    assert closed[1]["detail"] == f"this closes a ring of part_of: {PLATE} → {BLOCK} → {SHIP} → {PLATE}"
    assert at_once[0] == 409
    assert (other_kind[0], round_trip[0]) == (200, 200)
    assert len(await follow(node, f"{PLATE}?kind=made_from&depth=8&direction=out")) == 2


async def test_who_may_not_write_the_subject_is_told_nothing_else(node: NodeUnderTest) -> None:
    await ship(node)
    stranger = await node.key("enterprise", "88.118.77")

    known = await relate(node, relation(PLATE, "part_of", BLOCK), key=stranger)
    unknown = await relate(node, relation(f"{OWN}/NONE", "part_of", f"{OWN}/NONE"), key=stranger)

    assert (known[0], unknown[0]) == (403, 403)
    assert known[1]["detail"] == unknown[1]["detail"]


async def test_what_is_withheld_is_hidden_in_relations_too(node: NodeUnderTest) -> None:
    await ship(node)
    await relate(node, *BUILT["relations"])
    stranger = await node.key("reader", "88.118.77")
    await node.call("POST", f"/v1/suspend/{BLOCK}")
    await node.call("POST", f"/v1/reserve/{OWN}/SOON")
    await relate(node, relation(f"{OWN}/SOON", "part_of", SHIP))

    assert await follow(node, f"{SHIP}?depth=4") == []
    assert await follow(node, SHIP, key=stranger) == []
    assert await follow(node, SHIP, key="") == [(1, SHIP, "has_part", BLOCK), (1, SHIP, "has_part", f"{OWN}/SOON")]
    assert len(await follow(node, f"{SHIP}?depth=4", key="")) == 4
    assert (await node.call("GET", f"/v1/relations/{BLOCK}", key=None)).status == 404
    hidden = await relate(node, relation(PLATE, "part_of", f"{OWN}/soon"))
    assert hidden[0] == 200


async def test_a_walk_ends_at_a_thousand_and_says_so(node: NodeUnderTest, database: Database) -> None:
    await ship(node)
    async with database.session() as session:
        await session.run(
            "INSERT INTO relation SELECT '88.200.1/' || n, 'part_of', $1, '88.200.1/' || n, $1, now() "
            "FROM generate_series(1, 1200) n",
            BLOCK,
        )

    walk = await (await node.call("GET", f"/v1/relations/{BLOCK}?depth=2&limit=1000", key=None)).json()
    first = await (await node.call("GET", f"/v1/relations/{BLOCK}?limit=1000", key=None)).json()
    rest = await node.call("GET", f"/v1/relations/{BLOCK}?limit=1000&cursor={first['next']}", key=None)

    assert (len(walk["items"]), walk["truncated"], walk["next"]) == (1_000, True, None)
    assert (len(first["items"]), first["truncated"]) == (1_000, False)
    assert len((await rest.json())["items"]) == 200
