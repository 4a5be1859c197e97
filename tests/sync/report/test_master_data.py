"""T9: one row per change of an identifier, of every industry's records, whatever their templates call their items."""

from typing import Any

import orjson
import pytest
from harness import NodeUnderTest
from reported import claimed
from route_requests import OWN, made, template

from idnode.lifecycle import now
from idnode.model.change import Subject
from idnode.model.reporting import Report
from idnode.registry.seeds import SeedIndustry
from idnode.storage.database import Database
from idnode.sync.report.master_data import ITEMS, MasterData, day_in_beijing
from idnode.sync.report.missing import DataMissing
from idnode.wire.top_node.tables import FIELDS, check_data

FIRST_PRODUCT = {
    SeedIndustry.TEXTILES: ("88.118.20001/", "88.118/textiles-1.0", "示锦"),
    SeedIndustry.CONSTRUCTION: ("88.118.20002/", "88.118/construction-1.0", "示筑"),
    SeedIndustry.SHIPBUILDING: ("88.118.20003/", "88.118/shipbuilding-1.0", "示舟"),
    SeedIndustry.ELECTRONICS: ("88.118.20004/", "88.118/electronics-1.0", "示芯"),
}
CORE = {"identifier", "created", "operation", "template", "product_type", "brand", "product_name", "manufacturer"}


def document(**members: Any) -> bytes:
    """A record as it is stored."""
    whole = {
        "identifier": "88.118.8/JX-1",
        "prefix": "88.118.8",
        "version": 1,
        "state": "active",
        "template": {"prefix": "88.118", "version": "textiles-1.0"},
        "attributes": {},
        "created": "2026-03-09T15:59:59.999Z",
        "updated": "2026-03-09T15:59:59.999Z",
        "values": [],
    }
    return orjson.dumps(whole | members)


async def rows_of(database: Database, identifier: str) -> list[dict[str, object]]:
    changes = await claimed(database, Report.T9, Subject.IDENTIFIER, identifier)
    return [MasterData().row(change.operation, change.old, change.new) for change in changes]


@pytest.mark.parametrize("industry", SeedIndustry)
async def test_the_life_of_a_demo_record_is_told_change_by_change(
    node: NodeUnderTest, database: Database, industry: SeedIndustry
) -> None:
    await node.node.first_run.seed(today=now().date(), products_each=1)
    prefix, own_template, brand = FIRST_PRODUCT[industry]
    listed = await (await node.call("GET", f"/v1/identifiers?prefix={prefix[:-1]}")).json()
    identifier = listed["items"][0]["identifier"]
    for method, path, body in (
        ("PATCH", "identifiers", {"attributes": {"brand": "新牌"}}),
        ("POST", "suspend", None),
        ("POST", "restore", None),
        ("DELETE", "identifiers", None),
        ("POST", "restore", None),
    ):
        response = await node.call(method, f"/v1/{path}/{identifier}", body)
        assert response.status == 200, await response.text()

    rows = await rows_of(database, identifier.upper())

    assert [row["operation"] for row in rows] == [1, 3, 3, 3, 2, 1]
    assert [row["brand"] for row in rows[:5]] == [brand, "新牌", "新牌", "新牌", "新牌"]
    assert {(row["identifier"], row["template"]) for row in rows} == {(identifier, own_template)}
    assert rows[0].keys() >= CORE
    assert [check_data(Report.T9, row) for row in rows] == [[]] * 6


async def test_an_active_carrier_is_told_with_its_terminal(node: NodeUnderTest, database: Database) -> None:
    await node.node.first_run.seed(today=now().date(), products_each=1)
    listed = await (await node.call("GET", "/v1/identifiers?prefix=88.118.20004")).json()
    attributes = listed["items"][0]["attributes"]

    row = (await rows_of(database, listed["items"][0]["identifier"].upper()))[0]

    assert (row["serial_or_imei"], row["access_licence"]) == (attributes["imei"], attributes["network_access_licence"])
    assert (row["terminal_type"], row["sequence"]) == (attributes["terminal_type"], attributes["sequence"])


async def test_a_record_without_a_template_says_what_there_is(node: NodeUnderTest, database: Database) -> None:
    await node.prefix()
    await node.identifier()

    row = (await rows_of(database, "88.118.8/JX-1"))[0]

    assert row == {"identifier": "88.118.8/JX-1", "created": row["created"], "operation": 1}
    assert check_data(Report.T9, row) == []


async def test_a_template_of_ones_own_is_told_as_far_as_its_items_are_called_so(
    node: NodeUnderTest, database: Database
) -> None:
    await node.prefix()
    items = [
        {"index": 2000, "name": "brand", "title": "品牌", "type": "integer"},
        {"index": 2001, "name": "note", "title": "备注", "type": "json"},
    ]
    await made(node, "/v1/templates", template("own") | {"items": items})
    form = {
        "identifier": "88.118.8/JX-1",
        "template": {"prefix": OWN, "version": "own"},
        "attributes": {"brand": 7, "note": {"updated": "x", "values": [1], "more": {"values": []}}},
    }
    await made(node, "/v1/identifiers", form)

    row = (await rows_of(database, "88.118.8/JX-1"))[0]

    assert (row["brand"], row["template"]) == ("7", "88.118.8/own")
    assert "note" not in row


def test_other_items_may_fill_a_field() -> None:
    told = MasterData({**ITEMS, "brand": ("marque", "brand")})
    both = document(attributes={"brand": "a", "marque": "b"})

    assert told.row("register", None, both)["brand"] == "b"
    assert told.row("register", None, document(attributes={"brand": "a", "marque": ""}))["brand"] == "a"


def test_the_day_of_creation_is_the_one_in_beijing() -> None:
    assert day_in_beijing("2026-03-09T15:59:59.999Z") == "2026-03-09"
    assert day_in_beijing("2026-03-09T16:00:00.000Z") == "2026-03-10"
    assert day_in_beijing("2024-02-28T23:59:59.000Z") == "2024-02-29"
    assert day_in_beijing("2026-12-31T16:00:00.000Z") == "2027-01-01"


def test_every_field_that_items_fill_is_one_of_the_table() -> None:
    names = {field.name for field in FIELDS[Report.T9]}

    assert names - ITEMS.keys() == {"identifier", "created", "template", "operation"}
    assert ITEMS.keys() <= names


def test_a_change_row_that_is_gone_is_refused() -> None:
    with pytest.raises(DataMissing, match="the change row is not there any more"):
        MasterData().row("register", None, None)
    with pytest.raises(DataMissing, match="the change row is not there any more"):
        MasterData().row("delete", None, document())
