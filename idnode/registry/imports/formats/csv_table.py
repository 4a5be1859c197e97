"""CSV (RFC 4180) as it really comes: other delimiters, line ends in quotes, ragged rows, bytes that are no text."""

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from idnode.model.errors import InvalidInput, MalformedInput, Violation, shown
from idnode.model.imports import LINE_BYTES_MAX, ReadingOptions
from idnode.registry.imports.formats.encoding import Encoding, mark_of, misfit, not_decoded
from idnode.registry.imports.formats.lines import bounded_lines, oversize
from idnode.registry.imports.formats.tables import WHOLE_ROW, Cells, Table, header_of, numbered_header

DELIMITERS = ",;\t|"
BLOCK_BYTES = 1 << 18
BEGINNING_BYTES = 4
"""As long as the longest byte order mark."""
BROKEN_ROWS_MAX = 100
"""So many rows with broken quotes are told one by one; more mean that the file is no CSV of this kind."""


def csv_table(file: BinaryIO, options: ReadingOptions, encoding: Encoding) -> Table:
    """The table in a stream of bytes. Raises InvalidInput for a header that names no columns, and, while rows are
    read, MalformedInput where nothing can be made of what follows.
    """
    lines = _Lines(file, encoding)
    first = lines.peek()
    delimiter = _delimiter(first, options.delimiter)
    rows = _rows(lines, delimiter)
    if not options.has_header:
        return Table(numbered_header(_width(first, delimiter)), rows)
    header = next(rows, None)
    if header is None:
        detail = "the file is empty"
        raise MalformedInput(detail, violations=(Violation("", "header", detail),))
    if header.faults:
        raise InvalidInput.of(list(header.faults.values()))
    names = header_of(header.cells)
    # The header was the first row; whatever stands above the rows does not count.
    return Table(names, (cells._replace(row=cells.row - header.row) for cells in rows))


def _delimiter(first: str, given: str | None) -> str:
    if given is None:
        return max(DELIMITERS, key=lambda delimiter: _width(first, delimiter))
    if given not in DELIMITERS or len(given) != 1:
        listed = ", ".join(shown(each) for each in DELIMITERS)
        detail = f"{shown(given)} is no delimiter of CSV; known are {listed}"
        raise InvalidInput.of([Violation("/delimiter", "delimiter", detail, shown(given), listed)])
    return given


def _width(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return 0


def _rows(lines: "_Lines", delimiter: str) -> Iterator[Cells]:
    """The rows, numbered; those without any text are counted and passed over."""
    row = broken = 0
    faults, read = lines.faults, lines.read
    while True:
        try:
            for cells in csv.reader(iter(lines), delimiter=delimiter, strict=True):
                row += 1
                if faults and (found := lines.fault()) is not None:
                    yield Cells(row, None, cells, {WHOLE_ROW: found})
                elif any(cells):
                    yield Cells(row, None, cells)
                read.clear()
        except csv.Error as error:
            row += 1
            broken += 1
            fault = _broken(lines, error)
            if broken > BROKEN_ROWS_MAX:
                detail = f"over {BROKEN_ROWS_MAX} rows have broken quotes, row {row} the last: {fault.detail}"
                violation = Violation("", fault.rule, detail, fault.value, f"{BROKEN_ROWS_MAX} rows")
                raise MalformedInput(detail, violations=(violation,)) from error
            yield Cells(row, None, [lines.give_back()], {WHOLE_ROW: fault})
        else:
            return


def _broken(lines: "_Lines", error: csv.Error) -> Violation:
    number = lines.number - len(lines.read) + 1
    detail = f"broken CSV at line {number}: {error}; a quote in a quoted cell is written twice"
    return Violation("", "csv-quotes", detail, shown(lines.read[0]) if lines.read else None)


class _Lines:
    """Lines as text, those that are wrong noted under their numbers; lines that were read can be given back."""

    def __init__(self, file: BinaryIO, encoding: Encoding) -> None:
        self._encoding = encoding
        self._fresh = self._blocks(file)
        self._back: list[str] = []
        """Lines to be read again, the next one last."""
        self.faults: dict[int, Violation] = {}
        self.number = 0
        """Of the line that was read last."""
        self.read: list[str] = []
        """What was taken since this was emptied."""

    def peek(self) -> str:
        """The first line, or nothing."""
        line = next(self._fresh, "")
        self._back = [line] if line else []
        return line

    def fault(self) -> Violation | None:
        """What is wrong with one of the lines that were taken."""
        taken = range(self.number - len(self.read) + 1, self.number + 1)
        found = [self.faults.pop(number) for number in taken if number in self.faults]
        return found[0] if found else None

    def give_back(self) -> str:
        """The first of the lines that were taken; the others will be read again."""
        first, *others = self.read
        self._back += reversed(others)
        self.number -= len(others)
        self.read.clear()
        return first.rstrip("\r\n")

    def __iter__(self) -> Iterator[str]:
        while True:
            # One loop for what is fresh, because it runs for every line of the file.
            if not self._back:
                for line in self._fresh:
                    self.number += 1
                    self.read.append(line)
                    yield line
                return
            line = self._back.pop()
            self.number += 1
            self.read.append(line)
            yield line

    def _blocks(self, file: BinaryIO) -> Iterator[str]:
        beginning = file.read(BEGINNING_BYTES)
        offset = mark_of(beginning, self._encoding)
        rest, number = beginning[offset:], 0
        while True:
            block = file.read(BLOCK_BYTES)
            text = rest + block
            end = text.rfind(b"\n") + 1 if block else len(text)
            for line in self._decoded(text[:end], offset, number):
                number += 1
                yield line
            offset, rest = offset + end, text[end:]
            if len(rest) > LINE_BYTES_MAX:
                number += 1
                skipped = _passed_over(file, rest)
                self.faults[number] = oversize(skipped)
                offset, rest = offset + skipped, b""
                # It stands for the line: whatever that held, its quotes must not reach into the lines below.
                yield "\n"
            if not block:
                return

    def _decoded(self, text: bytes, offset: int, number: int) -> Iterator[str]:
        try:
            return io.StringIO(text.decode(self._encoding), newline="")
        except UnicodeDecodeError:
            return self._with_faults(text, offset, number)

    def _with_faults(self, text: bytes, offset: int, number: int) -> Iterator[str]:
        for line in bounded_lines(io.BytesIO(text)):
            place = misfit(line.content, self._encoding)
            # A lone carriage return ends a line for the reader of CSV.
            for piece in io.StringIO(line.content.decode(self._encoding, "replace"), newline=""):
                number += 1
                if place is not None:
                    self.faults[number] = not_decoded(offset + line.offset + place, self._encoding)
                yield piece


def _passed_over(file: BinaryIO, rest: bytes) -> int:
    """Read on to the end of a line that began with `rest`; how long it is."""
    size = len(rest)
    while piece := file.readline(BLOCK_BYTES):
        size += len(piece)
        if piece.endswith(b"\n"):
            break
    return size
