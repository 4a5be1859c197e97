"""The rejected rows of an import as a file of the format of the upload, the reason in the last column.

It is read from the upload once more, so that every cell is there as it was. Mended, it can be sent again as it is: the
reader passes over the reason.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import orjson
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from idnode.model.imports import ImportFormat, ReadingOptions
from idnode.registry.imports.formats.apostrophes import defused
from idnode.registry.imports.formats.encoding import Encoding
from idnode.registry.imports.formats.ndjson import REASON_MEMBER, text_of
from idnode.registry.imports.formats.tables import REASON_COLUMN, REASON_COLUMNS, Table
from idnode.registry.imports.formats.xlsx_text import sheet_text
from idnode.registry.imports.reading import numbered_lines, opened_table, settled

PIECE_BYTES = 1 << 16
REASON_CHARACTERS_MAX = 2_000
_MARK = "\ufeff"
"""Without it a spreadsheet takes UTF-8 for the encoding of the country."""


class Rejection(NamedTuple):
    """A row that was refused, and the text of the reason."""

    row: int
    reason: str


def rejected_rows(path: Path, options: ReadingOptions, rejections: Iterator[Rejection]) -> Iterator[bytes]:
    """The file in pieces; `path` is the upload, `rejections` come in the order of rows. Runs in a thread.

    Raises InvalidInput where the upload cannot be read; what was given until then stands.
    """
    options = settled(path, options)
    if options.format is ImportFormat.NDJSON:
        yield from _in_pieces(_ndjson(path, options, rejections))
        return
    with opened_table(path, options) as table:
        rows = _with_reasons(table, rejections, has_header=options.has_header)
        if options.format is ImportFormat.CSV:
            yield from _in_pieces(_csv(rows))
        else:
            yield from _xlsx(rows)


def _ndjson(path: Path, options: ReadingOptions, rejections: Iterator[Rejection]) -> Iterator[bytes]:
    wanted = next(rejections, None)
    encoding = Encoding(options.encoding or Encoding.UTF_8)
    for row, line in numbered_lines(path, options):
        if wanted is None:
            return
        if row == wanted.row:
            content = line.content if not line.is_oversize else b""
            yield _with_reason(text_of(content, encoding), wanted.reason[:REASON_CHARACTERS_MAX])
            wanted = next(rejections, None)


def _with_reason(line: str, reason: str) -> bytes:
    """The line with one member more; what is no object becomes one, so that the reason has a place."""
    member = orjson.dumps({REASON_MEMBER: reason})[1:]
    text = line.strip()
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        return orjson.dumps({"line": text, REASON_MEMBER: reason}, option=orjson.OPT_APPEND_NEWLINE)
    if REASON_MEMBER in document:
        del document[REASON_MEMBER]
        text = orjson.dumps(document).decode()
    # As it was written: numbers keep their digits, members their order.
    head = text[:-1].rstrip().encode()
    return head + (b"," if document else b"") + member + b"\n"


def _with_reasons(table: Table, rejections: Iterator[Rejection], *, has_header: bool) -> Iterator[list[str]]:
    """The header, and each rejected row with its reason behind the last column; reasons of an earlier file go."""
    kept = [place for place, name in enumerate(table.header) if name not in REASON_COLUMNS]
    width = len(table.header)
    if has_header:
        yield [*(table.header[place] for place in kept), REASON_COLUMN]
    wanted = next(rejections, None)
    for row in table.rows:
        if wanted is None:
            return
        if row.row == wanted.row:
            cells = row.cells + [""] * (width - len(row.cells))
            yield [*(cells[place] for place in kept), *cells[width:], wanted.reason[:REASON_CHARACTERS_MAX]]
            wanted = next(rejections, None)


def _csv(rows: Iterable[list[str]]) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    write = csv.writer(text).writerow
    text.write(_MARK)
    for cells in rows:
        write([defused(cell) for cell in cells])
        yield text.getvalue().encode("utf-8", "replace")
        text.seek(0)
        text.truncate()


def _xlsx(rows: Iterable[list[str]]) -> Iterator[bytes]:
    """Written to a file first: the archive's table of contents stands at its end."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("rejected")
    for cells in rows:
        made = [WriteOnlyCell(sheet, sheet_text(defused(cell))) for cell in cells]
        for each in made:
            # Text, whatever it looks like: openpyxl would make a formula of what begins with "=".
            each.data_type = "s"
        sheet.append(made)
    with TemporaryDirectory(prefix="idnode-rejected-") as directory:
        target = Path(directory) / "rejected.xlsx"
        book.save(target)
        with target.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece


def _in_pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    piece: list[bytes] = []
    size = 0
    for line in lines:
        piece.append(line)
        size += len(line)
        if size >= PIECE_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
    if piece:
        yield b"".join(piece)
