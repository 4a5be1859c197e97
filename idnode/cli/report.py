"""`idnode report`: the monthly report of a node, as a file."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from idnode.cli.console import show_warning
from idnode.cli.destination import Destination, destination_of
from idnode.cli.errors import WrongUsage
from idnode.cli.exits import EPILOG
from idnode.cli.node_client import NodeClient
from idnode.cli.options import KeyOption, UrlOption
from idnode.cli.running import failures_shown
from idnode.sync.monitoring.months import Month


class ReportForm(StrEnum):
    """Forms of the report."""

    MD = "md"
    DOCX = "docx"
    JSON = "json"


report = typer.Typer(name="report", help="Reports for the top node.", no_args_is_help=True, epilog=EPILOG)


@report.callback()
def _group() -> None:
    """Reports for the top node."""


@report.command(epilog=EPILOG)
def monthly(
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help="Which month, by Beijing time, as in 2026-10.")],
    form: Annotated[ReportForm, typer.Option("--format", help="Markdown, Word or JSON.")] = ReportForm.MD,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it. Default: standard output.")
    ] = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Fetch the monthly report (SLA, round-trip times, stops, emergencies) from the node."""
    with failures_shown(as_json=False):
        if Month.parse(month) is None:
            raise WrongUsage(f"--month takes a month such as 2026-10, not '{month}'")
        if output is None and form is ReportForm.DOCX:
            raise WrongUsage("a Word document is no text for standard output: give --output FILE")
        body = uvloop.run(_fetched(destination_of(url, key), month, form))
        if output is None:
            typer.echo(body, nl=False)
            return
        _write(output, body)
    show_warning(f"wrote {output} ({len(body)} bytes)")


async def _fetched(destination: Destination, month: str, form: ReportForm) -> bytes:
    async with NodeClient.connected(destination) as client:
        return (await client.read("monitoring", "reports", month, query={"format": form})).body


def _write(path: Path, body: bytes) -> None:
    try:
        path.write_bytes(body)
    except OSError as error:
        raise WrongUsage(f"cannot write {path}: {error.strerror}") from error
