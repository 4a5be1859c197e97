"""The monthly report as Markdown (CommonMark with tables)."""

import re

from idnode.sync.monitoring.monthly import MonthlyReport
from idnode.sync.monitoring.monthly_layout import Section, Table, sections_of, title_of

_SPECIAL = re.compile(r"([\\`*_\[\]<>|])")
"""What would be more than itself. Causes and remedies are written by people."""


def monthly_markdown(report: MonthlyReport) -> bytes:
    """The whole document, UTF-8."""
    parts = [f"# {_escaped(title_of(report))}", *map(_section, sections_of(report))]
    return ("\n\n".join(parts) + "\n").encode()


def _section(section: Section) -> str:
    table = [] if section.table is None else [_table(section.table)]
    return "\n\n".join([f"## {_escaped(section.heading)}", *table, *map(_escaped, section.remarks)])


def _table(table: Table) -> str:
    return "\n".join([_row(table.header), "|" + " --- |" * len(table.header), *map(_row, table.rows)])


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(map(_escaped, cells)) + " |"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
