"""Import processes beside the workers: they share an import, are killed in the midst of it, and lose no row."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from process import NodeProcess, end
from prometheus_client.parser import text_string_to_metric_families

ROWS = 12_000


def rows() -> bytes:
    """Registrations, every 1,000th of which is an earlier one once more."""
    numbers = [0 if number % 1_000 == 999 else number for number in range(ROWS)]
    values = [{"index": 1, "type": "URL", "data": "https://example.com/"}]
    return b"".join(orjson.dumps({"identifier": f"88.118/K-{each}", "values": values}) + b"\n" for each in numbers)


async def read(node: NodeProcess, id: str) -> dict[str, Any]:
    return dict(await (await node.call("GET", f"/v1/imports/{id}")).json())


async def until_done(node: NodeProcess, id: str, rows_done: int) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while (found := await read(node, id))["rows"]["done"] < rows_done and found["state"] != "done":  # noqa: ASYNC110  # no event of ours
            await asyncio.sleep(0.01)
    return found


async def test_importers_that_are_killed_in_the_midst_lose_and_double_no_row(tmp_path: Path, empty_dsn: str) -> None:
    async with NodeProcess(tmp_path, seed="none", database_url=empty_dsn, import_processes=2) as node:
        await node.until_logged("importer_ready", times=2)
        headers = {"Authorization": f"Bearer {node.admin_key}", "Content-Type": "application/x-ndjson"}
        async with node.http.post(f"{node.url}/v1/imports", data=rows(), headers=headers) as response:
            id = (await response.json())["id"]

        await until_done(node, id, 1_000)
        end(node.importers)
        await node.until_logged("importer_fell", times=2)
        assert (await read(node, id))["state"] == "running"
        done = await until_done(node, id, ROWS + 1)
        async with node.http.get(f"{node.url}/metrics") as response:
            metrics = {family.name for family in text_string_to_metric_families(await response.text())}

    connection = await asyncpg.connect(empty_dsn)
    identifiers = await connection.fetchval("SELECT count(*) FROM identifier WHERE folded LIKE '88.118/K-%'")
    changes = await connection.fetchval("SELECT count(*) FROM change WHERE name LIKE '88.118/K-%'")
    await connection.close()
    assert (done["rows"]["registered"], done["rows"]["refused"], done["state"]) == (ROWS - 12, 12, "done")
    assert (identifiers, changes) == (ROWS - 12, ROWS - 12)
    assert {"idnode_import_rows", "idnode_import_jobs", "idnode_importer_restarts"} <= metrics
