"""From lines to rows that can be written together, and from their verdicts to what is kept; pure."""

from datetime import UTC, datetime

import orjson

from idnode.model.errors import Conflict, IdnodeError, InvalidInput, Violation
from idnode.model.identifier import Prefix
from idnode.model.imports import ImportCounts, ImportCursor, ImportFormat, ReadingOptions
from idnode.model.template import TemplateName
from idnode.registry.batches import Registration
from idnode.registry.imports.chunks import Piece, Segment, numbered_of, pieces, rows_of, segments
from idnode.registry.imports.reading import Span
from idnode.registry.imports.verdicts import RowVerdict, counts_of, line_of, packed, reason_of, refused, unpacked

NOW = datetime(2026, 11, 24, 7, 18, 31, tzinfo=UTC)
PLAIN = ReadingOptions(ImportFormat.NDJSON)


def lines(*identifiers: str) -> bytes:
    return b"".join(orjson.dumps({"identifier": each}) + b"\n" if each else b"\n" for each in identifiers)


def cut(block: bytes, options: ReadingOptions = PLAIN) -> list[Segment]:
    piece = Piece(7, 101, Span(5_000, len(block), block.count(b"\n")))
    numbered = numbered_of(piece, block, options)
    return segments(piece, block, numbered, rows_of(numbered, options, NOW), options)


def test_spans_become_pieces_that_number_chunks_and_rows_from_where_the_import_stands() -> None:
    found = list(pieces([Span(70, 30, 3), Span(100, 10, 1)], ImportCursor(chunk=4, row=9, offset=70)))

    assert found == [Piece(4, 9, Span(70, 30, 3)), Piece(5, 12, Span(100, 10, 1))]
    assert found[0].following == ImportCursor(chunk=5, row=12, offset=100)


def test_different_identifiers_are_one_segment() -> None:
    block = lines("88.118/A", "88.118/B", "88.118/C")
    [segment] = cut(block)

    assert (segment.first_row, segment.following) == (101, ImportCursor(8, 104, 5_000 + len(block)))
    assert [each.row for each in segment.numbered] == [101, 102, 103]


def test_a_row_whose_identifier_came_before_begins_a_segment_at_its_line_whatever_its_case() -> None:
    block = lines("88.118/A", "", "88.118/B", "88.118/a", "88.118/B")
    first, second = cut(block)

    assert [each.row for each in first.numbered] == [101, 103]
    assert [each.row for each in second.numbered] == [104, 105]
    assert second.first_row == 104
    assert first.following == ImportCursor(7, 104, 5_000 + len(lines("88.118/A", "", "88.118/B")))
    assert second.following == ImportCursor(8, 106, 5_000 + len(block))


def test_a_line_over_the_limit_is_refused_without_being_looked_at() -> None:
    [oversize] = numbered_of(Piece(0, 4, Span(0, 3_000_000_000, 1, is_oversize=True)), b"", PLAIN)

    assert oversize.row == 4
    assert oversize.fault is not None
    assert oversize.fault.violations[0].rule == "max-bytes"
    assert oversize.fault.violations[0].value == "3000000000 bytes"
    assert oversize.fault.violations[0].limit == "1048576 bytes"


def test_the_import_says_what_a_row_does_not_say_itself() -> None:
    template = TemplateName(Prefix.parse("88.118.8"), "roll-1")
    options = ReadingOptions(ImportFormat.NDJSON, prefix="88.118.8", template=template)
    block = (
        b'{"identifier":"A"}\n'
        b'{"identifier":"88.118.9/B","template":{"prefix":"88.118.9","version":"own"}}\n'
        b'{"identifier":"C","op":"delete"}\n'
        b"[]\n"
    )
    [segment] = cut(block, options)

    first, second, third, fourth = segment.rows
    assert isinstance(first, Registration)
    assert isinstance(second, Registration)
    assert (first.identifier.text, first.content.template) == ("88.118.8/A", template)
    assert second.identifier.text == "88.118.9/B"
    assert second.content.template == TemplateName(Prefix.parse("88.118.9"), "own")
    assert not isinstance(third, IdnodeError)
    assert third.identifier.text == "88.118.8/C"
    assert isinstance(fourth, InvalidInput)


KEPT = [
    RowVerdict(3, "88.118/A", "registered"),
    RowVerdict(5, "88.118/B", "registered"),
    RowVerdict(6, None, "malformed-input", {"detail": "no JSON", "errors": [{"pointer": "", "detail": "no JSON"}]}),
    RowVerdict(7, "88.118/C", "replaced"),
]


def test_verdicts_are_kept_and_told_as_they_were() -> None:
    assert list(unpacked(packed(KEPT))) == KEPT
    assert list(unpacked(packed(KEPT[:1]))) == KEPT[:1]
    assert list(unpacked(packed([]))) == []
    assert counts_of(KEPT) == ImportCounts(registered=2, replaced=1, refused=1)
    assert line_of(KEPT[0]) == b'{"row":3,"identifier":"88.118/A","code":"registered"}\n'
    assert orjson.loads(line_of(KEPT[2])) == {
        "row": 6,
        "identifier": None,
        "code": "malformed-input",
        "detail": "no JSON",
        "errors": [{"pointer": "", "detail": "no JSON"}],
    }


def test_rows_refused_alike_are_kept_each_with_its_reason() -> None:
    both = [refused(row, f"88.118/{row}", Conflict(f"row {row}")) for row in (1, 2)]

    assert list(unpacked(packed(both))) == both
    assert both[1].refusal == {
        "detail": "row 2",
        "errors": [{"pointer": "/identifier", "rule": "conflict", "value": "88.118/2", "detail": "row 2"}],
    }


def test_of_many_errors_ten_are_kept_and_the_others_counted() -> None:
    violations = [Violation(f"/attributes/a{number}", "maximum", "is 8", "8", "7") for number in range(40)]
    verdict = refused(1, None, InvalidInput.of(violations, unlisted=2))

    assert verdict.refusal is not None
    assert len(verdict.refusal["errors"]) == 10  # type: ignore[arg-type]  # a list, as JSON has it
    assert verdict.refusal["errors_unlisted"] == 32


def test_a_reason_names_the_code_the_places_and_what_is_wrong_there() -> None:
    violations = [
        Violation("/attributes/width", "maximum", "is 8", "8", "7", item="width"),
        Violation("/identifier", "required", "is missing"),
    ]

    assert reason_of(refused(1, None, InvalidInput.of(violations))) == (
        "invalid-input: width is 8; /identifier is missing"
    )
