"""The file of rejected rows: as it was uploaded, with the reason, ready to be mended and sent again."""

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from uploads import CSV, ITEMS, NDJSON, XLSX, workbook, written

from idnode.model.imports import ReadingOptions
from idnode.registry.imports.formats.apostrophes import defused, restored
from idnode.registry.imports.reading import documents
from idnode.registry.imports.rejected import Rejection, rejected_rows

DANGEROUS = "=cmd|' /C calc'!A0"


def test_rejected_rows_of_a_csv_have_their_reason_in_a_last_column(tmp_path: Path) -> None:
    path = written(tmp_path, "标识;颜色\n88.118.8/A;红\n88.118.8/B;蓝\n88.118.8/C;绿;x\n".encode("gbk"))

    made = _rejected(path, CSV, (2, "already-registered: 88.118.8/B is registered"), (3, "columns"))

    assert made.decode("utf-8") == (
        "\ufeff标识,颜色,原因/reason\r\n"
        "88.118.8/B,蓝,already-registered: 88.118.8/B is registered\r\n"
        "88.118.8/C,绿,x,columns\r\n"
    )


def test_a_mended_file_can_be_sent_again_and_cells_come_back_as_they_were(tmp_path: Path) -> None:
    cells = ["=1+1", "+86 10", "-5", "@x", "'=1", "''@", "'x", "-", "\tx"]
    text = "identifier,colour\n" + "".join(f'88.118.8/{at},"{cell}"\n' for at, cell in enumerate(cells))
    path = written(tmp_path, text)

    made = _rejected(path, CSV, *((at + 1, "no") for at in range(len(cells))))

    lines = made.decode("utf-8-sig").splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == [
        "'=1+1", "'+86 10", "-5", "'@x", "''=1", "'''@", "'x", "'-", "'\tx",
    ]  # fmt: skip
    assert _attributes(written(tmp_path, made), CSV) == cells


def test_a_second_file_of_rejected_rows_has_one_reason_the_last(tmp_path: Path) -> None:
    first = _rejected(written(tmp_path, "identifier,colour\n88.118.8/A,=x\n"), CSV, (1, "first"))

    second = _rejected(written(tmp_path, first), CSV, (1, "second"))

    assert second.decode("utf-8-sig") == "identifier,colour,原因/reason\r\n88.118.8/A,''=x,second\r\n"


def test_a_sheet_of_rejected_rows_holds_text_alone_and_reads_back(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["identifier", "颜色", "长度"], ["88.118.8/A", "+86 10", 12.5], ["88.118.8/B", "=1+1"])

    made = _rejected(path, XLSX, (1, "=reason"), (2, "formula: cell B3 holds a formula"))

    sheet = load_workbook(io.BytesIO(made)).active
    assert sheet is not None
    assert list(sheet.iter_rows(values_only=True)) == [
        ("identifier", "颜色", "长度", "原因/reason"),
        ("88.118.8/A", "'+86 10", "12.5", "'=reason"),
        ("88.118.8/B", "'=1+1", None, "formula: cell B3 holds a formula"),
    ]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} == {"s"}
    again = list(documents(written(tmp_path, made, "again.xlsx"), XLSX, ITEMS))
    assert [row.document for row in again] == [
        {"identifier": "88.118.8/A", "attributes": {"colour": "+86 10", "length": 12.5}},
        {"identifier": "88.118.8/B", "attributes": {"colour": "=1+1"}},
    ]


def test_rejected_lines_keep_how_they_were_written_and_get_a_member_that_the_reader_passes_over(tmp_path: Path) -> None:
    lines = ['{"identifier":"88.118.8/A","n":1.50}', "[1]", '{"identifier":', "{}", '{"reason":"old","op":"x"}']
    path = written(tmp_path, "\n".join(lines))

    made = _rejected(path, NDJSON, *((row, "why") for row in (1, 2, 3, 4, 5)))

    assert made.decode().splitlines() == [
        '{"identifier":"88.118.8/A","n":1.50,"reason":"why"}',
        '{"line":"[1]","reason":"why"}',
        '{"line":"{\\"identifier\\":","reason":"why"}',
        '{"reason":"why"}',
        '{"op":"x","reason":"why"}',
    ]
    assert [row.document for row in documents(written(tmp_path, made.splitlines()[0]), NDJSON)] == [
        {"identifier": "88.118.8/A", "n": 1.5}
    ]


def test_rejected_lines_of_a_gbk_file_are_utf_8(tmp_path: Path) -> None:
    path = written(tmp_path, '{"identifier":"88.118.8/标识"}\n'.encode("gbk"))

    assert _rejected(path, NDJSON, (1, "原因")).decode() == '{"identifier":"88.118.8/标识","reason":"原因"}\n'


def test_without_a_header_there_is_none(tmp_path: Path) -> None:
    options = replace(CSV, has_header=False, mapping={"identifier": 1, "attributes": {"colour": 2}})
    path = written(tmp_path, "88.118.8/A,red\n88.118.8/B,blue\n")

    assert _rejected(path, options, (2, "no")).decode("utf-8-sig") == "88.118.8/B,blue,no\r\n"


@given(st.text(alphabet="'=+-@\t\r1a.eE5", max_size=6))
def test_defusing_is_undone_exactly(cell: str) -> None:
    assert restored(defused(cell)) == cell


@given(st.text(alphabet="'=+-@\t\r1a.eE5", max_size=6))
def test_what_was_defused_runs_nothing(cell: str) -> None:
    made = defused(cell)

    assert made[:1] not in ("=", "@", "\t", "\r")
    if made[:1] in ("+", "-"):
        float(made)


def test_the_classic_injection_is_defused() -> None:
    assert defused(DANGEROUS) == "'" + DANGEROUS


@pytest.mark.parametrize("cell", ["-5", "+5", "-1.5", "-2.5e-3", "5", "", "abc", "'", "'abc"])
def test_numbers_and_plain_text_stay_as_they_are(cell: str) -> None:
    assert defused(cell) == cell


def _rejected(path: Path, options: ReadingOptions, *reasons: tuple[int, str]) -> bytes:
    rejections: Iterable[Rejection] = (Rejection(row, reason) for row, reason in reasons)
    return b"".join(rejected_rows(path, options, iter(rejections)))


def _attributes(path: Path, options: ReadingOptions) -> list[object]:
    found = [row.document for row in documents(path, options, ITEMS)]
    return [document["attributes"]["colour"] for document in found if document]  # type: ignore[index]  # documents
