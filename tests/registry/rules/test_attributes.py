"""A record's attributes against its template: every violation at once, with place, measure and limit."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idnode.model.errors import Violation
from idnode.model.identifier import Prefix
from idnode.model.industry import Industry
from idnode.model.template import CarrierType, Item, ItemType, RecordCheck, Template, TemplateName, TemplateState
from idnode.registry.rules.attributes import check_attributes
from idnode.registry.rules.template_definition import check_template

TODAY = date(2024, 5, 17)
BORN = datetime(2024, 1, 1, tzinfo=UTC)


def template(*items: Item, checks: tuple[RecordCheck, ...] = ()) -> Template:
    name = TemplateName(Prefix.parse("88.118.8"), "1.0")
    industry, carrier, state = Industry("C1711"), CarrierType.OTHER, TemplateState.ACTIVE
    return Template(name, "面料", None, industry, carrier, items, checks, state, 1, BORN, BORN)


NAME = Item(2000, "name", "名称", ItemType.STRING, required=True, min_length=2, max_length=8)
MASS = Item(2001, "mass", "克重", ItemType.NUMBER, unit="g/m²", minimum=10, maximum=300.0)
ROLLS = Item(2002, "rolls", "卷数", ItemType.INTEGER, minimum=1)
GRADE = Item(2003, "grade", "等级", ItemType.ENUM, options=("优等品", "一等品", "合格品"))
LOT = Item(2004, "lot", "缸号", ItemType.STRING, pattern="[A-Z]{2}[0-9]{4}")
MADE = Item(2005, "made", "生产日期", ItemType.DATE, checks=("not-future",))
TESTED = Item(2006, "tested", "检验时间", ItemType.DATETIME)
DYED = Item(2007, "dyed", "是否染色", ItemType.BOOLEAN)
FIBRES = Item(2008, "fibres", "成分", ItemType.JSON, checks=("fibre-composition",))
YARN = Item(2009, "yarn", "纱线", ItemType.REFERENCE)
OLD = Item(2010, "old", "旧项", ItemType.STRING, enabled=False, required=True)
FABRIC = template(
    NAME,
    MASS,
    ROLLS,
    GRADE,
    LOT,
    MADE,
    TESTED,
    DYED,
    FIBRES,
    YARN,
    OLD,
    checks=(RecordCheck("date-order", ("made", "tested")), RecordCheck("requires", ("lot", "dyed"))),
)
GOOD: dict[str, object] = {
    "name": "素绉缎",
    "mass": 85.5,
    "rolls": 12,
    "grade": "一等品",
    "lot": "RD0042",
    "made": "2024-05-16",
    "tested": "2024-05-16T10:00:00+08:00",
    "dyed": True,
    "fibres": [{"fibre": "桑蚕丝", "percent": 95}, {"fibre": "elastane", "percent": 5}],
    "yarn": "88.118.8/JXDY2106023",
}


def test_the_template_of_these_tests_is_sound() -> None:
    assert check_template(FABRIC) == ()


def test_a_good_record_breaks_nothing() -> None:
    assert check_attributes(FABRIC, GOOD, today=TODAY) == ()


def test_null_counts_as_absent() -> None:
    absent = {"name": None, "mass": None, "old": None}

    assert check_attributes(FABRIC, absent, today=TODAY) == (
        Violation("/attributes/name", "required", "is required", item="name"),
    )


@pytest.mark.parametrize(
    ("name", "value", "violation"),
    [
        ("name", "  ", Violation("", "required", "is required and may not be blank", "  ")),
        (
            "name",
            "缎",
            Violation("", "min-length", "has 1 characters, at least 2 are needed", "缎", "2 characters"),
        ),
        (
            "name",
            "123456789",
            Violation("", "max-length", "has 9 characters, at most 8 are allowed", "123456789", "8 characters"),
        ),
        ("name", 7, Violation("", "type", "must be a string, is an integer", "7")),
        ("name", ["a", "b"], Violation("", "type", "must be a string, is an array", "an array of 2")),
        ("mass", 5, Violation("", "minimum", "is 5 g/m², at least 10 g/m² is needed", "5", "10 g/m²")),
        ("mass", 300.5, Violation("", "maximum", "is 300.5 g/m², at most 300 g/m² is allowed", "300.5", "300 g/m²")),
        ("rolls", 0, Violation("", "minimum", "is 0, at least 1 is needed", "0", "1")),
        ("rolls", True, Violation("", "type", "must be an integer, is a boolean", "true")),
        (
            "grade",
            "二等品",
            Violation("", "option", "is not one of: 优等品, 一等品, 合格品", "二等品", "优等品, 一等品, 合格品"),
        ),
        (
            "lot",
            "RD00421",
            Violation("", "pattern", "does not match the pattern [A-Z]{2}[0-9]{4}", "RD00421", "[A-Z]{2}[0-9]{4}"),
        ),
        (
            "made",
            "2024-05-18",
            Violation("", "not-future", "is in the future: 2024-05-18 is after 2024-05-17", "2024-05-18"),
        ),
        ("made", "18.05.2024", Violation("", "type", "is not a date written YYYY-MM-DD", "18.05.2024")),
        (
            "tested",
            "2024-05-16T10:00:00",
            Violation("", "type", "has no offset: add Z or one such as +08:00", "2024-05-16T10:00:00"),
        ),
        (
            "fibres",
            [{"fibre": "cotton", "percent": 99}],
            Violation("", "fibre-composition", "sums to 99 %, it must be exactly 100 %", "an array of 1"),
        ),
        (
            "yarn",
            "JXDY2106023",
            Violation(
                "",
                "reference",
                "is no identifier: no slash in 'JXDY2106023'; an identifier is prefix/suffix",
                "JXDY2106023",
            ),
        ),
        ("old", "x", Violation("", "disabled-item", "is disabled in the template", "x")),
    ],
)
def test_a_broken_item_says_which_rule_with_the_measure_and_the_limit(
    name: str, value: object, violation: Violation
) -> None:
    expected = replace(violation, pointer=f"/attributes/{name}", item=name)

    assert check_attributes(FABRIC, GOOD | {name: value}, today=TODAY) == (expected,)


def test_an_integer_too_long_to_be_written_is_described() -> None:
    assert check_attributes(FABRIC, GOOD | {"rolls": 10**5000}, today=TODAY) == (
        Violation(
            "/attributes/rolls",
            "type",
            "is beyond ±2^53, where JSON readers lose digits",
            "an integer of more than 64 bits",
            item="rolls",
        ),
    )


def test_all_violations_come_at_once_in_the_order_of_the_template() -> None:
    broken = {"colour": "red", "mass": 1, "rolls": "x", "made": "2030-01-01"}

    violations = check_attributes(FABRIC, broken, today=TODAY)

    assert [(violation.pointer, violation.rule) for violation in violations] == [
        ("/attributes/colour", "unknown-item"),
        ("/attributes/name", "required"),
        ("/attributes/mass", "minimum"),
        ("/attributes/rolls", "type"),
        ("/attributes/made", "not-future"),
    ]


def test_the_nearest_name_is_offered_for_an_unknown_one() -> None:
    assert check_attributes(FABRIC, GOOD | {"masss": 1}, today=TODAY) == (
        Violation(
            "/attributes/masss",
            "unknown-item",
            "the template has no item of this name; is mass meant?",
            "masss",
            item="masss",
        ),
    )


def test_the_name_is_offered_for_its_chinese_title() -> None:
    (violation,) = check_attributes(FABRIC, GOOD | {"克重": 1}, today=TODAY)

    assert violation.detail == "the template has no item of this name; is mass meant?"


def test_slash_and_tilde_in_a_name_are_escaped_in_the_pointer() -> None:
    (violation,) = check_attributes(FABRIC, GOOD | {"warp/weft~density": 1}, today=TODAY)

    assert violation.pointer == "/attributes/warp~1weft~0density"
    assert violation.item == "warp/weft~density"


def test_a_name_that_could_not_be_an_items_is_not_repeated_in_the_pointer() -> None:
    (violation,) = check_attributes(FABRIC, GOOD | {chr(0xD800): 1}, today=TODAY)

    assert violation.pointer == "/attributes"
    assert violation.value == "\\ud800"


def test_unknown_items_beyond_the_limit_are_counted() -> None:
    flood: dict[str, object] = {f"z{number}": 1 for number in range(1000)}

    violations = check_attributes(FABRIC, GOOD | flood, today=TODAY)

    assert len(violations) == 65
    assert violations[-1] == Violation("/attributes", "unknown-item", "the template has none of 936 more items")


def test_data_over_the_limit_are_refused() -> None:
    note = Item(2000, "note", "备注", ItemType.STRING)

    assert check_attributes(template(note), {"note": "棉" * 21_846}, today=TODAY) == (
        Violation(
            "/attributes/note",
            "max-bytes",
            "takes 65538 bytes in UTF-8, the limit is 65536",
            "棉" * 79 + "…",
            "65536 bytes",
            "note",
        ),
    )
    assert check_attributes(template(note), {"note": "棉" * 21_845}, today=TODAY) == ()


def test_a_text_that_is_held_against_a_pattern_has_a_lower_limit() -> None:
    note = Item(2000, "note", "备注", ItemType.STRING, pattern="a*")

    assert check_attributes(template(note), {"note": "a" * 4096}, today=TODAY) == ()
    assert [found.rule for found in check_attributes(template(note), {"note": "a" * 4097}, today=TODAY)] == [
        "max-bytes"
    ]


def test_a_pattern_that_would_run_away_elsewhere_is_answered_at_once() -> None:
    note = Item(2000, "note", "备注", ItemType.STRING, pattern="(a*)*b")

    (violation,) = check_attributes(template(note), {"note": "a" * 4000}, today=TODAY)

    assert violation.rule == "pattern"


def test_a_pattern_counts_han_characters() -> None:
    colour = Item(2000, "colour", "颜色", ItemType.STRING, pattern=r"\p{Han}{1,3}色")

    assert check_attributes(template(colour), {"colour": "藏青色"}, today=TODAY) == ()


def test_a_record_check_names_the_item_and_its_own_rule() -> None:
    early = GOOD | {"tested": "2024-05-15T10:00:00+08:00"}

    assert check_attributes(FABRIC, early, today=TODAY) == (
        Violation(
            "/attributes/tested",
            "date-order",
            "is 2024-05-15T10:00:00+08:00, before made, which is 2024-05-16",
            "2024-05-15T10:00:00+08:00",
            item="tested",
        ),
    )


def test_a_record_check_may_point_at_an_item_that_is_absent() -> None:
    without = {name: value for name, value in GOOD.items() if name != "dyed"}

    assert check_attributes(FABRIC, without, today=TODAY) == (
        Violation("/attributes/dyed", "requires", "is required where lot is given", item="dyed"),
    )


def test_a_record_check_rests_while_one_of_its_items_is_broken() -> None:
    violations = check_attributes(FABRIC, GOOD | {"dyed": "yes"}, today=TODAY)

    assert [violation.rule for violation in violations] == ["type"]


def test_a_record_check_rests_while_one_of_its_items_is_disabled() -> None:
    hull = Item(2001, "hull_number", "船号", ItemType.STRING, enabled=False)
    block = Item(2000, "block_number", "分段号", ItemType.STRING)
    ship = template(block, hull, checks=(RecordCheck("requires", ("block_number", "hull_number")),))

    assert check_attributes(ship, {"block_number": "B101"}, today=TODAY) == ()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(st.characters(categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
EVERY_TYPE = template(
    *(Item(2000 + position, item_type.value, "项", item_type) for position, item_type in enumerate(ItemType)),
    Item(2100, "grade", "等级", ItemType.ENUM, options=("A", "B")),
    Item(2101, "fibres", "成分", ItemType.JSON, checks=("fibre-composition",)),
    Item(2102, "lot", "批号", ItemType.STRING, pattern=".*", checks=("imo", "uscc", "mac", "industry"), min_length=1),
    Item(2103, "made", "时间", ItemType.DATETIME, checks=("not-future",)),
    checks=(
        RecordCheck("date-order", ("date", "datetime", "made")),
        RecordCheck("industry-tree", ("string", "lot", "grade")),
        RecordCheck("begins-with", ("string", "lot")),
        RecordCheck("requires", ("number", "json")),
    ),
)


@given(st.dictionaries(st.sampled_from([item.name for item in EVERY_TYPE.items]) | st.text(), ANYTHING))
def test_no_json_document_makes_it_raise(attributes: dict[str, object]) -> None:
    for violation in check_attributes(EVERY_TYPE, attributes, today=TODAY):
        assert violation.pointer.startswith("/attributes")
        assert violation.detail


@given(st.sampled_from([item.name for item in EVERY_TYPE.items]), st.integers(1, 5000))
def test_no_depth_makes_it_raise(name: str, depth: int) -> None:
    value: object = {}
    for _ in range(depth):
        value = [value]

    assert isinstance(check_attributes(EVERY_TYPE, {name: value}, today=TODAY), tuple)
