import asyncio
import json
import os
from collections import Counter

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from harness import NodeUnderTest

from loadtest.bench import CannotMeasure
from loadtest.bench.freshness import CONNECTIONS_PER_WORKER, lags, percentile
from loadtest.bench.servers import Node

STALE_ANSWERS = 3


def test_a_percentile_is_a_value_that_was_seen() -> None:
    values = [float(number) for number in range(200, 0, -1)]

    assert (percentile(values, 50), percentile(values, 99), percentile(values, 100)) == (100.0, 198.0, 200.0)
    assert percentile([7.0], 99) == 7.0


async def test_every_write_to_a_node_gets_its_lag(node: NodeUnderTest) -> None:
    await node.prefix("88.118.20001")
    ours = Node("the node", node.client.server.port or 0, os.getpid(), node.admin_key, workers=1)

    seconds = await asyncio.to_thread(lags, ours, "88.118.20001/FRESH-0", writes=5)

    assert len(seconds) == 5
    response = await node.call("GET", "/v1/identifiers/88.118.20001/FRESH-0")
    record = await response.json()
    assert (record["version"], record["values"][0]["data"]["value"]) == (6, "version 5")


async def test_a_connection_that_answers_the_old_version_is_asked_again_until_it_does_not() -> None:
    versions, asked = ["nothing yet"], Counter[object]()

    async def write(request: web.Request) -> web.Response:
        document = json.loads(await request.read())
        versions.append(document["values"][0]["data"]["value"])
        asked.clear()
        return web.Response()

    async def read(request: web.Request) -> web.Response:
        asked[request.transport] += 1
        is_stale = len(versions) > 2 and asked[request.transport] <= STALE_ANSWERS
        return web.json_response(versions[-2] if is_stale else versions[-1])

    application = web.Application()
    application.router.add_route("POST", "/v1/identifiers", write)
    application.router.add_route("PUT", "/v1/identifiers/{tail:.*}", write)
    application.router.add_route("GET", "/api/handles/{tail:.*}", read)
    async with TestServer(application) as server:
        ours = Node("a stale server", server.port or 0, os.getpid(), "key", workers=1)
        await asyncio.to_thread(lags, ours, "88.118.20001/FRESH-0", writes=2)

    assert versions == ["nothing yet", "version 0", "version 1", "version 2"]
    assert list(asked.values()) == [STALE_ANSWERS + 1] * CONNECTIONS_PER_WORKER


async def test_a_worker_that_is_never_met_is_said(node: NodeUnderTest) -> None:
    await node.prefix("88.118.20001")
    ours = Node("the node", node.client.server.port or 0, os.getpid(), node.admin_key, workers=2)

    with pytest.raises(CannotMeasure, match="32 connections reached 1 of 2 workers"):
        await asyncio.to_thread(lags, ours, "88.118.20001/FRESH-0", writes=1)
