"""Checks of the building trade: IFC GlobalId and concrete grade (industries.md, row "construction")."""

import re

_GLOBAL_ID = re.compile(r"[0-3][0-9A-Za-z_$]{21}")
_GRADE = re.compile(r"C([1-9][0-9]{1,2})")
_GRADES_MPA = range(15, 101, 5)


def ifc_global_id_problem(text: str) -> str | None:
    """ISO 16739-1, IfcGloballyUniqueId: 128 bits in 22 digits of base 64, so the first holds two bits only."""
    if _GLOBAL_ID.fullmatch(text):
        return None
    return "is not an IFC GlobalId: 22 characters of 0-9, A-Z, a-z, _ and $, the first of them 0 to 3"


def concrete_grade_problem(text: str) -> str | None:
    """GB 50010 and its high-strength continuation: cube strength in MPa, C15 to C100 in steps of 5."""
    match = _GRADE.fullmatch(text)
    if match is not None and int(match[1]) in _GRADES_MPA:
        return None
    return "is not a concrete grade C15, C20, … C100 in steps of 5"
