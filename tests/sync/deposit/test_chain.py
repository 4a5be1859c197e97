"""Which deposit is due, and what a differential builds on."""

from datetime import UTC, datetime, timedelta

import pytest

from idnode.storage.deposits import Deposit, DepositKind, DepositState, Watermark
from idnode.sync.deposit.chain import basis_of, delivered, due

FULL, DIFFERENTIAL = DepositKind.FULL, DepositKind.DIFFERENTIAL
MADE, SUBMITTED, CONFIRMED, REFUSED = DepositState


def at(day: int, hour: int = 18) -> datetime:
    """November 2026, UTC; 18:00 is 02:00 of the next day in Beijing."""
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def deposit(
    id: str,
    base: str | None = None,
    *,
    state: DepositState = SUBMITTED,
    lineage: str | None = "7/1",
    made: datetime | None = None,
) -> Deposit:
    made = made or at(int(id[1:]))
    kind = FULL if base is None else DIFFERENTIAL
    return Deposit(id, kind, base, Watermark("3:3:", lineage, made), made, 1, 1, "", state, None, 0, made)


@pytest.mark.parametrize(
    ("known", "base"),
    [
        ([], None),
        ([deposit("d1")], "d1"),
        ([deposit("d1", state=MADE)], None),
        ([deposit("d1", state=REFUSED)], None),
        ([deposit("d1"), deposit("d2", "d1", state=CONFIRMED)], "d2"),
        ([deposit("d1"), deposit("d2", "d1", state=MADE)], "d1"),
        ([deposit("d1"), deposit("d2", "d1", state=REFUSED), deposit("d3", "d2")], "d1"),
        ([deposit("d1", state=REFUSED), deposit("d2", "d1")], None),
        ([deposit("d2", "d1")], None),
        ([deposit("d1", lineage="8/1")], None),
        ([deposit("d1", lineage=None)], None),
    ],
)
def test_a_differential_builds_on_the_latest_that_stands_on_what_was_delivered(
    known: list[Deposit], base: str | None
) -> None:
    found = basis_of(known, "7/1")

    assert (None if found is None else found.id) == base


@pytest.mark.parametrize(
    ("known", "newest"),
    [
        ([], None),
        ([deposit("d1"), deposit("d2", "d1")], "d2"),
        ([deposit("d1"), deposit("d2", "d1", state=MADE)], "d1"),
        ([deposit("d1", state=REFUSED), deposit("d2", "d1")], None),
        ([deposit("d1", lineage=None)], "d1"),
    ],
)
def test_what_stands_on_a_refused_deposit_is_not_delivered(known: list[Deposit], newest: str | None) -> None:
    found = delivered(known)

    assert (None if found is None else found.id) == newest


def test_where_the_cluster_is_not_known_nothing_can_be_built_on() -> None:
    assert basis_of([deposit("d1", lineage=None)], None) is None


@pytest.mark.parametrize(
    ("known", "now", "kind"),
    [
        ([], at(24), FULL),
        ([], at(24, 3), FULL),
        ([deposit("d24")], at(25, 17), None),
        ([deposit("d24")], at(25, 18), DIFFERENTIAL),
        ([deposit("d24"), deposit("d25", "d24")], at(25, 23), None),
        ([deposit("d17"), deposit("d23", "d17")], at(24, 18), FULL),
        ([deposit("d18"), deposit("d23", "d18")], at(24, 18), DIFFERENTIAL),
        ([deposit("d24", state=REFUSED)], at(24, 18), None),
        ([deposit("d24", state=REFUSED)], at(24, 20), FULL),
        ([deposit("d23"), deposit("d24", "d23", state=REFUSED)], at(24, 20), DIFFERENTIAL),
        ([deposit("d24", state=MADE)], at(25, 1), None),
        ([deposit("d22", state=REFUSED), deposit("d23", "d22"), deposit("d24", "d23")], at(24, 20), FULL),
        ([deposit("d22"), deposit("d23", "d22", state=REFUSED), deposit("d24", "d23")], at(24, 20), DIFFERENTIAL),
    ],
)
def test_one_is_due_each_day_after_its_hour_in_beijing_and_a_full_one_each_week(
    known: list[Deposit], now: datetime, kind: DepositKind | None
) -> None:
    assert due(known, now, hour=2, full_days=7) == kind


def test_a_day_is_a_day_for_a_month() -> None:
    known: list[Deposit] = []
    for minute in range(0, 30 * 24 * 60, 20):
        now = at(1) + timedelta(minutes=minute)
        kind = due(known, now, hour=2, full_days=7)
        if kind is not None:
            known.append(deposit(f"d{len(known)}", None if kind is FULL else "d0", made=now))

    assert len(known) == 30
    assert [each.id for each in known if each.kind is FULL] == ["d0", "d7", "d14", "d21", "d28"]
    assert {each.made.hour for each in known} == {18}
