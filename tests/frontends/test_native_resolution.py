"""The native protocol over UDP and TCP: what real clients ask is answered to the byte, and junk harms nobody."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from harness import NodeUnderTest

from idnode.frontends.fastpath.front import FrontLimits
from idnode.frontends.native.tcp import NativeConnection
from idnode.frontends.native.udp import Datagrams
from idnode.resolver.tally import Outcome
from idnode.wire.cursor import Reader
from idnode.wire.messages.bodies import HandleValues, ResolutionRequest, read_text_body
from idnode.wire.messages.codes import REQUEST_FLAGS_DEFAULT, OpCode, OpFlag, ResponseCode
from idnode.wire.messages.digests import read_digest
from idnode.wire.messages.envelope import UNKNOWN_REQUEST, Envelope, Version
from idnode.wire.messages.header import Header
from idnode.wire.messages.message import Message, read_message, write_message
from idnode.wire.messages.packets import Assembler, packets_of
from idnode.wire.messages.stream import MessageStream

ANSWER_SECONDS_MAX = 10
CLIENT_VERSION = Version(2, 3)
SUGGESTED = Version(2, 11)


class Client(asyncio.DatagramProtocol):
    """Takes packets in and puts messages together."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self._assembler = Assembler()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        envelope = Envelope.decode(data)
        whole = data if envelope.size == len(data) - 20 else self._assembler.take(addr, data, envelope, 0.0)
        if whole is not None:
            self.messages.put_nowait(whole)

    async def answer(self) -> Message:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            return read_message(await self.messages.get())


@dataclass
class Native:
    """A node that speaks the protocol, and a client's socket to it."""

    node: NodeUnderTest
    udp: Client
    port: int

    def send(self, data: bytes) -> None:
        self.udp.transport.sendto(data)  # type: ignore[attr-defined]  # uvloop's transports lack the base class

    async def ask(self, data: bytes) -> Message:
        for packet in packets_of(data, tells_truncation=True):
            self.send(packet)
        return await self.udp.answer()


@pytest.fixture
async def native(node: NodeUnderTest) -> AsyncIterator[Native]:
    enterprise = await node.enterprise()
    await node.prefix("88.118.8", enterprise=enterprise)
    await node.identifier("88.118.8/JX-1")
    loop = asyncio.get_running_loop()
    front = node.node.make_native(FrontLimits(100, 10, 60))
    serving = await loop.create_server(lambda: NativeConnection(front), "127.0.0.1", 0)
    port = serving.sockets[0].getsockname()[1]
    listening, _ = await loop.create_datagram_endpoint(lambda: Datagrams(front), ("127.0.0.1", port))
    sending, client = await loop.create_datagram_endpoint(Client, remote_addr=("127.0.0.1", port))
    yield Native(node, client, port)
    sending.close()
    listening.close()
    serving.close()


def request(
    body: bytes, *, number: int = 7, op_code: int = OpCode.RESOLUTION, flags: int = REQUEST_FLAGS_DEFAULT
) -> bytes:
    envelope = Envelope(CLIENT_VERSION, SUGGESTED, False, False, 0, number, 0, 0)
    return write_message(envelope, Header(op_code, 0, flags, 0xFFFF, 0, 1_900_000_000, 0), body)


def asked(handle: str, *, number: int = 7, flags: int = REQUEST_FLAGS_DEFAULT, types: tuple[str, ...] = ()) -> bytes:
    return request(ResolutionRequest(handle, (), types).encode(), number=number, flags=flags)


async def test_a_handle_is_answered_again_and_again(native: Native) -> None:
    for number in (7, 8, 9):
        answer = await native.ask(asked("88.118.8/jx-1", number=number))

        assert answer.envelope.version == (2, 11)
        assert answer.envelope.request_id == number
        assert answer.header.response_code == ResponseCode.SUCCESS
        assert answer.header.flags == 0x99000000
        assert HandleValues.decode(answer.body).handle == "88.118.8/jx-1"
        assert [value.type for value in HandleValues.decode(answer.body).values] == ["URL"]
    assert native.node.node.resolving.usage.by_outcome()[Outcome.HIT] == 2


async def test_both_ways_of_reading_answer_alike(native: Native) -> None:
    values = [
        {"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/产品"}, "ttl": 60},
        {"index": 2, "type": "BYTES", "data": {"format": "base64", "value": "AAEC"}},
        {"index": 3, "type": "URL", "data": "x", "references": [{"handle": "88.118.8/JX-1", "index": 1}]},
    ]
    for name, chosen in (("PLAIN", values[:1]), ("MIXED", values)):
        document = {"identifier": f"88.118.8/{name}", "values": chosen}
        assert (await native.node.call("POST", "/v1/identifiers", document)).status == 201
        plain = await native.ask(asked(f"88.118.8/{name}"))
        # Without the length of a credential it is none of the plain ones.
        cut = asked(f"88.118.8/{name}")[:-4]
        longer = await native.ask(cut[:16] + (len(cut) - 20).to_bytes(4, "big") + cut[20:])

        assert plain.header == longer.header
        assert plain.body == longer.body
        assert plain.envelope == longer.envelope


async def test_a_change_is_seen_at_once(native: Native) -> None:
    await native.ask(asked("88.118.8/JX-1"))
    await native.node.call("DELETE", "/v1/identifiers/88.118.8/JX-1")

    assert (await native.ask(asked("88.118.8/JX-1"))).header.response_code == ResponseCode.HANDLE_NOT_FOUND


@pytest.mark.parametrize(
    ("handle", "code", "text"),
    [
        ("88.118.8/none", ResponseCode.HANDLE_NOT_FOUND, ""),
        ("11.22/none", ResponseCode.NOT_RESPONSIBLE, "That prefix doesn't live here"),
        ("88.118.8/", ResponseCode.INVALID_HANDLE, "nothing follows the slash"),
    ],
)
async def test_what_is_not_there_has_its_code(native: Native, handle: str, code: ResponseCode, text: str) -> None:
    answer = await native.ask(asked(handle))

    assert answer.header.response_code == code
    assert read_text_body(answer.body) == text


async def test_a_selection_that_takes_nothing_is_code_200(native: Native) -> None:
    answer = await native.ask(asked("88.118.8/JX-1", types=("HS_ADMIN",)))

    assert (answer.header.response_code, answer.body) == (ResponseCode.VALUES_NOT_FOUND, bytes(4))


async def test_a_digest_is_returned_where_it_is_asked_for(native: Native) -> None:
    answer = await native.ask(asked("88.118.8/JX-1", flags=REQUEST_FLAGS_DEFAULT | OpFlag.RETURN_DIGEST))
    reader = Reader(answer.body)

    assert len(read_digest(reader).octets) == 32
    assert HandleValues.decode(reader.rest()).handle == "88.118.8/JX-1"


async def test_long_records_and_long_requests_go_in_pieces(native: Native) -> None:
    value = {"index": 5, "type": "NOTE", "data": {"format": "string", "value": "x" * 3_000}}
    await native.node.call("POST", "/v1/identifiers", {"identifier": "88.118.8/LONG", "values": [value]})
    types = tuple(f"TYPE{number:04}" for number in range(200))

    for wanted in ((), (*types, "NOTE")):
        answer = await native.ask(asked("88.118.8/LONG", types=wanted))
        assert HandleValues.decode(answer.body).values[0].data == b"x" * 3_000


async def test_junk_is_answered_and_answers_are_not(native: Native) -> None:
    native.send(b"junk")
    unreadable = await native.udp.answer()

    assert unreadable.header.response_code == ResponseCode.PROTOCOL_ERROR
    assert (unreadable.header.op_code, unreadable.envelope.request_id) == (OpCode.NONE, UNKNOWN_REQUEST)
    native.send(write_message(unreadable.envelope, unreadable.header, unreadable.body))
    assert (await native.ask(asked("88.118.8/JX-1"))).header.response_code == ResponseCode.SUCCESS


async def test_an_unknown_operation_is_not_supported_and_names_its_request(native: Native) -> None:
    answer = await native.ask(request(b"", op_code=999, number=77))

    assert (answer.header.response_code, answer.envelope.request_id) == (ResponseCode.NOT_SUPPORTED, 77)


async def test_a_connection_stays_open_and_takes_requests_in_any_split(native: Native) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", native.port)
    data = b"".join(asked("88.118.8/JX-1", number=number) for number in range(1, 21))
    stream, numbers = MessageStream(), set[int]()
    for at in range(0, len(data), 37):
        writer.write(data[at : at + 37])
        await asyncio.sleep(0)
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        while len(numbers) < 20:
            stream.feed(await reader.read(65_536))
            while (message := stream.next_message()) is not None:
                numbers.add(read_message(message).envelope.request_id)

    assert numbers == set(range(1, 21))
    writer.close()


async def test_a_stream_of_nonsense_is_closed(native: Native) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", native.port)
    writer.write(b"\xff" * 64)

    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        assert read_message(await reader.read()).header.response_code == ResponseCode.PROTOCOL_ERROR
    writer.close()
