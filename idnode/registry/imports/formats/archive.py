"""The ZIP archive that an XLSX file is, looked at before anything of it is unpacked."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import ParseError  # the class alone: reading is defusedxml's

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from openpyxl.utils.cell import range_boundaries

from idnode.model.errors import MalformedInput, Violation, shown

ENTRIES_MAX = 2_000
RATIO_MAX = 200
RATIO_FREE_BYTES = 64 << 20
"""As for gzip (unpacking.py)."""
SHARED_STRINGS_BYTES_MAX = 128 << 20
"""Every text of the sheets stands there once, and all of them are in memory while rows are read."""
PART_BYTES_MAX = 32 << 20
"""Of styles, names and whatever else is read as a whole."""
MARKUP_GAP_BYTES_MAX = 1 << 20
"""Without any markup: a cell holds 32,767 characters at most."""
BLOCK_BYTES = 1 << 18
MERGED_CELLS_MAX = 1_000_000
_CONTENTS = "[Content_Types].xml"
_SHEETS = "xl/worksheets/"
_SHEET_TYPE = ".worksheet+xml"
_STRINGS_TYPE = ".sharedStrings+xml"
_REFERENCE_BYTES_MAX = 200
_MERGED = re.compile(rb'mergeCell\s[^<>]{0,100}?ref="([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})"')


_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ParseError, DefusedXmlException,
)  # fmt: skip
"""What reading a damaged or made-up archive raises; RuntimeError is a password, NotImplementedError a packing."""


@contextmanager
def archive_errors() -> Iterator[None]:
    """Turn what the readers of archives raise into MalformedInput."""
    try:
        yield
    except _BROKEN as error:
        raise _refused("zip", f"the XLSX file is damaged: {error or type(error).__name__}; save it again") from error


def require_harmless(path: Path, *, bytes_max: int) -> None:
    """Raises MalformedInput for what is no XLSX, and for one that would unpack to too much.

    The sizes are those that the archive tells; Python's zipfile gives no byte more than that of any entry.
    """
    with archive_errors(), zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > ENTRIES_MAX:
            raise _refused("max-entries", f"the archive has {len(entries)} entries", f"{ENTRIES_MAX} entries")
        _require_bytes(entries, path.stat().st_size, bytes_max)
        sheets = _sheets(archive, entries)
        for entry in entries:
            if entry.filename not in sheets:
                _require_part(entry)


def _sheets(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> frozenset[str]:
    """The parts that are read as a stream: the table of contents says so, and they lie where sheets lie."""
    contents = next((entry for entry in entries if entry.filename == _CONTENTS), None)
    if contents is None or not any(entry.filename.startswith("xl/") for entry in entries):
        first = shown(entries[0].filename) if entries else "nothing"
        raise _refused("xlsx", f"this ZIP archive is no XLSX workbook, it holds {first}; send the CSV itself, or gzip")
    _require_part(contents)
    found = fromstring(archive.read(contents)).iter()
    types = {each.get("PartName", "").lstrip("/"): each.get("ContentType", "") for each in found}
    strings = frozenset(name for name, type in types.items() if type.endswith(_STRINGS_TYPE))
    for entry in entries:
        if entry.filename in strings:
            _require_size(entry, SHARED_STRINGS_BYTES_MAX)
    streamed = {name for name, type in types.items() if type.endswith(_SHEET_TYPE) and name.startswith(_SHEETS)}
    return strings | streamed


class Merged(NamedTuple):
    """Cells that a sheet shows as one: only the first of them has the value."""

    reference: str
    first_row: int
    last_row: int
    first_column: int
    last_column: int

    @property
    def cells(self) -> int:
        """How many they are."""
        return (self.last_row - self.first_row + 1) * (self.last_column - self.first_column + 1)


def surveyed(path: Path, sheet: str) -> list[Merged]:
    """The merged cells of a sheet, which stand behind its rows.

    Raises MalformedInput for text so long that reading it would take its size in memory, and for too many merged cells.
    """
    merged: list[Merged] = []
    with archive_errors(), zipfile.ZipFile(path) as archive, archive.open(sheet) as part:
        gap, tail = 0, b""
        while block := part.read(BLOCK_BYTES):
            last = block.rfind(b"<")
            gap = len(block) - last if last >= 0 else gap + len(block)
            if gap > MARKUP_GAP_BYTES_MAX:
                raise _refused("max-text-bytes", "a cell of the sheet is too long", f"{MARKUP_GAP_BYTES_MAX} bytes")
            text = tail + block
            # What may go on in the next block is looked at there.
            tail = text[-_REFERENCE_BYTES_MAX:] if b"mergeCell" in text[-_REFERENCE_BYTES_MAX:] else text[-16:]
            merged += [_merged(match) for match in _MERGED.finditer(text)]
    merged = list(dict.fromkeys(merged))
    cells = sum(each.cells for each in merged)
    if cells > MERGED_CELLS_MAX:
        raise _refused("max-merged-cells", f"{cells} cells are merged with others", f"{MERGED_CELLS_MAX} cells")
    return merged


def _merged(match: re.Match[bytes]) -> Merged:
    reference = match[1].decode()
    first_column, first_row, last_column, last_row = range_boundaries(reference)
    return Merged(reference, first_row or 0, last_row or 0, first_column or 0, last_column or 0)


def _require_bytes(entries: list[zipfile.ZipInfo], packed: int, bytes_max: int) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > bytes_max:
        raise _refused("max-bytes", f"the file unpacks to {unpacked} bytes", f"{bytes_max} bytes")
    if unpacked > RATIO_FREE_BYTES and unpacked > packed * RATIO_MAX:
        detail = f"{packed} bytes would unpack to {unpacked}; over {RATIO_MAX} for one is no workbook of rows"
        raise _refused("max-ratio", detail, f"{RATIO_MAX} bytes for one")


def _require_part(entry: zipfile.ZipInfo) -> None:
    if entry.filename.lower().endswith((".xml", ".rels")):
        _require_size(entry, PART_BYTES_MAX)


def _require_size(entry: zipfile.ZipInfo, limit: int) -> None:
    if entry.file_size > limit:
        detail = f"the part {shown(entry.filename)} has {entry.file_size} bytes; save the sheet as CSV UTF-8"
        raise _refused("max-part-bytes", detail, f"{limit} bytes")


def _refused(rule: str, detail: str, limit: str | None = None) -> MalformedInput:
    told = f"{detail}, the limit is {limit}" if limit is not None else detail
    return MalformedInput(told, violations=(Violation("", rule, told, None, limit),))
