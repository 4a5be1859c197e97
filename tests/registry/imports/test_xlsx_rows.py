"""XLSX: what a sheet says beyond text, and archives that are none or too much."""

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from uploads import ITEMS, XLSX, told, workbook, written

from idnode.model.errors import InvalidInput, MalformedInput
from idnode.registry.imports.formats import archive
from idnode.registry.imports.reading import Numbered, documents

HEADER: list[object] = ["identifier", "颜色", "长度", "数量", "日期", "合格", "封存时间"]


def test_cells_become_attributes_by_their_type(tmp_path: Path) -> None:
    path = workbook(
        tmp_path,
        HEADER,
        ["88.118.8/A", 20260105, 12.5, 7.0, date(2026, 1, 5), True, datetime(2026, 1, 5, 8, 30)],  # noqa: DTZ001
        [],
        ["88.118.8/B", "红"],
    )

    first, second = _rows(path)

    assert first.document == {
        "identifier": "88.118.8/A",
        "attributes": {
            "colour": "20260105",
            "length": 12.5,
            "count": 7,
            "made": "2026-01-05",
            "passed": True,
            "sealed": "2026-01-05T08:30:00+08:00",
        },
    }
    assert (second.row, second.document) == (3, {"identifier": "88.118.8/B", "attributes": {"colour": "红"}})


def test_formulas_errors_and_numbers_that_lost_digits_are_told_by_their_cell(tmp_path: Path) -> None:
    path = workbook(
        tmp_path,
        HEADER,
        ["88.118.8/A", '=CONCAT("re","d")'],
        ["88.118.8/B", "#N/A"],
        [69012345678901234567, "red"],
        ["88.118.8/D", "red"],
    )

    rows = _rows(path)

    assert [told(row) for row in rows[:3]] == [[("", "formula")], [("", "cell-error")], [("", "number-digits")]]
    assert rows[0].fault is not None
    assert "cell B2 holds a formula" in rows[0].fault.detail
    assert rows[3].fault is None


def test_a_formula_in_a_column_that_is_not_asked_for_does_no_harm(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["卷号", "合计"], ["88.118.8/A", "=1+1"])

    [row] = documents(path, replace(XLSX, mapping={"identifier": "卷号"}))

    assert row.document == {"identifier": "88.118.8/A"}


def test_merged_cells_are_told_by_their_range(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADER, ["88.118.8/A", "red"], ["88.118.8/B", None], ["88.118.8/C", "x"], merged="B2:B3")

    rows = _rows(path)

    assert [told(row) for row in rows[:2]] == [[("", "merged-cells")], [("", "merged-cells")]]
    assert rows[0].fault is not None
    assert rows[0].fault.violations[0].value == "B2:B3"
    assert rows[2].fault is None


def test_merged_cells_in_the_header_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADER, ["88.118.8/A"], merged="A1:B1")

    with pytest.raises(InvalidInput, match="A1:B1 are merged"):
        _rows(path)


def test_a_sheet_is_taken_by_its_name(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADER, ["88.118.8/A"])

    assert len(list(documents(path, replace(XLSX, sheet="Sheet"), ITEMS))) == 1

    with pytest.raises(InvalidInput, match="no sheet 数据; the workbook has Sheet"):
        list(documents(path, replace(XLSX, sheet="数据")))


def test_what_the_file_says_of_its_extent_is_not_believed(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADER, ["88.118.8/A", "red"])
    _rewrite(path, "xl/worksheets/sheet1.xml", lambda part: part.replace(b'ref="A1:G2"', b'ref="A1:XFD1048576"'))

    assert [row.document for row in _rows(path)] == [{"identifier": "88.118.8/A", "attributes": {"colour": "red"}}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"identifier,colour\n", "the XLSX file is damaged: File is not a zip file"),
        (b"", "the XLSX file is damaged"),
        (b"PK\x03\x04 and nothing more", "the XLSX file is damaged"),
    ],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(MalformedInput, match=message):
        _rows(written(tmp_path, content))


def test_an_archive_with_a_csv_inside_is_refused_with_advice(tmp_path: Path) -> None:
    path = _archive(tmp_path, {"rows.csv": b"identifier\n88.118.8/A\n"})

    with pytest.raises(MalformedInput, match=r"no XLSX workbook, it holds rows\.csv; send the CSV itself, or gzip"):
        _rows(path)


def test_a_part_that_is_missing_is_told_as_damage(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADER)
    _rewrite(path, "xl/workbook.xml", lambda _: b"<workbook/>")

    with pytest.raises(MalformedInput, match=r"no sheet of cells|does not hold together"):
        _rows(path)


def test_bombs_are_refused_before_anything_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = _archive(tmp_path, {"[Content_Types].xml": b"<Types/>", "xl/worksheets/sheet1.xml": b" " * (100 << 20)})
    many = _archive(tmp_path, {f"xl/{number}.xml": b"" for number in range(2_001)}, name="many")
    path = workbook(tmp_path, HEADER, ["88.118.8/A", "red"])

    with pytest.raises(MalformedInput, match="over 200 for one"):
        _rows(bomb)
    with pytest.raises(MalformedInput, match="2001 entries, the limit is 2000 entries"):
        _rows(many)
    with pytest.raises(MalformedInput, match="the limit is 1000 bytes"):
        list(documents(path, replace(XLSX, bytes_max=1_000)))
    monkeypatch.setattr(archive, "PART_BYTES_MAX", 1_500)
    with pytest.raises(MalformedInput, match=r"the part xl/theme/theme1\.xml has 10140 bytes; save the sheet as CSV"):
        _rows(path)


def test_texts_that_cells_share_are_read_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _sharing(workbook(tmp_path, ["identifier", "颜色"], ["88.118.8/A", "x"]), "深蓝")

    [row] = _rows(path)

    assert row.document == {"identifier": "88.118.8/A", "attributes": {"colour": "深蓝"}}

    monkeypatch.setattr(archive, "SHARED_STRINGS_BYTES_MAX", 100)
    with pytest.raises(MalformedInput, match=r"sharedStrings\.xml has .* save the sheet as CSV"):
        _rows(path)


def test_entities_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADER, ["88.118.8/A"])
    declared = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>'
    _rewrite(path, "xl/worksheets/sheet1.xml", lambda part: declared + part)

    with pytest.raises(MalformedInput):
        _rows(path)


def test_a_cell_of_endless_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path, HEADER, ["88.118.8/A"])
    monkeypatch.setattr(archive, "MARKUP_GAP_BYTES_MAX", 1_000)
    _rewrite(
        path, "xl/worksheets/sheet1.xml", lambda part: part.replace(b"<sheetData>", b"<sheetData>" + b" " * 2_000_000)
    )

    with pytest.raises(MalformedInput, match="a cell of the sheet is too long"):
        _rows(path)


def _rows(path: Path) -> list[Numbered]:
    return list(documents(path, XLSX, ITEMS))


def _archive(directory: Path, parts: dict[str, bytes], name: str = "archive") -> Path:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for part, content in parts.items():
            made.writestr(part, content)
    return written(directory, packed.getvalue(), name)


def _sharing(path: Path, text: str) -> Path:
    """The workbook with the cell B2 as programs other than openpyxl write texts."""
    main, sheet = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "xl/worksheets/sheet1.xml"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    with zipfile.ZipFile(path) as before:
        parts = {name: before.read(name) for name in before.namelist()}
    parts[sheet] = re.sub(rb'<c r="B2".*?</c>', b'<c r="B2" t="s"><v>0</v></c>', parts[sheet])
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(b"</Types>", override.encode())
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{main}" count="1"><si><t>{text}</t></si></sst>'.encode()
    return _archive(path.parent, parts, path.name)


def _rewrite(path: Path, part: str, change: Callable[[bytes], bytes]) -> None:
    with zipfile.ZipFile(path) as before:
        parts = {name: before.read(name) for name in before.namelist()}
    assert change(parts[part]) != parts[part]
    _archive(path.parent, parts | {part: change(parts[part])}, path.name)
