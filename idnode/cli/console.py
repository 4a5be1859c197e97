"""What people and programs read: tables and lines for the first, JSON for the second, errors on standard error."""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from idnode.cli.errors import NodeRefused
from idnode.config import InvalidSettings
from idnode.frontends.problems import PROBLEM_TYPE, violation_document
from idnode.model.errors import IdnodeError, Violation

PIPED_WIDTH = 200
"""Columns of a table that goes into a file or a pipe."""
WHOLE_CELL_WIDTH_MAX = 40


def printable(text: str) -> str:
    """`text` on one line, with what a terminal would obey rather than show escaped: records are written by others."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)


def moment_text(moment: datetime | None) -> str:
    """`2026-11-24 07:18:31Z`, nothing for None."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def show_json(document: object) -> None:
    """One JSON document as one line."""
    show_json_bytes(orjson.dumps(document))


def show_json_bytes(document: bytes) -> None:
    """A JSON document that is ready to be shown."""
    typer.echo(document)


def show_line(text: str) -> None:
    """One line of result."""
    typer.echo(printable(text))


def show_warning(text: str) -> None:
    """One line beside the result, on standard error."""
    # Not typer.echo, which would write past a progress bar into its line.
    sys.stderr.write(f"{printable(text)}\n")


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table; long cells are wrapped, never cut."""
    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    cells = [[printable(cell) for cell in row] for row in rows]
    for row in cells:
        table.add_row(*row)
    # What the first column holds is a name or an id, to be copied in one piece.
    table.columns[0].no_wrap = all(cell_len(row[0]) <= WHOLE_CELL_WIDTH_MAX for row in cells)
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def show_failure(error: IdnodeError, *, as_json: bool) -> None:
    """One line, then one for each violation. With `as_json` the problem document is the output as well."""
    show_warning(f"idnode: {_headline(error)}")
    for violation in error.violations:
        show_warning(f"  {violation_line(violation)}")
    if isinstance(error, NodeRefused) and error.referral is not None:
        show_warning(f"  ask there: {orjson.dumps(error.referral).decode()}")
    if as_json:
        show_json({"problem": failure_document(error)})


def violation_line(violation: Violation) -> str:
    """Where, which rule, what, and the measure."""
    place = violation.item or violation.pointer or "body"
    measure = [f"value {violation.value}"] if violation.value is not None else []
    measure += [f"limit {violation.limit}"] if violation.limit is not None else []
    end = f" ({', '.join(measure)})" if measure else ""
    return f"{place}: {violation.rule}: {violation.detail}{end}"


def failure_document(error: IdnodeError) -> dict[str, object]:
    """A problem document (RFC 9457) for an error of the node or of the command line."""
    document: dict[str, object] = {"type": PROBLEM_TYPE + error.code, "detail": error.detail}
    if isinstance(error, NodeRefused):
        document |= {"type": PROBLEM_TYPE + error.refused_as, "title": error.title, "status": error.status}
        if error.referral is not None:
            document["referral"] = error.referral
    if error.violations:
        document["errors"] = [violation_document(violation) for violation in error.violations]
    return document


def _headline(error: IdnodeError) -> str:
    if isinstance(error, InvalidSettings):
        count = len(error.violations)
        return "a setting is wrong" if count == 1 else f"{count} settings are wrong"
    return error.detail


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
