"""An import process's work inside the test's own process: no child, no waiting, a round at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from harness import NodeUnderTest

from idnode.app_importing import compose_importer
from idnode.config import Settings
from idnode.registry.imports.running import Importer
from idnode.storage.database import Database
from idnode.storage.imports import Claims

URL_VALUE = {"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/"}}


@asynccontextmanager
async def importer_at(home: Path, database: Database, dsn: str) -> AsyncIterator[Importer]:
    """An importer of this home, whose directory is at work for the length of the block."""
    async with compose_importer(Settings(home=home), database, dsn) as composed, asyncio.TaskGroup() as tasks:
        directory = tasks.create_task(composed.work[0]())
        yield composed.importer
        directory.cancel()


async def run_dry(importer: Importer, claims: Claims) -> None:
    """Rounds until there is nothing to do."""
    while await importer.round(claims):
        pass


async def import_all(node: NodeUnderTest, home: Path, dsn: str) -> None:
    """What one import process does until there is nothing to do."""
    claims = await Claims.open(dsn)
    async with importer_at(home, node.node.database, dsn) as importer:
        await run_dry(importer, claims)
    claims.close()


def row(identifier: str, **members: Any) -> dict[str, Any]:
    """A registration of one URL value, unless told otherwise."""
    return {"identifier": identifier, "values": [URL_VALUE], **members}


def ndjson(*rows: Any) -> bytes:
    """A file of these rows; what is bytes already is a line."""
    return b"".join(each + b"\n" if isinstance(each, bytes) else orjson.dumps(each) + b"\n" for each in rows)


async def submitted(node: NodeUnderTest, content: bytes, query: str = "", *, key: str = "") -> str:
    """The id of an import of this file, NDJSON unless the query tells otherwise."""
    answer = await upload(node, content, query, key=key)
    assert answer.status == 202, await answer.text()
    return str((await answer.json())["id"])


async def upload(node: NodeUnderTest, content: bytes, query: str = "", *, key: str = "", **headers: str) -> Any:
    """The answer to POST /v1/imports."""
    sent = {"Authorization": f"Bearer {key or node.admin_key}", "Content-Type": "application/x-ndjson"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await node.client.post(f"/v1/imports{query}", data=content, headers=sent)
    await answer.read()
    return answer


async def job(node: NodeUnderTest, id: str) -> dict[str, Any]:
    """The import as it is shown."""
    return dict(await (await node.call("GET", f"/v1/imports/{id}")).json())


async def verdicts(node: NodeUnderTest, id: str) -> list[dict[str, Any]]:
    """Line by line."""
    text = await (await node.call("GET", f"/v1/imports/{id}/verdicts")).read()
    return [orjson.loads(line) for line in text.splitlines()]


async def codes(node: NodeUnderTest, id: str) -> list[tuple[int, str]]:
    """Row and code of every verdict."""
    return [(verdict["row"], verdict["code"]) for verdict in await verdicts(node, id)]
