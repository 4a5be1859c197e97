"""The doors of a node: HTTP and the native protocol for the length of a block, and how clients are seen off."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from idnode.app_node import Node, front_limits
from idnode.config import Settings
from idnode.frontends.fastpath.connections import FrontConnections
from idnode.frontends.listener import ApplicationConnections, Connections, Listener
from idnode.frontends.native.doors import DatagramDoor, NativeConnections
from idnode.lifecycle import BACKLOG


@asynccontextmanager
async def answering(
    node: Node, settings: Settings, listener: socket.socket, *, takes_queue: Callable[[], bool] = lambda: False
) -> AsyncIterator[None]:
    """HTTP for the length of a block; what is under way at its end gets `drain_seconds`.

    So do, if `takes_queue` says so then, the clients that wait at the socket: nobody else will serve them.
    """
    accepting = Listener(listener, await _connections(node, settings), backlog=BACKLOG)
    async with _accepting(accepting, settings.drain_seconds, takes_queue):
        yield


@asynccontextmanager
async def answering_natively(
    node: Node, settings: Settings, listener: socket.socket, *, takes_queue: Callable[[], bool] = lambda: False
) -> AsyncIterator[None]:
    """The native Handle protocol on a socket of TCP or of UDP, as `answering` does HTTP."""
    accepting: Listener | DatagramDoor
    if listener.type is socket.SOCK_DGRAM:
        accepting = DatagramDoor(listener, node.native)
    else:
        accepting = Listener(listener, NativeConnections(node.native), backlog=BACKLOG)
    async with _accepting(accepting, settings.drain_seconds, takes_queue):
        yield


@asynccontextmanager
async def _accepting(
    accepting: Listener | DatagramDoor, drain_seconds: float, takes_queue: Callable[[], bool]
) -> AsyncIterator[None]:
    await accepting.start()
    try:
        yield
    finally:
        await accepting.stop_accepting(takes_queue=takes_queue())
        await accepting.drain(drain_seconds)
        await accepting.close()


async def _connections(node: Node, settings: Settings) -> Connections:
    """What a listener lets clients in to."""

    def leave() -> None:
        node.is_draining = True

    application = await ApplicationConnections.open_for(
        node.application, node.http, idle_seconds=settings.idle_seconds, leave=leave
    )
    return FrontConnections(application, node.make_front, front_limits(settings))
