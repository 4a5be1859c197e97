"""Rows out of files of any format, in bounded memory.

A plain file, NDJSON in UTF-8, is read where it lies: `scan_lines` cuts it, `plain_rows` reads the pieces. Every other
one is written as lines first by `normalise`, which `scan_lines` cuts just so and `normalised_rows` reads.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import orjson

from idnode.model.errors import InvalidInput, MalformedInput, Violation
from idnode.model.identifier import Prefix
from idnode.model.imports import LINE_BYTES_MAX, ImportFormat, ReadingOptions
from idnode.model.template import Item, TemplateName
from idnode.registry.imports.formats.binding import columns_of
from idnode.registry.imports.formats.csv_table import csv_table
from idnode.registry.imports.formats.encoding import Encoding, encoding_named, mark_of, prevailing, recognised
from idnode.registry.imports.formats.lines import SPAN_BYTES_MAX, Line, Span, bounded_lines, oversize, scan_lines
from idnode.registry.imports.formats.mapping import mapping_of
from idnode.registry.imports.formats.ndjson import document_of
from idnode.registry.imports.formats.tables import Table
from idnode.registry.imports.formats.unpacking import unpacked
from idnode.registry.imports.formats.xlsx_table import xlsx_table

__all__ = [
    "SPAN_BYTES_MAX",
    "Normalised",
    "Numbered",
    "Span",
    "documents",
    "normalise",
    "normalised_rows",
    "opened_table",
    "plain_rows",
    "scan_lines",
    "settled",
    "template_of",
]

ROWS_TOLD = 1_000
"""So many rows are written before who waits hears of them."""
WRITE_BYTES = 1 << 20

Document = dict[str, object]


class Numbered(NamedTuple):
    """One row as it was read; `row` counts from 1 as the user sees it, `source` is what it is written back from."""

    row: int
    offset: int | None
    document: Document | None
    fault: InvalidInput | None
    source: list[str] | bytes | None


class Normalised(NamedTuple):
    """What `normalise` has written."""

    rows: int
    size: int


def settled(path: Path, options: ReadingOptions) -> ReadingOptions:
    """The options with the encoding that the file has, so that all that read of it read alike.

    Raises InvalidInput for an encoding that is not known, MalformedInput for UTF-16 and what cannot be unpacked.
    """
    if options.format is ImportFormat.XLSX:
        return options
    if options.encoding is not None:
        return replace(options, encoding=encoding_named(options.encoding).value)
    with unpacked(path, options) as file:
        return replace(options, encoding=recognised(file).value)


def template_of(options: ReadingOptions) -> TemplateName | None:
    """The template of which `documents` and `normalise` want the items: the mapping's, or that of the options."""
    named = None if options.mapping is None else mapping_of(options.mapping).template
    return options.template if named is None else TemplateName(Prefix.parse(named[0]), named[1])


def documents(path: Path, options: ReadingOptions, items: Sequence[Item] = ()) -> Iterator[Numbered]:
    """Every row of a file as it says itself, without the prefix and the template that `options` have for all of them.

    `items` are those of `template_of(options)`. Raises InvalidInput where the file cannot be read further.
    """
    options = settled(path, options)
    if options.format is ImportFormat.NDJSON:
        yield from _ndjson(path, options)
        return
    with opened_table(path, options) as table:
        is_ragged_refused = options.format is ImportFormat.CSV
        columns = columns_of(table.header, options, items, is_ragged_refused=is_ragged_refused)
        document_of_row = columns.document_of
        for row in table.rows:
            try:
                yield Numbered(row.row, row.offset, document_of_row(row), None, row.cells)
            except InvalidInput as fault:
                yield Numbered(row.row, row.offset, None, fault, row.cells)


def normalise(
    path: Path,
    options: ReadingOptions,
    target: Path,
    items: Sequence[Item] = (),
    *,
    told: Callable[[int], None] = lambda _: None,
) -> Normalised:
    """Write the rows as lines of `{"row":…,"document":…}` or `{"row":…,"fault":…}`, fsynced.

    `told` hears of every 1,000th row and may raise to end it. Raises InvalidInput.
    """
    rows = 0
    with target.open("wb", buffering=WRITE_BYTES) as file:
        for numbered in documents(path, options, items):
            file.write(_line_of(numbered))
            rows += 1
            if rows % ROWS_TOLD == 0:
                told(rows)
        file.flush()
        os.fsync(file.fileno())
        return Normalised(rows, file.tell())


def plain_rows(block: bytes, first_row: int, options: ReadingOptions, *, offset: int = 0) -> list[Numbered]:
    """The rows in lines of a plain NDJSON file, the first of which has the number `first_row`; blank lines are none.

    Offsets count from the beginning of the file when `offset` tells where the block begins.
    """
    begins = mark_of(block, Encoding.UTF_8) if first_row == 1 else 0
    lines = block[begins:].split(b"\n") if begins else block.split(b"\n")
    encoding = prevailing(lines) if options.encoding is None and not block.isascii() else Encoding.UTF_8
    rows: list[Numbered] = []
    place = offset + begins
    for row, line in enumerate(lines, first_row):
        if line and not line.isspace():
            rows.append(_row_of(row, place, line, encoding))
        place += len(line) + 1
    return rows


def normalised_rows(block: bytes) -> list[Numbered]:
    """The rows in lines that `normalise` wrote; their numbers stand in them."""
    return [_numbered(orjson.loads(line)) for line in block.split(b"\n") if line]


@contextmanager
def opened_table(path: Path, options: ReadingOptions) -> Iterator[Table]:
    """The table in a CSV or XLSX file, for the length of a block. `options` are settled. Raises InvalidInput."""
    if options.format is ImportFormat.XLSX:
        with xlsx_table(path, options) as table:
            yield table
        return
    with unpacked(path, options) as file:
        yield csv_table(file, options, _encoding(options))


def numbered_lines(path: Path, options: ReadingOptions) -> Iterator[tuple[int, Line]]:
    """The lines of an NDJSON file that are not blank, with their numbers. Raises MalformedInput."""
    encoding = _encoding(options)
    with unpacked(path, options) as file:
        for row, line in enumerate(bounded_lines(file), 1):
            mark = mark_of(line.content, encoding) if row == 1 else 0
            content = line.content[mark:]
            if content and not content.isspace():
                yield row, Line(line.offset + mark, content, line.size - mark)


def _ndjson(path: Path, options: ReadingOptions) -> Iterator[Numbered]:
    encoding = _encoding(options)
    for row, line in numbered_lines(path, options):
        if line.is_oversize:
            fault = _malformed(oversize(line.size))
            yield Numbered(row, line.offset, None, fault, None)
        else:
            yield _row_of(row, line.offset, line.content, encoding)


def _row_of(row: int, offset: int, line: bytes, encoding: Encoding) -> Numbered:
    try:
        document = document_of(line, encoding, offset=offset)
    except MalformedInput as fault:
        return Numbered(row, offset, None, fault, line)
    return Numbered(row, offset, document, None, line)


def _line_of(numbered: Numbered) -> bytes:
    if numbered.fault is not None:
        return _fault_line(numbered.row, numbered.fault)
    line = orjson.dumps({"row": numbered.row, "document": numbered.document}, option=orjson.OPT_APPEND_NEWLINE)
    if len(line) > LINE_BYTES_MAX:
        return _fault_line(numbered.row, _malformed(oversize(len(line))))
    return line


def _fault_line(row: int, fault: InvalidInput) -> bytes:
    violations = [
        {name: getattr(violation, name) for name in Violation.__slots__ if getattr(violation, name) is not None}
        for violation in fault.violations
    ]
    told = {"is_malformed": isinstance(fault, MalformedInput), "detail": fault.detail, "violations": violations}
    return orjson.dumps({"row": row, "fault": told}, option=orjson.OPT_APPEND_NEWLINE)


def _numbered(line: dict[str, object]) -> Numbered:
    row, document, fault = line["row"], line.get("document"), line.get("fault")
    assert isinstance(row, int)  # noqa: S101  # a line of ours
    if isinstance(document, dict):
        return Numbered(row, None, document, None, None)
    assert isinstance(fault, dict)  # noqa: S101  # a line of ours
    kind = MalformedInput if fault["is_malformed"] else InvalidInput
    violations = tuple(Violation(**violation) for violation in fault["violations"])
    return Numbered(row, None, None, kind(fault["detail"], violations=violations), None)


def _encoding(options: ReadingOptions) -> Encoding:
    return Encoding.UTF_8 if options.encoding is None else Encoding(options.encoding)


def _malformed(violation: Violation) -> MalformedInput:
    return MalformedInput(violation.detail, violations=(violation,))
