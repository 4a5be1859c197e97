"""`idnode register`: rows of a file become identifiers."""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from io import TextIOWrapper
from typing import Annotated, BinaryIO

import typer
import uvloop

from idnode.cli.attempts import Registrar
from idnode.cli.destination import Destination, destination_of
from idnode.cli.errors import WrongUsage
from idnode.cli.files import opened
from idnode.cli.node_client import NodeClient
from idnode.cli.options import JsonOption, KeyOption, UrlOption
from idnode.cli.pipeline import register_rows
from idnode.cli.rows import Additions, BrokenRow, Row, csv_rows, ndjson_rows, opened_text
from idnode.cli.running import failures_shown
from idnode.cli.tally import Tally
from idnode.frontends.v1.schemas.templates import TemplateOut
from idnode.model.template import Item

CONCURRENCY_DEFAULT = 16
CONCURRENCY_MAX = 256
RETRIES_DEFAULT = 8


class RowFormat(StrEnum):
    """How rows are written."""

    CSV = "csv"
    NDJSON = "ndjson"


_FORMAT_OF_ENDING = {".csv": RowFormat.CSV, ".ndjson": RowFormat.NDJSON, ".jsonl": RowFormat.NDJSON}


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what is read, how it is completed, how it is sent."""

    file: BinaryIO
    row_format: RowFormat
    encoding: str
    additions: Additions
    dry_run: bool
    concurrency: int
    retries: int


def register(
    file: Annotated[str, typer.Argument(metavar="FILE", help="CSV or NDJSON; - reads standard input.")],
    row_format: Annotated[
        RowFormat | None, typer.Option("--format", help="Default: by the name, *.csv or *.ndjson.")
    ] = None,
    template: Annotated[
        tuple[str, str] | None, typer.Option(metavar="PREFIX VERSION", help="Template of rows that name none.")
    ] = None,
    template_prefix: Annotated[
        str | None, typer.Option(metavar="PREFIX", help="The prefix alone; with --template-version.")
    ] = None,
    template_version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="The version alone; with --template-prefix.")
    ] = None,
    prefix: Annotated[str | None, typer.Option(help="Put before identifiers that have no slash.")] = None,
    encoding: Annotated[str, typer.Option(help="Of the file: utf-8, or gb18030 as spreadsheets write it.")] = "utf-8",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row, register none.")] = False,
    concurrency: Annotated[
        int, typer.Option(min=1, max=CONCURRENCY_MAX, help="Rows under way at once.")
    ] = CONCURRENCY_DEFAULT,
    retries: Annotated[
        int, typer.Option(min=0, max=100, help="How often a row is sent again while the node is away.")
    ] = RETRIES_DEFAULT,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register the rows of a file.

    NDJSON rows are bodies of POST /v1/identifiers. CSV has a column identifier; the others are attributes of the
    template, and a column url becomes a value of type URL. Run it again after a crash: nothing is registered twice.
    """
    tally = Tally(as_json=as_json, dry_run=dry_run)
    with failures_shown(as_json=as_json), opened(file) as source:
        additions = Additions(prefix, _template_name(template, template_prefix, template_version))
        chosen = row_format or _format_of(file)
        run = Run(source, chosen, encoding, additions, dry_run, concurrency, retries)
        uvloop.run(_register(destination_of(url, key), run, tally))
    raise typer.Exit(tally.exit)


async def _register(destination: Destination, run: Run, tally: Tally) -> None:
    async with NodeClient.connected(destination, connections_max=run.concurrency) as client:
        with opened_text(run.file, run.encoding) as text:
            rows = await _rows(client, run, text)
            registrar = _registrar(client, run)
            # The summary is the last line of JSON, so what stopped the run stands in it.
            with failures_shown(as_json=False), tally.shown(run.file):
                await register_rows(rows, registrar.register, tally.report, concurrency=run.concurrency)


def _registrar(client: NodeClient, run: Run) -> Registrar:
    return Registrar(
        client,
        dry_run=run.dry_run,
        retries=run.retries,
        pause=asyncio.sleep,
        jitter=random.random,
        monotonic=time.monotonic,
    )


async def _rows(client: NodeClient, run: Run, text: TextIOWrapper) -> Iterator[Row | BrokenRow]:
    if run.row_format is RowFormat.NDJSON:
        return ndjson_rows(text, run.additions)
    return csv_rows(text, await _items(client, run.additions.template), run.additions)


async def _items(client: NodeClient, template: tuple[str, str] | None) -> dict[str, Item]:
    """The enabled items of the template by name."""
    if template is None:
        return {}
    answer = await client.read("templates", *template)
    return {item.name: item.item() for item in answer.as_model(TemplateOut).items if item.enabled}


def _template_name(pair: tuple[str, str] | None, prefix: str | None, version: str | None) -> tuple[str, str] | None:
    if pair is not None:
        if prefix is not None or version is not None:
            raise WrongUsage("give --template, or --template-prefix and --template-version, not both")
        return pair
    if (prefix is None) != (version is None):
        raise WrongUsage("--template-prefix and --template-version go together")
    return None if prefix is None or version is None else (prefix, version)


def _format_of(name: str) -> RowFormat:
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    if ending not in _FORMAT_OF_ENDING:
        raise WrongUsage("cannot tell the format by the name: give --format csv or --format ndjson")
    return _FORMAT_OF_ENDING[ending]
