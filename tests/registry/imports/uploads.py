"""What tests of readers share: files as they are uploaded, and the rows that come of them."""

from pathlib import Path

from openpyxl import Workbook

from idnode.model.imports import ImportFormat, ReadingOptions
from idnode.model.template import Item, ItemType
from idnode.registry.imports.reading import Numbered, documents

CSV = ReadingOptions(ImportFormat.CSV)
NDJSON = ReadingOptions(ImportFormat.NDJSON)
XLSX = ReadingOptions(ImportFormat.XLSX)
ITEMS = (
    Item(2000, "colour", "颜色", ItemType.STRING),
    Item(2001, "length", "长度", ItemType.NUMBER),
    Item(2002, "count", "数量", ItemType.INTEGER),
    Item(2003, "made", "日期", ItemType.DATE),
    Item(2004, "passed", "合格", ItemType.BOOLEAN),
    Item(2005, "sealed", "封存时间", ItemType.DATETIME),
    Item(2006, "parts", "组成", ItemType.JSON),
)


def written(directory: Path, content: str | bytes, name: str = "rows") -> Path:
    """A file with this content."""
    path = directory / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows_of(directory: Path, content: str | bytes, options: ReadingOptions = CSV) -> list[Numbered]:
    """The rows of a file with this content."""
    return list(documents(written(directory, content), options, ITEMS))


def told(row: Numbered) -> list[tuple[str, str]]:
    """Pointer and rule of everything that is wrong with a row."""
    assert row.fault is not None
    return [(violation.pointer, violation.rule) for violation in row.fault.violations]


def workbook(directory: Path, *rows: list[object], name: str = "rows.xlsx", merged: str | None = None) -> Path:
    """A workbook with these rows in its only sheet."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    if merged is not None:
        sheet.merge_cells(merged)
    book.save(directory / name)
    return directory / name
