"""Blocks of numbers on a real counter: what two workers get, what a crash leaves, where a sequence ends."""

import asyncio
from datetime import UTC, datetime

import pytest

from idnode.lifecycle import new_id
from idnode.model.errors import Unavailable
from idnode.model.identifier import Prefix
from idnode.model.mint import MintPattern, PatternState
from idnode.model.minting import Restart, SuffixPattern
from idnode.registry.number_blocks import NumberBlocks, SequenceExhausted
from idnode.storage.database import Database
from idnode.storage.minting import MintStore

AT = datetime(2026, 11, 24, 7, 18, 31, tzinfo=UTC)


async def stored_pattern(database: Database, text: str, *, first: int = 1) -> MintPattern:
    """A pattern of the node's own prefix, put straight into its table."""
    prefix = Prefix.parse("88.118")
    pattern = MintPattern(
        id=new_id(),
        prefix=prefix,
        name=text,
        pattern=SuffixPattern.parse(text),
        is_gapless=False,
        restart=Restart.NONE,
        first=first,
        state=PatternState.ACTIVE,
        version=1,
        created=AT,
        updated=AT,
    )
    async with database.transaction() as session:
        await session.run(
            "INSERT INTO prefix (folded, shown, state, hosting, version, created, updated)"
            " VALUES ('88.118', '88.118', 'active', 'hosted', 1, now(), now()) ON CONFLICT DO NOTHING"
        )
        await MintStore(database).insert(session, pattern)
    return pattern


async def test_workers_that_take_at_once_never_get_the_same_number(database: Database) -> None:
    pattern = await stored_pattern(database, "{seq:6}")
    workers = [NumberBlocks(MintStore(database)) for _ in range(3)]

    taken = await asyncio.gather(*(workers[n % 3].take(pattern, "", 1 + n % 7) for n in range(300)))

    numbers = [number for some in taken for number in some]
    assert len(numbers) == len(set(numbers)) == 1197


async def test_one_block_serves_all_who_wait_and_who_waits_goes_on_when_the_one_that_reads_goes_away(
    database: Database,
) -> None:
    pattern = await stored_pattern(database, "{seq:6}")
    worker, another = (NumberBlocks(MintStore(database)) for _ in range(2))

    taken = await asyncio.gather(*(worker.take(pattern, "", 1) for _ in range(100)))
    following = await MintStore(database).next_number(pattern, "")
    reading, waiting = (asyncio.create_task(another.take(pattern, "", 1)) for _ in range(2))
    await asyncio.sleep(0)
    reading.cancel()

    assert (taken, following) == ([[number] for number in range(1, 101)], 101)
    # The block of the one that went away may have been taken, or not.
    assert (await waiting)[0] in (101, 201)
    assert reading.cancelled()


async def test_a_worker_that_dies_leaves_a_gap_and_no_double_and_periods_are_counted_apart(database: Database) -> None:
    pattern = await stored_pattern(database, "{seq:6}", first=7)
    store = MintStore(database)

    before = await NumberBlocks(store).take(pattern, "", 3)
    after = await NumberBlocks(store).take(pattern, "", 3)

    assert (before, after) == ([7, 8, 9], [107, 108, 109])

    worker = NumberBlocks(store)

    assert [await worker.take(pattern, period, 1) for period in ("2026-11", "2026-12", "2026-11")] == [[7], [7], [8]]


async def test_a_used_up_sequence_says_so_and_loses_no_number(database: Database) -> None:
    pattern = await stored_pattern(database, "{seq:2}", first=95)
    worker = NumberBlocks(MintStore(database))

    with pytest.raises(
        SequenceExhausted, match=r"pattern \{seq:2\} has not that many numbers left; its last one is 99"
    ):
        await worker.take(pattern, "", 6)
    left = await worker.take(pattern, "", 5)
    with pytest.raises(SequenceExhausted):
        await worker.take(pattern, "", 1)

    assert left == [95, 96, 97, 98, 99]


class Away:
    """Counters in a database that does not answer."""

    def __init__(self) -> None:
        self.asked = 0

    async def take_block(self, *_: object, **__: object) -> range:
        """Refuse, in a while."""
        self.asked += 1
        await asyncio.sleep(0)
        raise Unavailable("the database is away")


async def test_who_waits_for_a_read_that_fails_fails_with_it(database: Database) -> None:
    pattern = await stored_pattern(database, "{seq:2}")
    away = Away()
    worker = NumberBlocks(away)

    found = await asyncio.gather(*(worker.take(pattern, "", 1) for _ in range(5)), return_exceptions=True)

    assert [type(each) for each in found] == [Unavailable] * 5
    assert away.asked == 1
