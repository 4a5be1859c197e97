"""What the text of a cell means, by the type of its item: `1,5` is no number, 是 is true, 2026/1/5 is a date."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache

import orjson

from idnode.model.errors import Violation, shown
from idnode.model.template import Item, ItemType

CELLS_REMEMBERED_MAX = 4_096
"""A column of dates has few of them."""
DIGITS_SURE_MAX = 16

_INTEGER = re.compile(r"[+-]?[0-9]{1,400}(?:\.0{1,20})?")
_NUMBER = re.compile(r"[+-]?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,3})?")
_SHORTENED = re.compile(r"-?[0-9](?:\.[0-9]+)?E\+[0-9]{2,3}")
"""How a spreadsheet shows a number that has more digits than the column is wide, and how it writes it, too."""
_DATE = re.compile(r"([0-9]{4})(?:-|/|\.|年)([0-9]{1,2})(?:-|/|\.|月)([0-9]{1,2})日?|([0-9]{4})([0-9]{2})([0-9]{2})")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?")
_MIDNIGHT = re.compile(r"[T ]0{1,2}:00(?::00)?")
_OFFSET = "+08:00"
"""Spreadsheets have no zones: a moment without one is meant in Beijing time (ARCHITECTURE.md, the node's own day)."""
_TRUTH = {
    "true": True, "false": False, "1": True, "0": False, "是": True, "否": False,
    "yes": True, "no": False, "y": True, "n": False, "√": True, "×": False,
}  # fmt: skip

Read = Callable[[str], object]


class UnreadableCell(ValueError):
    """The text is no value of the type: which rule it breaks, and what would be right."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule
        self.detail = detail


def reader_of(item: Item | None) -> Read | None:
    """What reads cells of this item; None where the text is the value, but for `is_shortened`."""
    return None if item is None else _READERS[item.type]


def is_shortened(cell: str) -> bool:
    """A spreadsheet has written 1.0E+10 instead of the digits."""
    return "E+" in cell and _SHORTENED.fullmatch(cell) is not None


def shortened(pointer: str, title: str, cell: str) -> Violation:
    """The violation of a cell that lost its digits."""
    detail = (
        f"column {shown(title)}: the spreadsheet has shortened a number to {shown(cell)} and its digits are gone; "
        "format the column as text, enter the values again, or take NDJSON"
    )
    return Violation(pointer, "shortened-number", detail, shown(cell))


def _integer(cell: str) -> object:
    if cell.isascii() and cell.isdecimal() and len(cell) < DIGITS_SURE_MAX:
        return int(cell)
    text = cell.strip()
    if is_shortened(text):
        raise UnreadableCell("shortened-number", "the spreadsheet has shortened the number; format the column as text")
    if not _INTEGER.fullmatch(text):
        raise UnreadableCell("integer", "is no integer: digits alone, no thousands separators, no unit")
    return int(text.partition(".")[0])


def _number(cell: str) -> object:
    text = cell.strip()
    if not _NUMBER.fullmatch(text):
        raise UnreadableCell("number", "is no number: digits with a point, no thousands separators, no unit")
    return float(text) if "." in text or "e" in text or "E" in text else int(text)


@lru_cache(maxsize=CELLS_REMEMBERED_MAX)
def _boolean(cell: str) -> object:
    found = _TRUTH.get(cell.strip().lower())
    if found is None:
        raise UnreadableCell("boolean", "is neither true nor false; known are true, false, 1, 0, 是, 否, yes, no")
    return found


@lru_cache(maxsize=CELLS_REMEMBERED_MAX)
def _date(cell: str) -> object:
    text = cell.strip()
    match = _DATE.match(text)
    if match is None or (match.end() != len(text) and not _MIDNIGHT.fullmatch(text, match.end())):
        raise UnreadableCell("date", "is no date: 2026-01-05, 2026/1/5, 2026年1月5日 or 20260105")
    return _day(match)


@lru_cache(maxsize=CELLS_REMEMBERED_MAX)
def _datetime(cell: str) -> object:
    text = cell.strip()
    match = _DATE.match(text)
    if match is not None and match.end() == len(text):
        # A sheet does not show midnight.
        return f"{_day(match)}T00:00:00{_OFFSET}"
    time = None if match is None else _TIME.fullmatch(text, match.end() + 1)
    if match is None or time is None or text[match.end()] not in "T ":
        raise UnreadableCell("datetime", "is no moment: 2026-01-05 08:30:00 (Beijing) or 2026-01-05T08:30:00+08:00")
    hours, minutes, seconds, fraction, offset = time.groups()
    return f"{_day(match)}T{int(hours):02}:{minutes}:{seconds or '00'}{fraction or ''}{offset or _OFFSET}"


def _day(match: re.Match[str]) -> str:
    year, month, day = (part for part in match.groups() if part is not None)
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError as error:
        raise UnreadableCell("date", "is no day of the calendar") from error


def _json(cell: str) -> object:
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError as error:
        raise UnreadableCell("json", f"is no JSON: {error}") from error


_READERS: Mapping[ItemType, Read | None] = {
    ItemType.STRING: None,
    ItemType.ENUM: None,
    ItemType.REFERENCE: None,
    ItemType.INTEGER: _integer,
    ItemType.NUMBER: _number,
    ItemType.BOOLEAN: _boolean,
    ItemType.DATE: _date,
    ItemType.DATETIME: _datetime,
    ItemType.JSON: _json,
}
