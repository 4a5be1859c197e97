"""A record's attributes against its template: all that is wrong, at once."""

from collections.abc import Iterator, Mapping
from datetime import date

from idnode.model.errors import InvalidIdentifier, Violation, shown
from idnode.model.identifier import Identifier
from idnode.model.limits import VALUE_DATA_BYTES_MAX, VALUE_TYPE_BYTES_MAX
from idnode.model.template import Item, ItemType, Template
from idnode.registry.rules.item_checks import ITEM_CHECKS
from idnode.registry.rules.json_values import kind_of, text_problem
from idnode.registry.rules.nearest import meant_hint, nearest
from idnode.registry.rules.pattern import PATTERN_TEXT_BYTES_MAX, compile_pattern
from idnode.registry.rules.record_checks import RECORD_CHECKS
from idnode.registry.rules.typed_values import canonical_data, measured, type_problem

UNKNOWN_ITEMS_MAX = 64
"""Unknown items that are named one by one; those beyond are counted."""
UTF_8_BYTES_MAX = 4
"""Bytes of a character (RFC 3629 §3)."""
SHORT_CHARACTERS_MAX = PATTERN_TEXT_BYTES_MAX // UTF_8_BYTES_MAX
"""Text that is within every limit of size, whatever its characters."""
SUGGESTIONS_MAX = 8
"""Unknown items for which the nearest name is sought, which costs milliseconds each on a large template."""


def check_attributes(template: Template, attributes: Mapping[str, object], *, today: date) -> tuple[Violation, ...]:
    """Every rule that `attributes` break, each at its pointer `/attributes/<item>`; empty if they may be registered.

    `template` must have passed check_template; `today` is the node's day (Beijing). Values are as JSON gave them; an
    item at null counts as absent. A record check rests while one of its items is broken or disabled.
    """
    unknown = [name for name in attributes if template.item_named(name) is None]
    violations = list(_unknown_items(template, unknown))
    for item in template.items:
        value = attributes.get(item.name)
        if value is not None:
            violations.extend(_item(item, value, today))
        elif item.required and item.enabled:
            violations.append(_broken(item, "required", "is required"))
    if template.checks:
        resting = {violation.item for violation in violations}
        resting.update(item.name for item in template.items if not item.enabled)
        violations.extend(_record(template, attributes, resting))
    return tuple(violations)


def _unknown_items(template: Template, names: list[str]) -> Iterator[Violation]:
    for position, name in enumerate(names[:UNKNOWN_ITEMS_MAX]):
        meant = _meant(template, name) if position < SUGGESTIONS_MAX else None
        detail = f"the template has no item of this name{meant_hint(meant)}"
        yield Violation(_pointer(name), "unknown-item", detail, shown(name), item=shown(name))
    more = len(names) - UNKNOWN_ITEMS_MAX
    if more > 0:
        yield Violation("/attributes", "unknown-item", f"the template has none of {more} more items")


def _meant(template: Template, name: str) -> str | None:
    by_title = next((item.name for item in template.items if item.enabled and item.title == name), None)
    return by_title or nearest(name, [item.name for item in template.items if item.enabled])


def _item(item: Item, value: object, today: date) -> Iterator[Violation]:
    if not item.enabled:
        yield _broken(item, "disabled-item", "is disabled in the template", value)
        return
    problem = type_problem(item.type, value)
    if problem is not None:
        yield _broken(item, "type", problem, value)
        return
    data_bytes_max = PATTERN_TEXT_BYTES_MAX if item.pattern else VALUE_DATA_BYTES_MAX
    size = _data_bytes(item.type, value)
    if size > data_bytes_max:
        detail = f"takes {size} bytes in UTF-8, the limit is {data_bytes_max}"
        yield _broken(item, "max-bytes", detail, value, f"{data_bytes_max} bytes")
        return
    if isinstance(value, str) and item.type is not ItemType.JSON:
        yield from _text(item, value)
    elif isinstance(value, int | float):
        yield from _bounds(item, value)
    if item.checks:
        yield from _checks(item, value, today)


def _data_bytes(item_type: ItemType, value: object) -> int:
    """Size of a value's data; of short text a bound, which saves encoding it here and once more for the record."""
    if isinstance(value, str) and item_type is not ItemType.JSON and len(value) <= SHORT_CHARACTERS_MAX:
        return len(value) * UTF_8_BYTES_MAX
    return len(canonical_data(item_type, value))


def _bounds(item: Item, value: float) -> Iterator[Violation]:
    if item.minimum is not None and value < item.minimum:
        limit = _measure(item.minimum, item.unit)
        yield _broken(item, "minimum", f"is {_measure(value, item.unit)}, at least {limit} is needed", value, limit)
    if item.maximum is not None and value > item.maximum:
        limit = _measure(item.maximum, item.unit)
        yield _broken(item, "maximum", f"is {_measure(value, item.unit)}, at most {limit} is allowed", value, limit)


def _text(item: Item, value: str) -> Iterator[Violation]:
    if item.required and not value.strip():
        yield _broken(item, "required", "is required and may not be blank", value)
        return
    yield from _lengths(item, value)
    if item.pattern is not None and not _matches(item.pattern, value.encode()):
        yield _broken(item, "pattern", f"does not match the pattern {item.pattern}", value, item.pattern)
    if item.options and value not in item.options:
        options = ", ".join(item.options)
        yield _broken(item, "option", f"is not one of: {shown(options)}", value, shown(options))
    if item.type is ItemType.REFERENCE:
        yield from _reference(item, value)


def _lengths(item: Item, text: str) -> Iterator[Violation]:
    if item.min_length is not None and len(text) < item.min_length:
        detail = f"has {len(text)} characters, at least {item.min_length} are needed"
        yield _broken(item, "min-length", detail, text, f"{item.min_length} characters")
    if item.max_length is not None and len(text) > item.max_length:
        detail = f"has {len(text)} characters, at most {item.max_length} are allowed"
        yield _broken(item, "max-length", detail, text, f"{item.max_length} characters")


def _matches(pattern: str, data: bytes) -> bool:
    compiled = compile_pattern(pattern)
    return not isinstance(compiled, str) and compiled.fullmatch(data) is not None


def _reference(item: Item, text: str) -> Iterator[Violation]:
    try:
        Identifier.parse(text)
    except InvalidIdentifier as error:
        yield _broken(item, "reference", f"is no identifier: {error.detail}", text)


def _checks(item: Item, value: object, today: date) -> Iterator[Violation]:
    measure = measured(item.type, value)
    for name in item.checks:
        problem = ITEM_CHECKS[name](measure, today)
        if problem is not None:
            yield _broken(item, name, problem, value)


def _record(template: Template, attributes: Mapping[str, object], resting: set[str | None]) -> Iterator[Violation]:
    for check in template.checks:
        # Every record check is about items that are there: without any of them it has nothing to say.
        if not any(name in attributes for name in check.items):
            continue
        items = [item for name in check.items if (item := template.item_named(name)) is not None]
        if any(item.name in resting for item in items):
            continue
        pairs = tuple((item.name, measured(item.type, attributes.get(item.name))) for item in items)
        for offence in RECORD_CHECKS[check.check](pairs):
            value = attributes.get(offence.item)
            yield Violation(_pointer(offence.item), check.check, offence.detail, _seen(value), item=offence.item)


def _broken(item: Item, rule: str, detail: str, value: object = None, limit: str | None = None) -> Violation:
    return Violation(_pointer(item.name), rule, detail, _seen(value), limit, item.name)


def _pointer(name: str) -> str:
    # What could not be an item's name is not repeated in a pointer: it may be a megabyte long or impossible to encode.
    if len(name) > VALUE_TYPE_BYTES_MAX or text_problem(name) is not None:
        return "/attributes"
    return "/attributes/" + name.replace("~", "~0").replace("/", "~1")


def _seen(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, list | dict):
        return f"{kind_of(value)} of {len(value)}"
    # Python refuses to write integers of thousands of digits.
    is_huge = isinstance(value, int) and value.bit_length() > 64
    return "an integer of more than 64 bits" if is_huge else shown(value)


def _measure(number: float, unit: str | None) -> str:
    text = str(int(number)) if isinstance(number, float) and number.is_integer() else repr(number)
    return f"{text} {unit}" if unit else text
