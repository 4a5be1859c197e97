"""A chunk of an import: from its lines to rows, and from their verdicts to what is kept. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from idnode.model.errors import IdnodeError, InvalidInput, MalformedInput, Violation, shown
from idnode.model.imports import LINE_BYTES_MAX, ImportCursor, ReadingOptions
from idnode.model.record import Operation
from idnode.model.template import TemplateName
from idnode.registry.batches import Registration, Row, Verdict
from idnode.registry.commands import Revision
from idnode.registry.imports.reading import Numbered, Span, normalised_rows, plain_rows
from idnode.registry.imports.verdicts import RowVerdict, refused
from idnode.registry.row_reading import read_row

CODES = {
    Operation.REGISTER: "registered",
    Operation.REPLACE: "replaced",
    Operation.PATCH: "patched",
    Operation.DELETE: "deleted",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of an import that one process takes: the first of them is line `row` of the file of lines."""

    chunk: int
    row: int
    span: Span

    @property
    def following(self) -> ImportCursor:
        """Where the import goes on after it."""
        return ImportCursor(self.chunk + 1, self.row + self.span.lines, self.span.offset + self.span.size)


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows of a piece that can be written together, because no identifier stands in two of them."""

    first_row: int
    following: ImportCursor
    numbered: Sequence[Numbered]
    rows: Sequence[Row]


def pieces(spans: Iterable[Span], cursor: ImportCursor) -> Iterator[Piece]:
    """The lines from a cursor on, numbered alike by everybody who begins there."""
    chunk, row = cursor.chunk, cursor.row
    for span in spans:
        yield Piece(chunk, row, span)
        chunk, row = chunk + 1, row + span.lines


def numbered_of(piece: Piece, block: bytes, options: ReadingOptions) -> list[Numbered]:
    """The rows of a piece whose bytes are `block`; of an oversize line these are not looked at."""
    if piece.span.is_oversize:
        return [Numbered(piece.row, piece.span.offset, None, _oversize(piece.span.size), None)]
    if not options.is_plain:
        return normalised_rows(block)
    return plain_rows(block, piece.row, options, offset=piece.span.offset)


def segments(
    piece: Piece, block: bytes, numbered: Sequence[Numbered], rows: Sequence[Row], options: ReadingOptions
) -> list[Segment]:
    """Cut before a row whose identifier stands in the segment already: a later row may build upon an earlier one."""
    cuts, seen = [0], set[str]()
    for at, row in enumerate(rows):
        if isinstance(row, IdnodeError):
            continue
        folded = row.identifier.folded
        if folded in seen:
            cuts.append(at)
            seen.clear()
        seen.add(folded)
    if len(cuts) == 1:
        return [Segment(piece.row, piece.following, numbered, rows)]
    # Of plain NDJSON blank lines are lines, too, and no rows.
    lines = [numbered[at].row - piece.row if options.is_plain else at for at in cuts[1:]]
    begins = [_cursor_at(piece, block, line) for line in lines]
    firsts = [piece.row, *(cursor.row for cursor in begins)]
    return [
        Segment(first, following, numbered[begin:end], rows[begin:end])
        for first, following, begin, end in zip(
            firsts, (*begins, piece.following), cuts, (*cuts[1:], len(rows)), strict=True
        )
    ]


def rows_of(numbered: Iterable[Numbered], options: ReadingOptions, now: datetime) -> list[Row]:
    """What each row asks for, or why it could not be read."""
    if options.prefix is None and options.template is None:
        return [read_row(document, now=now) if fault is None else fault for _, _, document, fault, _ in numbered]
    return [
        read_row(_completed(document, options.prefix, options.template), now=now) if fault is None else fault
        for _, _, document, fault, _ in numbered
    ]


def verdicts_of(segment: Segment, verdicts: Sequence[Verdict]) -> list[RowVerdict]:
    """What is kept of each row."""
    return [
        _row_verdict(numbered, row, verdict.refusal)
        for numbered, row, verdict in zip(segment.numbered, segment.rows, verdicts, strict=True)
    ]


def _row_verdict(numbered: Numbered, row: Row, refusal: IdnodeError | None) -> RowVerdict:
    if isinstance(row, IdnodeError):
        return refused(numbered.row, _identifier_in(numbered.document), refusal or row)
    if refusal is not None:
        return refused(numbered.row, row.identifier.text, refusal)
    operation = row.operation if isinstance(row, Revision) else Operation.REGISTER
    return RowVerdict(numbered.row, row.identifier.text, CODES[operation])


def _identifier_in(document: object) -> str | None:
    text = document.get("identifier") if isinstance(document, dict) else None
    return shown(text) if isinstance(text, str) else None


def _cursor_at(piece: Piece, block: bytes, line: int) -> ImportCursor:
    offset = piece.span.offset + sum(len(text) + 1 for text in block.split(b"\n", line)[:line])
    return ImportCursor(piece.chunk, piece.row + line, offset)


def _completed(document: object, prefix: str | None, template: TemplateName | None) -> object:
    """A row with what the import says for all rows that do not say it themselves."""
    if not isinstance(document, dict):
        return document
    completed = document
    identifier = document.get("identifier")
    if prefix is not None and isinstance(identifier, str) and "/" not in identifier:
        completed = completed | {"identifier": f"{prefix}/{identifier}"}
    if template is not None and document.get("op", "register") in ("register", "replace"):
        named = {"prefix": template.prefix.text, "version": template.version}
        completed = {"template": named} | completed
    return completed


def _oversize(size: int) -> InvalidInput:
    detail = f"the line has {size} bytes, the limit is {LINE_BYTES_MAX}"
    violation = Violation("", "max-bytes", detail, f"{size} bytes", f"{LINE_BYTES_MAX} bytes")
    return MalformedInput(detail, violations=(violation,))


def is_ahead_of_its_turn(rows: Iterable[Row]) -> bool:
    """Whether these can be planned before what stands in earlier rows is written: nothing is looked up for them."""
    return all(isinstance(row, Registration | IdnodeError) for row in rows)
