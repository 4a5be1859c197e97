"""Checks of the textile trade: fibre composition, fabric code, colour fastness (industries.md, row "textiles")."""

import re
from collections.abc import Iterable
from decimal import Decimal

from idnode.model.errors import shown
from idnode.registry.rules.fibre_names import FIBRE_OF_NAME, GENERIC_NAMES
from idnode.registry.rules.nearest import meant_hint, nearest

_FABRIC_CODE = re.compile(r"[0-9]{17}")
_FASTNESS_GRADES = frozenset({"1", "1-2", "2", "2-3", "3", "3-4", "4", "4-5", "5"})


def fabric_code_problem(text: str) -> str | None:
    """GB/T 22970-2010: name code and attribute code, together 17 digits and no check digit."""
    return None if _FABRIC_CODE.fullmatch(text) else "is not a fabric code of 17 digits"


def colour_fastness_problem(text: str) -> str | None:
    """GB/T 250 and 251 (ISO 105-A02, -A03): grades 1 to 5 of the grey scale; a half step names both neighbours."""
    return None if text in _FASTNESS_GRADES else "is not a grade of the grey scale: 1, 1-2, 2, 2-3, … 4-5, 5"


def fibre_composition_problem(value: object) -> str | None:
    """A list of {"fibre": generic name, "percent": share by mass}, no fibre twice, exactly 100 % in sum."""
    if not isinstance(value, list) or not value:
        return 'is not a list of {"fibre": generic name, "percent": number}'
    problem = next((found for part in value if (found := _part_problem(part)) is not None), None)
    if problem is not None:
        return problem
    return _twice_problem([part["fibre"] for part in value]) or _sum_problem(part["percent"] for part in value)


def _part_problem(part: object) -> str | None:
    if not isinstance(part, dict) or part.keys() != {"fibre", "percent"}:
        return 'has a part that is not {"fibre": generic name, "percent": number} and nothing else'
    name, percent = part["fibre"], part["percent"]
    if not isinstance(name, str) or name not in GENERIC_NAMES:
        return _name_problem(name)
    is_number = isinstance(percent, int | float) and not isinstance(percent, bool)
    if not is_number or not 0 < percent <= 100:
        measure = percent if is_number or isinstance(percent, str) else "no number"
        return f"gives {name} the share {shown(measure)}, it must be a number above 0 and at most 100"
    return None


def _name_problem(name: object) -> str:
    if not isinstance(name, str):
        return "has a part whose fibre is not a name"
    # Sorted, so that of two names equally near the same one is shown every time.
    hint = meant_hint(nearest(name.lower(), sorted(GENERIC_NAMES)))
    return f"names '{shown(name)}', which is no generic fibre name of ISO 2076 or GB/T 4146.1{hint}"


def _twice_problem(names: list[str]) -> str | None:
    seen: dict[str, str] = {}
    for name in names:
        fibre = FIBRE_OF_NAME[name]
        if fibre in seen:
            return f"names one fibre twice: {seen[fibre]} and {name}"
        seen[fibre] = name
    return None


def _sum_problem(percents: Iterable[int | float]) -> str | None:
    # Binary fractions would make 33.3 + 33.3 + 33.4 miss 100; the decimal digits that were written do not.
    total = sum((Decimal(str(percent)) for percent in percents), Decimal(0))
    return None if total == 100 else f"sums to {total:f} %, it must be exactly 100 %"
