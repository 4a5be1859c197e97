"""Workers and their supervisor as processes: one port, one sum, and no request dropped whatever becomes of a worker."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest
from process import NodeProcess, alive, command_of, until_gone
from prometheus_client.parser import text_string_to_metric_families

LIVEZ = b"GET /livez HTTP/1.1\r\nHost: idnode\r\n\r\n"
ANSWERS_BEFORE = 300


@dataclass
class Clients:
    """Some keep their connection for as long as they may, some open one for each request; all ask until refused."""

    port: int
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    servers: set[str] = field(default_factory=set)
    has_ended: bool = False

    async def ask_until_refused(self, *, keep: bool) -> None:
        """One client."""
        while not self.has_ended:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except ConnectionRefusedError:
                return
            may_ask_again = True
            while may_ask_again and not self.has_ended:
                may_ask_again = await self._ask(reader, writer) and keep
            writer.close()

    async def until_answered(self, more: int) -> None:
        """Wait for so many further answers."""
        goal = self.answered + more
        async with asyncio.timeout(60):
            while self.answered < goal:  # noqa: ASYNC110  # an event for each answer would be no load
                await asyncio.sleep(0.01)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may be asked again."""
        try:
            writer.write(LIVEZ)
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            await reader.readexactly(len('{"status": "alive"}'))
        except (OSError, asyncio.IncompleteReadError) as error:
            self.failures.append(repr(error))
            return False
        self.answered += head.startswith("HTTP/1.1 200")
        self.servers.add(server_of(head))
        return "connection: close" not in head.lower()


def server_of(head: str) -> str:
    """Ids of requests begin alike when they are made by one worker."""
    [line] = [line for line in head.splitlines() if line.lower().startswith("x-request-id: ")]
    return line.partition(": ")[2].rpartition("-")[0]


async def until(node: NodeProcess, *, workers: int) -> set[int]:
    """Wait until the node has exactly so many living worker processes."""
    async with asyncio.timeout(60):
        while len(alive(node.workers)) != workers:  # noqa: ASYNC110  # another process sets no event of ours
            await asyncio.sleep(0.02)
    return alive(node.workers)


async def scrape(node: NodeProcess) -> dict[str, float]:
    """Samples without labels, and requests by route."""
    async with node.http.get(f"{node.url}/metrics") as response:
        families = text_string_to_metric_families(await response.text())
    samples = [sample for family in families for sample in family.samples]
    plain = {sample.name: sample.value for sample in samples if not sample.labels}
    return plain | {s.labels["route"]: s.value for s in samples if s.name == "idnode_http_requests_total"}


@pytest.fixture
async def node(tmp_path: Path, empty_dsn: str) -> AsyncIterator[NodeProcess]:
    """Two workers, both ready."""
    async with NodeProcess(tmp_path, seed="none", database_url=empty_dsn, workers=2) as process:
        await process.until_logged("serving")
        yield process


async def one_answer(node: NodeProcess) -> str:
    """The worker that answers on a new connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    writer.write(LIVEZ)
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    return server_of(head)


async def test_two_workers_answer_on_one_port_and_their_counters_are_added_up(node: NodeProcess) -> None:
    servers = [await one_answer(node) for _ in range(40)]
    samples = await scrape(node)

    assert len(set(servers)) == 2
    assert samples["livez"] == 40
    assert samples["idnode_workers"] == 2
    assert samples["idnode_worker_restarts_total"] == 0
    assert node.stderr.count('"event":"serving"') == 1


async def test_a_killed_worker_is_replaced_and_what_it_counted_stays(node: NodeProcess) -> None:
    for _ in range(40):
        await one_answer(node)
    before = await scrape(node)
    for times, victim in enumerate(sorted(node.workers), start=1):
        os.kill(victim, signal.SIGKILL)
        await node.until_logged("worker_ready", times=2 + times)
    after = await scrape(node)

    assert after["livez"] == before["livez"] == 40
    assert (after["idnode_workers"], after["idnode_worker_restarts_total"]) == (2, 2)
    assert [(line["exit_code"], line["wait_seconds"]) for line in node.log if line["event"] == "worker_fell"] == [
        (-9, 0.1),
        (-9, 0.1),
    ]
    assert len(await until(node, workers=2)) == 2


async def test_a_worker_that_falls_again_and_again_is_waited_for_longer_and_longer(
    tmp_path: Path, empty_dsn: str
) -> None:
    async with NodeProcess(tmp_path, seed="none", database_url=empty_dsn) as node:
        for times in range(1, 4):
            [victim] = await until(node, workers=1)
            os.kill(victim, signal.SIGKILL)
            await until_gone({victim})
            await node.until_logged("worker_fell", times=times)

        assert [line["wait_seconds"] for line in node.log if line["event"] == "worker_fell"] == [0.1, 0.2, 0.4]


async def test_who_waits_for_a_worker_that_falls_is_answered_by_its_successor(tmp_path: Path, empty_dsn: str) -> None:
    async with NodeProcess(tmp_path, seed="none", database_url=empty_dsn) as node:
        [worker] = node.workers
        os.kill(worker, signal.SIGSTOP)
        reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
        writer.write(LIVEZ)
        os.kill(worker, signal.SIGKILL)
        async with asyncio.timeout(60):
            answer = await reader.readuntil(b"\r\n\r\n")
        writer.close()

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_who_waits_in_the_queue_when_the_node_stops_is_answered(tmp_path: Path, empty_dsn: str) -> None:
    async with NodeProcess(tmp_path, seed="none", database_url=empty_dsn) as node:
        [worker] = node.workers
        os.kill(worker, signal.SIGSTOP)
        connections = [await asyncio.open_connection("127.0.0.1", node.port) for _ in range(20)]
        node.send(signal.SIGTERM)
        await node.until_logged("draining")
        os.kill(worker, signal.SIGCONT)
        for _, writer in connections:
            writer.write(LIVEZ)
        async with asyncio.timeout(60):
            answers = [await reader.read() for reader, _ in connections]
        for _, writer in connections:
            writer.close()

        assert [answer.startswith(b"HTTP/1.1 200 ") for answer in answers] == [True] * 20
        assert [b"\r\nConnection: close\r\n" in answer for answer in answers] == [True] * 20
        assert await node.until_ended() == 0


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_node_that_stops_under_load_answers_every_request(tmp_path: Path, empty_dsn: str, workers: int) -> None:
    async with NodeProcess(tmp_path, seed="none", database_url=empty_dsn, workers=workers) as node:
        await node.until_logged("serving")
        clients = Clients(node.port)
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            for number in range(16):
                tasks.create_task(clients.ask_until_refused(keep=number % 2 == 0))
            await clients.until_answered(ANSWERS_BEFORE)
            node.send(signal.SIGTERM)

        assert await node.until_ended() == 0
        assert clients.failures == []
        assert len(clients.servers) == workers
        assert [line for line in node.log if line["event"] == "worker_killed"] == []


async def test_a_reload_under_load_exchanges_the_workers_and_fails_no_request(node: NodeProcess) -> None:
    before = node.workers
    clients = Clients(node.port)
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for number in range(16):
            tasks.create_task(clients.ask_until_refused(keep=number % 2 == 0))
        await clients.until_answered(ANSWERS_BEFORE)
        for times in (1, 2):
            node.send(signal.SIGHUP)
            await node.until_logged("reloaded", times=times)
            await clients.until_answered(ANSWERS_BEFORE)
        await until_gone(before)
        clients.has_ended = True
    samples = await scrape(node)

    assert clients.failures == []
    assert len(clients.servers) == 6
    assert samples["livez"] == clients.answered
    assert samples["idnode_worker_restarts_total"] == 0
    assert len(await until(node, workers=2)) == 2
    assert before.isdisjoint(node.workers)


async def test_a_reload_can_change_the_number_of_workers_under_load(tmp_path: Path, empty_dsn: str) -> None:
    config = tmp_path / "idnode.toml"
    config.write_text("workers = 1\n")
    async with NodeProcess(tmp_path, seed="none", database_url=empty_dsn, workers="", config=config) as node:
        clients = Clients(node.port)
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            for number in range(8):
                tasks.create_task(clients.ask_until_refused(keep=number % 2 == 0))
            for times, workers in enumerate((3, 1), start=1):
                config.write_text(f"workers = {workers}\n")
                node.send(signal.SIGHUP)
                await node.until_logged("reloaded", times=times)
                await until(node, workers=workers)
                await clients.until_answered(ANSWERS_BEFORE)
            clients.has_ended = True

        assert clients.failures == []
        assert len(clients.servers) == 5
        assert (await scrape(node))["idnode_workers"] == 1


async def test_settings_that_are_wrong_or_fixed_change_nothing_at_a_reload(tmp_path: Path, empty_dsn: str) -> None:
    config = tmp_path / "idnode.toml"
    config.write_text("workers = 1\n")
    async with NodeProcess(tmp_path, seed="none", database_url=empty_dsn, workers="", config=config) as node:
        before = node.workers
        config.write_text("workers = 0\ncolour = 'blue'\n")
        node.send(signal.SIGHUP)
        await node.until_logged("reload_refused")
        after = node.workers
        answer = await node.call("GET", "/livez", key=None)
        config.write_text("workers = 1\nprefix = '88.119'\nseed = 'demo'\n")
        node.send(signal.SIGHUP)
        await node.until_logged("reloaded")
        prefixes = (await (await node.call("GET", "/v1/prefixes")).json())["items"]

        assert (after, answer.status) == (before, 200)
        [refused] = [line["detail"] for line in node.log if line["event"] == "reload_refused"]
        assert "IDNODE_WORKERS: Input should be greater than or equal to 1" in refused
        assert [line["settings"] for line in node.log if line["event"] == "reload_ignores"] == [["IDNODE_PREFIX"]]
        assert [prefix["prefix"] for prefix in prefixes] == ["88.118"]


async def test_a_reload_whose_workers_do_not_get_ready_leaves_the_old_ones_at_work(
    node: NodeProcess, empty_dsn: str
) -> None:
    before = node.workers
    name = empty_dsn.partition("?")[0].rpartition("/")[2]
    connection = await asyncpg.connect(empty_dsn.replace(f"/{name}?", "/postgres?", 1))
    await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    node.send(signal.SIGHUP)
    await node.until_logged("reload_failed")
    await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await connection.close()

    assert await until(node, workers=2) == before
    assert (await node.call("GET", "/v1/enterprises")).status == 200
    crashes = [line["exception"] for line in node.log if line["event"] == "worker_crashed"]
    assert ["not currently accepting connections" in crash for crash in crashes] == [True, True]


async def test_a_body_that_is_still_arriving_when_the_node_stops_gets_its_time(node: NodeProcess) -> None:
    body = b'{"identifier":"88.118/JX-1","values":[{"index":1,"type":"URL","data":"https://example.com/"}]}'
    head = f"POST /v1/identifiers HTTP/1.1\r\nHost: idnode\r\nAuthorization: Bearer {node.admin_key}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    writer.write(head.encode() + body[:20])
    # The request for the metrics is the second one.
    while (await scrape(node))["idnode_http_requests_in_flight"] != 2:
        pass
    node.send(signal.SIGTERM)
    await node.until_logged("worker_leaves", times=2)
    writer.write(body[20:])
    async with asyncio.timeout(60):
        answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert await node.until_ended() == 0


async def test_workers_do_not_outlive_their_supervisor(node: NodeProcess) -> None:
    workers = node.workers
    node.send(signal.SIGKILL)
    await node.until_ended()
    await until_gone(workers)

    assert len(workers) == 2


async def test_a_worker_that_is_asked_to_end_by_itself_is_replaced(node: NodeProcess) -> None:
    before = node.workers
    os.kill(min(before), signal.SIGTERM)
    await node.until_logged("worker_ready", times=3)

    assert [line["exit_code"] for line in node.log if line["event"] == "worker_fell"] == [0]
    assert len(await until(node, workers=2) & before) == 1


async def test_the_database_is_told_on_no_command_line(node: NodeProcess) -> None:
    commands = [command_of(pid) for pid in node.workers]

    assert [b"idnode.worker" in command for command in commands] == [True, True]
    assert [command for command in commands if b"postgresql" in command] == []
