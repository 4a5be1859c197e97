"""Files of rows: CSV and NDJSON as people make them, with what is wrong told by line."""

import io
import os

import pytest

from idnode.cli.errors import WrongUsage
from idnode.cli.rows import Additions, BrokenRow, Row, csv_rows, ndjson_rows, opened_text
from idnode.model.errors import MalformedInput, Violation
from idnode.model.template import Item, ItemType

PREFIX = Additions(prefix="88.118.8")
ROLLS = Additions(prefix="88.118.8", template=("88.118", "rolls-1.0"))
ITEMS = {
    "width": Item(2000, "width", "幅宽", ItemType.NUMBER),
    "layers": Item(2001, "layers", "层数", ItemType.INTEGER),
    "is_dyed": Item(2002, "is_dyed", "染色", ItemType.BOOLEAN),
    "note": Item(2003, "note", "备注", ItemType.STRING),
}


def csv_of(content: bytes, additions: Additions = ROLLS, encoding: str = "utf-8") -> list[Row | BrokenRow]:
    with opened_text(io.BytesIO(content), encoding) as text:
        return list(csv_rows(text, ITEMS, additions))


def ndjson_of(content: bytes, additions: Additions = PREFIX) -> list[Row | BrokenRow]:
    with opened_text(io.BytesIO(content), "utf-8") as text:
        return list(ndjson_rows(text, additions))


def only(rows: list[Row | BrokenRow]) -> Row:
    assert len(rows) == 1
    assert isinstance(rows[0], Row)
    return rows[0]


def broken(rows: list[Row | BrokenRow]) -> list[tuple[int, str, str]]:
    return [(row.line, row.violation.rule, row.violation.detail) for row in rows if isinstance(row, BrokenRow)]


def test_cells_become_attributes_of_the_template_types() -> None:
    row = only(csv_of("identifier,width,layers,is_dyed,note\nROLL-1,150.5,2,TRUE,染\n".encode()))

    assert row.identifier == "88.118.8/ROLL-1"
    assert row.body.decode() == (
        '{"identifier":"88.118.8/ROLL-1",'
        '"attributes":{"width":150.5,"layers":2,"is_dyed":true,"note":"染"},'
        '"template":{"prefix":"88.118","version":"rolls-1.0"}}'
    )


@pytest.mark.parametrize(
    ("cell", "shown"), [("FALSE", "false"), ("是", "true"), ("否", "false"), ("1", "true"), ("maybe", '"maybe"')]
)
def test_booleans_are_read_as_spreadsheets_write_them(cell: str, shown: str) -> None:
    row = only(csv_of(f"identifier,is_dyed\nR,{cell}\n".encode()))

    assert f'"is_dyed":{shown}' in row.body.decode()


def test_a_cell_that_is_no_number_stays_text_for_the_node_to_refuse() -> None:
    row = only(csv_of(b"identifier,width,layers\nR,wide,007\n"))

    assert b'"attributes":{"width":"wide","layers":"007"}' in row.body


def test_an_empty_cell_gives_no_attribute() -> None:
    row = only(csv_of(b"identifier,width,note\nR,,\n"))

    assert b'"attributes":{}' in row.body


def test_a_url_column_becomes_the_value_of_index_1() -> None:
    row = only(csv_of(b"identifier,url\nR,https://example.com/r\n", PREFIX))

    assert row.body == (
        b'{"identifier":"88.118.8/R","attributes":{},'
        b'"values":[{"index":1,"type":"URL","data":{"format":"string","value":"https://example.com/r"}}]}'
    )


def test_an_identifier_with_a_slash_keeps_its_prefix() -> None:
    assert only(csv_of(b"identifier\n88.118.9/R\n")).identifier == "88.118.9/R"


def test_a_byte_order_mark_is_no_part_of_the_header() -> None:
    assert only(csv_of(b"\xef\xbb\xbfidentifier\r\nR\r\n")).identifier == "88.118.8/R"


def test_a_ragged_row_is_told_with_its_line_and_the_others_go_on() -> None:
    rows = csv_of(b'identifier,note\nA,"two\nlines"\nB,x,y\n,,\nC\nD,z\n')

    assert broken(rows) == [
        (4, "columns", "has 3 fields, the header has 2"),
        (6, "columns", "has 1 fields, the header has 2"),
    ]
    assert [row.identifier for row in rows] == ["88.118.8/A", "88.118.8/B", "88.118.8/C", "88.118.8/D"]


def test_rows_without_any_text_are_passed_over_and_one_without_identifier_is_told() -> None:
    assert broken(csv_of(b"identifier,note\n,\n\n,x\n")) == [(4, "required", "the column identifier is empty")]


def test_bytes_of_another_encoding_are_told_by_row() -> None:
    rows = csv_of("identifier,note\nA,x\nB,幅宽\n".encode("gb18030"))

    assert [row.line for row in rows if isinstance(row, Row)] == [2]
    assert broken(rows) == [
        (3, "encoding", "holds bytes that are not in the file's encoding; save it as UTF-8 or give --encoding gb18030")
    ]


def test_spreadsheet_files_in_gb18030_are_read_when_said() -> None:
    row = only(csv_of("identifier,note\nB,染\n".encode("gb18030"), encoding="gb18030"))

    assert '"note":"染"' in row.body.decode()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "the CSV header has no column identifier"),
        ("id,width", "the CSV header has no column identifier: id, width"),
        ("identifier,width,width", "the CSV header has columns twice: width"),
        ("identifier,wdith,colour", "the template has no items of these columns: wdith; is width meant?, colour"),
    ],
)
def test_a_header_that_fits_nothing_is_refused_before_any_row(header: str, message: str) -> None:
    with pytest.raises(WrongUsage) as refusal:
        csv_of(header.encode())

    assert message in refusal.value.detail


def test_attribute_columns_without_a_template_are_refused() -> None:
    with opened_text(io.BytesIO(b"identifier,width,url\n"), "utf-8") as text, pytest.raises(WrongUsage) as refusal:
        csv_rows(text, {}, PREFIX)

    assert refusal.value.detail == "columns beside identifier and url need --template: width"


def test_an_encoding_that_does_not_exist_is_refused() -> None:
    with pytest.raises(WrongUsage, match="there is no encoding utf-9"):
        csv_of(b"identifier\n", encoding="utf-9")


@pytest.mark.parametrize("content", [b'identifier\nA\n"B"x\n', b'identifier\nA\n"B\nC\nD\n'])
def test_broken_quoting_ends_the_reading_where_it_begins(content: bytes) -> None:
    with opened_text(io.BytesIO(content), "utf-8") as text:
        rows = csv_rows(text, ITEMS, PREFIX)
        first = next(rows)
        with pytest.raises(MalformedInput, match="line 3: broken CSV"):
            next(rows)

    assert first.identifier == "88.118.8/A"


def test_ndjson_rows_go_as_they_were_written_when_they_lack_nothing() -> None:
    row = only(ndjson_of(b'  {"identifier": "88.118.8/A", "attributes": {"n": 1.00}}  \n'))

    assert row == Row(1, "88.118.8/A", b'{"identifier": "88.118.8/A", "attributes": {"n": 1.00}}')


def test_ndjson_rows_get_the_prefix_and_the_template_they_lack() -> None:
    content = b'{"identifier":"A"}\n\n{"identifier":"B","template":{"prefix":"88.118","version":"own"}}\n'

    rows = ndjson_of(b"\xef\xbb\xbf" + content, ROLLS)

    assert [(row.line, row.body) for row in rows if isinstance(row, Row)] == [
        (1, b'{"identifier":"88.118.8/A","template":{"prefix":"88.118","version":"rolls-1.0"}}'),
        (3, b'{"identifier":"88.118.8/B","template":{"prefix":"88.118","version":"own"}}'),
    ]


def test_ndjson_lines_that_are_no_objects_are_told() -> None:
    rows = ndjson_of(b"[1]\n{\n\xff\n")

    assert [(line, rule) for line, rule, _ in broken(rows)] == [(1, "object"), (2, "json"), (3, "encoding")]


def test_a_line_without_end_is_refused_rather_than_read_into_memory() -> None:
    with pytest.raises(MalformedInput, match="line 2 is over the limit of 1048576 characters"):
        ndjson_of(b"{}\n" + b"x" * (1 << 21))


def test_a_row_from_a_pipe_is_there_before_the_pipe_ends() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb", buffering=0) as producer:
        producer.write(b"identifier\nA\nB\n")
        with opened_text(source, "utf-8") as text:
            rows = csv_rows(text, {}, PREFIX)

            assert [next(rows).line, next(rows).line] == [2, 3]


def test_the_violation_of_a_ragged_row_names_the_measure() -> None:
    row = csv_of(b"identifier,note\nA\n")[0]

    assert row == BrokenRow(
        2, "88.118.8/A", Violation("", "columns", "has 1 fields, the header has 2", value="1", limit="2")
    )
