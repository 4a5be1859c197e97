"""The checks that a template may put on several items of one record, in the order in which it names them.

A check gets (item, measured value) pairs, None for what is absent, and answers with an offence per wrong item.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from types import MappingProxyType

from idnode.model.industry import Industry
from idnode.model.template import ItemType
from idnode.registry.rules.moments import node_day


@dataclass(frozen=True, slots=True)
class Offence:
    """The item that breaks a record check, and how."""

    item: str
    detail: str


@dataclass(frozen=True, slots=True)
class Fit:
    """What a record check can be put on: between `items_min` and `items_max` items, all of one of `types`."""

    types: frozenset[ItemType]
    items_min: int
    items_max: int


Pairs = tuple[tuple[str, object | None], ...]
RecordCheckFunction = Callable[[Pairs], tuple[Offence, ...]]

_LEVELS = ("section", "division", "group", "class")
_ITEMS_MAX = 32


def date_order(pairs: Pairs) -> tuple[Offence, ...]:
    """Each present date is not after the next present one; a moment meets a date on its Beijing day."""
    present = [(name, value) for name, value in pairs if isinstance(value, date)]
    return tuple(
        Offence(later, f"is {_written(end)}, before {earlier}, which is {_written(start)}")
        for (earlier, start), (later, end) in pairwise(present)
        if _is_after(start, end)
    )


def requires(pairs: Pairs) -> tuple[Offence, ...]:
    """If the first item is present, so are the others: a block names its hull."""
    (first, leader), *others = pairs
    if leader is None:
        return ()
    return tuple(Offence(name, f"is required where {first} is given") for name, value in others if value is None)


def begins_with(pairs: Pairs) -> tuple[Offence, ...]:
    """The first item's text begins with the second's, as block numbers of some yards begin with the hull number."""
    (name, text), (other, start) = pairs
    if not isinstance(text, str) or not isinstance(start, str) or text.startswith(start):
        return ()
    return (Offence(name, f"does not begin with {other}, which is {start}"),)


def industry_tree(pairs: Pairs) -> tuple[Offence, ...]:
    """Section, division, group and class are one path of GB/T 4754-2017: 0111 under 011 under 01 under A."""
    present = [
        (name, value, level) for (name, value), level in zip(pairs, _LEVELS, strict=False) if isinstance(value, str)
    ]
    offences = [Offence(name, problem) for name, value, level in present if (problem := _shape_problem(value, level))]
    if offences:
        return tuple(offences)
    steps = ((above, below[0], below[1]) for above, below in pairwise(present))
    return tuple(
        Offence(name, problem) for above, name, code in steps if (problem := _path_problem(above[0], above[1], code))
    )


def _is_after(start: date, end: date) -> bool:
    if isinstance(start, datetime) and isinstance(end, datetime):
        return start > end
    return _day(start) > _day(end)


def _day(moment: date) -> date:
    return node_day(moment) if isinstance(moment, datetime) else moment


def _written(moment: date) -> str:
    return moment.isoformat()


def _shape_problem(code: str, level: str) -> str | None:
    digits = _LEVELS.index(level) + 1
    if level == "section":
        is_shaped, shape = len(code) == 1 and Industry.problem_of(code) is None, "one letter A-T"
    else:
        is_shaped, shape = len(code) == digits and code.isascii() and code.isdigit(), f"{digits} digits"
    return None if is_shaped else f"is not the code of a {level}: {shape}"


def _path_problem(above: str, parent: str, code: str) -> str | None:
    if parent.isalpha():
        return Industry.problem_of(parent + code)
    return None if code.startswith(parent) else f"{code} does not lie under {parent}, the {above}"


RECORD_CHECKS: Mapping[str, RecordCheckFunction] = MappingProxyType(
    {
        "begins-with": begins_with,
        "date-order": date_order,
        "industry-tree": industry_tree,
        "requires": requires,
    }
)
"""Every check by the name that a template calls it."""

RECORD_CHECK_FITS: Mapping[str, Fit] = MappingProxyType(
    {
        "begins-with": Fit(frozenset({ItemType.STRING}), 2, 2),
        "date-order": Fit(frozenset({ItemType.DATE, ItemType.DATETIME}), 2, _ITEMS_MAX),
        "industry-tree": Fit(frozenset({ItemType.STRING, ItemType.ENUM}), 2, len(_LEVELS)),
        "requires": Fit(frozenset(ItemType), 2, _ITEMS_MAX),
    }
)
"""The items that each check can be put on."""
