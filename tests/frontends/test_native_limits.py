"""The limits of the native protocol: how often, how many, how slow; nobody can make it hold more than that."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import cast

import pytest
from harness import NodeUnderTest

from idnode.frontends.fastpath.front import FrontLimits
from idnode.frontends.limiting import Limiting
from idnode.frontends.native.doors import DatagramDoor, NativeConnections
from idnode.frontends.native.front import NativeFront
from idnode.frontends.native.metrics import NativeCounters
from idnode.frontends.native.tcp import NativeConnection
from idnode.frontends.native.udp import Datagrams
from idnode.frontends.token_bucket import TokenBuckets
from idnode.lifecycle import receiving_socket
from idnode.wire.messages.bodies import ResolutionRequest
from idnode.wire.messages.codes import REQUEST_FLAGS_DEFAULT, OpCode, ResponseCode
from idnode.wire.messages.envelope import Envelope, Version
from idnode.wire.messages.header import Header
from idnode.wire.messages.message import Message, read_message, write_message
from idnode.wire.messages.packets import packets_of
from idnode.wire.messages.stream import MessageStream

ANSWER_SECONDS_MAX = 10
LIMITS = FrontLimits(connections_max=3, header_seconds=10, idle_seconds=60)
BURST = 4
NO_PREFIX_OF_OURS = "11.22/NONE"
WRITTEN_BYTES_MAX = 8 << 20


def asked(handle: str, number: int = 7, *, flags: int = REQUEST_FLAGS_DEFAULT) -> bytes:
    envelope = Envelope(Version(2, 3), Version(2, 11), False, False, 0, number, 0, 0)
    header = Header(OpCode.RESOLUTION, 0, flags, 0xFFFF, 0, 1_900_000_000, 0)
    return write_message(envelope, header, ResolutionRequest(handle, (), ()).encode())


class Talk:
    """A connection to a front, as its client has it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer, self._stream = reader, writer, MessageStream()

    @classmethod
    async def begin(cls, port: int) -> "Talk":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, data: bytes) -> Message:
        self.writer.write(data)
        return await self.answer()

    async def answer(self) -> Message:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            while (message := self._stream.next_message()) is None:
                data = await self.reader.read(65_536)
                assert data, "the connection ended"
                self._stream.feed(data)
        return read_message(message)

    async def has_ended(self) -> bool:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            with suppress(ConnectionResetError):
                return await self.reader.read() == b""
        return True


class Door:
    """A front with its port."""

    def __init__(self, front: NativeFront, port: int) -> None:
        self.front, self.port = front, port

    @property
    def guests(self) -> list[NativeConnection]:
        return [cast("NativeConnection", guest) for guest in self.front._guests]

    def look(self, *moments: float) -> None:
        for moment in moments:
            for guest in self.guests:
                guest.look(moment)


async def opened(node: NodeUnderTest, **given: object) -> AsyncIterator[Door]:
    make = cast("partial[NativeFront]", node.node.make_native)
    front = make(LIMITS, counters=NativeCounters(), **given)
    serving = await asyncio.get_running_loop().create_server(NativeConnections(front).new, "127.0.0.1", 0)
    yield Door(front, serving.sockets[0].getsockname()[1])
    serving.close()
    front.close()


@pytest.fixture
async def door(node: NodeUnderTest) -> AsyncIterator[Door]:
    async for each in opened(node):
        yield each


@pytest.fixture
async def strict_door(node: NodeUnderTest) -> AsyncIterator[Door]:
    """A client may ask BURST times, and never again."""
    async for each in opened(node, limiting=Limiting(TokenBuckets(0.001, BURST, 100, lambda: 0.0))):
        yield each


async def test_who_asks_too_often_is_told_to_wait_over_both_transports_and_from_memory_too(strict_door: Door) -> None:
    talk = await Talk.begin(strict_door.port)
    receiver = receiving_socket("127.0.0.1", 0, setting="")
    address = receiver.getsockname()
    datagrams = DatagramDoor(receiver, strict_door.front)
    await datagrams.start()
    codes = [(await talk.ask(asked(NO_PREFIX_OF_OURS, number))).header.response_code for number in range(3)]
    talk.writer.write(asked(NO_PREFIX_OF_OURS, 3) + asked(NO_PREFIX_OF_OURS, 4))
    answers = [await talk.answer(), await talk.answer()]
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(ANSWER_SECONDS_MAX)
        client.sendto(asked(NO_PREFIX_OF_OURS, 5), address)
        over_udp = read_message(await asyncio.to_thread(client.recv, 512))
    await datagrams.stop_accepting()
    await datagrams.close()

    assert codes == [ResponseCode.NOT_RESPONSIBLE] * 3
    assert [answer.header.response_code for answer in answers] == [ResponseCode.NOT_RESPONSIBLE, ResponseCode.BUSY]
    assert [answer.envelope.request_id for answer in (*answers, over_udp)] == [3, 4, 5]
    assert over_udp.header.response_code == ResponseCode.BUSY


async def test_connections_that_are_too_many_too_slow_or_silent_are_closed(door: Door) -> None:
    await one_too_many(door)
    await one_that_trickles(door)
    await one_that_is_silent(door)


async def one_too_many(door: Door) -> None:
    talks = [await Talk.begin(door.port) for _ in range(3)]
    for talk in talks:
        assert (await talk.ask(asked(NO_PREFIX_OF_OURS))).header.response_code == ResponseCode.NOT_RESPONSIBLE
    late = await Talk.begin(door.port)

    assert await late.has_ended()
    assert (door.front.counters.connections_open, door.front.counters.connections_refused) == (3, 1)
    talks[0].writer.close()
    while door.front.connections == 3:  # noqa: ASYNC110  # a connection that is lost sets no event of ours
        await asyncio.sleep(0)
    talks.append(await Talk.begin(door.port))
    assert (await talks[3].ask(asked(NO_PREFIX_OF_OURS))).header.response_code == ResponseCode.NOT_RESPONSIBLE
    await send_all_away(door)


async def send_all_away(door: Door) -> None:
    door.front.close()
    while door.front.connections:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def one_that_trickles(door: Door) -> None:
    slow, quick = await Talk.begin(door.port), await Talk.begin(door.port)
    slow.writer.write(asked(NO_PREFIX_OF_OURS)[:30])
    await quick.ask(asked(NO_PREFIX_OF_OURS))
    while not any(guest._stream.bytes_held for guest in door.guests):  # noqa: ASYNC110
        await asyncio.sleep(0)
    door.look(0, 5, 9)
    assert door.front.connections == 2
    door.look(11)

    assert await slow.has_ended()
    assert (await quick.ask(asked(NO_PREFIX_OF_OURS))).header.response_code == ResponseCode.NOT_RESPONSIBLE
    await send_all_away(door)


async def one_that_is_silent(door: Door) -> None:
    talk = await Talk.begin(door.port)
    await talk.ask(asked(NO_PREFIX_OF_OURS))
    door.look(0, 59)
    assert door.front.connections == 1
    door.look(61)

    assert await talk.has_ended()


async def test_who_does_not_read_is_not_read_from_and_gets_everything_later(node: NodeUnderTest, door: Door) -> None:
    await node.prefix("88.118.8")
    value = {"index": 1, "type": "NOTE", "data": {"format": "string", "value": "x" * 30_000}}
    document = {"identifier": "88.118.8/LONG", "values": [value]}
    assert (await node.call("POST", "/v1/identifiers", document)).status == 201
    talk = await Talk.begin(door.port)
    await talk.ask(asked("88.118.8/LONG"))
    sent = 0
    [guest] = door.guests
    while not guest._is_behind:
        talk.writer.write(b"".join(asked("88.118.8/LONG", number) for number in range(sent, sent + 50)))
        sent += 50
        await asyncio.sleep(0)
    held = guest._transport.get_write_buffer_size()
    numbers = [(await talk.answer()).envelope.request_id for _ in range(sent)]

    assert held < WRITTEN_BYTES_MAX
    assert sorted(numbers) == list(range(sent))


async def test_datagrams_wait_for_the_next_worker_and_what_the_system_does_not_send_is_dropped(door: Door) -> None:
    await a_successor_reads_what_waits(door)
    drops_what_cannot_be_sent(door)


def drops_what_cannot_be_sent(door: Door) -> None:
    sent: list[bytes] = []

    class Transport:
        def sendto(self, packet: bytes, _: object) -> None:
            sent.append(packet)

        def get_extra_info(self, _: str) -> socket.socket:
            return receiver

    with socket.socket(type=socket.SOCK_DGRAM) as receiver:
        datagrams = Datagrams(door.front)
        datagrams.connection_made(cast("asyncio.BaseTransport", Transport()))
        datagrams.pause_writing()
        datagrams.datagram_received(b"junk", ("127.0.0.1", 9))
        datagrams.resume_writing()
        datagrams.datagram_received(b"junk", ("127.0.0.1", 9))

    assert (len(sent), door.front.counters.unsent) == (1, 1)


async def a_successor_reads_what_waits(door: Door) -> None:
    receiver = receiving_socket("127.0.0.1", 0, setting="")
    kept = receiver.dup()
    first = DatagramDoor(receiver, door.front)
    await first.start()
    await first.stop_accepting()
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(ANSWER_SECONDS_MAX)
        client.connect(kept.getsockname())
        for packet in packets_of(asked(NO_PREFIX_OF_OURS, 5), tells_truncation=True):
            client.send(packet)
        await first.drain(1)
        await first.close()
        second = DatagramDoor(kept, door.front)
        await second.start()
        answer = read_message(await asyncio.to_thread(client.recv, 512))
        await second.stop_accepting()
        await second.close()

    assert answer.envelope.request_id == 5
    assert door.front.doors == []
