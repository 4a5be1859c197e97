"""What a template may say, and what a change to it may not."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from idnode.model.errors import Violation
from idnode.model.identifier import Prefix
from idnode.model.industry import Industry
from idnode.model.template import CarrierType, Item, ItemType, RecordCheck, Template, TemplateName, TemplateState
from idnode.registry.rules.template_definition import check_template, check_template_change

BORN = datetime(2024, 1, 1, tzinfo=UTC)
TEXT = Item(2000, "note", "备注", ItemType.STRING)
HULL = Item(2000, "hull_number", "船号", ItemType.STRING, required=True, max_length=32, pattern="[A-Z][0-9]+")
BLOCK = Item(2001, "block_number", "分段号", ItemType.STRING)
MASS = Item(2002, "mass", "重量", ItemType.NUMBER, unit="t", minimum=0, maximum=900)


def template(*items: Item, checks: tuple[RecordCheck, ...] = (), version: str = "1.0", title: str = "分段") -> Template:
    name = TemplateName(Prefix.parse("88.118.8"), version)
    industry, carrier, state = Industry("C373"), CarrierType.OTHER, TemplateState.ACTIVE
    return Template(name, title, None, industry, carrier, items, checks, state, 1, BORN, BORN)


def test_a_sound_template_breaks_nothing() -> None:
    sound = template(HULL, BLOCK, MASS, checks=(RecordCheck("requires", ("block_number", "hull_number")),))

    assert check_template(sound) == ()


@pytest.mark.parametrize(
    ("item", "pointer", "rule", "detail"),
    [
        (replace(TEXT, index=1000), "/items/0/index", "index", "index 1000 is reserved for the node"),
        (replace(TEXT, index=1999), "/items/0/index", "index", "index 1999 is reserved for the node"),
        (replace(TEXT, index=300), "/items/0/index", "index", "index 300 is not within 2000 to 2147483647"),
        (replace(TEXT, index=2**31), "/items/0/index", "index", "index 2147483648 is not within 2000 to 2147483647"),
        (
            replace(TEXT, name="克重"),
            "/items/0/name",
            "name",
            "name is not a letter A-Z followed by at most 127 of A-Z, a-z, 0-9, _, . and -",
        ),
        (
            replace(TEXT, name="a" * 129),
            "/items/0/name",
            "name",
            "name is not a letter A-Z followed by at most 127 of A-Z, a-z, 0-9, _, . and -",
        ),
        (
            replace(TEXT, name="hs_site"),
            "/items/0/name",
            "name",
            "names that begin with HS_ belong to the Handle System",
        ),
        (replace(TEXT, title=" "), "/items/0/title", "title", "title is blank"),
        (
            replace(TEXT, title="长" * 129),
            "/items/0/title",
            "title",
            "title has 129 characters, at most 128 are allowed",
        ),
        (
            replace(TEXT, title="船\t号"),
            "/items/0/title",
            "title",
            "title holds a control character: U+0009 at character 1",
        ),
        (replace(TEXT, unit=""), "/items/0/unit", "unit", "unit is blank"),
        (
            replace(TEXT, description="长" * 1025),
            "/items/0/description",
            "description",
            "description has 1025 characters, at most 1024 are allowed",
        ),
        (replace(TEXT, minimum=1), "/items/0/minimum", "bounds", "minimum fits integers and numbers only, not string"),
        (
            replace(TEXT, type=ItemType.NUMBER, maximum=float("nan")),
            "/items/0/maximum",
            "bounds",
            "maximum is not a finite number",
        ),
        (
            replace(TEXT, type=ItemType.NUMBER, minimum=5, maximum=4),
            "/items/0/minimum",
            "bounds",
            "minimum 5 is above maximum 4",
        ),
        (
            replace(TEXT, type=ItemType.DATE, max_length=5),
            "/items/0/max_length",
            "lengths",
            "max_length fits text only, not date",
        ),
        (
            replace(TEXT, min_length=-1),
            "/items/0/min_length",
            "lengths",
            "min_length -1 is not within 0 to 65536 characters",
        ),
        (
            replace(TEXT, min_length=9, max_length=8),
            "/items/0/min_length",
            "lengths",
            "min_length 9 is above max_length 8",
        ),
        (replace(TEXT, type=ItemType.ENUM), "/items/0/options", "options", "an enum needs options"),
        (replace(TEXT, options=("a",)), "/items/0/options", "options", "options fit enums only, not string"),
        (
            replace(TEXT, type=ItemType.ENUM, options=("a", "b", "a")),
            "/items/0/options",
            "options",
            "one option is given twice",
        ),
        (
            replace(TEXT, type=ItemType.ENUM, options=("a", "")),
            "/items/0/options/1",
            "options",
            "option 2 is blank",
        ),
        (
            replace(TEXT, type=ItemType.ENUM, options=tuple(str(number) for number in range(257))),
            "/items/0/options",
            "too-many",
            "257 options, at most 256 are allowed",
        ),
        (
            replace(TEXT, pattern="(?=a)"),
            "/items/0/pattern",
            "pattern",
            "pattern is not a pattern that RE2 takes: invalid perl operator: (?=",
        ),
        (
            replace(TEXT, pattern="a" * 513),
            "/items/0/pattern",
            "pattern",
            "pattern has 513 characters, at most 512 are allowed",
        ),
        (
            replace(TEXT, type=ItemType.INTEGER, pattern="1+"),
            "/items/0/pattern",
            "pattern",
            "a pattern fits strings only, not integer",
        ),
        (replace(TEXT, checks=("imoo",)), "/items/0/checks/0", "checks", "there is no check 'imoo'; is imo meant?"),
        (
            replace(TEXT, checks=("not-future",)),
            "/items/0/checks/0",
            "checks",
            "the check not-future fits date or datetime, not string",
        ),
        (
            replace(TEXT, type=ItemType.DATE, checks=("not-future", "imo")),
            "/items/0/checks/1",
            "checks",
            "the check imo fits string, not date",
        ),
        (replace(TEXT, checks=("imo", "imo")), "/items/0/checks", "checks", "one check is given twice"),
        (replace(TEXT, checks=("imo",) * 17), "/items/0/checks", "too-many", "17 checks, at most 16 are allowed"),
    ],
)
def test_a_broken_item_says_where_and_what(item: Item, pointer: str, rule: str, detail: str) -> None:
    (violation,) = check_template(template(item))

    assert (violation.pointer, violation.rule, violation.detail) == (pointer, rule, detail)


def test_a_description_may_have_lines() -> None:
    assert check_template(template(replace(HULL, description="first line\r\n\tsecond line"))) == ()


@pytest.mark.parametrize(
    ("version", "detail"),
    [
        ("", "version has 0, not 1 to 128 characters"),
        ("v" * 129, "version has 129, not 1 to 128 characters"),
        ("1/0", "version holds a slash or an outer space"),
        (" 1.0", "version holds a slash or an outer space"),
        ("1\n0", "version holds U+000A Cc at character 1"),
    ],
)
def test_a_version_is_short_and_printable_without_a_slash(version: str, detail: str) -> None:
    (violation,) = check_template(template(HULL, version=version))

    assert (violation.pointer, violation.rule, violation.detail) == ("/version", "version", detail)


def test_a_template_has_a_title() -> None:
    assert check_template(template(HULL, title="")) == (Violation("/title", "title", "title is blank", ""),)


def test_an_index_is_given_once() -> None:
    assert check_template(template(HULL, replace(BLOCK, index=2000))) == (
        Violation("/items/1/index", "unique", "index is also that of item 2000 hull_number", item="block_number"),
    )


def test_names_that_differ_in_case_only_are_one_name() -> None:
    assert check_template(template(HULL, replace(BLOCK, name="Hull_Number"))) == (
        Violation("/items/1/name", "unique", "name is also that of item 2000 hull_number", item="Hull_Number"),
    )


def test_a_template_has_no_more_items_than_the_limit() -> None:
    items = [Item(2000 + number, f"item{number}", "项", ItemType.STRING) for number in range(513)]

    assert check_template(template(*items[:512])) == ()
    assert check_template(template(*items)) == (
        Violation("/items", "too-many", "513 items, at most 512 are allowed", limit="512 items"),
    )


@pytest.mark.parametrize(
    ("check", "pointer", "detail"),
    [
        (
            RecordCheck("require", ("block_number", "hull_number")),
            "/checks/0/check",
            "there is no record check 'require'; is requires meant?",
        ),
        (
            RecordCheck("requires", ("block_number", "hul_number")),
            "/checks/0/items/1",
            "there is no item 'hul_number'; is hull_number meant?",
        ),
        (
            RecordCheck("requires", ("block_number",)),
            "/checks/0/items",
            "requires takes 2 to 32 different items, is given 1",
        ),
        (
            RecordCheck("requires", ("block_number", "block_number")),
            "/checks/0/items",
            "requires takes 2 to 32 different items, is given 2",
        ),
        (
            RecordCheck("begins-with", ("block_number", "mass")),
            "/checks/0/items/1",
            "begins-with fits string, mass is number",
        ),
    ],
)
def test_a_broken_record_check_says_where_and_what(check: RecordCheck, pointer: str, detail: str) -> None:
    (violation,) = check_template(template(HULL, BLOCK, MASS, checks=(check,)))

    assert (violation.pointer, violation.rule, violation.detail) == (pointer, "record-check", detail)


def test_a_template_has_no_more_record_checks_than_the_limit() -> None:
    checks = (RecordCheck("requires", ("block_number", "hull_number")),) * 65

    assert check_template(template(HULL, BLOCK, checks=checks)) == (
        Violation("/checks", "too-many", "65 checks, at most 64 are allowed", limit="64 checks"),
    )


def test_everything_wrong_comes_at_once() -> None:
    broken = template(replace(HULL, index=1, title=""), replace(BLOCK, checks=("x",)), version="a/b")

    assert [violation.pointer for violation in check_template(broken)] == [
        "/version",
        "/items/0/index",
        "/items/0/title",
        "/items/1/checks/0",
    ]


def test_items_may_be_added_disabled_and_widened() -> None:
    old = template(HULL, BLOCK)
    new = template(replace(HULL, max_length=64), replace(BLOCK, enabled=False), MASS, title="新")

    assert check_template_change(old, new) == ()


def test_an_item_is_never_removed() -> None:
    assert check_template_change(template(HULL, BLOCK), template(HULL)) == (
        Violation(
            "/items",
            "item-removed",
            "item 2001 block_number is gone; it may be disabled, never removed",
            item="block_number",
        ),
    )


def test_a_name_keeps_its_index() -> None:
    assert check_template_change(template(HULL), template(replace(HULL, index=2005))) == (
        Violation(
            "/items/0",
            "index-and-name",
            "index 2000 and name hull_number stay together, here are 2005 and hull_number",
            item="hull_number",
        ),
    )


def test_an_index_keeps_its_name() -> None:
    assert check_template_change(template(HULL), template(replace(HULL, name="hull"))) == (
        Violation(
            "/items/0",
            "index-and-name",
            "index 2000 and name hull_number stay together, here are 2000 and hull",
            item="hull_number",
        ),
    )


def test_two_items_do_not_trade_places() -> None:
    traded = template(replace(HULL, index=2001), replace(BLOCK, index=2000))

    violations = check_template_change(template(HULL, BLOCK), traded)

    assert [(violation.pointer, violation.rule) for violation in violations] == [
        ("/items/0", "index-and-name"),
        ("/items/1", "index-and-name"),
    ]


def test_a_type_stays() -> None:
    assert check_template_change(template(MASS), template(replace(MASS, type=ItemType.INTEGER))) == (
        Violation(
            "/items/0/type",
            "type-fixed",
            "type is number and cannot become integer; add a new item instead",
            "integer",
            item="mass",
        ),
    )


def test_a_version_stays() -> None:
    assert check_template_change(template(HULL), template(HULL, version="1.1")) == (
        Violation(
            "/version",
            "version-fixed",
            "the template is version 1.0 of 88.118.8; another needs a new template",
            "1.1",
        ),
    )
