"""Between an attribute as JSON has it and the UTF-8 data of a Handle value, one rule per item type.

| item type | attribute | data |
|---|---|---|
| string, enum, reference | text without control characters | as is |
| integer | integer within ±2^53 (RFC 8259 §6), never a boolean | `12` |
| number | integer or finite float | the shortest digits that read back: `12`, `0.1`, `1e+22` |
| boolean | true, false | `true`, `false` |
| date | `YYYY-MM-DD` (ISO 8601) | as given |
| datetime | RFC 3339 with Z or an offset | as given |
| json | any JSON value | compact, members sorted |
"""

import math
import re
from collections.abc import Callable, Mapping

import orjson

from idnode.model.template import Item, ItemType
from idnode.registry.rules.json_values import INTEGER_MAX, json_problem, kind_of, text_problem
from idnode.registry.rules.moments import date_of, datetime_of

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,399})")
_NUMBER = re.compile(_INTEGER.pattern + r"(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,3})?")
_BOOLEANS = {"true": True, "false": False}


class UnreadableValue(ValueError):
    """A value, or the data that should hold one, cannot be read as its item's type; the text says why."""


def type_problem(item_type: ItemType, value: object) -> str | None:
    """Why `value`, taken from a JSON document, is no value of this type, or None."""
    return _PROBLEM_OF[item_type](value)


def data_of(item: Item, value: object) -> bytes:
    """The canonical UTF-8 data of `value`: equal values of one item give equal data. Raises UnreadableValue."""
    problem = type_problem(item.type, value)
    if problem is not None:
        raise UnreadableValue(problem)
    return canonical_data(item.type, value)


def canonical_data(item_type: ItemType, value: object) -> bytes:
    """The data of a value of which type_problem said None; limits of size are the caller's."""
    if item_type is ItemType.JSON:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return _number_text(value).encode()


def canonical_view(value: object) -> object:
    """How a value of which type_problem said None reads back from its canonical data: 12.0 was kept as `12`."""
    return int(value) if isinstance(value, float) and _is_safe_integer(value) else value


def value_of(item: Item, data: bytes) -> object:
    """The attribute that `data` holds, as data_of would take it. Raises UnreadableValue."""
    try:
        value = _READ[item.type](data.decode())
    except ValueError as error:
        raise UnreadableValue(f"its data are no UTF-8 text of type {item.type}") from error
    problem = type_problem(item.type, value)
    if problem is not None:
        raise UnreadableValue(f"its data do not fit: {problem}")
    return value


def measured(item_type: ItemType, value: object) -> object:
    """What checks look at: a date or a Beijing datetime in place of its text, else the value itself."""
    if isinstance(value, str) and item_type is ItemType.DATE:
        return date_of(value)
    if isinstance(value, str) and item_type is ItemType.DATETIME:
        return datetime_of(value)
    return value


def _number_text(value: object) -> str:
    # 12.0 and 12 are one number in JSON; they must not be two values here.
    return str(int(value)) if isinstance(value, float) and _is_safe_integer(value) else repr(value)


def _is_safe_integer(value: float) -> bool:
    return value.is_integer() and abs(value) <= INTEGER_MAX


def _text(value: object) -> str | None:
    return text_problem(value) if isinstance(value, str) else f"must be a string, is {kind_of(value)}"


def _integer(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"must be an integer, is {kind_of(value)}"
    return None if abs(value) <= INTEGER_MAX else "is beyond ±2^53, where JSON readers lose digits"


def _number(value: object) -> str | None:
    if isinstance(value, float):
        return None if math.isfinite(value) else "must be a finite number"
    return _integer(value) if kind_of(value) == "an integer" else f"must be a number, is {kind_of(value)}"


def _boolean(value: object) -> str | None:
    return None if isinstance(value, bool) else f"must be true or false, is {kind_of(value)}"


def _date(value: object) -> str | None:
    if not isinstance(value, str):
        return f"must be a date as a string, is {kind_of(value)}"
    day = date_of(value)
    return day if isinstance(day, str) else None


def _datetime(value: object) -> str | None:
    if not isinstance(value, str):
        return f"must be a moment as a string, is {kind_of(value)}"
    moment = datetime_of(value)
    return moment if isinstance(moment, str) else None


_PROBLEM_OF: Mapping[ItemType, Callable[[object], str | None]] = {
    ItemType.STRING: _text,
    ItemType.ENUM: _text,
    ItemType.REFERENCE: _text,
    ItemType.INTEGER: _integer,
    ItemType.NUMBER: _number,
    ItemType.BOOLEAN: _boolean,
    ItemType.DATE: _date,
    ItemType.DATETIME: _datetime,
    ItemType.JSON: json_problem,
}


def _read_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _read_number(text: str) -> int | float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return int(text) if _INTEGER.fullmatch(text) else float(text)


def _read_boolean(text: str) -> bool:
    if text not in _BOOLEANS:
        raise ValueError(text)
    return _BOOLEANS[text]


def _read_json(text: str) -> object:
    value: object = orjson.loads(text)
    return value


_READ: Mapping[ItemType, Callable[[str], object]] = {
    ItemType.STRING: str,
    ItemType.ENUM: str,
    ItemType.REFERENCE: str,
    ItemType.INTEGER: _read_integer,
    ItemType.NUMBER: _read_number,
    ItemType.BOOLEAN: _read_boolean,
    ItemType.DATE: str,
    ItemType.DATETIME: str,
    ItemType.JSON: _read_json,
}
