"""A table as its rows come: cells as text, and what is wrong with some of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from idnode.model.errors import InvalidInput, Violation, shown

REASON_COLUMN = "原因/reason"
"""Heads the last column of files of rejected rows; it is passed over when they are sent again."""
REASON_COLUMNS = frozenset({REASON_COLUMN, "原因", "reason"})
COLUMNS_MAX = 16_384
"""As many as a sheet has (ECMA-376)."""
WHOLE_ROW = -1
"""The place of what is wrong with a row as a whole."""


class Cells(NamedTuple):
    """One row, numbered from 1 below the header; `faults` by the place of the cell, or WHOLE_ROW."""

    row: int
    offset: int | None
    cells: list[str]
    faults: Mapping[int, Violation] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The header and the rows below it, read once; without a header its names are the numbers of the columns."""

    header: tuple[str, ...]
    rows: Iterator[Cells]


def header_of(names: list[str]) -> tuple[str, ...]:
    """The names of the columns. Raises InvalidInput for a header that is empty, too wide, or names columns twice."""
    header = tuple(name.strip() for name in names)
    violations = []
    if not any(header):
        violations.append(Violation("", "header", "the first row should name the columns, and is empty"))
    if len(header) > COLUMNS_MAX:
        detail = f"the header has {len(header)} columns, the limit is {COLUMNS_MAX}"
        violations.append(Violation("", "max-columns", detail, str(len(header)), f"{COLUMNS_MAX} columns"))
    seen: dict[str, int] = {}
    for place, name in enumerate(header, 1):
        if name in seen:
            detail = f"the columns {seen[name]} and {place} of the header are both named {shown(name)}"
            violations.append(Violation("", "column-once", detail, shown(name)))
        elif name:
            seen[name] = place
    InvalidInput.refuse_any(violations)
    return header


def numbered_header(width: int) -> tuple[str, ...]:
    """The header of a table that has none."""
    return tuple(str(place) for place in range(1, width + 1))
