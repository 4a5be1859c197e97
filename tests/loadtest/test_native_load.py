"""The native load generator against a server that plays: what it counts, and that its junk is junk."""

import asyncio
import json
import sys
from random import Random

from idnode.wire.cursor import MalformedMessage
from idnode.wire.messages.bodies import HandleValues, ResolutionRequest
from idnode.wire.messages.envelope import Envelope
from idnode.wire.messages.message import read_message, reply_envelope, reply_header, write_message
from idnode.wire.messages.stream import MessageStream
from loadtest.native.asking import junk, request

RUN_SECONDS_MAX = 30
EXPIRES = 2_000_000_000


def answered(data: bytes, code: int) -> bytes:
    message = read_message(data)
    asked = ResolutionRequest.decode(message.body)
    header = reply_header(message.header, code, serial=1, expiration=EXPIRES)
    return write_message(reply_envelope(message.envelope), header, HandleValues(asked.handle, ()).encode())


class Played(asyncio.DatagramProtocol):
    """Answers what can be read: every tenth with code 100."""

    def __init__(self) -> None:
        self.asked = 0
        self.unreadable = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            whole = Envelope.decode(data)
            told = answered(data, 1 if self.asked % 10 else 100)
        except MalformedMessage:
            self.unreadable += 1
            return
        self.asked += whole.request_id != 0x7FFF_FFFF
        self._transport.sendto(told, addr)  # type: ignore[attr-defined]  # uvloop's transports lack the base class


async def run(transport: str, port: int, *how: str) -> dict[str, int]:
    command = [sys.executable, "-m", "loadtest.native", transport, "--port", str(port), "--stem", "88.118.8/B"]
    command += ["--first", "100", "--keys", "50", "--window", "8", "--seconds", "0.2", *how]
    async with asyncio.timeout(RUN_SECONDS_MAX):
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
    seen: dict[str, int] = json.loads(output)
    return seen


async def test_datagrams_are_counted_with_those_that_were_refused() -> None:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(Played, ("127.0.0.1", 0))
    seen = await run("udp", transport.get_extra_info("sockname")[1])
    asked = server.asked
    mixed = await run("junk", transport.get_extra_info("sockname")[1], "--junk", "800")
    transport.close()

    assert seen["requests"] + seen["lost"] <= asked <= seen["requests"] + 8
    assert seen["lost"] == 0
    assert abs(seen["refused"] - seen["requests"] / 10) <= 2
    assert (mixed["requests"], mixed["junk"], mixed["lost"]) == (800, 800, 0)
    assert server.unreadable > 100


async def test_connections_are_kept_and_counted() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        stream = MessageStream()
        while data := await reader.read(65_536):
            stream.feed(data)
            while (message := stream.next_message()) is not None:
                writer.write(answered(message, 1))
        writer.close()

    serving = await asyncio.start_server(serve, "127.0.0.1", 0)
    seen = await run("tcp", serving.sockets[0].getsockname()[1])
    serving.close()

    assert connections == 8
    assert seen["requests"] > 8
    assert (seen["refused"], seen["lost"]) == (0, 0)


def test_junk_is_never_what_is_asked_and_is_the_same_again_from_the_same_seed() -> None:
    good = request("88.118.8/B100")
    first, again = ([junk(good, random) for _ in range(300)] for random in (Random(1), Random(1)))  # noqa: S311

    assert first == again
    assert good not in first
    assert len(set(first)) > 200
