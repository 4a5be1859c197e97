"""XLSX (ECMA-376) by openpyxl: one sheet row by row; formulas, errors and merged cells are told, never guessed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Protocol, cast

from openpyxl import load_workbook
from openpyxl.cell.read_only import EmptyCell, ReadOnlyCell
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook.workbook import Workbook

from idnode.model.errors import InvalidInput, MalformedInput, Violation, shown
from idnode.model.imports import ReadingOptions
from idnode.registry.imports.formats.archive import Merged, archive_errors, require_harmless, surveyed
from idnode.registry.imports.formats.tables import Cells, Table, header_of, numbered_header

SAFE_NUMBER_MAX = 10**15
"""A sheet keeps 15 digits of a number; what is beyond has lost some."""
SHEETS_SHOWN_MAX = 20

_Cell = ReadOnlyCell | EmptyCell
_Merges = dict[int, list[Merged]]


class _Sheet(Protocol):
    """What openpyxl opens for reading only; its own annotations tell of sheets for writing."""

    title: str
    _worksheet_path: str

    def reset_dimensions(self) -> None:
        """Do not believe what the file says of its extent."""

    def iter_rows(self) -> Iterator[tuple[_Cell, ...]]:
        """All rows, those that the file leaves out being empty."""


@contextmanager
def xlsx_table(path: Path, options: ReadingOptions) -> Iterator[Table]:
    """The table in a sheet, for the length of a block.

    Raises InvalidInput for a sheet that is not there, MalformedInput for what is no workbook or unpacks to too much.
    """
    require_harmless(path, bytes_max=options.bytes_max)
    with _opened(path) as book:
        sheet = _sheet(book, options.sheet)
        merges = _by_row(surveyed(path, sheet._worksheet_path))  # noqa: SLF001  # merged cells are kept from readers
        # What the file says of its extent may be made up: a row has the cells that it has.
        sheet.reset_dimensions()
        yield _table(sheet, merges, has_header=options.has_header)


def _table(sheet: _Sheet, merges: _Merges, *, has_header: bool) -> Table:
    rows = _rows(sheet, merges)
    first = next(rows, None)
    if first is None:
        detail = f"the sheet {shown(sheet.title)} is empty"
        raise MalformedInput(detail, violations=(Violation("", "header", detail, shown(sheet.title)),))
    if not has_header:
        return Table(numbered_header(len(first.cells)), _from(first, rows))
    if first.faults:
        raise InvalidInput.of(list(first.faults.values()))
    return Table(header_of(first.cells), (cells._replace(row=cells.row - first.row) for cells in rows))


def _from(first: Cells, rows: Iterator[Cells]) -> Iterator[Cells]:
    yield first
    yield from rows


def _rows(sheet: _Sheet, merges: _Merges) -> Iterator[Cells]:
    """The rows under the numbers that the sheet shows; those without any text are passed over."""
    with _errors_told():
        for row, found in enumerate(sheet.iter_rows(), 1):
            cells = ["" if cell.value is None else _text(cell.value) for cell in found]
            while cells and not cells[-1]:
                cells.pop()
            faults = {place: fault for place, cell in enumerate(found) if (fault := _fault(cell, place, row))}
            for merged in merges.get(row, ()):
                for place in range(merged.first_column - 1, merged.last_column):
                    faults[place] = _is_merged(merged)
            if cells or faults:
                yield Cells(row, None, cells, faults or None)


def _text(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < SAFE_NUMBER_MAX:
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(" ")
        case date() | time():
            return value.isoformat()
        case int() | float() | timedelta():
            return str(value)
        case _:
            # A formula over several cells.
            return str(getattr(value, "text", None) or "=")


def _fault(cell: _Cell, place: int, row: int) -> Violation | None:
    kind = getattr(cell, "data_type", None)
    if kind in ("s", None):
        return None
    value = cell.value
    if kind == "f":
        detail = "holds a formula; copy the column and paste it as values"
        return _at(place, row, "formula", detail, _text(value))
    if kind == "e":
        return _at(place, row, "cell-error", "holds an error of the spreadsheet", str(value))
    if isinstance(value, int | float) and abs(value) >= SAFE_NUMBER_MAX:
        detail = "is a number of over 15 digits, of which the spreadsheet kept 15; format the column as text"
        return _at(place, row, "number-digits", detail, str(value))
    return None


def _at(place: int, row: int, rule: str, detail: str, value: str) -> Violation:
    return Violation("", rule, f"cell {get_column_letter(place + 1)}{row} {detail}", shown(value))


def _is_merged(merged: Merged) -> Violation:
    detail = f"the cells {merged.reference} are merged, so that only the first has the value; unmerge and fill them"
    return Violation("", "merged-cells", detail, merged.reference)


def _by_row(merged: list[Merged]) -> _Merges:
    merges: _Merges = {}
    for each in merged:
        for row in range(each.first_row, each.last_row + 1):
            merges.setdefault(row, []).append(each)
    return merges


@contextmanager
def _opened(path: Path) -> Iterator[Workbook]:
    with _errors_told():
        book = load_workbook(path, read_only=True, data_only=False, keep_links=False)
    try:
        yield book
    finally:
        book.close()


def _sheet(book: Workbook, name: str | None) -> _Sheet:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if not sheets:
        detail = "the workbook has no sheet of cells"
        raise MalformedInput(detail, violations=(Violation("", "sheet", detail),))
    found = next(iter(sheets.values())) if name is None else sheets.get(name)
    if found is None:
        listed = ", ".join(shown(title) for title in list(sheets)[:SHEETS_SHOWN_MAX])
        detail = f"there is no sheet {shown(name)}; the workbook has {listed}"
        raise InvalidInput.of([Violation("/sheet", "sheet", detail, shown(name), listed)])
    return cast("_Sheet", found)


@contextmanager
def _errors_told() -> Iterator[None]:
    """openpyxl has no error of its own for a workbook that does not hold together: it stumbles."""
    with archive_errors():
        try:
            yield
        except (
            InvalidFileException, KeyError, IndexError, ValueError, TypeError, AttributeError, OverflowError,
        ) as error:  # fmt: skip
            detail = (
                f"the XLSX file does not hold together ({type(error).__name__}: {shown(str(error))}); save it again"
            )
            raise MalformedInput(detail, violations=(Violation("", "xlsx", detail),)) from error
