"""`idnode handle-admin add | list | remove`: keys of a prefix's administrators, for Handle clients."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
import uvloop
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from idnode.cli.console import show_json, show_line, show_table, show_warning
from idnode.cli.destination import Destination, destination_of
from idnode.cli.errors import WrongUsage
from idnode.cli.exits import EPILOG
from idnode.cli.node_client import NodeClient
from idnode.cli.options import JsonOption, KeyOption, UrlOption
from idnode.cli.running import failures_shown
from idnode.frontends.v1.schemas.handle_admins import HandleKeyList, HandleKeyMade
from idnode.wire.typed_values.hs_pubkey import HsPubkey, RsaPublicKey

ROUTE = "handle-admins"
WARNING = "This secret is shown to you this once. Store it where secrets are kept."

PrefixArgument = Annotated[str, typer.Argument(metavar="PREFIX", help="The prefix, such as 88.118.8.")]

handle_admin = typer.Typer(
    name="handle-admin",
    help="Administrators of a prefix in the Handle interfaces: add, list, remove their keys.",
    no_args_is_help=True,
    epilog=EPILOG,
)


@handle_admin.command(epilog=EPILOG)
def add(
    prefix: PrefixArgument,
    index: Annotated[int | None, typer.Option(min=300, max=399, help="Where it lies: 301, or 300 if public.")] = None,
    public_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM file of an RSA public key, instead of a secret.")
    ] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a key, in the place of one that lies there. A secret that the node makes goes to standard output."""
    with failures_shown(as_json=as_json):
        body: dict[str, object] = {"type": "HS_SECKEY"} if public_key is None else _public(public_key)
        if index is not None:
            body["index"] = index
        made = uvloop.run(_give(destination_of(url, key), prefix, body))
    if made.secret is not None:
        show_warning(WARNING)
    if as_json:
        show_json(made.model_dump(mode="json", exclude_none=True))
        return
    show_warning(f"{made.identity} administers {prefix}; its user name for Basic authentication is {made.username}")
    if made.secret is not None:
        show_line(made.secret)


@handle_admin.command("list", epilog=EPILOG)
def list_keys(
    prefix: PrefixArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """List the keys; never a secret."""
    with failures_shown(as_json=as_json):
        found = uvloop.run(_find(destination_of(url, key), prefix))
    _show(found, as_json=as_json)


@handle_admin.command(epilog=EPILOG)
def remove(
    prefix: PrefixArgument,
    index: Annotated[int, typer.Argument(metavar="INDEX", help="Where the key lies.")],
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a key away; the last one stays."""
    with failures_shown(as_json=as_json):
        left = uvloop.run(_take_away(destination_of(url, key), prefix, index))
    _show(left, as_json=as_json)


async def _give(destination: Destination, prefix: str, body: dict[str, object]) -> HandleKeyMade:
    async with NodeClient.connected(destination) as client:
        return (await client.write("PUT", ROUTE, prefix, body=orjson.dumps(body))).as_model(HandleKeyMade)


async def _find(destination: Destination, prefix: str) -> HandleKeyList:
    async with NodeClient.connected(destination) as client:
        return (await client.read(ROUTE, prefix)).as_model(HandleKeyList)


async def _take_away(destination: Destination, prefix: str, index: int) -> HandleKeyList:
    async with NodeClient.connected(destination) as client:
        return (await client.write("DELETE", ROUTE, prefix, str(index))).as_model(HandleKeyList)


def _public(path: Path) -> dict[str, object]:
    try:
        public = load_pem_public_key(path.read_bytes())
    except ValueError as error:
        raise WrongUsage(f"{path} is no public key in PEM: {error}") from error
    if not isinstance(public, RSAPublicKey):
        raise WrongUsage(f"{path} is no RSA key; the Handle System's clients sign with RSA")
    numbers = public.public_numbers()
    return {"type": "HS_PUBKEY", "key": HsPubkey(RsaPublicKey(numbers.e, numbers.n)).to_json()}


def _show(found: HandleKeyList, *, as_json: bool) -> None:
    if as_json:
        show_json(found.model_dump(mode="json"))
    else:
        show_table(("identity", "type"), [(each.identity, each.type) for each in found.keys])
