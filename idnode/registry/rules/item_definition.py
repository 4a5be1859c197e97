"""What a template may say of one item: every rule that the item breaks.

Pointers lead from the item on, with the model's field names: /min_length, /options/2.
"""

import math
import re
from collections.abc import Callable, Iterator

from idnode.model.errors import Violation, shown
from idnode.model.identifier import fold
from idnode.model.limits import RESERVED_INDEXES, TEMPLATE_INDEX_MIN, VALUE_DATA_BYTES_MAX, VALUE_INDEX_MAX
from idnode.model.template import Item, ItemType
from idnode.registry.rules.described import description_problem, label_problem
from idnode.registry.rules.item_checks import ITEM_CHECK_TYPES
from idnode.registry.rules.nearest import meant_hint, nearest
from idnode.registry.rules.pattern import pattern_problem

TITLE_CHARACTERS_MAX = 128
UNIT_CHARACTERS_MAX = 32
OPTIONS_MAX = 256
OPTION_CHARACTERS_MAX = 255
ITEM_CHECKS_MAX = 16

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}")
_WITH_LENGTHS = frozenset({ItemType.STRING, ItemType.ENUM, ItemType.REFERENCE})
_WITH_BOUNDS = frozenset({ItemType.INTEGER, ItemType.NUMBER})


def check_item(item: Item) -> Iterator[Violation]:
    """Every rule that this item breaks on its own; that it is unique is the template's matter."""
    for rule in _ITEM_RULES:
        yield from rule(item)


def _index(item: Item) -> Iterator[Violation]:
    if item.index in RESERVED_INDEXES:
        yield _broken(item, "/index", "index", f"index {item.index} is reserved for the node", item.index)
    elif not TEMPLATE_INDEX_MIN <= item.index <= VALUE_INDEX_MAX:
        limit = f"{TEMPLATE_INDEX_MIN} to {VALUE_INDEX_MAX}"
        yield _broken(item, "/index", "index", f"index {item.index} is not within {limit}", item.index, limit)


def _name(item: Item) -> Iterator[Violation]:
    if not _NAME.fullmatch(item.name):
        detail = "name is not a letter A-Z followed by at most 127 of A-Z, a-z, 0-9, _, . and -"
        yield _broken(item, "/name", "name", detail, item.name)
    # Types that begin with HS_ are the Handle System's own (RFC 3651 §3.2).
    elif fold(item.name).startswith("HS_"):
        yield _broken(item, "/name", "name", "names that begin with HS_ belong to the Handle System", item.name)


def _texts(item: Item) -> Iterator[Violation]:
    problem = label_problem(item.title, TITLE_CHARACTERS_MAX)
    if problem is not None:
        yield _broken(item, "/title", "title", f"title {problem}", item.title)
    problem = label_problem(item.unit, UNIT_CHARACTERS_MAX) if item.unit is not None else None
    if problem is not None:
        yield _broken(item, "/unit", "unit", f"unit {problem}", item.unit)
    problem = description_problem(item.description)
    if problem is not None:
        yield _broken(item, "/description", "description", f"description {problem}", item.description)


def _bounds(item: Item) -> Iterator[Violation]:
    for name, bound in (("minimum", item.minimum), ("maximum", item.maximum)):
        if bound is None:
            continue
        if item.type not in _WITH_BOUNDS:
            yield _broken(item, f"/{name}", "bounds", f"{name} fits integers and numbers only, not {item.type}", bound)
        elif not math.isfinite(bound):
            yield _broken(item, f"/{name}", "bounds", f"{name} is not a finite number", bound)
    if item.minimum is not None and item.maximum is not None and item.minimum > item.maximum:
        detail = f"minimum {item.minimum:g} is above maximum {item.maximum:g}"
        yield _broken(item, "/minimum", "bounds", detail, item.minimum)


def _lengths(item: Item) -> Iterator[Violation]:
    for name, size in (("min_length", item.min_length), ("max_length", item.max_length)):
        if size is None:
            continue
        if item.type not in _WITH_LENGTHS:
            yield _broken(item, f"/{name}", "lengths", f"{name} fits text only, not {item.type}", size)
        elif not 0 <= size <= VALUE_DATA_BYTES_MAX:
            limit = f"0 to {VALUE_DATA_BYTES_MAX} characters"
            yield _broken(item, f"/{name}", "lengths", f"{name} {size} is not within {limit}", size, limit)
    if item.min_length is not None and item.max_length is not None and item.min_length > item.max_length:
        detail = f"min_length {item.min_length} is above max_length {item.max_length}"
        yield _broken(item, "/min_length", "lengths", detail, item.min_length)


def _options(item: Item) -> Iterator[Violation]:
    if item.type is ItemType.ENUM and not item.options:
        yield _broken(item, "/options", "options", "an enum needs options")
    if item.type is not ItemType.ENUM and item.options:
        yield _broken(item, "/options", "options", f"options fit enums only, not {item.type}")
    if len(item.options) > OPTIONS_MAX:
        detail = f"{len(item.options)} options, at most {OPTIONS_MAX} are allowed"
        yield _broken(item, "/options", "too-many", detail, limit=f"{OPTIONS_MAX} options")
        return
    if len(set(item.options)) < len(item.options):
        yield _broken(item, "/options", "options", "one option is given twice")
    for position, option in enumerate(item.options):
        problem = label_problem(option, OPTION_CHARACTERS_MAX)
        if problem is not None:
            yield _broken(item, f"/options/{position}", "options", f"option {position + 1} {problem}", option)


def _pattern(item: Item) -> Iterator[Violation]:
    if item.pattern is None:
        return
    if item.type is not ItemType.STRING:
        yield _broken(item, "/pattern", "pattern", f"a pattern fits strings only, not {item.type}", item.pattern)
        return
    problem = pattern_problem(item.pattern)
    if problem is not None:
        yield _broken(item, "/pattern", "pattern", f"pattern {problem}", item.pattern)


def _checks(item: Item) -> Iterator[Violation]:
    if len(item.checks) > ITEM_CHECKS_MAX:
        detail = f"{len(item.checks)} checks, at most {ITEM_CHECKS_MAX} are allowed"
        yield _broken(item, "/checks", "too-many", detail, limit=f"{ITEM_CHECKS_MAX} checks")
        return
    if len(set(item.checks)) < len(item.checks):
        yield _broken(item, "/checks", "checks", "one check is given twice")
    for position, name in enumerate(item.checks):
        types = ITEM_CHECK_TYPES.get(name)
        if types is None:
            detail = f"there is no check '{shown(name)}'{meant_hint(nearest(name, ITEM_CHECK_TYPES))}"
            yield _broken(item, f"/checks/{position}", "checks", detail, name)
        elif item.type not in types:
            detail = f"the check {name} fits {' or '.join(sorted(types))}, not {item.type}"
            yield _broken(item, f"/checks/{position}", "checks", detail, name)


_ITEM_RULES: tuple[Callable[[Item], Iterator[Violation]], ...] = (
    _index,
    _name,
    _texts,
    _bounds,
    _lengths,
    _options,
    _pattern,
    _checks,
)


def _broken(
    item: Item, pointer: str, rule: str, detail: str, value: object = None, limit: str | None = None
) -> Violation:
    return Violation(pointer, rule, detail, None if value is None else shown(value), limit, shown(item.name))
