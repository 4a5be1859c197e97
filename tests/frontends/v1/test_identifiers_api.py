"""Identifiers over HTTP: the shapes that clients rely on."""

from harness import TEXTILE, NodeUnderTest


async def test_a_registration_answers_the_record_its_place_and_its_version(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    values = [{"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/jx-1"}}]

    response = await node.call("POST", "/v1/identifiers", {"identifier": "88.118.8/JX-1", "values": values})
    record = await response.json()

    assert response.status == 201
    assert response.headers["Location"] == "/v1/identifiers/88.118.8/JX-1"
    assert response.headers["ETag"] == '"1"'
    assert record["identifier"] == "88.118.8/JX-1"
    assert record["prefix"] == "88.118.8"
    assert (record["version"], record["state"], record["template"], record["attributes"]) == (1, "active", None, {})
    assert record["values"][0]["data"] == {"format": "string", "value": "https://example.com/jx-1"}


async def test_attributes_of_a_template_become_values_and_read_as_attributes(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    template = {"prefix": "88.118", "version": "textiles-1.0"}
    body = {"identifier": "88.118.8/ROLL-1", "template": template, "attributes": TEXTILE}

    response = await node.call("POST", "/v1/identifiers", body)
    record = await response.json()

    assert response.status == 201
    assert record["template"] == template
    assert record["attributes"] == TEXTILE
    types = [value["type"] for value in record["values"]]
    assert types == ["product_name", "manufacturer", "fibre_composition"]


async def test_an_identifier_reads_the_same_plain_encoded_and_in_other_case(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/Jx-1")

    answers = [
        await (await node.call("GET", f"/v1/identifiers/{spelling}", key=None)).json()
        for spelling in ("88.118.8/Jx-1", "88.118.8%2FJx-1", "88.118.8/jX-1")
    ]

    assert [answer["identifier"] for answer in answers] == ["88.118.8/Jx-1"] * 3


async def test_all_violations_come_at_once_with_item_value_and_rule(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    attributes = {
        "manufacturer": "示例纺织有限公司",
        "fibre_composition": [{"fibre": "cotton", "percent": 60}, {"fibre": "polyester", "percent": 41}],
        "width": -1,
        "colour_of_the_sky": "blue",
    }
    template = {"prefix": "88.118", "version": "textiles-1.0"}

    response = await node.call(
        "POST", "/v1/identifiers", {"identifier": "88.118.8/ROLL-1", "template": template, "attributes": attributes}
    )
    problem = await response.json()

    assert response.status == 422
    assert response.content_type == "application/problem+json"
    assert problem["type"] == "urn:idnode:problem:invalid-input"
    assert {(error["pointer"], error["rule"]) for error in problem["errors"]} == {
        ("/attributes/product_name", "required"),
        ("/attributes/fibre_composition", "fibre-composition"),
        ("/attributes/width", "minimum"),
        ("/attributes/colour_of_the_sky", "unknown-item"),
    }


async def test_a_second_registration_is_refused_whatever_its_case(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")
    values = [{"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/"}}]

    response = await node.call("POST", "/v1/identifiers", {"identifier": "88.118.8/jx-1", "values": values})

    assert response.status == 409
    assert (await response.json())["type"] == "urn:idnode:problem:already-registered"


async def test_a_record_goes_through_its_states_and_keeps_its_history(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")
    path = "/v1/identifiers/88.118.8/JX-1"
    steps = [("POST", "/v1/suspend/88.118.8/JX-1"), ("POST", "/v1/restore/88.118.8/JX-1"), ("DELETE", path)]

    states = [(await (await node.call(method, where)).json())["state"] for method, where in steps]
    gone = await node.call("GET", path, key=None)
    history = (await (await node.call("GET", "/v1/history/88.118.8/JX-1")).json())["items"]

    assert states == ["suspended", "active", "deleted"]
    assert gone.status == 410
    assert [change["operation"] for change in history] == ["delete", "restore", "suspend", "register"]
    assert history[0]["old"]["state"] == "active"
    assert history[-1]["old"] is None


async def test_a_suspended_record_is_withheld_from_the_public_only(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")
    await node.call("POST", "/v1/suspend/88.118.8/JX-1")

    public = await node.call("GET", "/v1/identifiers/88.118.8/JX-1", key=None)
    owned = await node.call("GET", "/v1/identifiers/88.118.8/JX-1")

    assert public.status == 404
    assert (await public.json())["type"] == "urn:idnode:problem:identifier-suspended"
    assert (await owned.json())["state"] == "suspended"


async def test_values_that_are_not_public_show_to_the_owner_only(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    values = [
        {"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/"}},
        {"index": 2, "type": "COST", "data": {"format": "string", "value": "12.5"}, "permissions": "1100"},
    ]
    await node.call("POST", "/v1/identifiers", {"identifier": "88.118.8/JX-1", "values": values})

    public = await (await node.call("GET", "/v1/identifiers/88.118.8/JX-1", key=None)).json()
    owned = await (await node.call("GET", "/v1/identifiers/88.118.8/JX-1")).json()

    assert [value["index"] for value in public["values"]] == [1]
    assert [value["index"] for value in owned["values"]] == [1, 2]


async def test_a_write_for_another_version_is_refused(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")
    patch = {"values": [{"index": 2, "type": "EMAIL", "data": "a@example.com"}]}

    stale = await node.call("PATCH", "/v1/identifiers/88.118.8/JX-1", patch, If_Match='"7"')
    right = await node.call("PATCH", "/v1/identifiers/88.118.8/JX-1", patch, If_Match='"1"')

    assert stale.status == 412
    assert (right.status, right.headers["ETag"]) == (200, '"2"')


async def test_a_read_with_the_version_it_has_is_not_sent_again(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")

    response = await node.call("GET", "/v1/identifiers/88.118.8/JX-1", key=None, If_None_Match='"1"')

    assert response.status == 304
    assert await response.read() == b""


async def test_the_past_is_read_as_it_was(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1", url="https://example.com/before")
    created = (await (await node.call("GET", "/v1/identifiers/88.118.8/JX-1")).json())["created"]
    content = {"values": [{"index": 1, "type": "URL", "data": "https://example.com/after"}]}
    await node.call("PUT", "/v1/identifiers/88.118.8/JX-1", content)

    past = await (await node.call("GET", f"/v1/identifiers/88.118.8/JX-1?at={created}")).json()
    present = await (await node.call("GET", "/v1/identifiers/88.118.8/JX-1")).json()

    assert (past["version"], past["values"][0]["data"]["value"]) == (1, "https://example.com/before")
    assert (present["version"], present["values"][0]["data"]["value"]) == (2, "https://example.com/after")


async def test_a_batch_resolves_in_the_order_asked(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")
    asked = ["88.118.8/jx-1", "88.118.8/none", "10.1000/1", "no-slash"]

    response = await node.call("POST", "/v1/resolve", {"identifiers": asked}, key=None)
    results = (await response.json())["results"]

    assert [result["identifier"] for result in results] == asked
    assert [result["found"] for result in results] == [True, False, False, False]
    assert results[0]["record"]["identifier"] == "88.118.8/JX-1"
    assert [result["problem"]["type"].rpartition(":")[2] for result in results[1:]] == [
        "not-found",
        "not-responsible",
        "invalid-identifier",
    ]


async def test_a_dry_run_says_what_would_stand_and_writes_nothing(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    body = {"identifier": "88.118.8/JX-1", "values": [{"index": 1, "type": "URL", "data": "https://example.com/"}]}

    tried = await node.call("POST", "/v1/identifiers?dry_run=true", body)
    read = await node.call("GET", "/v1/identifiers/88.118.8/JX-1", key=None)

    assert tried.status == 200
    assert (await tried.json())["identifier"] == "88.118.8/JX-1"
    assert read.status == 404


async def test_a_foreign_prefix_is_refused_by_name(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    key = await node.key("enterprise", "88.118.9")
    body = {"identifier": "88.118.8/JX-1", "values": [{"index": 1, "type": "URL", "data": "https://example.com/"}]}

    response = await node.call("POST", "/v1/identifiers", body, key=key)

    assert response.status == 403
    assert (await response.json())["detail"] == "prefix 88.118.8 is outside this key's scope (88.118.9)"


async def test_a_list_is_cut_into_pages(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    for number in (3, 1, 2):
        await node.identifier(f"88.118.8/JX-{number}")

    first = await (await node.call("GET", "/v1/identifiers?prefix=88.118.8&limit=2")).json()
    second = await (await node.call("GET", f"/v1/identifiers?prefix=88.118.8&limit=2&cursor={first['next']}")).json()

    assert [item["identifier"] for item in first["items"]] == ["88.118.8/JX-1", "88.118.8/JX-2"]
    assert [item["identifier"] for item in second["items"]] == ["88.118.8/JX-3"]
    assert second["next"] is None
