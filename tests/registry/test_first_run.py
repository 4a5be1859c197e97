"""The first run: every step may be repeated, cut short, or done by two nodes at once, and leaves one of everything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from blocking import held_up

from idnode.app import compose
from idnode.app_node import Node, running
from idnode.config import Settings
from idnode.lifecycle import now
from idnode.model.beijing import BEIJING
from idnode.registry.seeding import FirstRun
from idnode.storage.database import Database

SETTINGS = Settings()
PER_ENTERPRISE = (
    "SELECT e.name, count(i.folded) AS products FROM enterprise e LEFT JOIN prefix p ON p.enterprise = e.id"
    " LEFT JOIN identifier i ON i.folded LIKE p.folded || '/%' GROUP BY e.name"
)


@asynccontextmanager
async def node_on(database: Database, dsn: str) -> AsyncIterator[Node]:
    """A node at work that was not told to begin anything."""
    node = compose(SETTINGS, database, dsn)
    async with running(node):
        yield node


@pytest.fixture
async def first_run(database: Database, dsn: str) -> AsyncIterator[FirstRun]:
    """Of a node whose own prefix and templates are there."""
    async with node_on(database, dsn) as node:
        await node.first_run.ensure_node()
        yield node.first_run


@pytest.fixture
async def neighbour(dsn: str) -> AsyncIterator[FirstRun]:
    """Of another node on the same database."""
    database = await Database.open(dsn, connections_max=6)
    async with node_on(database, dsn) as node:
        yield node.first_run
    await database.close()


async def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    async with database.session() as session:
        return [tuple(row) for row in await session.rows(statement)]


async def count(database: Database, table: str) -> int:
    return int((await rows(database, f"SELECT count(*) FROM {table}"))[0][0])  # noqa: S608  # names of the test


def today() -> date:
    return now().astimezone(BEIJING).date()


async def test_the_node_has_its_prefix_and_its_templates_once_however_often_it_starts(
    first_run: FirstRun, database: Database
) -> None:
    await first_run.ensure_node()

    assert await rows(database, "SELECT shown, state, version, enterprise FROM prefix") == [
        ("88.118", "active", 1, None)
    ]
    assert sorted(await rows(database, "SELECT version, state, revision FROM template")) == [
        ("construction-1.0", "active", 1),
        ("electronics-1.0", "active", 1),
        ("shipbuilding-1.0", "active", 1),
        ("textiles-1.0", "active", 1),
    ]
    assert await rows(database, "SELECT subject, count(*) FROM change GROUP BY subject ORDER BY subject") == [
        ("prefix", 1),
        ("template", 4),
    ]


async def test_two_nodes_may_begin_on_one_database_at_once(database: Database, dsn: str, neighbour: FirstRun) -> None:
    async with node_on(database, dsn) as node:
        async with held_up(database, "LOCK TABLE prefix IN EXCLUSIVE MODE", sessions=2):
            both = asyncio.gather(node.first_run.ensure_node(), neighbour.ensure_node())
        await both

    assert await count(database, "prefix") == 1
    assert await count(database, "template") == 4


async def test_the_first_admin_key_is_made_once(first_run: FirstRun, database: Database) -> None:
    kept: list[str] = []

    made = [await first_run.ensure_admin_key(kept.append) for _ in range(2)]

    assert made == [True, False]
    assert [secret[:4] for secret in kept] == ["idn_"]
    assert await rows(database, "SELECT name, role, prefixes, revoked FROM api_key") == [
        ("first admin", "admin", [], None)
    ]


async def test_a_key_whose_secret_could_not_be_kept_does_not_exist(first_run: FirstRun, database: Database) -> None:
    def full(_: str) -> None:
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        await first_run.ensure_admin_key(full)

    assert await count(database, "api_key") == 0


@pytest.mark.parametrize("end", ["revoked", "expires"])
async def test_when_no_admin_key_works_any_more_a_restart_makes_a_new_one(
    first_run: FirstRun, database: Database, end: str
) -> None:
    kept: list[str] = []
    await first_run.ensure_admin_key(kept.append)
    async with database.session() as session:
        await session.run(f"UPDATE api_key SET {end} = now() - interval '1 second'")  # noqa: S608  # a column's name  # noqa: S608  # a name of the test

    assert await first_run.ensure_admin_key(kept.append)
    assert len(set(kept)) == 2


async def test_an_empty_database_gets_an_operator_and_an_enterprise_of_each_industry(
    first_run: FirstRun, database: Database
) -> None:
    registered = await first_run.seed(today=today(), products_each=3)

    assert registered == 12
    assert dict(await rows(database, PER_ENTERPRISE)) == {
        "示例标识解析二级节点运营有限公司": 0,
        "示例高端纺织有限公司": 3,
        "示例智慧建造有限公司": 3,
        "示例船舶海工有限公司": 3,
        "示例电子信息有限公司": 3,
    }
    assert await first_run.seed(today=today(), products_each=3) == 0
    assert await count(database, "identifier") == 12


async def test_a_database_with_an_enterprise_of_its_own_stays_as_it_is(first_run: FirstRun, database: Database) -> None:
    async with database.session() as session:
        await session.run(
            "INSERT INTO enterprise (id, name, uscc, industry, state, version, created, updated)"
            " VALUES (gen_random_uuid(), '示例', '91110108589104047H', 'C1711', 'active', 1, now(), now())"
        )

    assert await first_run.seed(today=today(), products_each=3) == 0
    assert await count(database, "enterprise") == 1


async def test_a_seeding_cut_short_goes_on_the_next_day_without_doubling(
    first_run: FirstRun, database: Database
) -> None:
    seeding = asyncio.create_task(first_run.seed(today=today(), products_each=300))
    # Each look is a round trip to the database, so this is no busy loop.
    while await count(database, "identifier") == 0:
        assert not seeding.done()
    seeding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await seeding
    before = await count(database, "identifier")
    assert before < 1_200

    registered = await first_run.seed(today=today() + timedelta(days=1), products_each=300)
    after = await rows(database, "SELECT count(*), count(DISTINCT folded) FROM identifier")

    assert after == [(1_200, 1_200)]
    assert 0 < registered <= 1_200 - before
    assert await count(database, "enterprise") == 5
    assert await rows(database, "SELECT DISTINCT count(*) FROM change WHERE subject = 'identifier' GROUP BY name") == [
        (1,)
    ]


async def test_two_nodes_may_seed_one_database_at_once(
    first_run: FirstRun, database: Database, neighbour: FirstRun
) -> None:
    async with held_up(database, "LOCK TABLE enterprise IN EXCLUSIVE MODE", sessions=2):
        both = asyncio.gather(*(each.seed(today=today(), products_each=3) for each in (first_run, neighbour)))
    registered = await both

    assert sum(registered) == 12
    assert await count(database, "identifier") == 12
    assert await count(database, "enterprise") == 5
