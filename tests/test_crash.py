"""Node and PostgreSQL end without warning under load: what was acknowledged stands, what was not is whole or absent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from aiohttp import ClientConnectionError, ClientResponse
from process import NodeProcess, end, family

from idnode.storage.embedded import EmbeddedPostgres
from idnode.storage.inspection import running_embedded_dsn

pytestmark = pytest.mark.crash

CLIENTS = 16
ROUNDS = 2
REGISTRATIONS_BEFORE = 400
REGISTRATIONS_MAX = 20_000
BATCH = 1_000


def registration(identifier: str) -> dict[str, Any]:
    page = f"https://example.com/{identifier}"
    return {"identifier": identifier, "values": [{"index": 1, "type": "URL", "data": page}]}


async def register(node: NodeProcess, identifier: str) -> ClientResponse:
    """Under an Idempotency-Key of its own, which is the identifier."""
    return await node.call("POST", "/v1/identifiers", registration(identifier), Idempotency_Key=identifier)


@dataclass
class Load:
    """Clients that register one identifier after the other, each until it gets no answer or a 503."""

    node: NodeProcess
    names: Iterator[str]
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    is_under_way: asyncio.Event = field(default_factory=asyncio.Event)

    async def run_until(self, crash: Callable[[], Awaitable[None]]) -> None:
        """Load the node, `crash` when many registrations were acknowledged, wait until every client has noticed."""
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            for _ in range(CLIENTS):
                tasks.create_task(self._client())
            await self.is_under_way.wait()
            await crash()

    async def _client(self) -> None:
        for name in self.names:
            try:
                response = await register(self.node, name)
            except (ClientConnectionError, ConnectionError):
                self.unanswered.add(name)
                return
            if response.status == 503:
                self.unanswered.add(name)
                return
            assert response.status == 201, await response.text()
            self.acknowledged[name] = await response.read()
            if len(self.acknowledged) >= REGISTRATIONS_BEFORE:
                self.is_under_way.set()


@dataclass(frozen=True)
class Stored:
    """What stands in the database of one identifier."""

    record: bytes
    changes: int
    logged: bytes


async def stored(home: Path, names: str) -> dict[str, Stored]:
    """The identifiers like `names`, and those that have a change row only; read past the node."""
    dsn = running_embedded_dsn(home)
    assert dsn is not None
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch(
        "SELECT name, record, count(*) AS changes, min(convert_from(new, 'UTF8')) AS logged"
        " FROM identifier FULL JOIN (SELECT * FROM change WHERE subject = 'identifier') AS c ON name = folded"
        " WHERE coalesce(folded, name) LIKE $1 GROUP BY folded, name, record",
        names,
    )
    await connection.close()
    return {row["name"]: Stored(row["record"], row["changes"], row["logged"].encode()) for row in rows}


async def resolve(node: NodeProcess, names: Iterator[str]) -> dict[str, Any]:
    """The record of each identifier, None where there is none."""
    records: dict[str, Any] = {}
    while batch := list(islice(names, BATCH)):
        response = await node.call("POST", "/v1/resolve", {"identifiers": batch}, key=None)
        assert response.status == 200
        records |= {each["identifier"]: each.get("record") for each in (await response.json())["results"]}
    return records


async def verify(node: NodeProcess, load: Load, names: str) -> None:
    """Look at everything the load did, through the node and past it, then send again what got no answer."""
    assert len(load.acknowledged) >= REGISTRATIONS_BEFORE
    assert len(load.unanswered) == CLIENTS

    assert await resolve(node, iter(load.acknowledged)) == {
        name: orjson.loads(body) for name, body in load.acknowledged.items()
    }
    found = await stored(node.home, names)
    assert {name for name, each in found.items() if each.changes != 1 or each.logged != each.record} == set()
    assert load.acknowledged.keys() - found.keys() == set()
    assert found.keys() - load.acknowledged.keys() - load.unanswered == set()

    known = dict(islice(load.acknowledged.items(), 32))
    assert {name: await answer(node, name) for name in known} == known
    late = {name: await answer(node, name) for name in sorted(load.unanswered)}
    assert {name: await answer(node, name) for name in late} == late
    again = await stored(node.home, names)
    assert again.keys() == load.acknowledged.keys() | load.unanswered
    assert {name: again[name] for name in found} == found
    assert {name for name, each in again.items() if each.changes != 1} == set()
    assert {name: orjson.loads(again[name].record) for name in late} == {n: orjson.loads(b) for n, b in late.items()}


async def answer(node: NodeProcess, name: str) -> bytes:
    response = await register(node, name)
    assert response.status == 201
    return await response.read()


def load_on(node: NodeProcess, round_: int) -> Load:
    numbers = islice(count(), REGISTRATIONS_MAX)
    return Load(node, (f"88.118/ROUND{round_}-{number}" for number in numbers))


async def test_what_a_killed_node_acknowledged_is_there_after_its_restart(tmp_path: Path) -> None:
    node = NodeProcess(tmp_path, seed="none")
    async with node:
        for round_ in range(ROUNDS):
            load = load_on(node, round_)
            await load.run_until(node.kill)

            await node.restart()

            await verify(node, load, f"88.118/ROUND{round_}-%")


async def test_what_was_acknowledged_is_there_after_the_end_of_node_and_postgresql(tmp_path: Path) -> None:
    async with NodeProcess(tmp_path, seed="none") as node:

        async def kill_all() -> None:
            assert node.postgres is not None
            end({node.pid, *family(node.postgres)})
            await node.until_ended()

        for round_ in range(ROUNDS):
            load = load_on(node, round_)
            await load.run_until(kill_all)

            await node.restart()

            await verify(node, load, f"88.118/ROUND{round_}-%")


async def test_a_node_whose_own_postgresql_is_killed_starts_it_again_and_has_lost_nothing(tmp_path: Path) -> None:
    async with NodeProcess(tmp_path, seed="none") as node:
        pid = node.pid

        async def kill_postmaster() -> None:
            assert node.postgres is not None
            end({node.postgres})

        for round_ in range(ROUNDS):
            load = load_on(node, round_)
            await load.run_until(kill_postmaster)

            await node.until_logged("postgres_revived", times=round_ + 1)
            await node.until_ready()

            await verify(node, load, f"88.118/ROUND{round_}-%")
        assert node.pid == pid


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A PostgreSQL that the node did not start and will not start again."""
    async with EmbeddedPostgres(tmp_path / "server", durable=False, settings={"shared_buffers": "16MB"}) as started:
        yield started


async def test_while_the_server_is_away_everyone_is_told_so_and_when_it_is_back_the_node_goes_on(
    tmp_path: Path, server: EmbeddedPostgres
) -> None:
    async with NodeProcess(tmp_path, seed="none", database_url=server.dsn) as node:
        first = await answer(node, "88.118/BEFORE")
        await server.stop()

        async with asyncio.timeout(60):
            alive = await node.call("GET", "/livez", key=None)
            ready = await node.call("GET", "/readyz", key=None)
            writes = await asyncio.gather(*(register(node, f"88.118/AWAY-{number}") for number in range(64)))
            lists = await asyncio.gather(*(node.call("GET", "/v1/enterprises") for _ in range(64)))
        problems = [await response.json() for response in (*writes, *lists)]

        assert alive.status == 200
        assert (ready.status, (await ready.json())["status"]) == (503, "not ready")
        assert {(each.status, each.headers["Retry-After"]) for each in (*writes, *lists)} == {(503, "1")}
        assert {problem["type"] for problem in problems} == {"urn:idnode:problem:unavailable"}

        await server.start()
        await node.until_ready()

        assert await answer(node, "88.118/BEFORE") == first
        assert orjson.loads(await answer(node, "88.118/AWAY-7"))["version"] == 1
        assert (await node.call("GET", "/v1/enterprises")).status == 200
        assert await node.stop() == 0
