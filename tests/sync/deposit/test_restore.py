"""A node from its deposits: every row, every record byte for byte, and served again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from urllib.parse import quote

import asyncpg
import orjson
import pytest
from aiohttp.test_utils import TestClient
from conftest import ThroughFront, _fresh_database
from deposits_under_test import DepositsUnderTest, deposits_under_test
from harness import TEXTILE, NodeUnderTest

from idnode.app import compose
from idnode.app_answering import answering
from idnode.app_node import running
from idnode.config import Settings
from idnode.lifecycle import listening_socket
from idnode.storage.database import Database
from idnode.storage.deposit_rows import LEFT_OUT, LEFT_OUT_COLUMNS, NotEmpty
from idnode.storage.deposits import DepositKind
from idnode.storage.embedded import EmbeddedPostgres
from idnode.storage.ledger import Ledger

ODD_SUFFIXES = ["缎/五", "a b", "é", "𝄞", "<&>\"'", "\\N", "\\x41", "a\\nb"]
TABLES = """
SELECT relname::text
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""
ROWS = "SELECT (to_jsonb(t) - $1::text[])::text AS content FROM {} t ORDER BY 1"
NOT_COMPARED = ["xid", "snapshot", "last_used"]
"""The first two are of a cluster; when a key was last used is written down while the test looks."""


@pytest.fixture
async def other_dsn(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """A second database, migrated and empty."""
    async for dsn in _fresh_database(postgres, "migrated"):
        yield dsn


async def contents(dsn: str) -> dict[str, list[str]]:
    """Every row of every table that a deposit carries; bytes show as hexadecimal digits."""
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    try:
        tables = [row[0] for row in await connection.fetch(TABLES) if row[0] not in LEFT_OUT]
        return {
            table: [
                row["content"]
                for row in await connection.fetch(
                    ROWS.format(table), NOT_COMPARED + sorted(LEFT_OUT_COLUMNS.get(table, frozenset()))
                )
            ]
            for table in tables
        }
    finally:
        await connection.close()


async def fill(node: NodeUnderTest) -> None:
    """Demo data of all industries, odd names, every state, usage and a ledger."""
    await node.node.first_run.seed(today=date(2026, 11, 24), products_each=12)
    await node.prefix("88.118.9999")
    for suffix in ODD_SUFFIXES:
        await node.identifier(f"88.118.9999/{suffix}")
    await node.call("POST", "/v1/suspend/88.118.9999/a%20b")
    await node.call("DELETE", "/v1/identifiers/88.118.9999/%C3%A9")
    await run(
        node.node.database,
        "INSERT INTO usage_day (day, prefix, requests) VALUES (current_date, '88.118.9999', 7)",
        "INSERT INTO usage_source (day, prefix, address, requests) VALUES (current_date, '88.118.9999', '::1', 7)",
        """INSERT INTO sync_record (report, subject, version, operation, occurred, state, receipt, updated, payload)
        VALUES ('T9', '88.118.9999/X', 1, 'register', now(), 'accepted', 'r-1', now(), NULL),
        ('T3', '', 20261124, 'report', now(), 'pending', NULL, now(), '\\x7b7d')""",
        # What no front-end lets in must survive all the same; records are any bytes.
        """INSERT INTO identifier (folded, version, state, is_public, values_at, record, created, updated)
        SELECT '88.118.7777/' || chr(n) || '|', 1, 'active', true, 0, convert_to(chr(n), 'UTF8') || '\\x00ff0a'::bytea,
            now(), now()
        FROM generate_series(1, 65535, 37) AS n WHERE n NOT BETWEEN 55296 AND 57343""",
        "UPDATE sync_state SET snapshot = pg_current_snapshot(), verdict_cursor = 'c-7'",
    )


async def change(node: NodeUnderTest) -> None:
    """What comes after the full deposit: new, changed, deleted, restored; a table's rows updated."""
    await node.identifier("88.118.9999/LATER")
    values = {"values": [{"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/2"}}]}
    changed = await node.call("PUT", "/v1/identifiers/88.118.9999/%5CN", values)
    assert changed.status == 200, await changed.text()
    restored = await node.call("POST", "/v1/restore/88.118.9999/%C3%A9")
    assert restored.status == 200, await restored.text()
    await node.call("DELETE", "/v1/identifiers/88.118.9999/a%20b")
    await node.key("reader")
    await run(
        node.node.database,
        "UPDATE usage_day SET requests = 9 WHERE prefix = '88.118.9999'",
        "UPDATE sync_record SET state = 'accepted', receipt = 'r-2', updated = now() WHERE report = 'T3'",
        "UPDATE sync_state SET verdict_cursor = 'c-8'",
    )


async def run(database: Database, *statements: str) -> None:
    async with database.session() as session:
        for statement in statements:
            await session.run(statement)


@pytest.fixture
def deposits(tmp_path: Path, database: Database, dsn: str) -> DepositsUnderTest:
    return deposits_under_test(tmp_path, database, dsn)


async def test_a_full_deposit_and_its_differential_restore_every_row_and_the_node_serves_again(
    node: NodeUnderTest, deposits: DepositsUnderTest, dsn: str, other_dsn: str
) -> None:
    await fill(node)
    full = await deposits.make()
    await change(node)
    differential = await deposits.make(DepositKind.DIFFERENTIAL)
    before = await contents(dsn)

    restored = await deposits.restorer.restore(deposits.folder, other_dsn)

    after = await contents(other_dsn)
    assert (full.kind, differential.kind, differential.base) == ("full", "differential", full.id)
    assert full.files > 1
    assert differential.total_bytes < full.total_bytes / 2
    assert (restored.node, restored.deposits) == ("88.118", (full.id, differential.id))
    assert after.keys() == before.keys()
    assert {table: rows for table, rows in after.items() if rows != before[table]} == {}
    assert len(after["identifier"]) > 1_700
    assert await answers(node, other_dsn) == []


async def test_the_same_deposit_is_restored_as_often_as_somebody_asks_but_never_over_a_node(
    node: NodeUnderTest, deposits: DepositsUnderTest, dsn: str, other_dsn: str
) -> None:
    await node.prefix("88.118.8")
    await deposits.make()
    await deposits.restorer.restore(deposits.folder, other_dsn)

    with pytest.raises(NotEmpty, match="has rows in enterprise, prefix, api_key, template, change; it must be empty"):
        await deposits.restorer.restore(deposits.folder, other_dsn)
    with pytest.raises(NotEmpty):
        await deposits.restorer.restore(deposits.folder, dsn)


async def test_a_restored_node_reports_nothing_that_was_reported_before(
    node: NodeUnderTest, deposits: DepositsUnderTest, dsn: str, other_dsn: str
) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/TOLD")
    told = await collected(dsn)
    await node.identifier("88.118.8/NOT-TOLD-YET")
    await deposits.make()
    before = await contents(dsn)

    await deposits.restorer.restore(deposits.folder, other_dsn)
    await collected(other_dsn)

    after = await contents(other_dsn)
    assert told >= 1
    assert len(after["sync_record"]) == len(before["sync_record"]) + 1
    assert set(before["sync_record"]) < set(after["sync_record"])
    assert [orjson.loads(row)["added"] for row in after["identifier_count"]] == [2]


async def test_a_restored_node_knows_that_it_was_restored(
    deposits: DepositsUnderTest, dsn: str, other_dsn: str
) -> None:
    await deposits.make()

    await deposits.restorer.restore(deposits.folder, other_dsn)

    assert await restored_at(dsn) is None
    assert await restored_at(other_dsn) is not None


async def restored_at(dsn: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval("SELECT restored_at FROM sync_state")
    finally:
        await connection.close()


async def collected(dsn: str) -> int:
    """How many records the collector takes into the ledger of a database."""
    ledger = await Ledger.elected(dsn, relay="test")
    assert ledger is not None
    count = 0
    while taken := await ledger.collect():
        count += taken
    await ledger.close()
    return count


async def answers(node: NodeUnderTest, other_dsn: str) -> list[str]:
    """Paths that the restored node answers otherwise than the first; it also registers, checks templates, counts on."""
    different: list[str] = []
    async with serving(other_dsn, node.admin_key) as same:
        connection = await asyncpg.connect(other_dsn)
        names = [
            row[0] for row in await connection.fetch("SELECT folded FROM identifier WHERE folded !~ '^88.118.7777/'")
        ]
        await connection.close()
        for name in names:
            for path in (f"/v1/identifiers/{quoted(name)}", f"/api/handles/{quoted(name)}"):
                first, second = await node.call("GET", path), await same.call("GET", path)
                if (first.status, await first.read()) != (second.status, await second.read()):
                    different.append(path)
        etag = (await same.call("GET", "/v1/identifiers/88.118.9999/LATER")).headers["ETag"]
        deleted = await same.call("DELETE", "/v1/identifiers/88.118.9999/LATER", If_Match=etag)
        history = await (await same.call("GET", "/v1/history/88.118.9999/LATER")).json()
        wrong = {
            "identifier": "88.118.9999/W",
            "template": {"prefix": "88.118", "version": "textiles-1.0"},
            "attributes": {**TEXTILE, "width": -1},
        }
        refused = await same.call("POST", "/v1/identifiers", wrong)
        assert (deleted.status, deleted.headers["ETag"]) == (200, '"2"')
        assert [item["version"] for item in history["items"]] == [2, 1]
        assert refused.status == 422
    return different


@asynccontextmanager
async def serving(dsn: str, admin_key: str) -> AsyncIterator[NodeUnderTest]:
    """A node on a restored database: it makes no key, so it is called with one that was restored."""
    settings = Settings(native_port=0, seed="none", body_seconds=1, drain_seconds=1)
    database = await Database.open(dsn, connections_max=6)
    composed = compose(settings, database, dsn)
    async with running(composed):
        await composed.first_run.ensure_node()
        made = await composed.first_run.ensure_admin_key(lambda _: None)
        with listening_socket("127.0.0.1", 0) as listener:
            port = listener.getsockname()[1]
            async with answering(composed, settings, listener):
                server = ThroughFront(composed.application, front_port=port)
                await server.start_server(auto_decompress=False)
                async with TestClient(server) as client:
                    assert not made
                    yield NodeUnderTest(composed, client, admin_key, port, server.port or 0)
    await database.close()


def quoted(name: str) -> str:
    return quote(name, safe="/")
