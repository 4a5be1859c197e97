"""The monthly report as a Word document (Office Open XML)."""

from io import BytesIO

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.section import WD_ORIENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt

from idnode.sync.monitoring.monthly import MonthlyReport
from idnode.sync.monitoring.monthly_layout import Section, Table, sections_of, title_of

LATIN_FONT = "Times New Roman"
CHINESE_FONT = "宋体"
POINTS = 9


def monthly_docx(report: MonthlyReport) -> bytes:
    """The whole document. It takes a tenth of a second of computing."""
    document = Document()
    _dress(document, report)
    document.add_heading(title_of(report), level=0)
    for section in sections_of(report):
        _add(document, section)
    written = BytesIO()
    document.save(written)
    return written.getvalue()


def _dress(document: WordDocument, report: MonthlyReport) -> None:
    """Landscape, for the tables are wide; fonts that show both scripts; no author from the library's template."""
    page = document.sections[0]
    page.orientation = WD_ORIENT.LANDSCAPE
    page.page_width, page.page_height = page.page_height, page.page_width
    for name in ("Normal", "Title", "Heading 1"):
        font = document.styles[name].font
        font.name = LATIN_FONT
        font.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), CHINESE_FONT)
    document.styles["Normal"].font.size = Pt(POINTS)
    properties = document.core_properties
    properties.title, properties.author, properties.comments = title_of(report), report.node, ""
    properties.created = properties.modified = report.made.replace(tzinfo=None)


def _add(document: WordDocument, section: Section) -> None:
    document.add_heading(section.heading, level=1)
    if section.table is not None:
        _add_table(document, section.table)
    for remark in section.remarks:
        document.add_paragraph(remark)


def _add_table(document: WordDocument, table: Table) -> None:
    rows = (table.header, *table.rows)
    grid = document.add_table(rows=len(rows), cols=len(table.header), style="Table Grid")
    for row, cells in zip(grid.rows, rows, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    # The header again on every page that the table goes on over.
    grid.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # noqa: SLF001  # the library has no name for it
    for cell in grid.rows[0].cells:
        for run in cell.paragraphs[0].runs:
            run.bold = True
