"""The quick way of a first version against the plan that is the authority: the same bytes, or left to it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idnode.model.errors import IdnodeError
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier, Prefix
from idnode.model.industry import Industry
from idnode.model.template import CarrierType, Item, ItemType, RecordCheck, Template, TemplateName, TemplateState
from idnode.registry.commands import Content
from idnode.registry.plan import Moment, plan_register
from idnode.registry.planning import stored
from idnode.registry.quick_plan import compiled, quick_register
from idnode.registry.rules.template_definition import check_template
from idnode.registry.shipped_templates import shipped_templates
from idnode.storage.identifiers import StoredRecord

NOW = datetime(2026, 11, 24, 8, 0, 0, 250_000, tzinfo=UTC)
MOMENT = Moment(NOW, date(2026, 11, 24))
NODE = Prefix.parse("88.118")
ROLL = Identifier.parse("88.118.8/JX-1")
ITEMS = (
    Item(2000, "name", "名称", ItemType.STRING, required=True, min_length=2, max_length=8),
    Item(2001, "mass", "克重", ItemType.NUMBER, unit="g/m²", minimum=10, maximum=300.0),
    Item(2002, "rolls", "卷数", ItemType.INTEGER, minimum=1),
    Item(2003, "grade", "等级", ItemType.ENUM, options=("优等品", "一等品", "A/B")),
    Item(2004, "lot", "缸号", ItemType.STRING, pattern="[A-Z]{2}[0-9]{4}"),
    Item(2005, "made", "生产日期", ItemType.DATE, checks=("not-future",)),
    Item(2006, "tested", "检验时间", ItemType.DATETIME),
    Item(2007, "dyed", "是否染色", ItemType.BOOLEAN),
    Item(2008, "fibres", "成分", ItemType.JSON, checks=("fibre-composition",)),
    Item(2009, "yarn", "纱线", ItemType.REFERENCE),
    Item(2010, "old", "旧项", ItemType.STRING, enabled=False, required=True),
    Item(2011, "notes", "备注", ItemType.JSON),
    Item(2012, "delta", "偏差", ItemType.NUMBER),
)
CHECKS = (RecordCheck("date-order", ("made", "tested")), RecordCheck("requires", ("lot", "dyed")))
TEMPLATE = Template(
    TemplateName(Prefix.parse("88.118.8"), "1.0"), "面料", None, Industry("C1711"), CarrierType.OTHER, ITEMS, CHECKS,
    TemplateState.ACTIVE, 1, NOW, NOW,
)  # fmt: skip
GOOD: dict[str, object] = {
    "name": "素绉缎",
    "mass": 85.5,
    "rolls": 12,
    "grade": "一等品",
    "lot": "RD0042",
    "made": "2026-11-24",
    "tested": "2026-11-24T10:00:00+08:00",
    "dyed": True,
    "fibres": [{"fibre": "桑蚕丝", "percent": 95}, {"fibre": "elastane", "percent": 5}],
    "yarn": "88.118.8/JXDY2106023",
    "notes": {"b": [1, 2.5, None], "a": "x"},
    "delta": -0.25,
}

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(2**53 - 1, 2**70) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
NEAR: dict[str, list[object]] = {
    "name": ["素绉缎", "  ", "x", "123456789", 'a"b', "a\\b", "a\tb", "a\u202eb", "\ud800\ud800", "%s"],
    "mass": [10, 10.0, 9.999, 300, 301, 85.5, 1e2, float("nan"), float("inf"), True, "12"],
    "rolls": [1, 0, 2**53, 2**53 + 1, 1.0, True, -1],
    "grade": ["优等品", "A/B", "二等品", "", 1, ["优等品"]],
    "lot": ["RD0042", "rd0042", "RD00421", "RD0042\n", 42],
    "made": ["2026-11-24", "2026-11-25", "2026-13-01", "2026-1-1", "20261124", 20261124],
    "tested": ["2026-11-24T10:00:00+08:00", "2026-11-23T10:00:00Z", "2026-11-24T10:00:00", "now"],
    "dyed": [True, False, 1, "true"],
    "fibres": [GOOD["fibres"], [], [{"fibre": "棉", "percent": 99}], [{"fibre": 'c"', "percent": 100}]],
    "yarn": ["88.118.8/A", "no slash", "88.118.8/" + "x" * 250],
    "notes": [GOOD["notes"], [2**70], {"a": "\x00"}, {"\u202e": 1}, 'q"', "", 0, [[[[1.0]]]], "x" * 70_000],
    "delta": [1.0, -0.0, 1e22, 1e16, 2.0**53, 0.1, 12, -(2**53) - 1],
    "old": ["x"],
    "unknown": ["x"],
}
sent = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) | junk for name, values in NEAR.items()})


def planned(content: Content, template: Template, identifier: Identifier) -> StoredRecord | None:
    try:
        return stored(plan_register(identifier, content, template, MOMENT))
    except (IdnodeError, UnicodeEncodeError, TypeError):
        return None


def test_the_template_of_these_tests_is_sound() -> None:
    assert check_template(TEMPLATE) == ()


@pytest.mark.parametrize("name", NEAR)
@pytest.mark.parametrize("others", [GOOD, {"name": "素绉缎"}, {}])
def test_one_value_at_the_edge_of_its_rules_is_judged_as_the_plan_judges_it(
    others: dict[str, object], name: str
) -> None:
    for value in NEAR[name]:
        content = Content(TEMPLATE.name, {**others, name: value}, ())
        quick = quick_register(ROLL, content, TEMPLATE, MOMENT)

        assert quick is None or quick == planned(content, TEMPLATE, ROLL), value


@given(sent, st.randoms(use_true_random=False), st.booleans())
def test_what_is_planned_quickly_is_to_the_byte_what_the_plan_makes(
    attributes: dict[str, object], order: Random, is_near: bool
) -> None:
    attributes = GOOD | attributes if is_near else attributes
    names = list(attributes)
    order.shuffle(names)
    content = Content(TEMPLATE.name, {name: attributes[name] for name in names}, ())

    quick = quick_register(ROLL, content, TEMPLATE, MOMENT)

    assert quick is None or quick == planned(content, TEMPLATE, ROLL)


@pytest.mark.parametrize(
    "attributes",
    [
        GOOD,
        dict(reversed(GOOD.items())),
        {"name": "素绉缎"},
        {"name": "素绉缎", "mass": 85.0},
        {"name": "素绉缎", "made": "2026-11-24"},
        {"name": "100% 棉", "notes": "x"},
        {"tested": "2026-11-24T10:00:00+08:00", "name": "素绉缎", "made": "2026-11-24"},
    ],
)
def test_records_that_are_in_order_need_no_other_plan(attributes: dict[str, object]) -> None:
    content = Content(TEMPLATE.name, attributes, ())

    quick = quick_register(ROLL, content, TEMPLATE, MOMENT)

    assert quick is not None
    assert quick == planned(content, TEMPLATE, ROLL)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"mass": 85.5},
        {"name": "素绉缎", "unknown": 1},
        {"name": "素绉缎", "old": "x"},
        {"name": "素绉缎", "mass": None},
        {"name": 'a"b'},
        {"name": "素绉缎", "lot": "RD0042"},
        {"name": "素绉缎", "made": "2026-11-25"},
        {"name": "素绉缎", "made": "2026-11-24", "tested": "2026-11-23T10:00:00+08:00"},
    ],
)
def test_what_is_wrong_or_rare_is_left_to_the_plan(attributes: dict[str, object]) -> None:
    assert quick_register(ROLL, Content(TEMPLATE.name, attributes, ()), TEMPLATE, MOMENT) is None


def test_only_attributes_of_an_active_template_under_a_plain_name_are_planned_quickly() -> None:
    value = HandleValue(1, "URL", b"https://example.com/", NOW)
    content = Content(TEMPLATE.name, GOOD, ())

    assert quick_register(ROLL, content._replace(values=(value,)), TEMPLATE, MOMENT) is None
    assert quick_register(ROLL, content, None, MOMENT) is None
    assert quick_register(ROLL, content, replace(TEMPLATE, state=TemplateState.RETIRED), MOMENT) is None
    assert quick_register(Identifier.parse('88.118.8/A"B'), content, TEMPLATE, MOMENT) is None
    assert quick_register(Identifier.parse("88.118.8/A\\B"), content, TEMPLATE, MOMENT) is None


def test_a_record_that_would_be_too_large_is_left_to_the_plan() -> None:
    items = tuple(Item(2000 + number, f"note-{number}", "备注", ItemType.STRING) for number in range(300))
    template = replace(TEMPLATE, name=replace(TEMPLATE.name, version="large"), items=items, checks=())
    content = Content(template.name, {item.name: "x" * 1_000 for item in items}, ())

    assert quick_register(ROLL, content, template, MOMENT) is None


def test_a_template_is_compiled_anew_when_it_has_changed_or_the_day_has() -> None:
    first = compiled(TEMPLATE, date(2026, 11, 24))

    assert compiled(replace(TEMPLATE), date(2026, 11, 24)) is first
    assert compiled(TEMPLATE, date(2026, 11, 25)) is not first
    assert compiled(replace(TEMPLATE, revision=2), date(2026, 11, 25)).template.revision == 2


def test_records_of_the_shipped_templates_are_planned_quickly() -> None:
    textiles = {each.name.version: each for each in shipped_templates(owner=NODE, now=NOW)}["textiles-1.0"]
    content = Content(
        textiles.name,
        {
            "product_type": "棉织物",
            "product_name": "精梳棉府绸",
            "manufacturer": "示例纺织有限公司",
            "produced_at": "2026-01-05",
            "fibre_composition": [{"fibre": "cotton", "percent": 60}, {"fibre": "polyester", "percent": 40}],
            "width": 150,
            "dye_lot": "DL26010501",
            "roll_number": "R001",
        },
        (),
    )

    quick = quick_register(ROLL, content, textiles, MOMENT)

    assert quick is not None
    assert quick == planned(content, textiles, ROLL)
