"""When reports are released: at the ends of their periods in Beijing time, or at once."""

from datetime import UTC, datetime, timedelta

from idnode.model.reporting import Report
from idnode.sync.releases import HELD_BACK, AtOnce, ByContract

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
"""In Beijing."""
DAILY = {Report.T3, Report.T4, Report.T8, Report.T9, Report.MONITORING}


def due(releases: ByContract, at: datetime) -> set[Report]:
    return set(releases.due(at, has_taken=True))


def test_what_was_never_released_is_due() -> None:
    assert due(ByContract({}), NOON) == set(HELD_BACK)


def test_real_time_reports_are_not_held_back() -> None:
    assert {Report.T1, Report.T2, Report.T11, Report.EVENT, Report.APPLICATION}.isdisjoint(HELD_BACK)


def test_hours_days_and_months_end_each_in_its_time() -> None:
    releases = ByContract(dict.fromkeys(HELD_BACK, NOON))

    assert due(releases, NOON + timedelta(minutes=59)) == set()
    assert due(releases, NOON + timedelta(minutes=60)) == {Report.T6, Report.T7}
    assert due(releases, NOON + timedelta(hours=11, minutes=59)) == {Report.T6, Report.T7}
    assert due(releases, NOON + timedelta(hours=12)) == DAILY | {Report.T6, Report.T7}
    assert due(releases, NOON + timedelta(days=7)) == set(HELD_BACK)


def test_what_was_released_is_due_once_for_all_the_periods_that_were_missed() -> None:
    releases = ByContract(dict.fromkeys(HELD_BACK, NOON))
    after = NOON + timedelta(days=3)
    releases.released(releases.due(after, has_taken=False), after)

    assert due(releases, after + timedelta(minutes=59)) == set()


def test_at_once_a_clock_that_was_set_back_holds_nothing_up() -> None:
    releases = AtOnce()
    releases.released(releases.due(NOON, has_taken=False), NOON)

    assert set(releases.due(NOON - timedelta(hours=2), has_taken=False)) == set(HELD_BACK)


def test_at_once_is_when_something_came_and_every_second() -> None:
    releases = AtOnce()
    releases.released(releases.due(NOON, has_taken=False), NOON)

    assert set(releases.due(NOON, has_taken=True)) == set(HELD_BACK)
    assert list(releases.due(NOON + timedelta(milliseconds=999), has_taken=False)) == []
    assert set(releases.due(NOON + timedelta(seconds=1), has_taken=False)) == set(HELD_BACK)
