"""`idnode resolve`: one identifier, many, or those that come line by line on standard input."""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Annotated

import orjson
import typer
import uvloop

from idnode.cli.console import show_json, show_json_bytes, show_warning
from idnode.cli.destination import Destination, destination_of
from idnode.cli.errors import WrongUsage
from idnode.cli.exits import Exit, exit_of_status
from idnode.cli.files import STDIN
from idnode.cli.node_client import NodeClient
from idnode.cli.options import JsonOption, KeyOption, UrlOption
from idnode.cli.record_view import show_record
from idnode.cli.resolve_natively import resolve_natively, resolve_recursively, server_address, top_address
from idnode.cli.running import failures_shown
from idnode.frontends.v1.schemas.identifiers import RecordOut, ResolutionOut, ResolveOut
from idnode.model.limits import RESOLVE_BATCH_MAX

LINES_MAX = 1_000_000
"""Identifiers that one command reads from standard input."""

IdentifiersArgument = Annotated[
    list[str], typer.Argument(metavar="IDENTIFIER...", help="Identifiers, or - to read them from standard input.")
]
NativeOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT", help="Ask this server over the native Handle protocol; with --recursive the top node."
    ),
]
RecursiveOption = Annotated[
    bool, typer.Option("--recursive", help="Find out from the top node (IDNODE_RECURSION_TOP) on who answers, and ask.")
]
PrivateOption = Annotated[bool, typer.Option("--private", help="Let --recursive be led to private addresses, too.")]


def resolve(
    identifiers: IdentifiersArgument,
    native: NativeOption = None,
    recursive: RecursiveOption = False,
    private: PrivateOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what identifiers resolve to: the public values, or all of them with a key that reaches the prefix.

    With --native or --recursive over the native Handle protocol: always the public values, aliases followed.
    Exit code 5 when one is not found, 1 when one is no identifier.
    """
    with failures_shown(as_json=as_json):
        if native is not None or recursive:
            worst = _over_native(identifiers, native, recursive=recursive, private=private, as_json=as_json)
            raise typer.Exit(worst)
        if private:
            raise WrongUsage("--private goes with --recursive")
        destination = destination_of(url, key)
        if len(identifiers) == 1 and identifiers[0] != STDIN:
            worst = uvloop.run(_resolve_one(destination, identifiers[0], as_json=as_json))
        else:
            wanted = _lines_of_stdin() if identifiers == [STDIN] else identifiers
            worst = uvloop.run(_resolve_many(destination, wanted, as_json=as_json))
    raise typer.Exit(worst)


def _over_native(identifiers: list[str], native: str | None, *, recursive: bool, private: bool, as_json: bool) -> Exit:
    if private and not recursive:
        raise WrongUsage("--private goes with --recursive")
    wanted = _lines_of_stdin() if identifiers == [STDIN] else identifiers
    if recursive:
        top = top_address(native)
        return uvloop.run(resolve_recursively(wanted, top, allows_private=private, as_json=as_json))
    return uvloop.run(resolve_natively(wanted, server_address(native or "", "--native"), as_json=as_json))


async def _resolve_one(destination: Destination, identifier: str, *, as_json: bool) -> Exit:
    async with NodeClient.connected(destination) as client:
        answer = await client.read("identifiers", identifier)
    if as_json:
        show_json_bytes(answer.body)
    else:
        show_record(answer.as_model(RecordOut))
    return Exit.DONE


async def _resolve_many(destination: Destination, identifiers: Iterable[str], *, as_json: bool) -> Exit:
    worst = Exit.DONE
    documents: list[object] = []
    async with NodeClient.connected(destination) as client:
        for lot in _lots(identifiers):
            answer = await client.write("POST", "resolve", body=orjson.dumps({"identifiers": lot}))
            results = answer.as_model(ResolveOut).results
            worst = _worst([worst, *(_exit_of(each) for each in results)])
            if as_json:
                documents.extend(orjson.loads(answer.body)["results"])
            else:
                _show_results(results)
    if as_json:
        show_json({"results": documents})
    return worst


def _show_results(results: Iterable[ResolutionOut]) -> None:
    for each in results:
        if each.record is not None:
            show_record(each.record)
        elif each.problem is not None:
            detail = each.problem.detail
            show_warning(f"idnode: {detail if each.identifier in detail else f'{each.identifier}: {detail}'}")


def _lots(identifiers: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(identifiers)
    while lot := list(islice(remaining, RESOLVE_BATCH_MAX)):
        yield lot


def _lines_of_stdin() -> list[str]:
    """Read before anything is sent, because a read inside the event loop cannot be interrupted. Raises WrongUsage."""
    lines = (line.decode(errors="backslashreplace").strip() for line in sys.stdin.buffer)
    found = list(islice((line for line in lines if line), LINES_MAX + 1))
    if len(found) > LINES_MAX:
        raise WrongUsage(f"standard input has over {LINES_MAX:,} lines: resolve them in parts")
    return found


def _exit_of(result: ResolutionOut) -> Exit:
    return Exit.DONE if result.problem is None else exit_of_status(result.problem.status)


def _worst(codes: Iterable[Exit]) -> Exit:
    """A text that is no identifier weighs more than an identifier that is not found."""
    found = set(codes)
    return next((code for code in (Exit.REFUSED, Exit.NOT_FOUND) if code in found), Exit.DONE)
