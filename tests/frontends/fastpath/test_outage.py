"""PostgreSQL goes away and comes back, killed or hanging: what is known is answered as stale, the rest is 503 soon."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import asyncpg
import pytest
from aiohttp import ClientResponse
from conftest import serve_node
from hanging_server import hanging, server_of_its_own
from harness import NodeUnderTest
from process import end, family, until_gone
from raw_http import exchange

from idnode.config import Settings
from idnode.model.change import Trace
from idnode.model.record import Operation, State
from idnode.resolver.tally import Outcome
from idnode.storage.database import Database
from idnode.storage.embedded import EmbeddedPostgres
from idnode.storage.identifiers import IdentifierStore, RecordWrite

HANDLE = "/api/handles/88.118.8/JX-1"
RECORD = "/v1/identifiers/88.118.8/JX-1"
PROXY = "/88.118.8/JX-1"
NONE = "/api/handles/88.118.8/NONE"
KNOWN = {HANDLE: 200, RECORD: 200, PROXY: 302, NONE: 404}
WAIT_SECONDS_MAX = 30.0
"""How long a test waits before it fails."""
COLD_SECONDS_MAX = 10.0
"""Far more than the second that a cold request may take."""
TRACE = Trace("another process", "r-1", datetime(2026, 3, 9, tzinfo=UTC))

Outage = Callable[[EmbeddedPostgres], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def killed(server: EmbeddedPostgres) -> AsyncIterator[None]:
    """The server dies, and is started again at the end of the block."""
    assert server.pid is not None
    # In tests it commits without waiting for the disk; what was committed until here is to be there afterwards.
    connection = await asyncpg.connect(server.dsn)
    await connection.execute("CHECKPOINT")
    await connection.close()
    processes = family(server.pid)
    end(processes)
    await until_gone(processes)
    try:
        yield
    finally:
        await server.start()


@asynccontextmanager
async def stopped(server: EmbeddedPostgres) -> AsyncIterator[None]:
    """The server answers nothing, and goes on at the end of the block."""
    with hanging(server):
        yield


BOTH_KINDS = pytest.mark.parametrize("outage", [killed, stopped], ids=lambda outage: outage.__name__)


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EmbeddedPostgres]:
    """One that no other test uses; a feed that gives it up after a tenth of a second makes the tests shorter."""
    monkeypatch.setattr("idnode.storage.feed.READ_SECONDS_MAX", 0.1)
    async with server_of_its_own(tmp_path) as started:
        yield started


@asynccontextmanager
async def served(server: EmbeddedPostgres, **settings: object) -> AsyncIterator[NodeUnderTest]:
    """A node on that server which has an answer kept for each of KNOWN."""
    given = Settings.model_validate({"seed": "none", "body_seconds": 1, "drain_seconds": 1, **settings})
    database = await Database.open(server.dsn, connections_max=4)
    async with asynccontextmanager(serve_node)(given, database, server.dsn) as node:
        await node.prefix("88.118.8")
        await node.identifier("88.118.8/JX-1")
        since = monotonic()
        # Until then the feed may still drop what is kept because of the registration.
        await until(lambda: (node.node.freshness.confirmed_at or 0.0) > since)
        # Once by way of aiohttp, which looks the prefix up, and once to be kept.
        for path in (HANDLE, *KNOWN):
            await read(node, path)
        yield node
    await database.close()


async def until(claim: Callable[[], bool]) -> None:
    """Wait for what another task does, which sets no event of ours."""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while not claim():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def until_noticed(node: NodeUnderTest) -> None:
    """The node knows that its database is away."""
    await until(lambda: not node.node.freshness.is_fresh)


async def read(
    node: NodeUnderTest, path: str, *, method: str = "GET", key: str | None = None, **headers: str
) -> ClientResponse:
    """One answer, redirects not followed."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if key is not None:
        sent["Authorization"] = f"Bearer {key}"
    response = await node.client.request(method, path, headers=sent, allow_redirects=False)
    await response.read()
    return response


async def until_fresh(node: NodeUnderTest, path: str, status: int) -> ClientResponse:
    """Ask until the answer has this status and is no stale one."""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while True:
            response = await read(node, path)
            if response.status == status and "Age" not in response.headers:
                return response
            await asyncio.sleep(0.02)


async def suspend_elsewhere(server: EmbeddedPostgres, folded: str) -> None:
    """What another process of the same database does."""
    database = await Database.open(server.dsn, connections_max=1)
    store = IdentifierStore(database)
    record = await store.find(folded)
    assert record is not None
    suspended = record._replace(version=record.version + 1, state=State.SUSPENDED)
    await store.commit([RecordWrite(suspended, Operation.SUSPEND, TRACE)])
    await database.close()


def is_marked_stale(response: ClientResponse) -> bool:
    """RFC 9111 §5.1 and §5.5, RFC 9211."""
    age = response.headers.get("Age", "")
    return (
        age.isdigit()
        and response.headers.get("Warning") == '110 idnode "Response is Stale"'
        and response.headers.get("Cache-Status") == f"idnode; hit; ttl=-{age}"
    )


def stale_answers(node: NodeUnderTest) -> int:
    """Counted since the node began."""
    return node.node.resolving.usage.by_outcome()[Outcome.STALE]


@BOTH_KINDS
async def test_every_view_of_what_is_known_is_answered_as_stale_and_counted_so(
    server: EmbeddedPostgres, outage: Outage
) -> None:
    async with served(server) as node:
        fresh = {path: await read(node, path) for path in KNOWN}
        before = stale_answers(node)
        async with outage(server):
            await until_noticed(node)
            stale = {path: await read(node, path) for path in KNOWN}
            counted = stale_answers(node) - before

        assert {path: response.status for path, response in stale.items()} == KNOWN
        assert [path for path, response in stale.items() if not is_marked_stale(response)] == []
        assert [path for path, response in fresh.items() if "Age" in response.headers] == []
        assert {path: await response.read() for path, response in stale.items()} == {
            path: await response.read() for path, response in fresh.items()
        }
        assert counted == 4


@BOTH_KINDS
async def test_by_way_of_aiohttp_it_is_stale_as_well(server: EmbeddedPostgres, outage: Outage) -> None:
    async with served(server) as node:
        async with outage(server):
            await until_noticed(node)
            head = await read(node, HANDLE, method="HEAD")
            conditional = await read(node, RECORD, If_None_Match='"1"')
            # A cookie is for aiohttp, as everything else that is not plain.
            handle, proxy = [await read(node, path, Cookie="a=b") for path in (HANDLE, PROXY)]
            counted = stale_answers(node)

        assert counted == 4
        assert (head.status, conditional.status, handle.status, proxy.status) == (200, 200, 200, 302)
        assert [is_marked_stale(response) for response in (head, conditional, handle, proxy)] == [True] * 4
        assert await head.read() == b""


@BOTH_KINDS
async def test_what_is_not_known_is_503_with_the_time_to_try_again(server: EmbeddedPostgres, outage: Outage) -> None:
    async with served(server) as node:
        async with outage(server), asyncio.timeout(COLD_SECONDS_MAX):
            # Before anybody has noticed that the database is away, and after that.
            sudden = await read(node, "/api/handles/88.118.8/COLD-1")
            await until_noticed(node)
            later = [
                await read(node, path)
                for path in ("/api/handles/88.118.8/COLD-2", "/v1/identifiers/88.118.8/COLD-3", "/88.118.8/COLD-4")
            ]
            unknown_prefix = await read(node, "/api/handles/88.118.99/COLD-5")

        assert [r.status for r in (sudden, *later, unknown_prefix)] == [503] * 5
        assert [r.headers.get("Retry-After") for r in (sudden, *later, unknown_prefix)] == ["1"] * 5


@BOTH_KINDS
async def test_who_reads_with_a_key_is_not_given_what_is_stale(server: EmbeddedPostgres, outage: Outage) -> None:
    async with served(server) as node:
        async with outage(server):
            await until_noticed(node)
            # A key is believed for a while after it was read; a record is not.
            responses = [await read(node, path, key=node.admin_key) for path in (RECORD, HANDLE)]
            stranger = await read(node, RECORD, key="idn_nobody")

        assert [response.status for response in (*responses, stranger)] == [503, 503, 503]
        assert [response.headers.get("Age") for response in (*responses, stranger)] == [None, None, None]


@BOTH_KINDS
async def test_when_the_database_is_back_what_others_committed_is_seen_and_nothing_is_stale(
    server: EmbeddedPostgres, outage: Outage
) -> None:
    async with served(server) as node:
        await node.identifier("88.118.8/JX-2")
        async with outage(server):
            await until_noticed(node)
            during = await read(node, HANDLE)
        await suspend_elsewhere(server, "88.118.8/JX-1")

        await until_fresh(node, HANDLE, 404)
        await until_fresh(node, RECORD, 404)
        other = await until_fresh(node, "/api/handles/88.118.8/JX-2", 200)
        registered = await node.identifier("88.118.8/JX-3")

        assert is_marked_stale(during)
        assert "Warning" not in other.headers
        assert registered == "88.118.8/JX-3"


async def test_without_time_to_be_stale_what_is_known_is_503_as_well(server: EmbeddedPostgres) -> None:
    async with served(server, stale_seconds=0) as node:
        async with killed(server):
            await until_noticed(node)
            responses = [await read(node, path) for path in KNOWN]

        assert [response.status for response in responses] == [503] * 4


@BOTH_KINDS
async def test_two_hundred_who_ask_at_once_for_what_is_not_known_are_all_answered(
    server: EmbeddedPostgres, outage: Outage
) -> None:
    async with served(server) as node:
        async with outage(server), asyncio.timeout(WAIT_SECONDS_MAX):
            line = b"GET /api/handles/88.118.8/COLD-%d HTTP/1.1\r\nHost: node.example\r\n\r\n"
            answers = await asyncio.gather(*(exchange(node, line % number) for number in range(200)))

        assert {answer.status for answer in answers} == {503}


async def test_a_batch_during_an_outage_is_503_as_a_whole(server: EmbeddedPostgres) -> None:
    identifiers = ["88.118.8/JX-1", *(f"88.118.{number}/A" for number in range(100, 400))]
    async with served(server) as node:
        async with stopped(server), asyncio.timeout(WAIT_SECONDS_MAX):
            response = await node.call("POST", "/v1/resolve", {"identifiers": identifiers}, key=None)

        assert response.status == 503
