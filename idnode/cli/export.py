"""`idnode export`: the identifiers of a prefix into a file."""

from typing import Annotated

import typer
import uvloop

from idnode.cli.console import show_warning
from idnode.cli.destination import Destination, destination_of
from idnode.cli.downloads import save
from idnode.cli.files import STDIN
from idnode.cli.node_client import NodeClient
from idnode.cli.options import KeyOption, UrlOption
from idnode.cli.running import failures_shown
from idnode.model.record import State
from idnode.registry.exports.exporter import ExportFormat


def export(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="All identifiers of this prefix.")],
    export_format: Annotated[ExportFormat, typer.Option("--format", help="One record a line, or a table.")] = (
        ExportFormat.NDJSON
    ),
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Default: -, standard output.")] = STDIN,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="NAME,NAME…", help="Of CSV: fixed columns and names of attributes.")
    ] = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Export a prefix as one snapshot shows it. A FILE is there whole or not at all."""
    given = {"prefix": prefix, "format": export_format, "state": state, "columns": columns}
    query = {name: str(value) for name, value in given.items() if value is not None}
    with failures_shown(as_json=False):
        size = uvloop.run(_saved(destination_of(url, key), query, output))
        if output != STDIN:
            show_warning(f"{size:,} bytes in {output}")


async def _saved(destination: Destination, query: dict[str, str], output: str) -> int:
    async with NodeClient.connected(destination) as client, client.download("exports", query=query) as pieces:
        return await save(pieces, output)
