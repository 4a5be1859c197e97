"""The relay as a process beside the workers: started, killed, replaced, exchanged, seen off; nothing is lost by it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from process import NodeProcess, alive, command_of, family, until_gone
from prometheus_client.parser import text_string_to_metric_families

KILLS = 3
REGISTERED_PER_KILL = 12


def relays(node: NodeProcess) -> set[int]:
    """Living relay processes of a node."""
    return alive({pid for pid in family(node.pid) if b"idnode.relaying" in command_of(pid)})


async def until_relays(node: NodeProcess, number: int) -> set[int]:
    async with asyncio.timeout(60):
        while len(relays(node)) != number:  # noqa: ASYNC110  # another process sets no event of ours
            await asyncio.sleep(0.02)
    return relays(node)


def reported(directory: Path) -> list[tuple[str, int]]:
    """Identifier and version of what was dropped, in the order of dropping, each the first time it is there."""
    batches = [orjson.loads(path.read_bytes()) for path in sorted((directory / "outbox").glob("*-T9-*.json"))]
    records = [record for batch in batches for record in batch["records"]]
    return list(dict.fromkeys((record["subject"], record["version"]) for record in records))


async def until_reported(directory: Path, number: int) -> list[tuple[str, int]]:
    async with asyncio.timeout(60):
        while len(reported(directory)) < number:  # noqa: ASYNC110  # another process sets no event of ours
            await asyncio.sleep(0.05)
    return reported(directory)


async def register(node: NodeProcess, name: str) -> None:
    values = [{"index": 1, "type": "URL", "data": "https://example.com/"}]
    response = await node.call("POST", "/v1/identifiers", {"identifier": name, "values": values})
    assert response.status == 201, await response.text()


def syncing(tmp_path: Path, dsn: str, **settings: Any) -> NodeProcess:
    """A node that drops its reports, all at once, into tmp_path/drop."""
    given = {"sync_transport": "files", "sync_directory": tmp_path / "drop", "sync_cadence": "real-time"} | settings
    return NodeProcess(tmp_path, seed="none", database_url=dsn, **given)


@pytest.fixture
async def node(tmp_path: Path, empty_dsn: str) -> AsyncIterator[NodeProcess]:
    async with syncing(tmp_path, empty_dsn, sync_batch_records=3) as process:
        await process.until_logged("relay_leads")
        yield process


async def scrape(node: NodeProcess) -> dict[str, float]:
    """By name and labels."""
    async with node.http.get(f"{node.url}/metrics") as response:
        families = text_string_to_metric_families(await response.text())
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


async def test_what_is_registered_is_reported_and_counted_in_the_metrics(node: NodeProcess, tmp_path: Path) -> None:
    await register(node, "88.118/JX-1")
    found = await until_reported(tmp_path / "drop", 1)
    async with asyncio.timeout(60):
        while (samples := await scrape(node)).get("idnode_sync_records_total sent T9") != 1:  # noqa: ASYNC110  # likewise
            await asyncio.sleep(0.05)

    assert found == [("88.118/JX-1", 1)]
    assert (samples["idnode_sync_leading"], samples["idnode_relay_restarts_total"]) == (1, 0)
    assert (samples["idnode_workers"], samples["idnode_worker_restarts_total"]) == (1, 0)


async def test_a_node_without_a_transport_has_no_relay(tmp_path: Path, empty_dsn: str) -> None:
    async with NodeProcess(tmp_path, seed="none", database_url=empty_dsn) as node:
        await node.until_logged("serving")
        await node.until_logged("worker_ready")

        assert relays(node) == set()


async def test_relays_that_are_killed_in_the_midst_of_it_lose_and_reorder_nothing(
    node: NodeProcess, tmp_path: Path
) -> None:
    names: list[str] = []
    for number in range(KILLS):
        await node.until_logged("relay_leads", times=1 + number)
        some = [f"88.118/K-{number}-{each}" for each in range(REGISTERED_PER_KILL)]
        for name in some[:-2]:
            await register(node, name)
        await until_reported(tmp_path / "drop", len(names) + 1)
        for relay in relays(node):
            os.kill(relay, signal.SIGKILL)
        for name in some[-2:]:
            await register(node, name)
        names += some
    found = await until_reported(tmp_path / "drop", len(names))
    fallen = [line for line in node.log if line["event"] == "relay_fell"]

    assert found == [(name, 1) for name in names]
    assert [line["exit_code"] for line in fallen] == [-9] * KILLS
    assert [line for line in node.log if line["event"] == "worker_fell"] == []
    assert (await scrape(node))["idnode_relay_restarts_total"] == KILLS


async def test_a_relay_that_cannot_start_is_tried_again_and_keeps_nobody_from_registering(
    tmp_path: Path, empty_dsn: str
) -> None:
    settings = {
        "sync_transport": "json",
        "sync_url": "http://127.0.0.1:9",
        "sync_app_id": "app",
        "sync_private_key": tmp_path / "none.pem",
    }
    async with syncing(tmp_path, empty_dsn, **settings) as node:
        await node.until_logged("relay_fell", times=2)
        await register(node, "88.118/JX-1")
        await node.until_logged("relay_fell", times=3)

        assert [line["wait_seconds"] for line in node.log if line["event"] == "relay_fell"][:3] == [0.1, 0.2, 0.4]
        failed = [line["detail"] for line in node.log if line["event"] == "worker_failed"]
        assert failed[0].startswith("the transport json to the top node: the private key ")
        assert failed[0].endswith(" cannot be read: No such file or directory")


async def test_a_reload_exchanges_the_relay_and_can_do_away_with_it(tmp_path: Path, empty_dsn: str) -> None:
    config = tmp_path / "idnode.toml"
    config.write_text('sync_transport = "files"\n')
    async with syncing(tmp_path, empty_dsn, sync_transport="", config=config) as node:
        await node.until_logged("relay_leads")
        before = relays(node)
        node.send(signal.SIGHUP)
        await node.until_logged("reloaded")
        await node.until_logged("relay_leads", times=2)
        await until_gone(before)
        after = relays(node)
        config.write_text('sync_transport = "none"\n')
        node.send(signal.SIGHUP)
        await node.until_logged("reloaded", times=2)
        await until_gone(after)

        assert (len(before), len(after), before & after) == (1, 1, set())
        assert relays(node) == set()
        assert [line for line in node.log if line["event"] in ("relay_fell", "relay_killed")] == []


async def test_a_node_that_stops_sees_its_relay_off(node: NodeProcess) -> None:
    before = relays(node)
    exit_code = await node.stop()

    assert exit_code == 0
    assert (len(before), alive(before)) == (1, set())
    assert [line["event"] for line in node.log if line["event"].startswith("relay_")][-1] == "relay_leaves"


async def test_a_relay_does_not_outlive_its_supervisor(node: NodeProcess) -> None:
    before = relays(node)
    node.send(signal.SIGKILL)
    await node.until_ended()
    await until_gone(before)

    assert len(before) == 1


async def test_secrets_are_told_on_no_command_line_and_in_no_log(tmp_path: Path, empty_dsn: str) -> None:
    settings = {"sync_app_id": "app", "sync_secret": "geheim"}
    async with syncing(tmp_path, empty_dsn, **settings) as node:
        await node.until_logged("relay_leads")
        [relay] = relays(node)

        assert b"geheim" not in command_of(relay)
        assert "geheim" not in node.stderr
