"""The same bytes sent to the connection front and to aiohttp alone, and what comes back, made comparable."""

import asyncio
import re
from collections.abc import Iterable, Sequence

import pytest
from harness import NodeUnderTest
from raw_http import ANSWER_SECONDS_MAX

from idnode.frontends.fastpath.connection import Connection
from idnode.frontends.fastpath.front import FrontLimits
from idnode.frontends.listener import ApplicationConnections

LIMITS = FrontLimits(connections_max=100, header_seconds=10, idle_seconds=60)
HOST = b"Host: node.example\r\n"
END = b"\r\n"
KNOWN = b"/api/handles/88.118.8/JX-1"
RECORD = b"/v1/identifiers/88.118.8/JX-1"
DATE = re.compile(rb"Date: [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT\r\n")
# aiohttp quotes the piece in which it found the fault, and the front gives it a head in one piece.
UNREADABLE = re.compile(
    rb"(HTTP/1.[01] 400 Bad Request\r\nContent-Type: text/plain[^\r]*\r\n)Content-Length: [0-9]+(\r\n.*\r\n\r\n).*",
    re.DOTALL,
)
REQUEST_ID = re.compile(rb"X-Request-Id: [0-9a-f]{32}-[0-9a-f]+\r\n")


@pytest.fixture
async def stocked(node: NodeUnderTest) -> NodeUnderTest:
    """A node with a record of each kind."""
    enterprise = await node.enterprise()
    await node.prefix("88.118.8", enterprise=enterprise)
    site = {"ip": "192.0.2.7", "tcp_port": 2641}
    document = {"prefix": "88.118.9", "enterprise": enterprise, "hosting": "self", "site": site}
    assert (await node.call("POST", "/v1/prefixes", document)).status == 201
    for identifier in ("88.118.8/JX-1", "88.118.8/产品", "88.118.8/gone", "88.118.8/held", "88.118.8/a//b"):
        await node.identifier(identifier)
    await node.call("DELETE", "/v1/identifiers/88.118.8/gone")
    await node.call("POST", "/v1/suspend/88.118.8/held")
    values = [
        {"index": 1, "type": "EMAIL", "data": {"format": "string", "value": "a@example.com"}},
        {"index": 300, "type": "NOTE", "data": {"format": "string", "value": "kept back"}, "permissions": "1100"},
    ]
    secret = await node.call("POST", "/v1/identifiers", {"identifier": "88.118.8/half-secret", "values": values})
    assert secret.status == 201
    return node


def get(target: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    """One request."""
    return b"%b %b HTTP/1.1\r\n" % (method, target) + HOST + b"".join(headers) + END


def comparable(answers: bytes) -> bytes:
    """Without what differs from one second or one request to the next."""
    dated = DATE.sub(b"Date: now\r\n", answers)
    return UNREADABLE.sub(rb"\1\2why", REQUEST_ID.sub(b"X-Request-Id: fresh\r\n", dated))


async def both(node: NodeUnderTest, *parts: bytes) -> tuple[bytes, bytes]:
    """The answers of the front, and those of aiohttp alone, to the same pieces on a connection of their own."""
    return await each(node, parts, parts)


async def each(node: NodeUnderTest, ours: Sequence[bytes], theirs: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The answers of the front to `ours`, and those of aiohttp alone to `theirs`."""
    handlers = await ApplicationConnections.open_for(
        node.node.application, node.node.http, idle_seconds=60, leave=lambda: None
    )
    front = node.node.make_front(handlers.new, limits=LIMITS)
    last = get(b"/livez", b"Connection: close\r\n")
    try:
        return (
            comparable(await answers_of(Connection(front), *ours, last)),
            comparable(await answers_of(handlers.new(), *theirs, last)),
        )
    finally:
        await handlers.close()


async def answers_of(protocol: asyncio.Protocol, *parts: bytes) -> bytes:
    """What a server's protocol answers to these pieces, one by one, until it closes the connection."""
    transport = RecordedTransport(protocol)
    for part in parts:
        if not transport.is_closing():
            protocol.data_received(part)
            # What a piece sets going is under way before the next one comes.
            for _ in range(3):
                await asyncio.sleep(0)
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        await transport.closed.wait()
    return bytes(transport.written)


class RecordedTransport(asyncio.Transport):
    """A connection without a network: what is written is kept, and pieces arrive exactly as they are given."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__({"peername": ("127.0.0.1", 50_000), "sockname": ("127.0.0.1", 80)})
        self.written = bytearray()
        self.closed = asyncio.Event()
        self._protocol = protocol
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """To be read by the test."""
        self.written += data

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Likewise."""
        for data in list_of_data:
            self.written += data

    def close(self) -> None:
        """The protocol hears of it in the next turn of the loop, as from a socket."""
        if not self.closed.is_set():
            self.closed.set()
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.closed.is_set()

    def get_write_buffer_size(self) -> int:
        """Everything has been taken."""
        return 0

    def pause_reading(self) -> None:
        """The test goes on when it likes."""

    def resume_reading(self) -> None:
        """Likewise."""
