"""What one client may take of a worker, and who is taken for that client when proxies stand in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic

import pytest
from both_ways import RecordedTransport, get
from conftest import serve_node
from harness import NodeUnderTest
from raw_http import ANSWER_SECONDS_MAX, RawAnswer, connect
from structlog.testing import capture_logs

from idnode.config import Settings
from idnode.frontends.fastpath.connection import Connection
from idnode.frontends.fastpath.front import FrontLimits
from idnode.lifecycle import now
from idnode.registry.rules.moments import node_day
from idnode.storage.database import Database

HANDLE = b"/api/handles/88.118/JX-1"
PROXY_LINE = b"PROXY TCP4 203.0.113.7 10.0.0.7 54321 8000\r\n"
FORWARDED = b"X-Forwarded-For: 203.0.113.7\r\n"
SLOW_CLIENTS = 1_000


@asynccontextmanager
async def served(database: Database, dsn: str, **settings: object) -> AsyncIterator[NodeUnderTest]:
    """A node with these settings."""
    given = Settings.model_validate({"seed": "none", "body_seconds": 1, "drain_seconds": 1, **settings})
    async with asynccontextmanager(serve_node)(given, database, dsn) as node:
        yield node


async def send(node: NodeUnderTest, *requests: bytes) -> list[RawAnswer]:
    """The answers to requests that come one after the other on a connection of their own."""
    answers = []
    async with await connect(node.port) as connection:
        for request in requests:
            await connection.send(request)
            answers.append(await connection.answer(has_body=b"HEAD" not in request))
    return answers


async def sources(node: NodeUnderTest) -> dict[str, int]:
    """Who asked how often, as it is stored."""
    assert await node.node.usage_flusher.flush()
    return {row.address: row.requests for row in await node.node.usage_store.sources(node_day(now()))}


def opened(node: NodeUnderTest) -> tuple[Connection, RecordedTransport]:
    """A connection of a front that gives 10 s for a header, and 60 s of silence."""
    connection = Connection(node.node.make_front(asyncio.Protocol, limits=FrontLimits(100, 10, 60)))
    return connection, RecordedTransport(connection)


async def test_one_connection_too_many_is_told_so_and_closed(database: Database, dsn: str) -> None:
    async with served(database, dsn, connections=1) as node:
        async with await connect(node.port) as first:
            await first.send(get(b"/livez"))
            served_first = await first.answer()
            async with await connect(node.port) as second:
                refused = await second.answer()
                rest = await second.rest()
            await first.send(get(b"/livez"))
            served_again = await first.answer()

        assert (served_first.status, served_again.status, refused.status, rest) == (200, 200, 503, b"")
        assert (refused.headers["connection"], refused.headers["retry-after"]) == ("close", "1")
        assert refused.problem["detail"] == "1 connections are open already; try again shortly"
        assert node.node.resolving.front.connections_refused == 1


async def test_who_leaves_makes_room_for_another(database: Database, dsn: str) -> None:
    async with served(database, dsn, connections=1) as node:
        await send(node, get(b"/livez"))
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            while node.node.resolving.front.connections_open:  # noqa: ASYNC110  # that it has gone sets no event of ours
                await asyncio.sleep(0.001)

        [answer] = await send(node, get(b"/livez"))

        assert answer.status == 200


async def test_a_header_has_ten_seconds_from_its_first_byte_however_it_trickles(node: NodeUnderTest) -> None:
    connection, transport = opened(node)
    connection.data_received(b"GET ")
    connection.look(100.0)
    connection.data_received(HANDLE)
    connection.look(110.0)
    was_closed = transport.is_closing()

    connection.data_received(b" HTTP/1.1\r\n")
    connection.look(110.1)

    assert not was_closed
    assert transport.is_closing()


async def test_a_connection_may_be_silent_for_a_minute(node: NodeUnderTest) -> None:
    connection, transport = opened(node)
    connection.look(100.0)
    connection.look(160.0)
    was_closed = transport.is_closing()

    connection.look(160.1)

    assert not was_closed
    assert transport.is_closing()


async def test_who_asks_too_often_is_refused_by_both_ways_and_told_how_long(database: Database, dsn: str) -> None:
    limits = {"requests_per_second": 0.01, "requests_burst": 3}
    proxy = {"client_address": "x-forwarded-for", "trusted_proxies": "127.0.0.1"}
    async with served(database, dsn, **limits, **proxy) as node:
        since = monotonic()
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            # Until then the feed may still make the node forget the prefix, which was registered just now.
            while (node.node.freshness.confirmed_at or 0.0) <= since:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        # Another client has the prefix looked up.
        await send(node, get(HANDLE, b"X-Forwarded-For: 203.0.113.9\r\n"))
        fast = await send(node, *[get(HANDLE, FORWARDED)] * 4, get(HANDLE, FORWARDED, method=b"HEAD"))
        slow = await send(node, *[get(b"/livez", b"X-Forwarded-For: 203.0.113.8\r\n")] * 4)
        refused = node.node.resolving.limiting.refused

    assert [answer.status for answer in fast] == [404, 404, 404, 429, 429]
    assert [answer.status for answer in slow] == [200, 200, 200, 429]
    assert [answer.headers["retry-after"] for answer in (fast[3], fast[4], slow[3])] == ["100"] * 3
    assert refused == 3


async def test_a_proxy_header_of_a_trusted_peer_names_the_client(database: Database, dsn: str) -> None:
    async with served(database, dsn, client_address="proxy-protocol", trusted_proxies="127.0.0.1") as node:
        with capture_logs() as lines:
            answers = await send(node, PROXY_LINE + get(b"/livez"), get(HANDLE), get(HANDLE))
        found = await sources(node)

    assert [answer.status for answer in answers] == [200, 404, 404]
    assert {line["remote"] for line in lines if line["event"] == "request"} == {"203.0.113.7"}
    assert found == {"203.0.113.7": 2}


async def test_a_proxy_header_of_anybody_else_is_no_request(database: Database, dsn: str) -> None:
    async with served(database, dsn, client_address="proxy-protocol", trusted_proxies="192.0.2.1") as node:
        [answer] = await send(node, PROXY_LINE + get(HANDLE))
        await send(node, get(HANDLE))
        found = await sources(node)

    assert answer.status == 400
    assert found == {"127.0.0.1": 1}


@pytest.mark.parametrize(("trusted", "client"), [("127.0.0.1", "203.0.113.7"), ("192.0.2.1", "127.0.0.1")])
async def test_x_forwarded_for_names_the_client_where_the_peer_is_trusted(
    database: Database, dsn: str, trusted: str, client: str
) -> None:
    async with served(database, dsn, client_address="x-forwarded-for", trusted_proxies=trusted) as node:
        # The first one and the last one are aiohttp's.
        await send(node, *[get(HANDLE, FORWARDED)] * 3, get(HANDLE, FORWARDED, method=b"HEAD"))
        found = await sources(node)

    assert found == {client: 4}


async def test_a_thousand_who_never_end_their_header_keep_nobody_from_being_answered(
    database: Database, dsn: str
) -> None:
    async with served(database, dsn, connections=SLOW_CLIENTS + 1) as node, AsyncExitStack() as stack:
        for _ in range(SLOW_CLIENTS):
            slow = await stack.enter_async_context(await connect(node.port))
            await slow.send(b"GET %b HTTP/1.1\r\nHost: node" % HANDLE)
        answers = await send(node, *[get(HANDLE)] * 20, get(b"/livez"))
        opened_now = node.node.resolving.front.connections_open

    assert [answer.status for answer in answers] == [404] * 20 + [200]
    assert opened_now >= SLOW_CLIENTS
