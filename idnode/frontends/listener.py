"""Who is let in, and how a worker takes leave of its clients without dropping a request."""

import asyncio
import select
import socket
import ssl
from collections.abc import Callable
from typing import Protocol, Self

from aiohttp import web

from idnode.frontends.metrics import HttpCounters

IDLE_LEAVE_SECONDS = 1.0
"""How long an idle client may still send what it was about to send, when the node goes down."""
HANDSHAKE_SECONDS_MAX = 10.0
"""Of TLS."""
GOODBYE_SECONDS_MAX = 2.0
"""For a TLS client's last word at the end of its connection."""
HANDSHAKE_SECONDS = 0.25
"""What a connection that has begun takes to arrive in the queue."""
QUEUE_SECONDS_MAX = 2.0
POLL_SECONDS = 0.01
CLOSE_SECONDS = 0.001
"""For what outlasts the drain. aiohttp takes 0 for endless."""


class Connections(Protocol):
    """What owns the connections of this process."""

    @property
    def open(self) -> int:
        """How many there are."""

    def new(self) -> asyncio.BaseProtocol:
        """The protocol of one that was just accepted."""

    def leave(self) -> None:
        """From now on every answer is the last one of its connection, and says so."""

    @property
    def owed(self) -> int:
        """How many requests wait for an answer, and answers for their last byte to be sent."""

    async def close(self) -> None:
        """Close all."""


class Listener:
    """Lets clients in from a listening socket: start, stop_accepting, drain, close, in this order.

    Who comes to a socket that `ssl` has wrapped is let in when a key is agreed upon, and speaks HTTP inside.
    """

    def __init__(self, listening: socket.socket, connections: Connections, *, backlog: int) -> None:
        self._tls: ssl.SSLContext | None = None
        if isinstance(listening, ssl.SSLSocket):
            # The event loop does what the wrapped socket would do, without waiting.
            self._tls = listening.context
            listening = socket.socket(fileno=listening.detach())
            listening.setblocking(False)
        self._socket = listening
        self._connections = connections
        self._backlog = backlog
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Let clients in. Takes the socket over."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._connections.new,
            sock=self._socket,
            backlog=self._backlog,
            ssl=self._tls,
            ssl_handshake_timeout=None if self._tls is None else HANDSHAKE_SECONDS_MAX,
            ssl_shutdown_timeout=None if self._tls is None else GOODBYE_SECONDS_MAX,
        )

    async def stop_accepting(self, *, takes_queue: bool = False) -> None:
        """Let nobody in any more; before that everybody in the queue, if nobody else will."""
        if self._server is None:
            return
        if takes_queue:
            await self._empty_queue()
        self._server.close()
        # Who was accepted in this turn of the loop has come in after it.
        await asyncio.sleep(0)

    async def drain(self, seconds_max: float) -> None:
        """Return when every client has had its last answer and is gone, or after `seconds_max`.

        Who is idle gets IDLE_LEAVE_SECONDS for what was about to be sent, or as long as others are waited for.
        """
        self._connections.leave()
        loop = asyncio.get_running_loop()
        idle_until = loop.time() + IDLE_LEAVE_SECONDS
        try:
            async with asyncio.timeout(seconds_max):
                while self._connections.owed or (self._connections.open and loop.time() < idle_until):  # noqa: ASYNC110
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            return

    async def close(self) -> None:
        """Close what is left."""
        if self._server is not None:
            self._server.close()
        await self._connections.close()

    async def _empty_queue(self) -> None:
        self._connections.leave()
        await asyncio.sleep(HANDSHAKE_SECONDS)
        queue = select.poll()
        queue.register(self._socket, select.POLLIN)
        try:
            async with asyncio.timeout(QUEUE_SECONDS_MAX):
                while queue.poll(0):  # noqa: ASYNC110  # the kernel sets no event of ours
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            return


class ApplicationConnections:
    """Connections that are aiohttp's from their beginning."""

    def __init__(self, runner: web.AppRunner, server: web.Server, counters: HttpCounters, leave: Callable[[], None]):
        self._runner = runner
        self._server = server
        self._counters = counters
        self._leave = leave

    @classmethod
    async def open_for(
        cls, application: web.Application, counters: HttpCounters, *, idle_seconds: float, leave: Callable[[], None]
    ) -> Self:
        """Set it up; after `leave` its answers are the last ones. `idle_seconds` holds for a header too."""
        runner = web.AppRunner(
            application,
            access_log=None,
            keepalive_timeout=idle_seconds,
            shutdown_timeout=CLOSE_SECONDS,
            auto_decompress=False,
        )
        await runner.setup()
        server = runner.server
        assert server is not None  # noqa: S101  # there is one after setup
        return cls(runner, server, counters, leave)

    @property
    def open(self) -> int:
        """How many there are."""
        return len(self._server.connections)

    @property
    def owed(self) -> int:
        """Those that close have had their last answer, and are here until it is sent."""
        transports = (connection.transport for connection in self._server.connections)
        return self._counters.in_flight + sum(each is not None and each.is_closing() for each in transports)

    def new(self) -> asyncio.Protocol:
        """aiohttp's handler."""
        return self._server()

    def leave(self) -> None:
        """From now on every answer is the last one of its connection."""
        self._leave()

    async def close(self) -> None:
        """Close all."""
        await self._runner.cleanup()
