"""Shipped templates: they pass the node's own check, share the product core, and a broken file says where."""

from datetime import UTC, date, datetime

import pytest

from idnode.model.errors import InvalidInput, MalformedInput
from idnode.model.identifier import Prefix
from idnode.model.industry import Industry
from idnode.model.template import CarrierType, Item, ItemType, RecordCheck, Template, TemplateState
from idnode.registry.rules.attributes import check_attributes
from idnode.registry.rules.template_definition import check_template
from idnode.registry.shipped_templates import read_template, shipped_templates

NODE = Prefix.parse("88.118")
NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
TODAY = date(2026, 1, 15)
SHIPPED = {template.name.version: template for template in shipped_templates(owner=NODE, now=NOW)}
SHIP = {"product_type": "船体分段", "product_name": "双层底分段 B101", "manufacturer": "示例船舶海工有限公司"}
SMALL = """
title = "Rolls"
version = "rolls-2.0"
industry = "C1713"
carrier = "active"

[[items]]
index = 2000
name = "width"
title = "幅宽"
type = "number"
unit = "cm"
minimum = 1

[[items]]
index = 2001
name = "made_on"
title = "生产日期"
type = "date"
required = true
checks = ["not-future"]

[[checks]]
check = "requires"
items = ["width", "made_on"]
"""


def read(text: str) -> Template:
    return read_template(text, owner=NODE, now=NOW)


def complaints(text: str) -> list[tuple[str, str | None, str]]:
    """Pointer, item and detail of everything that is wrong with a template text."""
    with pytest.raises(InvalidInput) as refusal:
        read(text)
    return [(found.pointer, found.item, found.detail) for found in refusal.value.violations]


def test_the_shipped_templates_come_by_file_name() -> None:
    assert list(SHIPPED) == ["construction-1.0", "electronics-1.0", "shipbuilding-1.0", "textiles-1.0"]


@pytest.mark.parametrize("version", SHIPPED)
def test_a_shipped_template_passes_the_check_of_templates(version: str) -> None:
    assert check_template(SHIPPED[version]) == ()


@pytest.mark.parametrize("version", SHIPPED)
def test_a_shipped_template_says_that_it_is_no_standard(version: str) -> None:
    assert "no official standard" in (SHIPPED[version].description or "")


@pytest.mark.parametrize("version", SHIPPED)
def test_a_shipped_template_starts_active_at_revision_one_under_its_owner(version: str) -> None:
    template = SHIPPED[version]

    assert template.name.prefix.text == "88.118"
    assert template.state is TemplateState.ACTIVE
    assert template.revision == 1
    assert template.created == template.updated == NOW


@pytest.mark.parametrize("version", SHIPPED)
def test_every_template_has_the_product_core_at_the_same_indexes(version: str) -> None:
    core = {item.index: item.name for item in SHIPPED[version].items if item.index <= 2010}

    assert core == {
        2000: "product_type",
        2001: "brand",
        2002: "product_name",
        2003: "manufacturer",
        2004: "manufacturer_uscc",
        2005: "produced_at",
        2006: "valid_until",
        2007: "industry_section",
        2008: "industry_division",
        2009: "industry_group",
        2010: "industry_class",
    }


@pytest.mark.parametrize(
    ("version", "required"),
    [
        ("textiles-1.0", {"product_name", "manufacturer", "fibre_composition"}),
        ("construction-1.0", {"product_name", "manufacturer", "component_type", "project"}),
        ("shipbuilding-1.0", {"product_name", "manufacturer", "product_type"}),
        ("electronics-1.0", {"product_name", "manufacturer", "class_code", "model"}),
    ],
)
def test_little_is_required(version: str, required: set[str]) -> None:
    assert {item.name for item in SHIPPED[version].items if item.required} == required


@pytest.mark.parametrize(
    ("version", "industry", "carrier"),
    [
        ("textiles-1.0", "C17", CarrierType.OTHER),
        ("construction-1.0", "E47", CarrierType.OTHER),
        ("shipbuilding-1.0", "C373", CarrierType.OTHER),
        ("electronics-1.0", "C39", CarrierType.ACTIVE),
    ],
)
def test_a_shipped_template_names_its_industry_and_carrier(version: str, industry: str, carrier: CarrierType) -> None:
    template = SHIPPED[version]

    assert (template.industry, template.carrier) == (Industry(industry), carrier)


def test_only_devices_have_what_active_carriers_report_besides() -> None:
    reported = {"terminal_type", "owner", "purpose", "serial_number", "imei", "network_access_licence", "scramble_code"}

    assert reported <= {item.name for item in SHIPPED["electronics-1.0"].items}
    assert all(SHIPPED["textiles-1.0"].item_named(name) is None for name in reported)


def test_a_block_must_name_its_hull() -> None:
    found = check_attributes(SHIPPED["shipbuilding-1.0"], SHIP | {"block_number": "B101"}, today=TODAY)

    assert [(violation.rule, violation.item) for violation in found] == [("requires", "hull_number")]


def test_a_component_is_not_shipped_before_it_has_cured() -> None:
    component = {
        "product_name": "叠合板 DBS01",
        "manufacturer": "示例智慧建造有限公司",
        "component_type": "叠合板",
        "project": "示例新城第1期",
        "poured_on": "2025-11-03",
        "cured_on": "2025-11-13",
        "shipped_on": "2025-11-12",
    }

    found = check_attributes(SHIPPED["construction-1.0"], component, today=TODAY)

    assert [(violation.rule, violation.item) for violation in found] == [("date-order", "shipped_on")]


def test_a_template_is_read_as_it_is_written() -> None:
    template = read(SMALL)

    assert template.name.version == "rolls-2.0"
    assert template.industry.levels == ("C", "17", "171", "1713")
    assert template.description is None
    assert template.items == (
        Item(2000, "width", "幅宽", ItemType.NUMBER, unit="cm", minimum=1.0),
        Item(2001, "made_on", "生产日期", ItemType.DATE, required=True, checks=("not-future",)),
    )
    assert template.checks == (RecordCheck("requires", ("width", "made_on")),)


@pytest.mark.parametrize(
    ("old", "new", "pointer", "item", "detail"),
    [
        ('title = "Rolls"\n', "", "/title", None, "title is missing"),
        ('title = "幅宽"\n', "", "/items/0/title", "width", "title is missing"),
        ("minimum", "minimun", "/items/0/minimun", "width", "minimun is not a member of a template file"),
        ("= 1\n", "= nan\n", "/items/0/minimum", "width", "minimum: Input should be a valid number"),
        ("= 1\n", "= 1984-01-24\n", "/items/0/minimum", "width", "minimum: Input should be a valid number"),
        ("2001", '"2001"', "/items/1/index", "made_on", "index: Input should be a valid integer"),
        ("= true", '= "yes"', "/items/1/required", "made_on", "required: Input should be a valid boolean"),
        ('"not-future"', "7", "/items/1/checks/0", "made_on", "checks/0: Input should be a valid string"),
        ('"active"', '"phone"', "/carrier", None, "carrier: Input should be 'active' or 'other'"),
        ("[[checks]]", "[[rules]]", "/rules", None, "rules is not a member of a template file"),
        ('"C1713"', '"E1713"', "/industry", None, "E1713 division 17 lies under section C, not under E"),
    ],
)
def test_a_broken_template_names_the_member(old: str, new: str, pointer: str, item: str | None, detail: str) -> None:
    assert complaints(SMALL.replace(old, new)) == [(pointer, item, detail)]


def test_a_type_that_does_not_exist_is_answered_with_those_that_do() -> None:
    [(pointer, item, detail)] = complaints(SMALL.replace('"date"', '"day"'))

    assert (pointer, item) == ("/items/1/type", "made_on")
    assert detail.startswith("type: Input should be 'string', 'integer', 'number', 'date', 'datetime',")


def test_a_broken_template_names_all_its_members_at_once() -> None:
    text = SMALL.replace("minimum", "minimun").replace('type = "date"\n', "").replace('version = "rolls-2.0"', "")

    assert [pointer for pointer, _, _ in complaints(text)] == ["/version", "/items/0/minimun", "/items/1/type"]


def test_the_error_says_item_and_member_in_one_line() -> None:
    with pytest.raises(InvalidInput, match=r"^width: minimun is not a member of a template file$"):
        read(SMALL.replace("minimum", "minimun"))


def test_text_that_is_no_toml_says_where_it_breaks() -> None:
    with pytest.raises(MalformedInput, match=r"not a template in TOML: .*at line 7, column 8"):
        read(SMALL.replace("[[items]]", "[[items", 1))
