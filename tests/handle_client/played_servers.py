"""Servers of the Handle System whose every answer a test decides, over UDP and TCP on one port."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address

from idnode.handle_client.client import World
from idnode.handle_client.links import Patience, ServerAddress
from idnode.model.handle_value import HandleValue
from idnode.wire.messages.bodies import HandleValues, ResolutionRequest, text_body
from idnode.wire.messages.codes import OpFlag, ResponseCode
from idnode.wire.messages.envelope import ENVELOPE_BYTES, Envelope
from idnode.wire.messages.message import Message, read_message, reply_envelope, reply_header, write_message
from idnode.wire.messages.packets import Assembler, packets_of
from idnode.wire.messages.stream import MessageStream
from idnode.wire.typed_values.hs_site import HsSite, InterfaceProtocol, InterfaceUse, SiteInterface, SiteServer

NOW = 1_800_000_000
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
PATIENCE = Patience(tries_seconds=(0.05, 0.1, 2.0), connect_seconds=2.0, answer_seconds=2.0)
_random = iter(range(1, 1_000_000))

Answers = Callable[[Message], list[bytes]]


def counted_bytes(size: int) -> bytes:
    """Random enough: other ones each time."""
    return next(_random).to_bytes(size, "big")


def world() -> World:
    """One that stands still."""
    return World(lambda: float(NOW), lambda: 0.0, counted_bytes)


def value(index: int, kind: str, data: bytes) -> HandleValue:
    """One that everyone may read."""
    return HandleValue(index, kind, data, LONG_AGO)


def told(request: Message, code: int, body: bytes = b"", *, flags: int = 0, expires: int = NOW + 60) -> bytes:
    """An answer in bytes."""
    header = reply_header(request.header, code, serial=1, expiration=expires)
    return write_message(reply_envelope(request.envelope), header._replace(flags=header.flags | flags), body)


def records(found: Mapping[str, tuple[HandleValue, ...]]) -> Answers:
    """A server that has these handles; of others it is told that they do not live there."""

    def answer(request: Message) -> list[bytes]:
        handle = ResolutionRequest.decode(request.body).handle
        values = found.get(handle.upper())
        if values is None:
            return [told(request, ResponseCode.HANDLE_NOT_FOUND, text_body(""))]
        return [told(request, ResponseCode.SUCCESS, HandleValues(handle, values).encode())]

    return answer


class PlayedServer(asyncio.DatagramProtocol):
    """Takes packets together, and remembers what came."""

    def __init__(self, answer: Answers) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.datagrams = 0
        self.connections = 0
        self.address = ServerAddress("127.0.0.1", None, None)
        self._assembler = Assembler()

    def site(self, *, address: str = "127.0.0.1") -> HandleValue:
        """The HS_SITE of this server."""
        both = InterfaceUse.ADMIN | InterfaceUse.QUERY
        ports = ((InterfaceProtocol.TCP, self.address.tcp_port), (InterfaceProtocol.UDP, self.address.udp_port))
        interfaces = tuple(SiteInterface(both, protocol, port) for protocol, port in ports if port is not None)
        server = SiteServer(1, ip_address(address), b"", interfaces)
        return value(1, "HS_SITE", HsSite(servers=(server,)).encode())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        envelope = Envelope.decode(data)
        whole: bytes | None = data
        if envelope.size != len(data) - ENVELOPE_BYTES:
            assert envelope.is_truncated
            whole = self._assembler.take(addr, data, envelope, 0.0)
        if whole is not None:
            self.datagrams += 1
            for message in self._answers(whole):
                for packet in packets_of(message, tells_truncation=False):
                    self._transport.sendto(packet, addr)  # type: ignore[attr-defined]  # uvloop's lacks the base class

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        stream = MessageStream()
        while data := await reader.read(65_536):
            stream.feed(data)
            while (message := stream.next_message()) is not None:
                writer.write(b"".join(self._answers(message)))
        writer.close()

    def _answers(self, data: bytes) -> list[bytes]:
        request = read_message(data)
        self.asked.append(ResolutionRequest.decode(request.body).handle if request.header.op_code == 1 else "")
        return self.answer(request)


@asynccontextmanager
async def played(answer: Answers, *, udp: bool = True, tcp: bool = True) -> AsyncIterator[PlayedServer]:
    """A server for the length of a block."""
    loop, server = asyncio.get_running_loop(), PlayedServer(answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(lambda: server, ("127.0.0.1", port if udp else 0))
    server.address = ServerAddress("127.0.0.1", port if udp else None, port if tcp else None)
    try:
        yield server
    finally:
        transport.close()
        listening.close()


def continued(request: Message, bodies: list[bytes]) -> list[bytes]:
    """An answer in parts."""
    last = len(bodies) - 1
    return [
        told(request, ResponseCode.SUCCESS, body, flags=OpFlag.CONTINUOUS if at < last else 0)
        for at, body in enumerate(bodies)
    ]
