"""Typed values and the data of Handle values: canonical, inverse, strict."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idnode.model.beijing import BEIJING
from idnode.model.template import Item, ItemType
from idnode.registry.rules.json_values import JSON_DEPTH_MAX
from idnode.registry.rules.typed_values import UnreadableValue, data_of, measured, type_problem, value_of

LONE_SURROGATE = chr(0xD800)
TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs")))
INTEGERS = st.integers(-(2**53), 2**53)
NUMBERS = INTEGERS | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def item(item_type: ItemType) -> Item:
    return Item(2000, "measure", "量", item_type)


@pytest.mark.parametrize(
    ("item_type", "value", "data"),
    [
        (ItemType.STRING, "棉布 40s", "棉布 40s".encode()),
        (ItemType.STRING, "", b""),
        (ItemType.ENUM, "first grade", b"first grade"),
        (ItemType.REFERENCE, "88.118.8/JXDY2106023", b"88.118.8/JXDY2106023"),
        (ItemType.INTEGER, 12, b"12"),
        (ItemType.INTEGER, -(2**53), b"-9007199254740992"),
        (ItemType.NUMBER, 0.1, b"0.1"),
        (ItemType.NUMBER, 12, b"12"),
        (ItemType.NUMBER, 12.0, b"12"),
        (ItemType.NUMBER, -0.0, b"0"),
        (ItemType.NUMBER, 1e22, b"1e+22"),
        (ItemType.BOOLEAN, True, b"true"),
        (ItemType.BOOLEAN, False, b"false"),
        (ItemType.DATE, "2024-02-29", b"2024-02-29"),
        (ItemType.DATETIME, "2024-05-17T08:30:00Z", b"2024-05-17T08:30:00Z"),
        (ItemType.DATETIME, "2024-05-17T08:30:00.125+08:00", b"2024-05-17T08:30:00.125+08:00"),
        (ItemType.JSON, {"b": [1, 2.5, None], "a": "棉"}, '{"a":"棉","b":[1,2.5,null]}'.encode()),
        (ItemType.JSON, "text", b'"text"'),
    ],
)
def test_a_value_has_one_form_and_comes_back(item_type: ItemType, value: object, data: bytes) -> None:
    assert data_of(item(item_type), value) == data
    assert value_of(item(item_type), data) == value


@pytest.mark.parametrize(
    ("item_type", "value", "problem"),
    [
        (ItemType.STRING, 12, "must be a string, is an integer"),
        (ItemType.STRING, None, "must be a string, is null"),
        (ItemType.STRING, "a\tb", "holds a control character: U+0009 at character 1"),
        (ItemType.STRING, "line\n", "holds a control character: U+000A at character 4"),
        (ItemType.STRING, "\x00", "holds a control character: U+0000 at character 0"),
        (ItemType.STRING, LONE_SURROGATE, "holds a lone surrogate: U+D800 at character 0"),
        (ItemType.ENUM, ["a"], "must be a string, is an array"),
        (ItemType.INTEGER, True, "must be an integer, is a boolean"),
        (ItemType.INTEGER, 12.0, "must be an integer, is a number"),
        (ItemType.INTEGER, "12", "must be an integer, is a string"),
        (ItemType.INTEGER, 2**53 + 1, "is beyond ±2^53, where JSON readers lose digits"),
        (ItemType.NUMBER, False, "must be a number, is a boolean"),
        (ItemType.NUMBER, float("nan"), "must be a finite number"),
        (ItemType.NUMBER, float("inf"), "must be a finite number"),
        (ItemType.NUMBER, -(2**53) - 1, "is beyond ±2^53, where JSON readers lose digits"),
        (ItemType.NUMBER, {}, "must be a number, is an object"),
        (ItemType.BOOLEAN, 1, "must be true or false, is an integer"),
        (ItemType.BOOLEAN, "true", "must be true or false, is a string"),
        (ItemType.DATE, 20240517, "must be a date as a string, is an integer"),
        (ItemType.DATE, "20240517", "is not a date written YYYY-MM-DD"),
        (ItemType.DATE, "2024-05-17T00:00:00Z", "is not a date written YYYY-MM-DD"),
        (ItemType.DATE, "2023-02-29", "is not a day of the calendar"),
        (ItemType.DATE, "0000-01-01", "is not a day of the calendar"),
        (ItemType.DATETIME, "2024-05-17T08:30:00", "has no offset: add Z or one such as +08:00"),
        (
            ItemType.DATETIME,
            "2024-05-17 08:30:00Z",
            "is not a moment written YYYY-MM-DDThh:mm:ssZ or with an offset such as +08:00",
        ),
        (ItemType.DATETIME, "2024-05-17T25:30:00Z", "is not a moment of the calendar"),
        (ItemType.DATETIME, "9999-12-31T23:59:59Z", "is not a moment of the calendar"),
        (ItemType.DATETIME, "0001-01-01T00:00:00+14:00", "is not a moment of the calendar"),
        (ItemType.JSON, [float("nan")], "holds a number that is not finite"),
        (ItemType.JSON, {"a": [2**60]}, "holds an integer beyond ±2^53, where JSON readers lose digits"),
        (ItemType.JSON, {"a\n": 1}, "holds a control character: U+000A at character 1"),
        (ItemType.JSON, {1: 1}, "holds an object whose names are not all text"),
        (ItemType.JSON, [date(2024, 5, 17)], "holds date, which JSON does not have"),
    ],
)
def test_what_is_not_of_the_type_is_refused_with_the_reason(item_type: ItemType, value: object, problem: str) -> None:
    assert type_problem(item_type, value) == problem


def nested(depth: int) -> object:
    value: object = 0
    for _ in range(depth):
        value = [value]
    return value


def test_json_may_be_nested_as_deep_as_the_limit_says_and_no_deeper() -> None:
    assert type_problem(ItemType.JSON, nested(JSON_DEPTH_MAX)) is None
    assert type_problem(ItemType.JSON, nested(JSON_DEPTH_MAX + 1)) == "is nested deeper than 32 levels"
    assert type_problem(ItemType.JSON, nested(100_000)) == "is nested deeper than 32 levels"


def test_writing_what_is_not_of_the_type_is_refused() -> None:
    with pytest.raises(UnreadableValue, match="must be an integer, is a string"):
        data_of(item(ItemType.INTEGER), "12")


@pytest.mark.parametrize(
    ("item_type", "data", "problem"),
    [
        (ItemType.STRING, b"\xff", "its data are no UTF-8 text of type string"),
        (ItemType.INTEGER, b"012", "its data are no UTF-8 text of type integer"),
        (ItemType.INTEGER, b"+1", "its data are no UTF-8 text of type integer"),
        (ItemType.INTEGER, "１".encode(), "its data are no UTF-8 text of type integer"),
        (ItemType.INTEGER, b"", "its data are no UTF-8 text of type integer"),
        (
            ItemType.INTEGER,
            b"9007199254740993",
            "its data do not fit: is beyond ±2^53, where JSON readers lose digits",
        ),
        (ItemType.NUMBER, b"NaN", "its data are no UTF-8 text of type number"),
        (ItemType.NUMBER, b"1e999", "its data do not fit: must be a finite number"),
        (
            ItemType.NUMBER,
            b"12345678901234567890",
            "its data do not fit: is beyond ±2^53, where JSON readers lose digits",
        ),
        (ItemType.BOOLEAN, b"True", "its data are no UTF-8 text of type boolean"),
        (ItemType.DATE, b"17.05.2024", "its data do not fit: is not a date written YYYY-MM-DD"),
        (ItemType.JSON, b"{", "its data are no UTF-8 text of type json"),
    ],
)
def test_data_that_do_not_parse_are_refused_with_the_reason(item_type: ItemType, data: bytes, problem: str) -> None:
    with pytest.raises(UnreadableValue) as refusal:
        value_of(item(item_type), data)

    assert str(refusal.value) == problem


def test_a_check_sees_a_day_or_a_moment_in_beijing() -> None:
    moment = measured(ItemType.DATETIME, "2024-05-17T16:30:00Z")

    assert measured(ItemType.DATE, "2024-05-17") == date(2024, 5, 17)
    assert str(moment) == "2024-05-18 00:30:00+08:00"
    assert BEIJING.tzname(None) == "Beijing"
    assert measured(ItemType.STRING, "2024-05-17") == "2024-05-17"


@given(TEXTS)
def test_every_clean_text_comes_back(text: str) -> None:
    assert value_of(item(ItemType.STRING), data_of(item(ItemType.STRING), text)) == text


@given(NUMBERS)
def test_every_number_comes_back_and_equal_numbers_have_equal_data(number: float) -> None:
    data = data_of(item(ItemType.NUMBER), number)
    read = value_of(item(ItemType.NUMBER), data)

    assert read == number
    assert data_of(item(ItemType.NUMBER), read) == data


@given(st.dates())
def test_every_date_comes_back(day: date) -> None:
    text = day.isoformat()

    assert value_of(item(ItemType.DATE), data_of(item(ItemType.DATE), text)) == text
    assert measured(ItemType.DATE, text) == day


@given(JSON)
def test_every_json_value_comes_back(value: object) -> None:
    data = data_of(item(ItemType.JSON), value)

    assert value_of(item(ItemType.JSON), data) == value
    assert data_of(item(ItemType.JSON), value_of(item(ItemType.JSON), data)) == data


@given(st.sampled_from(ItemType), st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_and_what_is_read_can_be_written(item_type: ItemType, data: bytes) -> None:
    try:
        value = value_of(item(item_type), data)
    except UnreadableValue:
        return

    assert value_of(item(item_type), data_of(item(item_type), value)) == value
