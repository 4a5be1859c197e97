"""A node from its first start to its end, as a process: what it prints, keeps, answers, refuses and leaves behind."""

import asyncio
import signal
import socket
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from blocking import held, until_blocked
from process import NodeProcess, alive, family

from idnode.storage.database import Database

PER_ENTERPRISE = (
    "SELECT e.name, count(i.folded) AS products FROM enterprise e LEFT JOIN prefix p ON p.enterprise = e.id"
    " LEFT JOIN identifier i ON i.folded LIKE p.folded || '/%' GROUP BY e.name"
)
REGISTRATION = {"identifier": "88.118/JX-1", "values": [{"index": 1, "type": "URL", "data": "https://example.com/"}]}


async def rows(dsn: str, statement: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@dataclass(frozen=True)
class Run:
    """What one run of a node left to be looked at."""

    stdout: str
    stderr: str
    admin_key: str
    exit_code: int
    left_running: set[int]
    enterprises: list[dict[str, Any]]
    products: dict[str, int]
    record: dict[str, Any]


@dataclass(frozen=True)
class Life:
    """Two runs on one home: the first seeded, registered and ended by SIGTERM, the second ended by SIGINT."""

    home: Path
    first: Run
    second: Run


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """The life of a node with a PostgreSQL of its own and the settings that it has by itself."""
    directory = tmp_path_factory.mktemp("life")
    first = asyncio.run(run_once(directory, end_by=signal.SIGTERM))
    second = asyncio.run(run_once(directory, end_by=signal.SIGINT))
    return Life(directory / ".idnode", first, second)


async def run_once(directory: Path, *, end_by: signal.Signals) -> Run:
    async with NodeProcess(directory) as node:
        await node.call("POST", "/v1/identifiers", REGISTRATION)
        record = await (await node.call("GET", "/v1/identifiers/88.118/JX-1", key=None)).json()
        enterprises = (await (await node.call("GET", "/v1/enterprises")).json())["items"]
        prefixes = (await (await node.call("GET", "/v1/prefixes")).json())["items"]
        products = {prefix["prefix"]: await count_products(node, prefix["prefix"]) for prefix in prefixes}
        assert node.postgres is not None
        processes = {node.pid, *family(node.postgres)}
        assert alive(processes) == processes
        exit_code = await node.stop(end_by)
        left = alive(processes)
        return Run(node.stdout, node.stderr, node.admin_key, exit_code, left, enterprises, products, record)


async def count_products(node: NodeProcess, prefix: str) -> int:
    page = await (await node.call("GET", f"/v1/identifiers?prefix={prefix}&limit=1000")).json()
    return len(page["items"])


def test_the_first_run_prints_one_admin_key_and_keeps_it_for_its_owner_only(life: Life) -> None:
    lines = life.first.stdout.splitlines()

    assert lines[0] == f"admin API key (shown once, kept in {life.home}/admin.key): {life.first.admin_key}"
    assert life.first.stdout.count("idn_") == 1
    assert lines[1] == "seeded 800 demo products; IDNODE_SEED=none starts empty"
    assert lines[2].startswith("idnode serves prefix 88.118 on http://127.0.0.1:")
    assert (mode(life.home), mode(life.home / "admin.key")) == (0o700, 0o600)


def test_the_second_run_prints_no_key_and_the_first_one_still_works(life: Life) -> None:
    [line] = life.second.stdout.splitlines()

    assert line.startswith("idnode serves prefix 88.118 on http://127.0.0.1:")
    assert life.second.admin_key == life.first.admin_key
    assert len(life.second.enterprises) == 5


def test_data_survive_a_restart(life: Life) -> None:
    assert life.first.record["identifier"] == "88.118/JX-1"
    assert life.second.record == life.first.record
    assert life.second.products == life.first.products


def test_the_demo_is_an_operator_and_four_enterprises_with_their_products(life: Life) -> None:
    assert {each["name"]: each["industry"] for each in life.first.enterprises} == {
        "示例高端纺织有限公司": "C17",
        "示例智慧建造有限公司": "E47",
        "示例船舶海工有限公司": "C373",
        "示例电子信息有限公司": "C39",
        "示例标识解析二级节点运营有限公司": "I64",
    }
    assert life.first.products == {
        "88.118": 1,
        "88.118.20001": 200,
        "88.118.20002": 200,
        "88.118.20003": 200,
        "88.118.20004": 200,
    }


def test_both_signals_stop_everything_in_order(life: Life) -> None:
    assert (life.first.exit_code, life.first.left_running) == (0, set())
    assert (life.second.exit_code, life.second.left_running) == (0, set())
    assert '"event":"stopped"' in life.first.stderr.splitlines()[-1]


def test_neither_the_admin_key_nor_the_password_of_the_database_is_logged(life: Life) -> None:
    logged = life.first.stderr + life.second.stderr

    assert '"event":"request"' in logged
    assert life.first.admin_key not in logged
    assert (life.home / "postgres.password").read_text().strip() not in logged


@pytest.fixture
async def node(tmp_path: Path, empty_dsn: str) -> AsyncIterator[NodeProcess]:
    """A node on another's server, without demo data."""
    async with NodeProcess(tmp_path, seed="none", database_url=empty_dsn, log_level="debug") as process:
        yield process


async def test_a_given_server_is_used_and_none_is_started(node: NodeProcess, empty_dsn: str) -> None:
    response = await node.call("POST", "/v1/identifiers", REGISTRATION)

    assert response.status == 201
    assert await rows(empty_dsn, "SELECT folded, version FROM identifier") == [("88.118/JX-1", 1)]
    assert sorted(path.name for path in node.home.iterdir()) == ["admin.key"]
    assert await node.stop() == 0
    assert await rows(empty_dsn, "SELECT count(*) FROM identifier") == [(1,)]


async def test_without_a_seed_there_are_only_the_node_s_prefix_and_templates(node: NodeProcess, empty_dsn: str) -> None:
    assert await rows(empty_dsn, "SELECT count(*) FROM enterprise") == [(0,)]
    assert await rows(empty_dsn, "SELECT count(*) FROM identifier") == [(0,)]
    assert await rows(empty_dsn, "SELECT folded FROM prefix") == [("88.118",)]
    assert await rows(empty_dsn, "SELECT count(*) FROM template") == [(4,)]
    assert len(node.stdout.splitlines()) == 2


async def test_a_request_under_way_at_the_end_is_answered(node: NodeProcess, empty_dsn: str) -> None:
    database = await Database.open(empty_dsn, connections_max=2)

    async with held(database, "LOCK TABLE identifier IN EXCLUSIVE MODE"):
        registering = asyncio.create_task(node.call("POST", "/v1/identifiers", REGISTRATION))
        await until_blocked(database, sessions=1)
        node.send(signal.SIGTERM)
        await node.until_logged("draining")
    response = await registering

    assert response.status == 201
    assert await node.until_ended() == 0
    assert await rows(empty_dsn, "SELECT folded FROM identifier") == [("88.118/JX-1",)]
    await database.close()


async def test_without_time_to_drain_a_request_under_way_is_dropped(tmp_path: Path, empty_dsn: str) -> None:
    body = b'{"identifier":"88.118/JX-1","values":[]}'
    async with NodeProcess(tmp_path, seed="none", database_url=empty_dsn, drain_seconds=0) as node:
        head = f"POST /v1/identifiers HTTP/1.1\r\nHost: idnode\r\nAuthorization: Bearer {node.admin_key}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
        writer.write(head.encode() + body[:20])
        # The request for the metrics is the second one.
        while "idnode_http_requests_in_flight 2.0" not in await (await node.call("GET", "/metrics")).text():
            pass

        assert await node.stop() == 0
        assert await reader.read() == b""
        writer.close()


async def test_a_port_that_is_taken_is_told_in_one_line_before_the_database_is_touched(tmp_path: Path) -> None:
    node = NodeProcess(tmp_path, seed="none")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", node.port))
        holder.listen()
        await node.start()
        exit_code = await node.until_ended()
        await node.close()

    assert exit_code == 2
    assert node.stdout == ""
    assert node.stderr == (
        f"idnode: cannot listen on 127.0.0.1 port {node.port}: Address already in use;"
        " another process has it; set IDNODE_HTTP_PORT or IDNODE_HTTP_HOST\n"
    )
    assert list(node.home.iterdir()) == []


async def test_a_server_that_is_not_there_is_told_in_one_line_without_its_password(tmp_path: Path) -> None:
    node = NodeProcess(tmp_path, database_url="postgresql://idnode:geheim@127.0.0.1:1/idnode")
    await node.start()
    exit_code = await node.until_ended()
    await node.close()

    assert exit_code == 3
    assert node.stderr == "idnode: cannot connect to PostgreSQL: [Errno 111] Connection refused\n"


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_two_colons_answer_over_ipv4_and_ipv6(tmp_path: Path, empty_dsn: str) -> None:
    async with NodeProcess(tmp_path, seed="none", database_url=empty_dsn, http_host="::") as node:
        for host in ("127.0.0.1", "[::1]"):
            async with node.http.get(f"http://{host}:{node.port}/livez") as response:
                assert (response.status, await response.json()) == (200, {"status": "alive"})

        assert f"on http://[::]:{node.port} " in node.stdout


async def until_some_are_registered(node: NodeProcess, dsn: str) -> int:
    """Wait until seeding has begun; the number of products that there are now."""
    async with asyncio.timeout(60):
        while True:
            try:
                [(count,)] = await rows(dsn, "SELECT count(*) FROM identifier")
            except asyncpg.UndefinedTableError:
                continue
            if count:
                return int(count)
            assert "serving" not in node.stderr


@pytest.mark.crash
async def test_a_seeding_that_was_killed_is_completed_by_the_next_start_without_doubling(
    tmp_path: Path, empty_dsn: str
) -> None:
    killed = NodeProcess(tmp_path, seed_products=1_000, database_url=empty_dsn)
    await killed.start()
    await until_some_are_registered(killed, empty_dsn)
    await killed.kill()
    await killed.close()
    [(before,)] = await rows(empty_dsn, "SELECT count(*) FROM identifier")
    assert 0 < before < 4_000

    async with NodeProcess(tmp_path, seed_products=1_000, database_url=empty_dsn) as node:
        assert "admin API key" in killed.stdout
        assert "admin API key" not in node.stdout

    assert dict(await rows(empty_dsn, PER_ENTERPRISE)) == {
        "示例标识解析二级节点运营有限公司": 0,
        "示例高端纺织有限公司": 1_000,
        "示例智慧建造有限公司": 1_000,
        "示例船舶海工有限公司": 1_000,
        "示例电子信息有限公司": 1_000,
    }
    assert await rows(empty_dsn, "SELECT count(*) FROM change WHERE subject = 'identifier'") == [(4_000,)]


async def test_a_signal_during_the_first_run_is_not_put_off_until_its_end(tmp_path: Path, empty_dsn: str) -> None:
    node = NodeProcess(tmp_path, seed_products=5_000, database_url=empty_dsn)
    await node.start()
    await until_some_are_registered(node, empty_dsn)

    exit_code = await node.stop(signal.SIGINT)
    await node.close()
    [(registered,)] = await rows(empty_dsn, "SELECT count(*) FROM identifier")

    assert exit_code == 0
    assert registered < 20_000
    assert "serves" not in node.stdout


async def raw(node: NodeProcess, request: bytes) -> bytes:
    """What the node answers to bytes that no client library would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    writer.write(request)
    async with asyncio.timeout(60):
        answer = await reader.read()
    writer.close()
    return answer


async def test_a_request_is_one_line_of_json_under_the_request_id_that_was_answered(node: NodeProcess) -> None:
    registered = await node.call("POST", "/v1/identifiers", REGISTRATION, X_Request_Id="order-7")
    missing = await node.call("POST", "/api/handles/88.118/NONE", key=None, X_Request_Id="ask-1")
    keys = await (await node.call("GET", "/v1/keys")).json()
    await node.stop()
    by_id = {line["request_id"]: line for line in node.log if line["event"] == "request"}

    assert registered.headers["X-Request-Id"] == "order-7"
    assert (by_id["order-7"]["method"], by_id["order-7"]["path"]) == ("POST", "/v1/identifiers")
    assert (by_id["order-7"]["status"], by_id["order-7"]["level"]) == (201, "info")
    assert by_id["order-7"]["actor"] == keys["items"][0]["id"]
    assert missing.headers["X-Request-Id"] == "ask-1"
    line = by_id["ask-1"]
    assert (line["status"], line["actor"], line["path"]) == (404, None, "/api/handles/88.118/NONE")


async def test_no_secret_of_anyone_is_ever_logged(node: NodeProcess, empty_dsn: str) -> None:
    form = {"name": "second", "role": "reader", "prefixes": []}
    made = await (await node.call("POST", "/v1/keys", form, Idempotency_Key="order-key-1")).json()
    again = await (await node.call("POST", "/v1/keys", form, Idempotency_Key="order-key-1")).json()
    statuses = [
        (await node.call("GET", "/v1/keys", key=made["key"])).status,
        (await node.call("GET", "/v1/keys", key="idn_geheim")).status,
        (await node.call("GET", "/v1/keys", key=None, Authorization="Basic geheim")).status,
        (await node.call("GET", "/v1/keys?key=geheim")).status,
    ]
    head = b"GET /v1/keys HTTP/1.1\r\nHost: idnode\r\nConnection: close\r\nAuthorization"
    malformed = [
        b": Bearer geheim\x01\r\n\r\n",
        b" Bearer geheim\r\n\r\n",
        b": Bearer " + b"geheim" * 2_000 + b"\r\n\r\n",
    ]
    answers = [await raw(node, head + rest) for rest in malformed]
    await node.stop()

    assert again == made
    assert statuses == [403, 401, 401, 422]
    assert [answer.split(b" ")[1] for answer in answers] == [b"400", b"400", b"400"]
    events = [line["event"] for line in node.log]
    assert (events.count("request_unreadable"), events.count("library")) == (3, 0)
    secrets = {"geheim", made["key"], node.admin_key, str(urlsplit(empty_dsn).password), "order-key-1"}
    assert [secret for secret in secrets if secret in node.stderr] == []
