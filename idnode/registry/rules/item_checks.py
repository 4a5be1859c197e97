"""The checks that a template may put on one item: a name, what it accepts, which item types it fits.

A check gets the measured value (typed_values.measured) and the node's day; it answers with what is wrong, or None.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import MappingProxyType

from idnode.model.enterprise import uscc_problem
from idnode.model.industry import Industry
from idnode.model.template import ItemType
from idnode.registry.rules.construction import concrete_grade_problem, ifc_global_id_problem
from idnode.registry.rules.electronics import class_code_problem, gtin_problem, imei_problem, mac_problem
from idnode.registry.rules.moments import node_day
from idnode.registry.rules.shipping import container_problem, imo_problem
from idnode.registry.rules.textiles import colour_fastness_problem, fabric_code_problem, fibre_composition_problem

ItemCheck = Callable[[object, date], str | None]


def not_future_problem(value: object, today: date) -> str | None:
    """The day of a date, or of a moment as the node's clock shows it, is not after `today` (industries.md, "all")."""
    if not isinstance(value, date):
        return "is not a date"
    day = node_day(value) if isinstance(value, datetime) else value
    return None if day <= today else f"is in the future: {day.isoformat()} is after {today.isoformat()}"


def _text(problem_of: Callable[[str], str | None]) -> ItemCheck:
    def check(value: object, _today: date) -> str | None:
        return problem_of(value) if isinstance(value, str) else "is not text"

    return check


def _json(problem_of: Callable[[object], str | None]) -> ItemCheck:
    def check(value: object, _today: date) -> str | None:
        return problem_of(value)

    return check


_TEXT_CHECKS = {
    "colour-fastness": _text(colour_fastness_problem),
    "concrete-grade": _text(concrete_grade_problem),
    "fabric-code": _text(fabric_code_problem),
    "gtin": _text(gtin_problem),
    "ifc-globalid": _text(ifc_global_id_problem),
    "imei": _text(imei_problem),
    "imo": _text(imo_problem),
    "industry": _text(Industry.problem_of),
    "iso6346": _text(container_problem),
    "mac": _text(mac_problem),
    "sjt11144-class": _text(class_code_problem),
    "uscc": _text(uscc_problem),
}
_MOMENT_CHECKS: dict[str, ItemCheck] = {"not-future": not_future_problem}
_JSON_CHECKS = {"fibre-composition": _json(fibre_composition_problem)}

ITEM_CHECKS: Mapping[str, ItemCheck] = MappingProxyType(_TEXT_CHECKS | _MOMENT_CHECKS | _JSON_CHECKS)
"""Every check by the name that a template calls it."""

ITEM_CHECK_TYPES: Mapping[str, frozenset[ItemType]] = MappingProxyType(
    dict.fromkeys(_TEXT_CHECKS, frozenset({ItemType.STRING}))
    | dict.fromkeys(_MOMENT_CHECKS, frozenset({ItemType.DATE, ItemType.DATETIME}))
    | dict.fromkeys(_JSON_CHECKS, frozenset({ItemType.JSON}))
)
"""The item types that each check fits."""
