"""How the native protocol is let in, and how a worker takes leave of its clients: sockets of TCP and of UDP."""

import asyncio
import select
import socket
import sys

from idnode.frontends.listener import HANDSHAKE_SECONDS, POLL_SECONDS, QUEUE_SECONDS_MAX
from idnode.frontends.native.front import NativeFront
from idnode.frontends.native.tcp import LimitedConnection, NativeConnection
from idnode.frontends.native.udp import Datagrams, LimitedDatagrams

SO_MEMINFO = 55
"""Linux; Python has no name for it."""
_MEMINFO_BYTES = 36
_DROPS = slice(32, 36)
"""Of nine numbers the last one: datagrams that the socket had no room for."""


class NativeConnections:
    """All connections of TCP of a worker, for the listener; the front is shared with UDP."""

    def __init__(self, front: NativeFront) -> None:
        self._front = front
        self._protocol = LimitedConnection if front.is_limiting else NativeConnection

    @property
    def open(self) -> int:
        """How many there are."""
        return self._front.connections

    def new(self) -> asyncio.Protocol:
        """One that was just accepted."""
        return self._protocol(self._front)

    def leave(self) -> None:
        """From now on every answer is the last one of its connection."""
        self._front.leave()

    @property
    def owed(self) -> int:
        """Connections to which an answer, or a part of one, is owed."""
        return self._front.owed

    async def close(self) -> None:
        """Close all."""
        self._front.close()


class DatagramDoor:
    """Takes datagrams in from a socket: start, stop_accepting, drain, close, in this order.

    Others have the same socket by descriptors of their own: what comes after the end waits there for a successor.
    """

    def __init__(self, receiving: socket.socket, front: NativeFront) -> None:
        self._socket = receiving
        # For the answers that are found when this one has stopped to read.
        self._sender = receiving.dup()
        self._front = front
        self._datagrams: Datagrams | None = None
        self._drops_before = drops(receiving)

    async def start(self) -> None:
        """Take datagrams in. Takes the socket over."""
        make = LimitedDatagrams if self._front.is_limiting else Datagrams
        loop = asyncio.get_running_loop()
        _, self._datagrams = await loop.create_datagram_endpoint(lambda: make(self._front), sock=self._socket)
        self._front.doors.append(self)

    async def stop_accepting(self, *, takes_queue: bool = False) -> None:
        """Read nothing more; before that what waits in the queue, if nobody else will."""
        if self._datagrams is None:
            return
        if takes_queue:
            await self._empty_queue()
        self._datagrams.leave(self._sender)

    async def drain(self, seconds_max: float) -> None:
        """Return when everything is answered, or after `seconds_max`."""
        try:
            async with asyncio.timeout(seconds_max):
                while self._datagrams is not None and self._datagrams.owed:  # noqa: ASYNC110  # many ends, one wait
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            return

    async def close(self) -> None:
        """Let go of the socket."""
        if self._datagrams is None:
            self._socket.close()
        else:
            self._front.doors.remove(self)
            self._front.counters.overflowed += self.overflowed
        self._sender.close()

    @property
    def assemblies(self) -> int:
        """Messages of which parts are missing."""
        return 0 if self._datagrams is None else self._datagrams.assemblies

    @property
    def assembly_bytes(self) -> int:
        """What is held of them, bytes."""
        return 0 if self._datagrams is None else self._datagrams.assembly_bytes

    @property
    def overflowed(self) -> int:
        """Datagrams for which the queue had no room, since the start."""
        return (drops(self._sender) - self._drops_before) & 0xFFFF_FFFF

    async def _empty_queue(self) -> None:
        """Datagrams that are on their way get the moment that connections get that have begun."""
        await asyncio.sleep(HANDSHAKE_SECONDS)
        queue = select.poll()
        queue.register(self._sender, select.POLLIN)
        try:
            async with asyncio.timeout(QUEUE_SECONDS_MAX):
                while queue.poll(0):  # noqa: ASYNC110  # the kernel sets no event of ours
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            return


def drops(receiving: socket.socket) -> int:
    """Datagrams that a socket had no room for since it was made; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    try:
        return int.from_bytes(
            receiving.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO_BYTES)[_DROPS], sys.byteorder
        )
    except OSError:
        return 0
