"""Aliases: a handle whose values name another one is resolved as that one (HS_ALIAS, RFC 3651 §3.2.5)."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from idnode.handle_client.client import Resolved
from idnode.handle_client.errors import RecursionStopped, WrongAnswer
from idnode.model.identifier import fold
from idnode.wire.cursor import HANDLE_BYTES_MAX

ALIASES_MAX = 8

Resolve = Callable[[str], Awaitable[Resolved]]


class Followed(NamedTuple):
    """What a handle resolves to in the end; `handles` are those on the way, the asked one first."""

    handles: tuple[str, ...]
    resolved: Resolved


async def followed(handle: str, resolve: Resolve) -> Followed:
    """Resolve, and go on while there is an alias. Raises RecursionStopped for a circle or a long way, WrongAnswer."""
    handles = [handle]
    while True:
        found = await resolve(handles[-1])
        alias = _alias_in(found)
        if alias is None:
            return Followed(tuple(handles), found)
        if fold(alias) in map(fold, handles):
            raise RecursionStopped(f"the aliases of {handle} lead in a circle")
        if len(handles) > ALIASES_MAX:
            raise RecursionStopped(f"{handle} has more than {ALIASES_MAX} aliases, one behind the other")
        handles.append(alias)


def _alias_in(found: Resolved) -> str | None:
    value = next((value for value in found.values if fold(value.type) == "HS_ALIAS"), None)
    if value is None:
        return None
    if not value.data or len(value.data) > HANDLE_BYTES_MAX:
        raise WrongAnswer(f"an alias of {len(value.data)} bytes is no handle")
    try:
        return value.data.decode()
    except UnicodeDecodeError as error:
        raise WrongAnswer("an alias that is not UTF-8 is no handle") from error
