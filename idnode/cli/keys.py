"""`idnode keys`: list, create, rotate and revoke API keys."""

from typing import Annotated
from uuid import UUID

import orjson
import typer
import uvloop

from idnode.cli.console import moment_text, show_json, show_line, show_table, show_warning
from idnode.cli.destination import Destination, destination_of
from idnode.cli.errors import StrangeAnswer
from idnode.cli.exits import EPILOG
from idnode.cli.node_client import NodeClient
from idnode.cli.options import JsonOption, KeyOption, UrlOption
from idnode.cli.running import failures_shown
from idnode.frontends.v1.schemas.directory import OVERLAP_SECONDS_MAX, KeyMade, KeyOut, KeyPage
from idnode.model.access import Role

OVERLAP_SECONDS_DEFAULT = 86_400
WARNING = "This secret is shown once; the node keeps its hash only. Store it where secrets are kept."

IdArgument = Annotated[UUID, typer.Argument(metavar="ID", help="Id of the key, as `idnode keys list` shows it.")]

keys = typer.Typer(name="keys", help="API keys: list, create, rotate, revoke.", no_args_is_help=True, epilog=EPILOG)


@keys.command("list", epilog=EPILOG)
def list_keys(url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """List every key, its scope and when it was last used; never a secret."""
    with failures_shown(as_json=as_json):
        found = uvloop.run(_all_keys(destination_of(url, key)))
    if as_json:
        show_json({"items": [each.model_dump(mode="json") for each in found]})
    else:
        show_table(_COLUMNS, [_row(each) for each in found])


@keys.command(epilog=EPILOG)
def create(
    name: Annotated[str, typer.Option(help="Whose key it is.")],
    role: Annotated[Role, typer.Option(help="What the key may do.")],
    prefix: Annotated[
        list[str] | None, typer.Option(help="A prefix the key reaches; repeat for more. Without: every prefix.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it ends, as in 2027-01-31T00:00:00+08:00. Default: never.")
    ] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key. Its secret goes to standard output, this once."""
    body: dict[str, object] = {"name": name, "role": role, "prefixes": prefix or []}
    if expires is not None:
        body["expires"] = expires
    with failures_shown(as_json=as_json):
        made, secret = uvloop.run(_make(destination_of(url, key), ("keys",), body))
    _show_made(made, secret, as_json=as_json)


@keys.command(epilog=EPILOG)
def rotate(
    id: IdArgument,
    overlap_seconds: Annotated[
        int, typer.Option(min=0, max=OVERLAP_SECONDS_MAX, help="How long the old key works on.")
    ] = OVERLAP_SECONDS_DEFAULT,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a successor with the same role and scope; the old key works on for a while."""
    body: dict[str, object] = {"overlap_seconds": overlap_seconds}
    with failures_shown(as_json=as_json):
        made, secret = uvloop.run(_make(destination_of(url, key), ("keys", str(id), "rotate"), body))
    _show_made(made, secret, as_json=as_json)


@keys.command(epilog=EPILOG)
def revoke(id: IdArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Revoke a key: it stops working now."""
    with failures_shown(as_json=as_json):
        revoked = uvloop.run(_revoke(destination_of(url, key), id))
    if as_json:
        show_json(revoked.model_dump(mode="json"))
    else:
        show_line(f"revoked {revoked.id} ({revoked.name})")


async def _all_keys(destination: Destination) -> list[KeyOut]:
    async with NodeClient.connected(destination) as client:
        return [each async for page in client.pages(KeyPage, "keys") for each in page.items]


async def _make(destination: Destination, steps: tuple[str, ...], body: dict[str, object]) -> tuple[KeyMade, str]:
    """The key and its secret."""
    async with NodeClient.connected(destination) as client:
        made = (await client.write("POST", *steps, body=orjson.dumps(body))).as_model(KeyMade)
    if made.key is None:
        raise StrangeAnswer("the answer holds no secret; revoke the key and make another")
    return made, made.key


async def _revoke(destination: Destination, id: UUID) -> KeyOut:
    async with NodeClient.connected(destination) as client:
        return (await client.write("DELETE", "keys", str(id))).as_model(KeyOut)


def _show_made(made: KeyMade, secret: str, *, as_json: bool) -> None:
    if as_json:
        show_json(made.model_dump(mode="json"))
    else:
        show_warning(f"key {made.id} ({made.name}, {made.role}, {_scope(made)})")
        show_line(secret)
    show_warning(WARNING)


_COLUMNS = ("id", "name", "role", "prefixes", "works until", "last used")


def _row(key: KeyOut) -> tuple[str, ...]:
    ends = [moment for moment in (key.expires, key.revoked) if moment is not None]
    return (
        str(key.id),
        key.name,
        key.role,
        _scope(key),
        moment_text(min(ends, default=None)),
        moment_text(key.last_used),
    )


def _scope(key: KeyOut) -> str:
    return ", ".join(key.prefixes) or "every prefix"
