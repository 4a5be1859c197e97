"""Which text a cell of a sheet can hold."""

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

CELL_CHARACTERS_MAX = 32_767


def sheet_text(text: str) -> str:
    """The text without what XML cannot hold, cut to the length of a cell."""
    return ILLEGAL_CHARACTERS_RE.sub("\ufffd", text[:CELL_CHARACTERS_MAX])
