from datetime import UTC, datetime

import asyncpg
import pytest
from harness import NodeUnderTest

from idnode.wire.record_json import render_record
from loadtest.bench import bulk
from loadtest.bench.yardsticks import single_upserts


def test_a_row_is_what_registering_its_record_would_have_stored() -> None:
    *_, row = bulk.rows(1_235)

    rendered = render_record(bulk.record_of(10_001_234))
    assert row[0] == "88.118.20001/B10001234"
    assert row[1:4] == (1, "active", True)
    assert row[4:6] == (rendered.values_at, rendered.json)
    assert row[6:] == (datetime(2026, 1, 5, 8, tzinfo=UTC),) * 2


def test_all_rows_have_one_size() -> None:
    assert len({(row[4], len(row[5])) for row in bulk.rows(1_000)}) == 1


async def test_loaded_rows_are_answered_like_any_other(node: NodeUnderTest, dsn: str) -> None:
    await node.prefix(bulk.PREFIX)

    await bulk.load(dsn, 100)

    response = await node.call("GET", f"/api/handles/{bulk.STEM}10000099")
    values = {value["type"]: value["data"]["value"] for value in (await response.json())["values"]}
    assert response.status == 200
    assert values["URL"] == "https://products.example.com/fabrics/10000099"
    missing = await node.call("GET", f"/api/handles/{bulk.STEM}10000100")
    assert missing.status == 404


async def test_the_upserting_yardstick_counts_rows_and_leaves_no_table(dsn: str) -> None:
    rate = await single_upserts(dsn, record=b"{}", seconds=0.05)

    connection = await asyncpg.connect(dsn)
    with pytest.raises(asyncpg.UndefinedTableError):
        await connection.execute("SELECT FROM yardstick")
    await connection.close()
    assert rate > 0
