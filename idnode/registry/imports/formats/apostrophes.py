"""Cells that a spreadsheet would run as a formula get an apostrophe when we write them, and lose it when we read them.

One apostrophe is put before what begins with such a sign, also behind apostrophes that were there already: taking one
away gives back exactly what was written (OWASP, "CSV Injection").
"""

import re

_RUN = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-][0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_DEFUSED = re.compile(r"'+[=+\-@\t\r]")

_SIGNS = frozenset("=+-@\t\r'")


def defused(cell: str) -> str:
    """The cell as it may stand in a file that a spreadsheet opens; numbers such as -5 stay as they are."""
    if cell[:1] in _SIGNS and _RUN.match(cell) and not _NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def restored(cell: str) -> str:
    """The inverse, for files that we wrote."""
    return cell[1:] if _DEFUSED.match(cell) else cell
