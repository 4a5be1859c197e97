"""The change log's months: where rows land, where months end, and that none is missing for want of a partition."""

import asyncio
from datetime import UTC, date, datetime

import pytest
from blocking import held_up

from idnode.model.change import Change, Subject, Trace
from idnode.storage.changes import ChangeStore, append_change
from idnode.storage.database import Database
from idnode.storage.migrate import ensure_change_partitions


def change_at(at: datetime, *, name: str = "88.118.8/JX-1", version: int = 1) -> Change:
    return Change(Subject.IDENTIFIER, name, version, "register", Trace("test", "r-1", at), None, b"{}")


async def append(database: Database, *changes: Change) -> None:
    async with database.transaction() as session:
        for change in changes:
            await append_change(session, change)


async def places(database: Database) -> dict[datetime, str]:
    """The partition of every row, by its time."""
    async with database.session() as session:
        rows = await session.rows("SELECT at, tableoid::regclass::text AS place FROM change")
    return {row["at"]: row["place"] for row in rows}


async def months(database: Database, *years: int) -> list[str]:
    """The partitions of some years."""
    async with database.session() as session:
        rows = await session.rows(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'change'::regclass ORDER BY 1"
        )
    wanted = tuple(f"change_{year}_" for year in years)
    return [row["name"] for row in rows if row["name"].startswith(wanted)]


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2031, 1, 31), ["change_2031_01", "change_2031_02", "change_2031_03"]),
        (date(2031, 11, 30), ["change_2031_11", "change_2031_12", "change_2032_01"]),
        (date(2032, 2, 29), ["change_2032_02", "change_2032_03", "change_2032_04"]),
    ],
)
async def test_this_month_and_the_next_two_are_made(database: Database, today: date, expected: list[str]) -> None:
    await ensure_change_partitions(database, today=today)

    assert await months(database, 2031, 2032) == expected


async def test_making_them_again_changes_nothing(database: Database) -> None:
    for today in (date(2031, 1, 1), date(2031, 1, 31), date(2031, 2, 1)):
        await ensure_change_partitions(database, today=today)

    assert await months(database, 2031) == ["change_2031_01", "change_2031_02", "change_2031_03", "change_2031_04"]


async def test_two_nodes_may_make_them_at_once(database: Database) -> None:
    async with held_up(database, "LOCK TABLE change IN ACCESS EXCLUSIVE MODE", sessions=2):
        both = asyncio.gather(*(ensure_change_partitions(database, today=date(2031, 1, 15)) for _ in range(2)))
    await both

    assert await months(database, 2031) == ["change_2031_01", "change_2031_02", "change_2031_03"]


async def test_a_month_ends_where_the_next_begins_in_utc(database: Database) -> None:
    async with database.session() as session:
        await session.run("SET timezone = 'Asia/Shanghai'")
        await session.run("SELECT ensure_change_partition('2031-01-31'), ensure_change_partition('2031-02-28')")
    first, last = datetime(2031, 1, 1, tzinfo=UTC), datetime(2031, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    after = datetime(2031, 2, 1, tzinfo=UTC)

    await append(database, change_at(first), change_at(last, version=2), change_at(after, version=3))

    assert await places(database) == {first: "change_2031_01", last: "change_2031_01", after: "change_2031_02"}


async def test_a_row_outside_every_month_is_kept_and_read_all_the_same(database: Database) -> None:
    before, beyond = datetime(1999, 12, 31, tzinfo=UTC), datetime(2041, 6, 15, tzinfo=UTC)
    await append(database, change_at(before), change_at(beyond, version=2))

    history = await ChangeStore(database).page(Subject.IDENTIFIER, "88.118.8/JX-1", below_version=99, limit=9)

    assert await places(database) == {before: "change_default", beyond: "change_default"}
    assert [change.trace.at for change in history] == [beyond, before]


async def test_a_month_that_is_made_late_takes_its_rows_over(database: Database) -> None:
    inside, outside = datetime(2041, 6, 15, tzinfo=UTC), datetime(2041, 9, 1, tzinfo=UTC)
    await append(database, change_at(inside), change_at(outside, version=2))

    await ensure_change_partitions(database, today=date(2041, 6, 15))

    assert await places(database) == {inside: "change_2041_06", outside: "change_default"}


async def test_what_a_thing_was_at_a_time_is_the_newest_change_not_after_it(database: Database) -> None:
    january, march = datetime(2031, 1, 10, tzinfo=UTC), datetime(2031, 3, 10, tzinfo=UTC)
    await append(database, change_at(january), change_at(march, version=2), change_at(march, name="88.118.8/OTHER"))
    store = ChangeStore(database)

    async def version_at(at: datetime) -> int | None:
        change = await store.find_as_of(Subject.IDENTIFIER, "88.118.8/JX-1", at)
        return None if change is None else change.version

    assert await version_at(datetime(2031, 1, 9, 23, 59, tzinfo=UTC)) is None
    assert await version_at(january) == 1
    assert await version_at(datetime(2031, 3, 9, tzinfo=UTC)) == 1
    assert await version_at(march) == 2
