"""CSV as it really comes: encodings, delimiters, quotes, ragged rows, typed cells."""

from dataclasses import replace
from pathlib import Path

import pytest
from uploads import CSV, rows_of, told

from idnode.model.errors import InvalidInput, MalformedInput
from idnode.registry.imports.formats.csv_table import BLOCK_BYTES


def test_a_header_is_matched_by_names_and_titles_of_the_template(tmp_path: Path) -> None:
    text = '标识,颜色,length,数量,日期,合格,封存时间,组成\n88.118.8/A,深蓝,12.5,7,2026/1/5,是,2026-01-05 8:30,"[1]"\n'

    [row] = rows_of(tmp_path, text)

    assert row.row == 1
    assert row.document == {
        "identifier": "88.118.8/A",
        "attributes": {
            "colour": "深蓝",
            "length": 12.5,
            "count": 7,
            "made": "2026-01-05",
            "passed": True,
            "sealed": "2026-01-05T08:30:00+08:00",
            "parts": [1],
        },
    }


def test_every_cell_that_does_not_fit_its_item_is_told_and_the_neighbours_are_read(tmp_path: Path) -> None:
    text = (
        "identifier,colour,length,count,made,passed,sealed,parts\n"
        '88.118.8/A,1.0E+10,"1,5",7.5,2026-02-30,maybe,soon,{\n'
        "88.118.8/B,red,,,,,,\n"
    )

    bad, good = rows_of(tmp_path, text)

    assert told(bad) == [
        ("/attributes/colour", "shortened-number"),
        ("/attributes/length", "number"),
        ("/attributes/count", "integer"),
        ("/attributes/made", "date"),
        ("/attributes/passed", "boolean"),
        ("/attributes/sealed", "datetime"),
        ("/attributes/parts", "json"),
    ]
    assert good.document == {"identifier": "88.118.8/B", "attributes": {"colour": "red"}}


def test_a_number_that_a_spreadsheet_shortened_is_refused_with_advice_also_as_identifier(tmp_path: Path) -> None:
    [row] = rows_of(tmp_path, "identifier,count\n6.9E+12,1.0E+10\n")

    assert told(row) == [("/identifier", "shortened-number"), ("/attributes/count", "shortened-number")]
    assert row.fault is not None
    assert "format the column as text" in row.fault.violations[0].detail


def test_ragged_rows_are_told_with_what_was_expected_and_found(tmp_path: Path) -> None:
    short, long, right = rows_of(tmp_path, "identifier,colour\n88.118.8/A\n88.118.8/B,red,1\n88.118.8/C,red\n")

    assert short.fault is not None
    assert short.fault.violations[0].detail == "the row has 1 cells, the header has 2"
    assert (short.fault.violations[0].value, short.fault.violations[0].limit) == ("1", "2 columns")
    assert told(long) == [("", "columns")]
    assert (right.row, right.fault) == (3, None)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_seen_in_the_header(tmp_path: Path, delimiter: str) -> None:
    [row] = rows_of(tmp_path, f'identifier{delimiter}"colour"\n88.118.8/A{delimiter}"a{delimiter}b"\n')

    assert row.document == {"identifier": "88.118.8/A", "attributes": {"colour": f"a{delimiter}b"}}


def test_a_delimiter_that_is_said_wins_over_the_header(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no column of identifiers"):
        rows_of(tmp_path, "identifier,colour\n", replace(CSV, delimiter=";"))

    with pytest.raises(InvalidInput, match="x is no delimiter"):
        rows_of(tmp_path, "identifier,colour\n", replace(CSV, delimiter="x"))


def test_line_ends_in_quotes_belong_to_the_cell_and_blank_rows_are_counted(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, 'identifier,colour\r\n88.118.8/A,"dark\r\nblue"\r\n,\r\n\r\n88.118.8/B,red\r\n')

    assert [row.row for row in rows] == [1, 4]
    assert rows[0].document == {"identifier": "88.118.8/A", "attributes": {"colour": "dark\r\nblue"}}


def test_a_quote_that_is_not_closed_spoils_its_own_row_alone(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, 'identifier,colour\n88.118.8/A,"red\n88.118.8/B,"blue"\n88.118.8/C,"sea ""green"""\n')

    assert told(rows[0]) == [("", "csv-quotes")]
    assert [row.document for row in rows[1:]] == [
        {"identifier": "88.118.8/B", "attributes": {"colour": "blue"}},
        {"identifier": "88.118.8/C", "attributes": {"colour": 'sea "green"'}},
    ]
    assert [row.row for row in rows] == [1, 2, 3]


def test_a_quote_that_is_open_at_the_end_of_the_file_spoils_its_own_row_alone(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, 'identifier,colour\n88.118.8/A,"red\n88.118.8/B,blue\n')

    assert told(rows[0]) == [("", "csv-quotes")]
    assert rows[1].document == {"identifier": "88.118.8/B", "attributes": {"colour": "blue"}}


def test_a_file_of_broken_quotes_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="over 100 rows have broken quotes"):
        rows_of(tmp_path, "identifier,colour\n" + '88.118.8/A,"red"x\n' * 101)


def test_gbk_is_recognised_and_read_as_gb18030(tmp_path: Path) -> None:
    [row] = rows_of(tmp_path, "标识,颜色\n88.118.8/A,深蓝\n".encode("gbk"))

    assert row.document == {"identifier": "88.118.8/A", "attributes": {"colour": "深蓝"}}


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    [row] = rows_of(tmp_path, "\ufeffidentifier,颜色\n88.118.8/A,深蓝\n")

    assert row.document == {"identifier": "88.118.8/A", "attributes": {"colour": "深蓝"}}


def test_bytes_outside_the_encoding_spoil_their_row_and_are_found_by_their_offset(tmp_path: Path) -> None:
    content = "identifier,颜色\n88.118.8/A,深蓝\n".encode() + b"88.118.8/B,\xff\n" + "88.118.8/C,红\n".encode()

    rows = rows_of(tmp_path, content)

    assert told(rows[1]) == [("", "encoding")]
    assert rows[1].fault is not None
    assert rows[1].fault.violations[0].value == f"byte {content.index(0xFF)}"
    assert [row.fault for row in (rows[0], rows[2])] == [None, None]


def test_rows_across_blocks_are_whole_and_a_bad_byte_far_behind_is_found(tmp_path: Path) -> None:
    line = "88.118.8/A,深蓝" + "x" * 500 + "\n"
    count = 3 * BLOCK_BYTES // len(line.encode())
    content = ("identifier,颜色\n" + line * count).encode() + b"88.118.8/B,\xff\n"

    rows = rows_of(tmp_path, content)

    assert len(rows) == count + 1
    assert [row.row for row in rows if row.fault] == [count + 1]
    assert rows[-1].fault is not None
    assert rows[-1].fault.violations[0].value == f"byte {len(content) - 2}"


def test_a_line_over_the_limit_is_refused_and_passed_over(tmp_path: Path) -> None:
    long = "88.118.8/B," + "y" * 3_000_000

    first, bad, last = rows_of(tmp_path, f"identifier,colour\n88.118.8/A,red\n{long}\n88.118.8/C,red\n")

    assert told(bad) == [("", "max-line-bytes")]
    assert bad.fault is not None
    assert bad.fault.violations[0].value == f"{len(long) + 1} bytes"
    assert (first.fault, last.fault, last.row) == (None, None, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("identifier,colour,colour\n", "columns 2 and 3 of the header are both named colour"),
        ("identifier,color\n", "no item of the column color; is colour meant"),
        ("colour\n", "no column of identifiers"),
        ("identifier,colour,颜色\n", "are both item colour"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        rows_of(tmp_path, text)


def test_a_file_in_utf_16_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="UTF-16; save it as UTF-8"):
        rows_of(tmp_path, "identifier\n88.118.8/A\n".encode("utf-16"))
