"""The checks of a template compiled for attributes that are in order; a doubt about one is left to check_attributes.

What is held here breaks no rule there, and its texts are the data of `canonical_data`: a test holds the two together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

import orjson

from idnode.model.errors import InvalidIdentifier
from idnode.model.identifier import Identifier
from idnode.model.limits import VALUE_DATA_BYTES_MAX
from idnode.model.template import Item, ItemType, RecordCheck, Template
from idnode.registry.rules.attributes import SHORT_CHARACTERS_MAX
from idnode.registry.rules.item_checks import ITEM_CHECKS
from idnode.registry.rules.json_values import INTEGER_MAX, json_problem
from idnode.registry.rules.moments import date_of, datetime_of
from idnode.registry.rules.pattern import compile_pattern
from idnode.registry.rules.record_checks import RECORD_CHECKS, RecordCheckFunction
from idnode.registry.rules.typed_values import canonical_view
from idnode.wire.record_layout import RecordLayout

LAYOUTS_MAX = 64
"""Of one template: sets of items, in the order in which they are sent."""
TEXTS_REMEMBERED_MAX = 256
"""Of one item whose checks are dear: makers, days and compositions repeat from record to record."""
REMEMBERED_CHARACTERS_MAX = 256

_REQUIRES = "requires"
_PRESENT_MIN = {"begins-with": 2, "date-order": 2}
"""Record checks that have nothing to say of fewer items."""
_FLOAT_MAX = 1.7976931348623157e308

TextOf = Callable[[object], str | None]
"""The data of a value, ready to stand in a JSON string; None where there is a doubt about the value."""
Measure = Callable[[object], object]
"""As `typed_values.measured` for one type, for a value that is in order or absent."""


@dataclass(frozen=True, slots=True)
class CompiledCheck:
    """A check over several items of a record."""

    find_offences: RecordCheckFunction
    measures: tuple[tuple[str, Measure], ...]

    def is_met(self, attributes: Mapping[str, object]) -> bool:
        """By values that are in order."""
        return not self.find_offences(tuple((name, measure(attributes.get(name))) for name, measure in self.measures))


@dataclass(frozen=True, slots=True)
class Layout:
    """What to do with attributes of these names in this order; the steps are in the order of the indexes."""

    record: RecordLayout
    steps: tuple[tuple[str, TextOf], ...]
    checks: tuple[CompiledCheck, ...]
    numbers: tuple[str, ...]
    is_ordered: bool
    """The attributes were sent in the order of the indexes."""

    def viewed(self, attributes: Mapping[str, object]) -> Mapping[str, object]:
        """In the order of the indexes, each as it reads back from its data."""
        if self.is_ordered and not any(type(attributes[name]) is float for name in self.numbers):
            return attributes
        return {name: canonical_view(attributes[name]) for name, _ in self.steps}


@dataclass(frozen=True, slots=True)
class Held:
    """Attributes that break no rule: as JSON, and the data of each, ready to stand in a JSON string, by index."""

    layout: Layout
    attributes: bytes
    texts: list[str]


class CompiledTemplate:
    """A template on one of the node's days, which checks look at."""

    def __init__(self, template: Template, today: date) -> None:
        self.template = template
        self.today = today
        self._text_of = {item.name: _compiled(item, today) for item in template.items if item.enabled}
        self._required = frozenset(item.name for item in template.items if item.required and item.enabled)
        self._layouts: dict[tuple[str, ...], Layout] = {}

    def is_of(self, template: Template) -> bool:
        """Whether this is the template, or equal to it: the directory reads what has not changed anew."""
        if template is self.template:
            return True
        is_equal = template == self.template
        if is_equal:
            self.template = template
        return is_equal

    def hold(self, attributes: Mapping[str, object]) -> Held | None:
        """The attributes, ready to be written; None where check_attributes has to look at them, right or wrong."""
        names = tuple(attributes)
        layout = self._layouts.get(names) or self._layout(names)
        if layout is None:
            return None
        texts = []
        for name, text_of in layout.steps:
            text = text_of(attributes[name])
            if text is None:
                return None
            texts.append(text)
        for check in layout.checks:
            if not check.is_met(attributes):
                return None
        json = orjson.dumps(layout.viewed(attributes))
        # Something had to be escaped in it, and would have to be in the texts: rare enough to be left alone.
        return None if b"\\" in json else Held(layout, json, texts)

    def _layout(self, names: tuple[str, ...]) -> Layout | None:
        items = [item for name in names if name in self._text_of and (item := self.template.item_named(name))]
        # What is not remembered may be of any length.
        if not items or len(items) < len(names) or not self._required.issubset(names):
            return None
        ordered = tuple(sorted(items, key=lambda item: item.index))
        layout = Layout(
            record=RecordLayout(self.template.name, ordered),
            steps=tuple((item.name, self._text_of[item.name]) for item in ordered),
            checks=tuple(self._checks(frozenset(names))),
            numbers=tuple(item.name for item in ordered if item.type is ItemType.NUMBER),
            is_ordered=tuple(item.name for item in ordered) == names,
        )
        if len(self._layouts) >= LAYOUTS_MAX:
            self._layouts.clear()
        self._layouts[names] = layout
        return layout

    def _checks(self, names: frozenset[str]) -> list[CompiledCheck]:
        return [self._check(check) for check in self.template.checks if self._is_awake(check, names)]

    def _is_awake(self, check: RecordCheck, names: frozenset[str]) -> bool:
        """As check_attributes has it: some item is there, and none is disabled. What compares two needs both."""
        present = sum(name in names for name in check.items)
        if present == len(check.items) and check.check == _REQUIRES:
            return False
        return present >= _PRESENT_MIN.get(check.check, 1) and all(name in self._text_of for name in check.items)

    def _check(self, check: RecordCheck) -> CompiledCheck:
        items = [item for name in check.items if (item := self.template.item_named(name)) is not None]
        return CompiledCheck(RECORD_CHECKS[check.check], tuple((item.name, _measure_of(item.type)) for item in items))


def _compiled(item: Item, today: date) -> TextOf:
    match item.type:
        case ItemType.STRING | ItemType.REFERENCE:
            text_of = _text_of(item)
            return _remembering(_with_checks(item, text_of, today)) if item.pattern or item.checks else text_of
        case ItemType.ENUM:
            return _option_of(item)
        case ItemType.INTEGER:
            return _integer_of(item)
        case ItemType.NUMBER:
            return _number_of(item)
        case ItemType.BOOLEAN:
            return _boolean
        case ItemType.DATE:
            return _remembering(_with_checks(item, _day_of, today))
        case ItemType.DATETIME:
            return _remembering(_with_checks(item, _moment_of, today))
        case ItemType.JSON:
            return _json_of(item, today)


def _text_of(item: Item) -> TextOf:
    # Within SHORT_CHARACTERS_MAX no limit of bytes can be broken.
    longest = min(SHORT_CHARACTERS_MAX, SHORT_CHARACTERS_MAX if item.max_length is None else item.max_length)
    shortest, is_required, is_reference = item.min_length or 0, item.required, item.type is ItemType.REFERENCE

    def text_of(value: object) -> str | None:
        # What is printable is clean: no control characters, no surrogates.
        if type(value) is not str or not shortest <= len(value) <= longest or not value.isprintable():
            return None
        if is_required and not value.strip():
            return None
        return value if not is_reference or _is_identifier(value) else None

    return text_of


def _is_identifier(text: str) -> bool:
    try:
        Identifier.parse(text)
    except InvalidIdentifier:
        return False
    return True


def _with_checks(item: Item, text_of: TextOf, today: date) -> TextOf:
    pattern = None if item.pattern is None else compile_pattern(item.pattern)
    checks = tuple(ITEM_CHECKS[name] for name in item.checks)
    measure = _measure_of(item.type)

    def checked(value: object) -> str | None:
        text = text_of(value)
        if text is None or isinstance(pattern, str):
            return None
        if pattern is not None and pattern.fullmatch(text.encode()) is None:
            return None
        measured = measure(value)
        return text if all(check(measured, today) is None for check in checks) else None

    return checked


def _remembering(text_of: TextOf) -> TextOf:
    """The same for texts, which are their own data; those that were in order are known for a while."""
    known: set[str] = set()

    def remembered(value: object) -> str | None:
        if type(value) is not str:
            return None
        if value in known:
            return value
        text = text_of(value)
        if text is not None and len(text) <= REMEMBERED_CHARACTERS_MAX:
            if len(known) >= TEXTS_REMEMBERED_MAX:
                known.clear()
            known.add(text)
        return text

    return remembered


def _option_of(item: Item) -> TextOf:
    text_of = _text_of(item)
    options = frozenset(option for option in item.options if text_of(option) is not None)

    def option_of(value: object) -> str | None:
        return value if type(value) is str and value in options else None

    return option_of


def _integer_of(item: Item) -> TextOf:
    lowest, highest = _bounds(item, INTEGER_MAX)

    def integer_of(value: object) -> str | None:
        return str(value) if type(value) is int and lowest <= value <= highest else None

    return integer_of


def _number_of(item: Item) -> TextOf:
    integer_of = _integer_of(item)
    lowest, highest = _bounds(item, _FLOAT_MAX)

    def number_of(value: object) -> str | None:
        if type(value) is not float:
            return integer_of(value)
        return str(canonical_view(value)) if lowest <= value <= highest else None

    return number_of


def _bounds(item: Item, maximum: float) -> tuple[float, float]:
    lowest = -maximum if item.minimum is None else max(item.minimum, -maximum)
    return lowest, maximum if item.maximum is None else min(item.maximum, maximum)


def _boolean(value: object) -> str | None:
    return "true" if value is True else "false" if value is False else None


def _day_of(value: object) -> str | None:
    return value if isinstance(value, str) and isinstance(_day(value), date) else None


def _moment_of(value: object) -> str | None:
    return value if isinstance(value, str) and isinstance(_moment(value), datetime) else None


def _json_of(item: Item, today: date) -> TextOf:
    checks = tuple(ITEM_CHECKS[name] for name in item.checks)
    known: dict[bytes, str] = {}

    def json_of(value: object) -> str | None:
        try:
            data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:  # integers of more than 64 bits, and what is nested too deep
            return None
        text = known.get(data)
        if text is not None:
            return text
        # Without a backslash only the quotes have to be escaped where the data stand in a string.
        if b"\\" in data or len(data) > VALUE_DATA_BYTES_MAX or json_problem(value) is not None:
            return None
        if not all(check(value, today) is None for check in checks):
            return None
        text = data.decode().replace('"', '\\"')
        if len(text) <= REMEMBERED_CHARACTERS_MAX:
            if len(known) >= TEXTS_REMEMBERED_MAX:
                known.clear()
            known[data] = text
        return text

    return json_of


def _measure_of(item_type: ItemType) -> Measure:
    return _MEASURES.get(item_type, _itself)


def _itself(value: object) -> object:
    return value


def _measured_day(value: object) -> object:
    return _day(value) if isinstance(value, str) else value


def _measured_moment(value: object) -> object:
    return _moment(value) if isinstance(value, str) else value


_day = lru_cache(maxsize=TEXTS_REMEMBERED_MAX)(date_of)
_moment = lru_cache(maxsize=TEXTS_REMEMBERED_MAX)(datetime_of)
_MEASURES: Mapping[ItemType, Measure] = {ItemType.DATE: _measured_day, ItemType.DATETIME: _measured_moment}
