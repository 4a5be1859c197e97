"""Migrations: applied once and in order, all or none; what does not fit together is refused."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from blocking import held_up

from idnode.storage.database import Database, StorageFault
from idnode.storage.migrate import Migration, MigrationRefused, migrate, plan_migrations, shipped_migrations
from idnode.storage.statements import statements

TODAY = date(2026, 3, 9)
ONE = Migration(1, "0001_one", "CREATE TABLE one (number integer);\nINSERT INTO one VALUES (1);")
TWO = Migration(2, "0002_two", "INSERT INTO one VALUES (2);")
BROKEN = Migration(2, "0002_broken", "CREATE TABLE two (number integer);\nINSERT INTO nowhere VALUES (2);")


@pytest.fixture
async def empty(empty_dsn: str) -> AsyncIterator[Database]:
    """A pool on a database without a schema."""
    opened = await Database.open(empty_dsn, connections_max=2)
    yield opened
    await opened.close()


async def numbers(database: Database) -> list[int]:
    async with database.session() as session:
        return [row["number"] for row in await session.rows("SELECT number FROM one ORDER BY number")]


async def tables(database: Database) -> set[str]:
    async with database.session() as session:
        rows = await session.rows("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
    return {row["relname"] for row in rows}


async def test_each_is_applied_once_and_in_order(empty: Database) -> None:
    first = await migrate(empty, today=TODAY, shipped=[ONE])
    second = await migrate(empty, today=TODAY, shipped=[ONE, TWO])
    third = await migrate(empty, today=TODAY, shipped=[ONE, TWO])

    assert (first, second, third) == (("0001_one",), ("0002_two",), ())
    assert await numbers(empty) == [1, 2]


async def test_those_of_this_release_apply_and_make_the_months_ahead(empty: Database) -> None:
    applied = await migrate(empty, today=TODAY)
    again = await migrate(empty, today=TODAY)

    assert applied[:2] == ("0001_directory", "0002_identifiers")
    assert again == ()
    assert {"identifier", "change_2026_03", "change_2026_04", "change_2026_05"} <= await tables(empty)


async def test_two_nodes_at_once_apply_them_once(empty: Database, empty_dsn: str) -> None:
    other = await Database.open(empty_dsn, connections_max=4)

    async with held_up(other, statements("migrations")["take_migration_lock"], sessions=2):
        both = asyncio.gather(migrate(empty, today=TODAY), migrate(other, today=TODAY))
    applied = await both

    assert sorted(len(names) > 0 for names in applied) == [False, True]
    assert {"identifier", "change_2026_05"} <= await tables(other)
    await other.close()


async def test_an_edited_one_is_refused_and_nothing_is_applied(empty: Database) -> None:
    await migrate(empty, today=TODAY, shipped=[ONE])
    edited = Migration(1, "0001_one", ONE.sql + "\n")

    with pytest.raises(MigrationRefused, match="migration 0001_one was edited after it had been applied"):
        await migrate(empty, today=TODAY, shipped=[edited, TWO])

    assert await numbers(empty) == [1]


async def test_one_of_a_newer_release_is_refused(empty: Database) -> None:
    await migrate(empty, today=TODAY, shipped=[ONE, TWO])

    with pytest.raises(MigrationRefused, match="migration 0002_two, which this older release does not know"):
        await migrate(empty, today=TODAY, shipped=[ONE])


async def test_a_failing_one_leaves_nothing_of_itself_and_of_those_before_it(empty: Database) -> None:
    with pytest.raises(StorageFault, match='relation "nowhere" does not exist'):
        await migrate(empty, today=TODAY, shipped=[ONE, BROKEN])

    assert await tables(empty) == set()
    assert await migrate(empty, today=TODAY, shipped=[ONE, TWO]) == ("0001_one", "0002_two")


async def test_one_may_take_longer_than_a_statement_of_a_request(
    empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.database.SESSION_SECONDS_MAX", 1.0)
    database = await Database.open(empty_dsn, connections_max=2)
    slow = Migration(1, "0001_slow", "SELECT pg_sleep(1.1);")

    assert await migrate(database, today=TODAY, shipped=[slow]) == ("0001_slow",)
    await database.close()


@pytest.mark.parametrize("names", [["0001_a.sql", "0003_c.sql"], ["0002_b.sql"], ["0001_a.sql", "0001_b.sql"]])
def test_a_release_with_a_gap_or_a_number_twice_is_refused(
    names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.migrate.files", lambda _: tmp_path)
    (tmp_path / "migrations").mkdir()
    for name in names:
        (tmp_path / "migrations" / name).write_text("SELECT 1;")

    with pytest.raises(MigrationRefused, match="not numbered 0001, 0002, … without a gap"):
        shipped_migrations()


def test_the_checksum_covers_every_byte() -> None:
    sha256 = "17db4fd369edb9244b9f91d9aeed145c3d04ad8ba6e95d06247f07a63527d11a"

    assert Migration(1, "0001_one", "SELECT 1;").sha256 == sha256
    assert plan_migrations([Migration(1, "0001_one", "SELECT 1;")], [(1, "0001_one", sha256)]) == ()
