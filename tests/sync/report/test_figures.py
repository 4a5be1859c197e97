"""Statistics as the top node wants them, and which days and months are over in Beijing."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from idnode.model.application import Application, ApplicationKind, ApplicationState
from idnode.model.reporting import Report
from idnode.storage.usage import Latency, Peak, SourceCount, UsageDay
from idnode.sync.report.figures import (
    application,
    day_number,
    end_of,
    enterprise_statistics,
    finished_days,
    monitoring,
    month_number,
    node_statistics,
)
from idnode.wire.top_node.tables import check_data

DAY = date(2026, 3, 9)
AT = datetime(2026, 3, 9, 0, 0, 1, 250_000, tzinfo=UTC)
LATENCY = Latency(1_234_567.8, 5_000_000, AT, 1_000, AT + timedelta(hours=1))
USAGE = UsageDay(DAY, "88.118.8", 7, 5, LATENCY, Peak(3, AT), 2, LATENCY)
SOURCES = [SourceCount(DAY, "88.118.8", "192.0.2.1", 6), SourceCount(DAY, "88.118.8", "", 1)]
MINUTES = timedelta(minutes=10)


def test_the_node_is_told_with_its_prefixes_and_who_asked() -> None:
    data = node_statistics("88.118", 2, 5, USAGE, SOURCES)

    assert data == {
        "prefix": "88.118",
        "enterprise_prefixes_added": 2,
        "enterprise_prefixes_total": 5,
        "resolution_requests": 7,
        "resolution_successes": 5,
        "sources": [{"address": "192.0.2.1", "requests": 6}, {"address": "other", "requests": 1}],
    }
    assert check_data(Report.T3, data) == []


def test_a_prefix_of_which_nothing_was_asked_is_told_with_zeros() -> None:
    data = enterprise_statistics("88.118.8", 0, 0, None, [])

    assert data == {
        "prefix": "88.118.8",
        "identifiers_added": 0,
        "identifiers_total": 0,
        "resolution_requests": 0,
        "resolution_successes": 0,
        "sources": [],
    }
    assert check_data(Report.T8, data) == []


def test_monitoring_has_its_twelve_values_with_times_to_the_second_in_beijing() -> None:
    data = monitoring(USAGE)

    assert data == {
        "resolution_average_ms": 1.234568,
        "resolution_maximum_at": "2026-03-09T08:00:01+08:00",
        "resolution_maximum_ms": 5.0,
        "resolution_minimum_at": "2026-03-09T09:00:01+08:00",
        "resolution_minimum_ms": 0.001,
        "resolution_peak_per_second": 3,
        "resolution_peak_at": "2026-03-09T08:00:01+08:00",
        "registration_average_ms": 1.234568,
        "registration_maximum_at": "2026-03-09T08:00:01+08:00",
        "registration_maximum_ms": 5.0,
        "registration_minimum_at": "2026-03-09T09:00:01+08:00",
        "registration_minimum_ms": 0.001,
    }
    assert check_data(Report.MONITORING, data) == []


def test_monitoring_leaves_out_what_was_not_done() -> None:
    idle = UsageDay(DAY, "", 0, 0, None, None, 2, LATENCY)

    assert monitoring(None) == {}
    assert list(monitoring(idle)) == [
        "registration_average_ms",
        "registration_maximum_at",
        "registration_maximum_ms",
        "registration_minimum_at",
        "registration_minimum_ms",
    ]


def test_an_application_is_told_with_what_is_known_of_it() -> None:
    known = Application(
        UUID(int=1),
        None,
        "查询",
        ApplicationKind.MINI_PROGRAM,
        None,
        "公众",
        None,
        None,
        ApplicationState.ACTIVE,
        1,
        AT,
        AT,
    )

    assert application(known) == {"name": "查询", "type": 2, "users": "公众"}
    assert check_data(Report.T5, application(known)) == []


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (datetime(2026, 3, 9, 16, 9, 59, tzinfo=UTC), []),
        (datetime(2026, 3, 9, 16, 10, 0, tzinfo=UTC), [date(2026, 3, 9)]),
        (datetime(2026, 3, 10, 16, 9, 59, tzinfo=UTC), [date(2026, 3, 9)]),
        (datetime(2026, 3, 10, 16, 10, 0, tzinfo=UTC), [date(2026, 3, 9), date(2026, 3, 10)]),
        (datetime(2026, 3, 8, 12, 0, 0, tzinfo=UTC), []),
    ],
)
def test_a_day_is_over_ten_minutes_after_midnight_in_beijing(now: datetime, days: list[date]) -> None:
    assert list(finished_days(DAY, now, settled_after=MINUTES, days_max=40)) == days


def test_no_more_than_forty_days_are_made_up_for() -> None:
    days = finished_days(DAY, datetime(2027, 1, 1, 3, tzinfo=UTC), settled_after=MINUTES, days_max=40)

    assert (len(days), days[0], days[-1]) == (40, date(2026, 11, 22), date(2026, 12, 31))


def test_days_and_months_are_numbers_and_end_at_midnight_in_beijing() -> None:
    assert (day_number(date(2026, 3, 9)), month_number(date(2026, 3, 9))) == (20260309, 202603)
    assert end_of(date(2026, 12, 31)) == datetime(2026, 12, 31, 16, tzinfo=UTC)
