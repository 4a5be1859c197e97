"""A request to a route of /v1 before it is served: the same to the dispatcher by whichever way it came."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

from aiohttp import web

from idnode.frontends.bodies import body_pieces, read_body
from idnode.frontends.boundary import EXCHANGE, Exchange

Headers = Callable[[str], Sequence[str]]
"""All values that were sent under a name, in their order."""


class Incoming(NamedTuple):
    """Path, query and fragment are as they were sent; `target` is all of them in one piece.

    `body` is there, or waits for the whole of it, refusing what is too much, too slow or no JSON; `client` is the
    address that asks. A tuple, because a frozen dataclass costs twice as much.
    """

    exchange: Exchange
    target: str
    raw_path: str
    raw_query: str
    raw_fragment: str
    headers: Headers
    body: bytes | Callable[[], Awaitable[bytes]]
    client: str
    pieces: Callable[[], AsyncIterator[bytes]] | None = None
    """The body as it arrives, for who takes in what is too long for memory; None where it is there already."""


def incoming_of(request: web.Request, *, client_of: Callable[[web.Request], str], body_seconds_max: float) -> Incoming:
    """The way of aiohttp."""
    url = request.rel_url
    return Incoming(
        exchange=request[EXCHANGE],
        target=request.raw_path,
        raw_path=url.raw_path,
        raw_query=url.raw_query_string,
        raw_fragment=url.raw_fragment,
        headers=lambda name: request.headers.getall(name, ()),
        body=partial(read_body, request, seconds_max=body_seconds_max),
        client=client_of(request),
        pieces=partial(body_pieces, request, seconds_max=body_seconds_max),
    )
