"""`idnode resolve --native` and `--recursive`: over the native Handle protocol, of one server or from the top node."""

import os
import time
from collections.abc import Callable, Iterable

from idnode.cli.console import moment_text, show_json, show_line, show_table, show_warning
from idnode.cli.errors import NodeUnreachable, WrongUsage
from idnode.cli.exits import Exit
from idnode.config import Settings, environment_settings
from idnode.handle_client.client import HandleClient, World
from idnode.handle_client.errors import RecursionStopped, ServerRefused, WrongAnswer
from idnode.handle_client.following import Followed, Resolve, followed
from idnode.handle_client.links import ServerAddress
from idnode.handle_client.walk import Walk
from idnode.model.errors import IdnodeError, NotResponsible, Unavailable
from idnode.wire.handle_json import permissions_text, value_to_json
from idnode.wire.messages.codes import ResponseCode

_ABSENT = frozenset({ResponseCode.HANDLE_NOT_FOUND, ResponseCode.VALUES_NOT_FOUND, ResponseCode.NOT_RESPONSIBLE})


def server_address(text: str, option: str) -> ServerAddress:
    """Raises WrongUsage."""
    try:
        return ServerAddress.parse(text)
    except ValueError as error:
        raise WrongUsage(f"{option} {error}") from error


def top_address(native: str | None, *, load: Callable[[], Settings] = environment_settings) -> ServerAddress:
    """Where recursion begins: --native, else IDNODE_RECURSION_TOP. Raises WrongUsage, InvalidSettings."""
    if native is not None:
        return server_address(native, "--native")
    top = load().recursion_top
    if top is None:
        raise WrongUsage("--recursive needs a top node: give --native host:port or IDNODE_RECURSION_TOP")
    return ServerAddress.parse(top)


async def resolve_natively(identifiers: Iterable[str], server: ServerAddress, *, as_json: bool) -> Exit:
    """Of one server; aliases are followed as far as it knows them. Raises NodeUnreachable."""
    async with HandleClient.connected(server, _world()) as client:
        return await _resolve_each(identifiers, client.resolve, as_json=as_json)


async def resolve_recursively(
    identifiers: Iterable[str], top: ServerAddress, *, allows_private: bool, as_json: bool
) -> Exit:
    """From the top node down. Raises NodeUnreachable."""
    walk = Walk(top, _world(), allows_private=allows_private)
    return await _resolve_each(identifiers, walk.resolve, as_json=as_json)


async def _resolve_each(identifiers: Iterable[str], resolve: Resolve, *, as_json: bool) -> Exit:
    worst, documents = Exit.DONE, list[dict[str, object]]()
    for identifier in identifiers:
        try:
            found = await followed(identifier, resolve)
        except RecursionStopped as error:
            outcome, document = Exit.REFUSED, _refused(identifier, error, as_json=as_json)
        except Unavailable as error:
            raise NodeUnreachable(error.detail) from error
        except (ServerRefused, NotResponsible, WrongAnswer) as error:
            outcome, document = _exit_of(error), _refused(identifier, error, as_json=as_json)
        else:
            outcome = Exit.DONE if found.resolved.values else Exit.NOT_FOUND
            document = _document(found)
            if not as_json:
                _show(found)
        worst = worst if worst is Exit.REFUSED or outcome is Exit.DONE else outcome
        documents.append(document)
    if as_json:
        show_json(documents[0] if len(documents) == 1 else {"results": documents})
    return worst


def _show(found: Followed) -> None:
    show_line(" -> ".join(found.handles))
    rows = [
        (
            str(value.index),
            value.type,
            _data(value_to_json(value)["data"]),
            str(value.ttl.seconds),
            permissions_text(value.permissions),
            moment_text(value.timestamp),
        )
        for value in found.resolved.values
    ]
    show_table(("index", "type", "data", "ttl", "permissions", "changed"), rows)


def _data(document: object) -> str:
    if not isinstance(document, dict):
        return str(document)
    shown = str(document["value"])
    return shown if document["format"] == "string" else f"{document['format']} {shown}"


def _document(found: Followed) -> dict[str, object]:
    document: dict[str, object] = {"responseCode": found.resolved.code, "handle": found.handles[-1]}
    if len(found.handles) > 1:
        document["aliases"] = list(found.handles[:-1])
    return document | {"values": [value_to_json(value) for value in found.resolved.values]}


def _refused(identifier: str, error: IdnodeError, *, as_json: bool) -> dict[str, object]:
    if not as_json:
        show_warning(f"idnode: {identifier}: {error.detail}")
    code = error.response_code if isinstance(error, ServerRefused) else int(_CODES.get(type(error), ResponseCode.ERROR))
    return {"responseCode": code, "handle": identifier, "message": error.detail}


_CODES: dict[type[IdnodeError], ResponseCode] = {
    RecursionStopped: ResponseCode.RECURSION_LIMIT,
    NotResponsible: ResponseCode.NOT_RESPONSIBLE,
}


def _exit_of(error: IdnodeError) -> Exit:
    is_absent = isinstance(error, NotResponsible) or (
        isinstance(error, ServerRefused) and error.response_code in _ABSENT
    )
    return Exit.NOT_FOUND if is_absent else Exit.REFUSED


def _world() -> World:
    return World(time.time, time.monotonic, os.urandom)
