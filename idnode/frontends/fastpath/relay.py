"""Exchanges that are aiohttp's: its own connection handler behind a transport of ours, and the way back.

aiohttp is met by public means only: `web.Server()` makes the handler, which is a protocol, and is given a transport.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol

from idnode.frontends.fastpath.framing import AnswerFraming, exchange_size


class Client(Protocol):
    """The connection that relays."""

    def come_back(self) -> None:
        """The exchange is complete and the connection stays open."""

    def give_away(self) -> None:
        """There is no telling where this exchange ends: everything that comes is for aiohttp."""

    def relay_left(self) -> None:
        """aiohttp's handler was tired of waiting for a further exchange."""


class Relay:
    """aiohttp's handler of one connection; between two exchanges it waits."""

    def __init__(self, client: Client, transport: asyncio.Transport, handler: asyncio.Protocol, peer: str) -> None:
        self._client = client
        self._transport = transport
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self._framing: AnswerFraming | None = None
        self._is_under_way = False
        self.owed: int | None = 0
        """Bytes of the request that aiohttp has not been given yet; None when everything is for it."""
        handler.connection_made(RelayTransport(self, transport, peer))

    def begin(self, head: bytes) -> None:
        """A request with this head follows; an empty head is one whose end has not come."""
        size = exchange_size(head) if head else None
        self._is_under_way = True
        if size is None:
            self._give_away()
        else:
            self.owed = len(head) + size
            self._framing = AnswerFraming(is_head=head.startswith(b"HEAD "))

    def feed(self, data: bytes) -> None:
        """Bytes of the request."""
        if self.owed is not None:
            self.owed -= len(data)
        self._handler.data_received(data)
        self._look_whether_complete()

    def wrote(self, data: bytes) -> None:
        """Bytes of the answer."""
        self._transport.write(data)
        framing = self._framing
        if framing is None:
            return
        framing.feed(data)
        if framing.is_unknown or (framing.is_complete and framing.closes):
            self._give_away()
        else:
            self._look_whether_complete()

    def handler_closes(self) -> None:
        """aiohttp closes the connection, or what it takes for it."""
        if self._is_under_way:
            self._transport.close()
        else:
            self._client.relay_left()
            self._loop.call_soon(self.lost, None)

    def lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._handler.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._handler.resume_writing()

    def _give_away(self) -> None:
        self.owed = self._framing = None
        self._client.give_away()

    def _look_whether_complete(self) -> None:
        # aiohttp may write the whole answer before it has read the whole request, a refusal for instance.
        if self._framing is not None and self._framing.is_complete and self.owed == 0:
            self._framing = None
            # Not from within aiohttp's own call: it has yet to see that its answer is written.
            self._loop.call_soon(self._come_back)

    def _come_back(self) -> None:
        self._is_under_way = False
        self._client.come_back()


class RelayTransport(asyncio.Transport):
    """What aiohttp's handler takes for the client's connection."""

    def __init__(self, relay: Relay, transport: asyncio.Transport, peer: str) -> None:
        super().__init__()
        self._relay = relay
        self._transport = transport
        self._peer = peer
        self._is_closing = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Of the connection; the peer is the client, whatever stands in between."""
        info = self._transport.get_extra_info(name, default)
        return (self._peer, *info[1:]) if name == "peername" and info else info

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """To the client."""
        self._relay.wrote(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """To the client."""
        self._relay.wrote(b"".join(list_of_data))

    def close(self) -> None:
        """Once."""
        if not self._is_closing:
            self._is_closing = True
            self._relay.handler_closes()

    def abort(self) -> None:
        """At once."""
        self._is_closing = True
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether nothing more will be sent."""
        return self._is_closing or self._transport.is_closing()

    def pause_reading(self) -> None:
        """aiohttp has enough to do."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """It wants more."""
        self._transport.resume_reading()

    def get_write_buffer_size(self) -> int:
        """Bytes that the client has not taken yet."""
        return self._transport.get_write_buffer_size()

    def can_write_eof(self) -> bool:
        """No: a connection is closed as a whole."""
        return False
