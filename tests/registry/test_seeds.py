"""Seeds: valid, believable, the same every time, and as many as wanted."""

from datetime import UTC, date, datetime
from random import Random

import pytest

from idnode.model.enterprise import uscc_problem
from idnode.model.errors import Violation
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Prefix
from idnode.model.industry import Industry
from idnode.registry.rules.attributes import check_attributes
from idnode.registry.rules.construction import ifc_global_id_problem
from idnode.registry.seeds import SeedIndustry, SeedProduct, demo, products
from idnode.registry.seeds.codes import (
    container_number,
    gtin13,
    ifc_globalid,
    imei,
    imo_number,
    mac_address,
    uscc_code,
)
from idnode.registry.shipped_templates import shipped_templates

NODE = Prefix.parse("88.118")
ENTERPRISE = Prefix.parse("88.118.20009")
TODAY = date(2026, 1, 15)
NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
TEMPLATES = {template.name: template for template in shipped_templates(owner=NODE, now=NOW)}
EVERY_INDUSTRY = pytest.mark.parametrize("industry", SeedIndustry)


def some(industry: SeedIndustry, count: int, *, today: date = TODAY) -> list[SeedProduct]:
    return list(products(industry, ENTERPRISE, today=today, count=count))


def broken_rules(made: list[SeedProduct], *, today: date) -> list[Violation]:
    return [
        violation
        for product in made
        for violation in check_attributes(TEMPLATES[product.template], product.attributes, today=today)
    ]


@EVERY_INDUSTRY
def test_every_product_passes_its_template(industry: SeedIndustry) -> None:
    assert broken_rules(some(industry, 2_500), today=TODAY) == []


@EVERY_INDUSTRY
@pytest.mark.parametrize("today", [date(2024, 2, 29), date(2026, 1, 1), date(2026, 12, 31), date(2029, 7, 2)])
def test_products_pass_whatever_day_it_is(industry: SeedIndustry, today: date) -> None:
    assert broken_rules(some(industry, 250, today=today), today=today) == []


@EVERY_INDUSTRY
def test_products_were_made_before_today(industry: SeedIndustry) -> None:
    days = [date.fromisoformat(str(product.attributes["produced_at"])) for product in some(industry, 500)]

    assert max(days) < TODAY


@pytest.mark.parametrize(
    ("industry", "first", "last"),
    [
        (SeedIndustry.TEXTILES, "88.118.20009/DL26011401-R001", "88.118.20009/DL26011102-R010"),
        (SeedIndustry.CONSTRUCTION, "88.118.20009/XC01-01-01F-DBS01", "88.118.20009/XC01-01-05F-YYT02"),
        (SeedIndustry.SHIPBUILDING, "88.118.20009/SL1001", "88.118.20009/SL1002-SG03"),
        (SeedIndustry.ELECTRONICS, "88.118.20009/SLG500-2602-00001", "88.118.20009/SLH3-2601-00080"),
    ],
)
def test_identifiers_look_like_those_of_the_trade(industry: SeedIndustry, first: str, last: str) -> None:
    made = some(industry, 200)

    assert (made[0].identifier.text, made[-1].identifier.text) == (first, last)


@EVERY_INDUSTRY
def test_identifiers_are_unique_short_and_pass_every_recursive_node(industry: SeedIndustry) -> None:
    identifiers = [product.identifier for product in some(industry, 20_000)]

    assert len({identifier.folded for identifier in identifiers}) == 20_000
    assert max(len(identifier.text.encode()) for identifier in identifiers) <= 64
    assert {identifier.warnings() for identifier in identifiers} == {()}


@EVERY_INDUSTRY
def test_products_come_out_the_same_every_time(industry: SeedIndustry) -> None:
    assert some(industry, 300) == some(industry, 300)


@EVERY_INDUSTRY
def test_a_larger_count_begins_with_the_same_products(industry: SeedIndustry) -> None:
    assert some(industry, 900)[:150] == some(industry, 150)


def test_products_are_made_one_at_a_time() -> None:
    endless = products(SeedIndustry.SHIPBUILDING, ENTERPRISE, today=TODAY, count=10**12)

    assert next(endless).identifier.text == "88.118.20009/SL1001"


def test_a_product_brings_the_address_of_its_page() -> None:
    roll = some(SeedIndustry.TEXTILES, 1)[0]

    midnight = datetime(2026, 1, 15, tzinfo=UTC)
    assert roll.values == (HandleValue(1, "URL", b"https://example.com/textiles/DL26011401-R001", midnight),)


def test_a_shipyard_names_the_maker_of_what_it_was_supplied_with() -> None:
    made = {product.identifier.suffix: product.attributes for product in some(SeedIndustry.SHIPBUILDING, 100)}

    assert made["SL1001-B101"]["manufacturer"] == "示例船舶海工有限公司"
    assert made["SL1001-B101-P01"]["manufacturer"] == "示例钢铁有限公司"
    assert made["SL1001-ME01"]["manufacturer"] == made["SL1001-ME01"]["equipment_maker"] == "示例船用动力有限公司"


@pytest.mark.parametrize(
    ("industry", "item"),
    [
        (SeedIndustry.ELECTRONICS, "imei"),
        (SeedIndustry.ELECTRONICS, "mac"),
        (SeedIndustry.CONSTRUCTION, "ifc_globalid"),
        (SeedIndustry.SHIPBUILDING, "container_number"),
    ],
)
def test_codes_of_single_things_are_unique(industry: SeedIndustry, item: str) -> None:
    codes = [product.attributes[item] for product in some(industry, 5_000) if item in product.attributes]

    assert len(codes) >= 700
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("version", sorted(name.version for name in TEMPLATES))
def test_the_seeds_of_an_industry_show_nearly_every_item_of_its_template(version: str) -> None:
    template = next(template for name, template in TEMPLATES.items() if name.version == version)
    shown = {name for product in some(SeedIndustry(version.removesuffix("-1.0")), 100) for name in product.attributes}

    # Devices in stock have no owner yet.
    assert {item.name for item in template.items} - shown <= {"owner"}


def test_the_demo_is_an_operator_and_four_enterprises() -> None:
    enterprises = demo(NODE, today=TODAY, products_each=1)

    assert [(one.name, one.prefix and one.prefix.text, one.template_version) for one in enterprises] == [
        ("示例标识解析二级节点运营有限公司", None, None),
        ("示例高端纺织有限公司", "88.118.20001", "textiles-1.0"),
        ("示例智慧建造有限公司", "88.118.20002", "construction-1.0"),
        ("示例船舶海工有限公司", "88.118.20003", "shipbuilding-1.0"),
        ("示例电子信息有限公司", "88.118.20004", "electronics-1.0"),
    ]


def test_every_enterprise_of_the_demo_has_two_hundred_products_under_its_prefix() -> None:
    _, *enterprises = demo(NODE, today=TODAY)

    assert [len(one.products) for one in enterprises] == [200, 200, 200, 200]
    assert all(product.identifier.prefix == one.prefix for one in enterprises for product in one.products)


def test_every_enterprise_prefix_may_be_given_out_by_the_node() -> None:
    prefixes = [one.prefix for one in demo(NODE, today=TODAY, products_each=0) if one.prefix]

    assert [prefix.enterprise_label_problem(NODE) for prefix in prefixes] == [None, None, None, None]


def test_credit_codes_are_valid_and_unique() -> None:
    codes = [one.uscc for one in demo(NODE, today=TODAY, products_each=0)]

    assert len(set(codes)) == 5
    assert [uscc_problem(code) for code in codes] == [None] * 5


def test_enterprises_can_be_reached_nowhere() -> None:
    enterprises = demo(NODE, today=TODAY, products_each=0)

    assert all(str(one.contact.email).endswith("@example.com") for one in enterprises)
    assert all(one.website.startswith("https://example.com/") for one in enterprises)
    assert [Industry.problem_of(one.industry) for one in enterprises] == [None] * 5


def test_the_demo_comes_out_the_same_every_time() -> None:
    assert demo(NODE, today=TODAY, products_each=40) == demo(NODE, today=TODAY, products_each=40)


def test_codes_carry_their_check_digits() -> None:
    assert uscc_code(1) == "91990000MA0000001B"
    assert imo_number(0) == "4000008"
    assert container_number(0) == "QQQU0000001"
    assert imei(1) == "001017000000011"
    assert imei(1_000_000) == "001017010000001"
    assert gtin13(1) == "9520001000010"


def test_a_mac_address_is_locally_administered() -> None:
    assert mac_address(0x1234) == "02:00:00:00:12:34"


def test_an_ifc_globalid_is_a_random_uuid_in_twenty_two_characters() -> None:
    rng = Random(7)  # noqa: S311  # nothing secret, and the same in every run
    identifiers = {ifc_globalid(rng) for _ in range(1_000)}

    assert len(identifiers) == 1_000
    assert {ifc_global_id_problem(identifier) for identifier in identifiers} == {None}
