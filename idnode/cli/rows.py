"""Rows to register, read one by one from NDJSON or CSV: bodies of POST /v1/identifiers, or what is wrong."""

import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import orjson

from idnode.cli.columns import Columns, columns_of
from idnode.cli.errors import WrongUsage
from idnode.model.errors import MalformedInput, Violation, shown
from idnode.model.limits import REQUEST_BYTES_MAX
from idnode.model.template import Item

LINE_CHARACTERS_MAX = REQUEST_BYTES_MAX
"""A longer line could not be sent either."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row, ready to be sent. `line` is where it begins, counted from 1."""

    line: int
    identifier: str
    body: bytes


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that cannot be sent."""

    line: int
    identifier: str
    violation: Violation


@dataclass(frozen=True, slots=True)
class Additions:
    """What the command line adds to every row: a prefix before bare suffixes, a template where a row names none."""

    prefix: str | None = None
    template: tuple[str, str] | None = None

    def full(self, identifier: str) -> str:
        """The identifier, with the prefix if it has none."""
        return identifier if self.prefix is None or "/" in identifier else f"{self.prefix}/{identifier}"

    def completed(self, body: dict[str, object]) -> dict[str, object]:
        """The body of a row with what it lacks."""
        identifier = body.get("identifier")
        if isinstance(identifier, str):
            body = body | {"identifier": self.full(identifier)}
        if self.template is not None and body.get("template") is None:
            body = body | {"template": {"prefix": self.template[0], "version": self.template[1]}}
        return body


@contextmanager
def opened_text(file: BinaryIO, encoding: str) -> Iterator[io.TextIOWrapper]:
    """`file` as text for the length of a block; it stays open. A byte order mark is dropped, and bytes outside
    `encoding` are kept as surrogates, to be told row by row. Raises WrongUsage for an encoding that does not exist.
    """
    name = "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
    try:
        text = io.TextIOWrapper(file, encoding=name, errors="surrogateescape", newline="")
    except LookupError as error:
        raise WrongUsage(f"there is no encoding {shown(encoding)}; spreadsheets write utf-8 or gb18030") from error
    try:
        yield text
    finally:
        text.detach()


def ndjson_rows(text: io.TextIOWrapper, additions: Additions) -> Iterator[Row | BrokenRow]:
    """A JSON object on each line; blank lines are passed over. Raises MalformedInput for a line without end."""
    for number, line in enumerate(_bounded_lines(text), start=1):
        if line.strip():
            yield _ndjson_row(number, line.strip(), additions)


def csv_rows(text: io.TextIOWrapper, items: Mapping[str, Item], additions: Additions) -> Iterator[Row | BrokenRow]:
    """The rows below the header; those without any text are passed over.

    Raises WrongUsage at once for a header that does not fit `items`, and MalformedInput where the quoting is broken:
    what follows could be anything.
    """
    rows = _numbered_cells(text)
    _, header = next(rows, (1, []))
    if not _is_decoded(header):
        raise WrongUsage(f"the CSV header {_NOT_DECODED.detail}")
    columns = columns_of(header, items)
    return (_csv_row(line, cells, len(header), columns, additions) for line, cells in rows if any(cells))


def _numbered_cells(text: io.TextIOWrapper) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line it begins at; quoted cells may hold line ends."""
    reader = csv.reader(_bounded_lines(text), strict=True)
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise MalformedInput(f"line {begins}: broken CSV: {error}; nothing from here on was read") from error


def _bounded_lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = 0
    while line := text.readline(LINE_CHARACTERS_MAX):
        number += 1
        if len(line) == LINE_CHARACTERS_MAX:
            raise MalformedInput(f"line {number} is over the limit of {LINE_CHARACTERS_MAX} characters")
        yield line


def _ndjson_row(number: int, line: str, additions: Additions) -> Row | BrokenRow:
    try:
        body = orjson.loads(line.encode())
    except UnicodeEncodeError:
        return BrokenRow(number, "", _NOT_DECODED)
    except orjson.JSONDecodeError as error:
        return BrokenRow(number, "", Violation("", "json", f"is not JSON: {error}", shown(line)))
    if not isinstance(body, dict):
        return BrokenRow(number, "", Violation("", "object", "is not a JSON object", shown(line)))
    completed = additions.completed(body)
    identifier = str(completed.get("identifier", ""))
    # A row that needs nothing goes as it was written: re-writing it would round what JSON numbers may hold.
    return Row(number, identifier, line.encode() if completed == body else orjson.dumps(completed))


def _csv_row(number: int, cells: list[str], width: int, columns: Columns, additions: Additions) -> Row | BrokenRow:
    if not _is_decoded(cells):
        return BrokenRow(number, "", _NOT_DECODED)
    identifier = cells[columns.identifier] if columns.identifier < len(cells) else ""
    if len(cells) != width:
        detail = f"has {len(cells)} fields, the header has {width}"
        violation = Violation("", "columns", detail, str(len(cells)), str(width))
        return BrokenRow(number, additions.full(identifier), violation)
    if not identifier:
        return BrokenRow(number, "", Violation("/identifier", "required", "the column identifier is empty"))
    body = additions.completed({"identifier": identifier, **columns.content(cells)})
    return Row(number, str(body["identifier"]), orjson.dumps(body))


def _is_decoded(cells: list[str]) -> bool:
    # opened_text left what it could not decode as lone surrogates, which no encoding takes.
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return False
    return True


_NOT_DECODED = Violation(
    "", "encoding", "holds bytes that are not in the file's encoding; save it as UTF-8 or give --encoding gb18030"
)
