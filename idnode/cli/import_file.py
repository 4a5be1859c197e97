"""`idnode import`: a file of any size as a job of the node; `idnode imports`: which there are."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Annotated, BinaryIO
from uuid import UUID

import typer
import uvloop

from idnode.cli.console import show_json_bytes, show_line, show_warning
from idnode.cli.destination import Destination, destination_of
from idnode.cli.downloads import save
from idnode.cli.errors import NodeUnreachable, WrongUsage
from idnode.cli.files import STDIN, opened
from idnode.cli.import_view import ImportBar, exit_of_import, show_imports, show_summary
from idnode.cli.node_client import Answer, NodeClient
from idnode.cli.options import JsonOption, KeyOption, UrlOption
from idnode.cli.progress import Bar
from idnode.cli.running import failures_shown
from idnode.frontends.v1.schemas.imports import ImportOut, ImportPage
from idnode.model.imports import ENDED, ImportFormat, ImportMode

LOOK_SECONDS = 1.0
"""Between two looks at a job."""
AWAY_LOOKS_MAX = 120
"""So often the node may be away while a job is followed: it goes on when the node is back."""
PIECE_BYTES = 1 << 18
LISTED_MAX = 50


def import_file(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="NDJSON, CSV or XLSX, also .gz; - reads standard input.")
    ] = None,
    file_format: Annotated[ImportFormat | None, typer.Option("--format", help="Default: by the name.")] = None,
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON: which column is what, for CSV and XLSX.")
    ] = None,
    template: Annotated[
        str | None, typer.Option(metavar="PREFIX:VERSION", help="Template of rows that name none.")
    ] = None,
    prefix: Annotated[str | None, typer.Option(help="Put before identifiers that have no slash.")] = None,
    encoding: Annotated[str | None, typer.Option(help="utf-8 or gb18030. Default: as the file shows.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Of CSV. Default: as the header shows.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Of XLSX. Default: the first.")] = None,
    header: Annotated[bool, typer.Option(help="Whether the first row names the columns.")] = True,
    mode: Annotated[
        ImportMode, typer.Option(help="What a row does whose identifier exists: refused, or it replaces what stands.")
    ] = ImportMode.REGISTER,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row, write none.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also a file that was imported before.")] = False,
    wait: Annotated[bool, typer.Option(help="Follow the import to its end.")] = True,
    rejected: Annotated[
        str | None, typer.Option(metavar="FILE", help="Where the refused rows go, with the reason, to be mended.")
    ] = None,
    follow: Annotated[
        UUID | None, typer.Option(metavar="ID", help="Follow an import that was begun before, instead of a FILE.")
    ] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import a file of any size. The node does it in the background: once it has the file, nothing here is needed.

    Ends with 1 when a row was refused. Interrupted, the import goes on; see `idnode imports`.
    """
    with failures_shown(as_json=as_json):
        if (file is None) == (follow is None):
            raise WrongUsage("give a FILE, or --follow with the id of an import")
        if rejected is not None and not wait:
            raise WrongUsage("--rejected is written at the end: it needs --wait")
        destination = destination_of(url, key)
        id = None if follow is None else str(follow)
        if file is not None:
            said = {
                "format": file_format, "mapping": mapping and _text_of(mapping), "template": template, "prefix": prefix,
                "encoding": encoding, "delimiter": delimiter, "sheet": sheet, "header": header, "mode": mode,
                "dry_run": dry_run, "again": again,
            }  # fmt: skip
            accepted = _sent_file(destination, file, said, as_json=as_json)
            if not wait:
                _show_accepted(accepted, as_json=as_json)
                return
            id = str(accepted.as_model(ImportOut).id)
        job = uvloop.run(_followed(destination, id or "", rejected, as_json=as_json))
    raise typer.Exit(exit_of_import(job))


def imports(url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """List imports, the newest first; follow one with `idnode import --follow ID`."""
    with failures_shown(as_json=as_json):
        answer = uvloop.run(_listed(destination_of(url, key)))
        if as_json:
            show_json_bytes(answer.body)
        else:
            show_imports(answer.as_model(ImportPage).items)


def _sent_file(destination: Destination, file: str, said: Mapping[str, object], *, as_json: bool) -> Answer:
    """Raises WrongUsage for standard input of which nothing says what it is."""
    if file == STDIN and said["format"] is None:
        raise WrongUsage("standard input has no name: give --format")
    name = None if file == STDIN else Path(file).name
    query = {key: _parameter(value) for key, value in {**said, "name": name}.items() if value is not None}
    with opened(file) as source:
        return uvloop.run(_sent(destination, source, query, as_json=as_json))


def _parameter(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


async def _sent(destination: Destination, file: BinaryIO, query: dict[str, str], *, as_json: bool) -> Answer:
    async with NodeClient.connected(destination) as client:
        with Bar.over(file, is_wanted=not as_json) as bar:
            try:
                return await client.upload("imports", pieces=_pieces(file, bar), query=query)
            except asyncio.CancelledError:
                show_warning("idnode: interrupted before the node had the file; nothing was imported")
                raise


async def _pieces(file: BinaryIO, bar: Bar | None) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
        yield piece
        if bar is not None:
            bar.advance(0, "sending")


async def _followed(destination: Destination, id: str, rejected: str | None, *, as_json: bool) -> ImportOut:
    async with NodeClient.connected(destination) as client:
        try:
            answer = await _ended(client, id, as_json=as_json)
        except asyncio.CancelledError:
            show_warning(f"idnode: the import goes on; see `idnode imports`, or `idnode import --follow {id}`")
            raise
        job = answer.as_model(ImportOut)
        show_summary(job, answer.body, as_json=as_json)
        if rejected is not None and job.rows.refused:
            async with client.download("imports", id, "rejected") as pieces:
                await save(pieces, rejected)
            show_warning(f"{job.rows.refused:,} refused rows are in {rejected}: mend them and import that file")
        elif job.rows.refused and not as_json:
            show_warning(f"the refused rows with the reasons: idnode import --follow {id} --rejected FILE")
    return job


async def _ended(client: NodeClient, id: str, *, as_json: bool) -> Answer:
    """The job when it has ended."""
    away = 0
    with ImportBar.shown(is_wanted=not as_json) as bar:
        while True:
            try:
                answer = await client.read("imports", id)
                away = 0
            except NodeUnreachable as error:
                away += 1
                if not error.is_retryable or away > AWAY_LOOKS_MAX:
                    raise
            else:
                job = answer.as_model(ImportOut)
                if bar is not None:
                    bar.draw(job)
                if job.state in ENDED:
                    return answer
            await asyncio.sleep(LOOK_SECONDS)


async def _listed(destination: Destination) -> Answer:
    async with NodeClient.connected(destination) as client:
        return await client.read("imports", query={"limit": str(LISTED_MAX)})


def _show_accepted(answer: Answer, *, as_json: bool) -> None:
    if as_json:
        show_json_bytes(answer.body)
        return
    job = answer.as_model(ImportOut)
    show_line(f"import {job.id} was accepted: follow it with `idnode import --follow {job.id}`")
    if job.warning is not None:
        show_warning(f"  {job.warning}")


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"cannot read {path}: {error}") from error
