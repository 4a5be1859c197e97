"""Ways to a server: datagrams that are sent again, and a connection that is kept open and shared (§1.4)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, cast
from urllib.parse import urlsplit

from idnode.handle_client.errors import ServerUnreachable, WrongAnswer
from idnode.handle_client.inboxes import Inboxes
from idnode.wire.cursor import MalformedMessage
from idnode.wire.messages.codes import OpFlag
from idnode.wire.messages.envelope import ENVELOPE_BYTES, UNKNOWN_REQUEST, Envelope
from idnode.wire.messages.message import Message
from idnode.wire.messages.packets import Assembler, packets_of
from idnode.wire.messages.stream import MessageStream

MESSAGES_MAX = 65_536
"""Of one answer."""

Open = Callable[[bytes], Message]
"""Reads a whole message, decrypted and checked where it takes that."""


class ServerAddress(NamedTuple):
    """Where a server is asked; a port of None: not over that transport."""

    host: str
    udp_port: int | None
    tcp_port: int | None

    @classmethod
    def parse(cls, text: str) -> "ServerAddress":
        """`host:port`, an IPv6 address in brackets; the port is that of both transports. Raises ValueError."""
        try:
            parts = urlsplit(f"//{text}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or not port or not text.isascii() or set("/?#@ ") & set(text):
            raise ValueError("must be host:port such as 192.0.2.1:2641 or [2001:db8::1]:2641")
        return cls(host, port, port)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, seconds: for a datagram's answer at each try, for a connection, for a message on it."""

    tries_seconds: tuple[float, ...] = (0.5, 1.0, 1.5)
    connect_seconds: float = 5.0
    answer_seconds: float = 30.0


class DatagramLink(asyncio.DatagramProtocol):
    """A socket of its own that takes what comes from the server only."""

    def __init__(self, patience: Patience, monotonic: Callable[[], float]) -> None:
        self._patience = patience
        self._monotonic = monotonic
        self._inboxes = Inboxes()
        self._assembler = Assembler()

    @classmethod
    async def open(cls, address: ServerAddress, patience: Patience, monotonic: Callable[[], float]) -> "DatagramLink":
        """Raises ServerUnreachable."""
        remote = (address.host, address.udp_port)
        try:
            async with asyncio.timeout(patience.connect_seconds):
                _, link = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: cls(patience, monotonic), remote_addr=cast("tuple[str, int]", remote)
                )
        except (OSError, TimeoutError) as error:
            raise _unreachable(address.host, address.udp_port, error) from error
        return link

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ready."""
        # uvloop's transports have the interface without the base class.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002  # connected: there is one
        """A packet; what is none is dropped, as anybody could have sent it."""
        try:
            envelope = Envelope.decode(data)
        except MalformedMessage:
            return
        if envelope.size == len(data) - ENVELOPE_BYTES:
            self._inboxes.deliver(data, envelope)
            return
        # Servers do not set the truncated flag.
        whole = self._assembler.take(None, data, envelope, self._monotonic())
        if whole is not None:
            self._inboxes.deliver(whole, envelope)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there."""
        self._inboxes.fail(ServerUnreachable(f"nothing answers: {exc}"))

    async def ask(self, data: bytes, request_id: int, opens: Open) -> list[Message]:
        """The answer, one message. Raises ServerUnreachable, WrongAnswer, MalformedMessage."""
        packets = packets_of(data, tells_truncation=True)
        with self._inboxes.expecting(request_id) as inbox:
            for seconds in self._patience.tries_seconds:
                for packet in packets:
                    self._transport.sendto(packet)
                try:
                    return [opens(await self._inboxes.next(inbox, seconds_max=seconds))]
                except ServerUnreachable as error:
                    last = error
        raise last

    def close(self) -> None:
        """Whoever waits is told."""
        self._inboxes.fail(ServerUnreachable("the client was closed"))
        self._transport.close()


class ConnectionLink(asyncio.Protocol):
    """A connection for many requests at once, each told by its id."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._inboxes = Inboxes()
        self._stream = MessageStream()
        self.is_open = False

    @classmethod
    async def open(cls, address: ServerAddress, patience: Patience) -> "ConnectionLink":
        """Raises ServerUnreachable."""
        if address.tcp_port is None:
            raise ServerUnreachable(f"{address.host} is not asked over TCP")
        try:
            async with asyncio.timeout(patience.connect_seconds):
                _, link = await asyncio.get_running_loop().create_connection(
                    lambda: cls(patience), address.host, address.tcp_port
                )
        except (OSError, TimeoutError) as error:
            raise _unreachable(address.host, address.tcp_port, error) from error
        return link

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The server has taken it."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Some bytes of the stream."""
        self._stream.feed(data)
        try:
            while (message := self._stream.next_message()) is not None:
                self._deliver(message)
        except MalformedMessage as error:
            self._inboxes.fail(WrongAnswer(f"the server does not speak the protocol: {error.detail}"))
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the interface has it
        """The server has gone: HANDLE.NET's does after each answer."""
        self.is_open = False
        self._inboxes.fail(ServerUnreachable("the server closed the connection"))

    async def ask(self, data: bytes, request_id: int, opens: Open) -> list[Message]:
        """All messages of the answer. Raises ServerUnreachable, WrongAnswer, MalformedMessage."""
        messages: list[Message] = []
        with self._inboxes.expecting(request_id) as inbox:
            self._transport.write(data)
            while True:
                messages.append(opens(await self._inboxes.next(inbox, seconds_max=self._patience.answer_seconds)))
                if not messages[-1].header.flags & OpFlag.CONTINUOUS:
                    return messages
                if len(messages) >= MESSAGES_MAX:
                    raise WrongAnswer(f"the answer has more than {MESSAGES_MAX} messages")

    def close(self) -> None:
        """Whoever waits is told."""
        self._transport.close()

    def _deliver(self, message: bytes) -> None:
        envelope = Envelope.decode(message)
        if envelope.request_id == UNKNOWN_REQUEST:
            # It could not even read which request it was: one of ours on this connection.
            self._inboxes.fail(WrongAnswer("the server could not read a request"))
        else:
            self._inboxes.deliver(message, envelope)


def _unreachable(host: str, port: int | None, error: Exception) -> ServerUnreachable:
    return ServerUnreachable(f"cannot reach {host} port {port}: {error or 'no answer in time'}")
