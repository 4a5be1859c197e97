"""`idnode signing-key add | show | remove`: the key that records of a prefix are signed with."""

from typing import Annotated

import orjson
import typer
import uvloop

from idnode.cli.console import show_json, show_table
from idnode.cli.destination import Destination, destination_of
from idnode.cli.exits import EPILOG
from idnode.cli.node_client import NodeClient
from idnode.cli.options import JsonOption, KeyOption, UrlOption
from idnode.cli.running import failures_shown
from idnode.frontends.v1.schemas.signing_keys import SigningKeyOut

ROUTE = "signing-keys"

PrefixArgument = Annotated[str, typer.Argument(metavar="PREFIX", help="The prefix, such as 88.118.8.")]
ChainOption = Annotated[
    list[str] | None,
    typer.Option("--chain", metavar="PLACE", help="Certificates up to the root, each as 400:88.118/ADMIN, in order."),
]

signing_key = typer.Typer(
    name="signing-key",
    help="The key that records of a prefix are signed with: add, show, remove.",
    no_args_is_help=True,
    epilog=EPILOG,
)


@signing_key.command(epilog=EPILOG)
def add(
    prefix: PrefixArgument,
    chain: ChainOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have the node make a key; its private half never leaves the node. The one before signs no more."""
    with failures_shown(as_json=as_json):
        body = orjson.dumps({"chain": chain or []})
        made = uvloop.run(_ask(destination_of(url, key), "PUT", prefix, body))
    _show(made, as_json=as_json)


@signing_key.command(epilog=EPILOG)
def show(prefix: PrefixArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Show the key in force, its public half."""
    with failures_shown(as_json=as_json):
        found = uvloop.run(_ask(destination_of(url, key), "GET", prefix))
    _show(found, as_json=as_json)


@signing_key.command(epilog=EPILOG)
def remove(prefix: PrefixArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Sign no more; what was signed can still be checked."""
    with failures_shown(as_json=as_json):
        taken = uvloop.run(_ask(destination_of(url, key), "DELETE", prefix))
    _show(taken, as_json=as_json)


async def _ask(destination: Destination, method: str, prefix: str, body: bytes | None = None) -> SigningKeyOut:
    async with NodeClient.connected(destination) as client:
        if method == "GET":
            return (await client.read(ROUTE, prefix)).as_model(SigningKeyOut)
        return (await client.write(method, ROUTE, prefix, body=body)).as_model(SigningKeyOut)


def _show(key: SigningKeyOut, *, as_json: bool) -> None:
    if as_json:
        show_json(key.model_dump(mode="json"))
        return
    rows = [(key.issuer, "in force" if key.in_force else "retired", ", ".join(key.chain), key.created)]
    show_table(("issuer", "state", "chain", "created"), rows)
