"""NDJSON: lines found by their bytes, encodings, what is no JSON object."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uploads import ITEMS, NDJSON, rows_of, told, written

from idnode.model.errors import InvalidInput
from idnode.model.imports import LINE_BYTES_MAX
from idnode.registry.imports.formats.lines import BLOCK_BYTES
from idnode.registry.imports.reading import (
    Span,
    documents,
    normalise,
    normalised_rows,
    plain_rows,
    scan_lines,
    settled,
)


def test_lines_are_rows_and_blank_ones_are_counted_alone(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, '\ufeff{"identifier":"88.118.8/A"}\r\n\n  \n{"identifier":"88.118.8/B"}', NDJSON)

    assert [(row.row, row.document) for row in rows] == [
        (1, {"identifier": "88.118.8/A"}),
        (4, {"identifier": "88.118.8/B"}),
    ]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b'{"identifier":', "json"),
        (b"[1]", "object"),
        (b'{"identifier":"88.118.8/A","identifier":"88.118.8/B"}', "given-twice"),
        (b'{"identifier":"\xff"}', "encoding"),
    ],
)
def test_a_line_that_is_no_row_is_told_and_the_next_one_is_read(tmp_path: Path, line: bytes, rule: str) -> None:
    good = '{"identifier":"88.118.8/标"}\n'.encode()

    rows = rows_of(tmp_path, good + line + b"\n" + good + good, NDJSON)

    assert told(rows[1])[0][1] == rule
    assert [row.document for row in (rows[0], rows[2])] == [{"identifier": "88.118.8/标"}] * 2


def test_a_bad_byte_is_named_by_its_offset_in_the_file(tmp_path: Path) -> None:
    content = '{"identifier":"标"}\n{"identifier":"标识"}\n'.encode() + b'{"identifier":"\xff"}\n'

    rows = rows_of(tmp_path, content, NDJSON)

    assert rows[2].fault is not None
    assert rows[2].fault.violations[0].value == f"byte {content.index(0xFF)}"


def test_gb18030_is_recognised_by_the_file_and_by_a_block_of_it(tmp_path: Path) -> None:
    content = '{"identifier":"88.118.8/标识"}\n{"identifier":"88.118.8/码"}\n'.encode("gb18030")
    path = written(tmp_path, content)

    by_file = [row.document for row in documents(path, NDJSON)]
    by_block = [row.document for row in plain_rows(content, 1, NDJSON)]

    assert by_file == by_block == [{"identifier": "88.118.8/标识"}, {"identifier": "88.118.8/码"}]
    assert settled(path, NDJSON).encoding == "gb18030"


def test_an_encoding_that_is_said_wins_over_what_the_file_shows(tmp_path: Path) -> None:
    content = '{"identifier":"88.118.8/标"}\n'.encode()

    [row] = rows_of(tmp_path, content, replace(NDJSON, encoding="gbk"))

    assert row.document != {"identifier": "88.118.8/标"}

    with pytest.raises(InvalidInput, match="no encoding latin-1"):
        rows_of(tmp_path, content, replace(NDJSON, encoding="latin-1"))


def test_the_reason_of_an_earlier_refusal_is_passed_over(tmp_path: Path) -> None:
    [row] = rows_of(tmp_path, '{"identifier":"88.118.8/A","reason":"already-registered"}\n', NDJSON)

    assert row.document == {"identifier": "88.118.8/A"}


def test_an_oversize_line_is_a_span_by_itself_and_a_row_that_is_refused(tmp_path: Path) -> None:
    small, big = b'{"identifier":"a"}\n', b'"' + b"x" * (2 * LINE_BYTES_MAX) + b'"\n'
    path = written(tmp_path, small + big + small)

    assert list(scan_lines(path, 0, 1_000)) == [
        Span(0, len(small), 1),
        Span(len(small), len(big), 1, is_oversize=True),
        Span(len(small) + len(big), len(small), 1),
    ]
    assert told(list(documents(path, NDJSON))[1]) == [("", "max-line-bytes")]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 30, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 7]), max_size=8), st.booleans())
def test_spans_cover_every_byte_once_wherever_blocks_end(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], has_last_end: bool
) -> None:
    content = b"".join(b"x" * size + b"\n" for size in sizes)
    content = content if has_last_end else content[:-1]
    path = written(tmp_path_factory.mktemp("spans"), content)

    spans = list(scan_lines(path, 0, 3))
    again = list(scan_lines(path, spans[1].offset, 3)) if len(spans) > 1 else spans[1:]

    assert [span.offset for span in spans] == [sum(each.size for each in spans[:at]) for at in range(len(spans))]
    assert sum(span.size for span in spans) == len(content)
    assert sum(span.lines for span in spans) == len(content.splitlines())
    assert again == spans[1:]
    for span in spans:
        piece = content[span.offset : span.offset + span.size]
        assert span.is_oversize == (span.lines == 1 and len(piece) > LINE_BYTES_MAX)
        assert span.lines == len(piece.splitlines()) <= 3


def test_plain_rows_and_normalised_rows_say_the_same(tmp_path: Path) -> None:
    content = '{"identifier":"88.118.8/标","op":"delete"}\n\n[1]\n{"identifier":"88.118.8/B"}\n'.encode()
    path, target = written(tmp_path, content), tmp_path / "lines"
    heard: list[int] = []

    made = normalise(path, NDJSON, target, ITEMS, told=heard.append)

    normalised, plain = normalised_rows(target.read_bytes()), plain_rows(content, 1, NDJSON, offset=0)
    assert (made.rows, made.size) == (3, target.stat().st_size)
    assert [(row.row, row.document) for row in normalised] == [(row.row, row.document) for row in plain]
    assert normalised[1].fault is not None
    assert plain[1].fault is not None
    assert normalised[1].fault.violations == plain[1].fault.violations
    assert (type(normalised[1].fault), normalised[1].fault.detail) == (type(plain[1].fault), plain[1].fault.detail)
    assert [row.offset for row in plain] == [0, content.index(b"[1]"), content.index(b"[1]") + 4]
