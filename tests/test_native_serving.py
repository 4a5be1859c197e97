"""The native protocol as a node of processes serves it: both transports and families, two workers, reload, end."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from blocking import held, until_blocked
from process import NodeProcess, free_port
from prometheus_client.parser import text_string_to_metric_families

from idnode.storage.database import Database
from idnode.wire.messages.bodies import HandleValues, ResolutionRequest
from idnode.wire.messages.codes import REQUEST_FLAGS_DEFAULT, OpCode, ResponseCode
from idnode.wire.messages.envelope import Envelope, Version
from idnode.wire.messages.header import Header
from idnode.wire.messages.message import Message, read_message, write_message
from idnode.wire.messages.packets import Assembler, packets_of
from idnode.wire.messages.stream import MessageStream

ANSWER_SECONDS_MAX = 10
HOSTS = ("127.0.0.1", "::1")
SHORT = "88.118/JX-1"
LONG = "88.118/LONG"
NOTHING = "88.118/NONE"
RELOADS = 1
TYPES = tuple(f"TYPE{number:04}" for number in range(200))
"""What makes a request longer than a packet."""


class Served(NamedTuple):
    """A node, and its port of the native protocol."""

    node: NodeProcess
    port: int


def asked(handle: str, *, number: int = 7, types: tuple[str, ...] = ()) -> bytes:
    envelope = Envelope(Version(2, 3), Version(2, 11), False, False, 0, number, 0, 0)
    header = Header(OpCode.RESOLUTION, 0, REQUEST_FLAGS_DEFAULT, 0xFFFF, 0, 1_900_000_000, 0)
    return write_message(envelope, header, ResolutionRequest(handle, (), types).encode())


class UdpClient:
    """A socket of its own: one source."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(ANSWER_SECONDS_MAX)
        self._socket.connect((host, port))

    def send(self, data: bytes) -> None:
        for packet in packets_of(data, tells_truncation=True):
            self._socket.send(packet)

    def answer(self) -> Message:
        assembler = Assembler()
        while True:
            data = self._socket.recv(65_536)
            envelope = Envelope.decode(data)
            whole = data if envelope.size == len(data) - 20 else assembler.take("node", data, envelope, 0.0)
            if whole is not None:
                return read_message(whole)

    async def ask(self, data: bytes) -> Message:
        self.send(data)
        return await asyncio.to_thread(self.answer)

    def close(self) -> None:
        self._socket.close()


async def next_message(reader: asyncio.StreamReader) -> Message:
    """The next one of a connection. Fails when it ends before."""
    stream = MessageStream()
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        while (message := stream.next_message()) is None:
            data = await reader.read(65_536)
            if not data:
                raise ConnectionResetError
            stream.feed(data)
    return read_message(message)


async def asked_over_tcp(host: str, port: int, *requests: bytes) -> list[Message]:
    """One connection, one request after the other."""
    reader, writer = await asyncio.open_connection(host, port)
    answers = []
    for request in requests:
        writer.write(request)
        answers.append(await next_message(reader))
    writer.close()
    return answers


@pytest.fixture
async def served(tmp_path: Path, empty_dsn: str) -> AsyncIterator[Served]:
    """Two workers on both families, with one short record and a long one."""
    port = free_port()
    settings = {"seed": "none", "database_url": empty_dsn, "http_host": "::", "native_port": port, "workers": 2}
    async with NodeProcess(tmp_path, **settings) as node:
        for identifier, size in ((SHORT, 3), (LONG, 3_000)):
            value = {"index": 1, "type": "NOTE", "data": {"format": "string", "value": "x" * size}}
            response = await node.call("POST", "/v1/identifiers", {"identifier": identifier, "values": [value]})
            assert response.status == 201
        yield Served(node, port)


async def counted(node: NodeProcess) -> dict[tuple[str, str, str], float]:
    """Answers by transport, operation and code, of all workers."""
    text = await (await node.call("GET", "/metrics")).text()
    return {
        (sample.labels["transport"], sample.labels["op"], sample.labels["code"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "idnode_native_requests_total"
    }


async def test_both_transports_and_families_and_http_answer_with_two_workers_up_to_the_end(
    served: Served, empty_dsn: str
) -> None:
    node, port = served
    await answers_everywhere(node, port)
    await answers_what_is_under_way_at_the_end(node, port, empty_dsn)


async def answers_everywhere(node: NodeProcess, port: int) -> None:
    clients = [UdpClient(host, port) for host in HOSTS for _ in range(8)]
    for client in clients:
        for request in (asked(SHORT), asked(LONG, types=(*TYPES, "NOTE"))):
            answer = await client.ask(request)

            assert answer.header.response_code == ResponseCode.SUCCESS
        assert HandleValues.decode(answer.body).values[0].data == b"x" * 3_000
        client.close()
    for host in HOSTS:
        answers = await asked_over_tcp(host, port, asked(SHORT), asked(NOTHING), asked(SHORT))

        assert [answer.header.response_code for answer in answers] == [1, 100, 1]
    headers = {"Content-Type": "application/x-hdl-message"}
    async with node.http.post(node.url + "/", data=asked(SHORT, number=9), headers=headers) as response:
        tunnelled = read_message(await response.read())
    async with node.http.post(node.url + "/", data=b"{}", headers={"Content-Type": "text/plain"}) as response:
        refused = response.status

    assert (tunnelled.envelope.request_id, tunnelled.header.response_code) == (9, ResponseCode.SUCCESS)
    assert refused == 415
    assert await counted(node) == {
        ("udp", "resolution", "1"): 32,
        ("tcp", "resolution", "1"): 4,
        ("tcp", "resolution", "100"): 2,
        ("http", "resolution", "1"): 1,
    }


async def answers_what_is_under_way_at_the_end(node: NodeProcess, port: int, dsn: str) -> None:
    database = await Database.open(dsn, connections_max=2)
    client = UdpClient("127.0.0.1", port)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    # The prefix is known from here on; what is asked then is one read of the record.
    assert (await client.ask(asked(NOTHING))).header.response_code == ResponseCode.HANDLE_NOT_FOUND

    async with held(database, "LOCK TABLE identifier IN ACCESS EXCLUSIVE MODE"):
        # Selections that nobody asked for before are in no cache.
        client.send(asked(SHORT, types=("NOTE",)))
        writer.write(asked(LONG, types=("NOTE",)))
        await until_blocked(database, sessions=1)
        node.send(signal.SIGTERM)
        await node.until_logged("worker_leaves")
    over_udp, over_tcp = await asyncio.to_thread(client.answer), await next_message(reader)

    assert (over_udp.header.response_code, over_tcp.header.response_code) == (1, 1)
    assert await reader.read() == b""
    assert await node.until_ended() == 0
    writer.close()
    client.close()
    await database.close()


async def keep_asking_datagrams(port: int, has_ended: asyncio.Event) -> int:
    """One request at a time, none of them twice; how many were answered. Fails when one is not."""
    client, number = UdpClient("127.0.0.1", port), 0
    while not has_ended.is_set():
        number += 1
        answer = await client.ask(asked(SHORT, number=number))
        assert (answer.envelope.request_id, answer.header.response_code) == (number, ResponseCode.SUCCESS)
    client.close()
    return number


async def keep_asking_connections(port: int, has_ended: asyncio.Event) -> int:
    """One request at a time, over a new connection where the node ended one; how many were answered.

    Fails when the first request of a connection is not. A later one may cross the end of its connection.
    """
    answered = 0
    while not has_ended.is_set():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(asked(SHORT))
        is_first = True
        with suppress(ConnectionResetError):
            for number in count(7):
                assert (await next_message(reader)).envelope.request_id == number
                answered += 1
                is_first = False
                if has_ended.is_set():
                    break
                writer.write(asked(SHORT, number=number + 1))
        assert not is_first
        writer.close()
    return answered


async def test_a_reload_under_load_drops_no_request(served: Served) -> None:
    node, port = served
    has_ended = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        asking = [
            tasks.create_task(keep(port, has_ended))
            for keep in (keep_asking_datagrams, keep_asking_connections)
            for _ in range(4)
        ]
        for number in range(1, RELOADS + 1):
            node.send(signal.SIGHUP)
            await node.until_logged("reloaded", times=number)
            await node.until_logged("worker_leaves", times=2 * number)
        has_ended.set()

    assert min(task.result() for task in asking) > 1
