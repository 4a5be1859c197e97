"""Deposits day by day: made, sent, interrupted, sent again, judged by the platform, and removed when they are old."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from deposits_under_test import START, DepositsUnderTest, SteppingClock, deposits_under_test

from idnode.model.errors import Conflict, NotFound
from idnode.storage.database import Database
from idnode.storage.deposits import DepositKind, DepositState

DAY = timedelta(days=1)


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def under_test(tmp_path: Path, database: Database, dsn: str, clock: SteppingClock) -> DepositsUnderTest:
    return deposits_under_test(tmp_path, database, dsn, now=clock)


async def states(under_test: DepositsUnderTest) -> list[tuple[str, str, int]]:
    """Kind, state and resend number, the oldest first."""
    known = await under_test.deposits.store.latest(100)
    return [(each.kind.value, each.state.value, each.resend) for each in reversed(known)]


async def on(under_test: DepositsUnderTest, clock: SteppingClock, moment: datetime) -> int:
    clock.moment = moment
    return await under_test.deposits.schedule.run_due(moment)


async def test_a_week_has_a_full_deposit_and_six_differentials(
    under_test: DepositsUnderTest, clock: SteppingClock
) -> None:
    sent = [await on(under_test, clock, START + DAY * number) for number in range(8)]
    again = await on(under_test, clock, START + DAY * 7 + timedelta(hours=3))

    assert (sent, again) == ([1] * 8, 0)
    assert [kind for kind, _, _ in await states(under_test)] == ["full", *["differential"] * 6, "full"]
    assert {state for _, state, _ in await states(under_test)} == {"submitted"}


async def test_only_the_files_of_the_last_two_full_deposits_are_kept_to_be_sent_again(
    under_test: DepositsUnderTest, clock: SteppingClock
) -> None:
    for number in (0, 3, 7, 14):
        await on(under_test, clock, START + DAY * number)
    staged = sorted(path.name for path in (under_test.home / "deposits").iterdir())

    assert staged == ["20261201T180001000Z", "20261208T180001000Z"]


async def test_a_destination_that_is_away_does_not_keep_a_deposit_from_being_made(
    under_test: DepositsUnderTest, clock: SteppingClock
) -> None:
    moved = under_test.folder.rename(under_test.folder.with_name("away"))
    first = await on(under_test, clock, START)
    made = await states(under_test)
    moved.rename(under_test.folder)
    too_early = await on(under_test, clock, START + timedelta(minutes=4))
    later = await on(under_test, clock, START + timedelta(minutes=5))

    assert (first, too_early, later) == (0, 0, 1)
    assert made == [("full", "made", 0)]
    assert await states(under_test) == [("full", "submitted", 0)]


async def test_a_delivery_that_was_interrupted_goes_on_with_what_is_missing(under_test: DepositsUnderTest) -> None:
    deposit = await under_test.make()
    parts = sorted(under_test.folder.glob("*.part*"))
    parts[0].write_bytes(b"cut")
    untouched = {path: path.stat().st_mtime_ns for path in parts[1:]}
    before = [path.read_bytes() for path in parts[1:]]

    await under_test.deposits.delivery.send(deposit)

    assert parts[0].stat().st_size > 3
    assert {path: path.stat().st_mtime_ns for path in parts[1:]} == untouched
    assert [path.read_bytes() for path in parts[1:]] == before
    assert len(await under_test.restorer.verify(under_test.folder)) == 1


async def test_a_resend_is_the_same_content_under_the_next_number(under_test: DepositsUnderTest) -> None:
    deposit = await under_test.make()
    first = {path.name.split(".")[1]: path.read_bytes() for path in under_test.folder.glob("*.part*")}

    again = await under_test.deposits.delivery.resend(deposit.id)

    second = {
        path.name.split(".")[1]: path.read_bytes() for path in under_test.folder.glob(f"deposit-{deposit.id}-1.part*")
    }
    assert (again.resend, again.state) == (1, DepositState.SUBMITTED)
    assert second == first
    chain = await under_test.restorer.verify(under_test.folder)
    assert [found.manifest.resend for found in chain] == [1]


async def test_what_is_not_here_cannot_be_sent_again(under_test: DepositsUnderTest) -> None:
    deposit = await under_test.make()
    (under_test.home / "deposits" / deposit.id / "manifest.json").unlink()

    with pytest.raises(Conflict, match="are not on this host any more; make a new one"):
        await under_test.deposits.delivery.resend(deposit.id)
    with pytest.raises(NotFound, match="there is no deposit 'x'"):
        await under_test.deposits.delivery.resend("x")


async def test_a_made_deposit_whose_files_are_lost_is_given_up_and_made_anew(
    under_test: DepositsUnderTest, clock: SteppingClock
) -> None:
    moved = under_test.folder.rename(under_test.folder.with_name("away"))
    await on(under_test, clock, START)
    moved.rename(under_test.folder)
    for path in (under_test.home / "deposits").glob("*/manifest.json"):
        path.unlink()

    await on(under_test, clock, START + timedelta(minutes=10))
    await on(under_test, clock, START + timedelta(hours=2))

    assert await states(under_test) == [("full", "refused", 0), ("full", "submitted", 0)]


async def test_the_platforms_notice_decides(under_test: DepositsUnderTest, clock: SteppingClock) -> None:
    await on(under_test, clock, START)
    await on(under_test, clock, START + DAY)
    full, differential = reversed(await under_test.deposits.store.latest(2))
    under_test.notice("a", {"deposit": full.id, "resend": 0, "state": "confirmed"})
    under_test.notice("b", {"deposit": differential.id, "resend": 0, "state": "refused", "reason": "part001 is cut"})
    under_test.notice("c", {"deposit": full.id, "resend": 7, "state": "refused"})
    under_test.notice("d", {"deposit": "unknown", "resend": 0, "state": "confirmed"})
    (under_test.folder / "e.notice.json").write_bytes(b'{"deposit":')

    moved = await under_test.deposits.schedule.collect_notices()
    again = await under_test.deposits.schedule.collect_notices()

    assert (moved, again) == (2, 0)
    assert await states(under_test) == [("full", "confirmed", 0), ("differential", "refused", 0)]
    assert (await under_test.deposits.store.find(differential.id)).reason == "part001 is cut"


async def test_after_a_refusal_the_next_one_builds_on_what_stands(
    under_test: DepositsUnderTest, clock: SteppingClock
) -> None:
    await on(under_test, clock, START)
    await on(under_test, clock, START + DAY)
    full, refused = reversed(await under_test.deposits.store.latest(2))
    under_test.notice("b", {"deposit": refused.id, "resend": 0, "state": "refused"})
    await on(under_test, clock, START + DAY + timedelta(hours=2))
    newest = (await under_test.deposits.store.latest(1))[0]

    assert (newest.kind, newest.base) == (DepositKind.DIFFERENTIAL, full.id)
    chain = await under_test.restorer.verify(under_test.folder)
    assert [found.manifest.deposit for found in chain] == [full.id, newest.id]


async def test_the_age_is_that_of_what_was_delivered(under_test: DepositsUnderTest) -> None:
    before = await under_test.deposits.schedule.delivered_at()
    deposit = await under_test.make()
    after = await under_test.deposits.schedule.delivered_at()

    assert (before, after) == (None, deposit.watermark.seen_at)


async def test_when_the_full_one_is_refused_a_new_full_one_follows_the_same_day(
    under_test: DepositsUnderTest, clock: SteppingClock
) -> None:
    await on(under_test, clock, START)
    await on(under_test, clock, START + DAY)
    full = (await under_test.deposits.store.latest(2))[1]
    under_test.notice("a", {"deposit": full.id, "resend": 0, "state": "refused"})
    await under_test.deposits.schedule.collect_notices()
    refused = await under_test.deposits.schedule.delivered_at()
    await on(under_test, clock, START + DAY + timedelta(hours=2))

    assert refused is None
    assert await states(under_test) == [
        ("full", "refused", 0),
        ("differential", "submitted", 0),
        ("full", "submitted", 0),
    ]


async def test_a_clock_that_was_set_back_breaks_no_chain(under_test: DepositsUnderTest, clock: SteppingClock) -> None:
    full = await under_test.make()
    clock.moment = START - timedelta(minutes=10)
    differential = await under_test.make(DepositKind.DIFFERENTIAL)

    chain = await under_test.restorer.verify(under_test.folder)

    assert (full.id, differential.id) == ("20261124T180001000Z", "20261124T180001001Z")
    assert [found.manifest.deposit for found in chain] == [full.id, differential.id]


async def test_states_move_along_their_table_only(under_test: DepositsUnderTest, clock: SteppingClock) -> None:
    deposit = await under_test.make()
    store = under_test.deposits.store

    moved = [
        await store.move(deposit.id, state, reason=None, at=clock())
        for state in (DepositState.SUBMITTED, DepositState.CONFIRMED, DepositState.REFUSED, DepositState.MADE)
    ]

    assert moved == [False, True, False, False]
