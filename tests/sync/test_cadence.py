"""Periods end in Beijing time: at midnight, at the ends of months, and in leap years too."""

from datetime import UTC, datetime

import pytest

from idnode.model.reporting import Cadence
from idnode.sync.cadence import due, ends_between, period_end


@pytest.mark.parametrize(
    ("cadence", "at", "end"),
    [
        (Cadence.REAL_TIME, "2026-11-24T15:59:59.5Z", "2026-11-24T15:59:59.5Z"),
        (Cadence.HOURLY, "2026-11-24T15:59:59.999999Z", "2026-11-24T16:00:00Z"),
        (Cadence.HOURLY, "2026-11-24T16:00:00Z", "2026-11-24T17:00:00Z"),
        (Cadence.DAILY, "2026-11-24T15:59:59.999999Z", "2026-11-24T16:00:00Z"),
        (Cadence.DAILY, "2026-11-24T16:00:00Z", "2026-11-25T16:00:00Z"),
        (Cadence.DAILY, "2026-12-31T23:00:00Z", "2027-01-01T16:00:00Z"),
        (Cadence.MONTHLY, "2026-11-30T15:59:59Z", "2026-11-30T16:00:00Z"),
        (Cadence.MONTHLY, "2026-11-30T16:00:00Z", "2026-12-31T16:00:00Z"),
        (Cadence.MONTHLY, "2026-12-31T16:00:00Z", "2027-01-31T16:00:00Z"),
        (Cadence.MONTHLY, "2027-02-10T00:00:00Z", "2027-02-28T16:00:00Z"),
        (Cadence.MONTHLY, "2028-02-10T00:00:00Z", "2028-02-29T16:00:00Z"),
        (Cadence.DAILY, "2028-02-28T16:00:00Z", "2028-02-29T16:00:00Z"),
        (Cadence.DAILY, "2026-11-24T23:59:59+08:00", "2026-11-24T16:00:00Z"),
    ],
)
def test_a_period_ends_in_beijing(cadence: Cadence, at: str, end: str) -> None:
    assert period_end(cadence, moment(at)) == moment(end)


@pytest.mark.parametrize(
    ("cadence", "last", "now", "expected"),
    [
        (Cadence.DAILY, None, "2026-11-24T00:00:00Z", True),
        (Cadence.DAILY, "2026-11-23T16:00:00Z", "2026-11-24T15:59:59.999999Z", False),
        (Cadence.DAILY, "2026-11-23T16:00:00Z", "2026-11-24T16:00:00Z", True),
        (Cadence.DAILY, "2026-11-24T15:59:59Z", "2026-11-24T16:00:00Z", True),
        (Cadence.DAILY, "2026-11-20T00:00:00Z", "2026-11-24T00:00:00Z", True),
        (Cadence.HOURLY, "2026-11-24T10:00:00Z", "2026-11-24T10:59:59Z", False),
        (Cadence.HOURLY, "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z", True),
        (Cadence.MONTHLY, "2026-10-31T16:00:00Z", "2026-11-30T15:59:59Z", False),
        (Cadence.MONTHLY, "2026-10-31T16:00:00Z", "2026-11-30T16:00:00Z", True),
        (Cadence.REAL_TIME, "2026-11-24T10:00:00Z", "2026-11-24T10:00:00Z", True),
        # Another host's clock is ahead by less than an hour.
        (Cadence.HOURLY, "2026-11-24T10:00:02Z", "2026-11-24T09:59:59Z", False),
        (Cadence.DAILY, "2026-11-24T16:59:59Z", "2026-11-24T15:59:59Z", False),
        # A clock that was wrong, and was set back.
        (Cadence.HOURLY, "2026-11-24T12:00:00Z", "2026-11-24T10:00:00Z", True),
        (Cadence.DAILY, "2027-11-24T16:00:00Z", "2026-11-24T10:00:00Z", True),
    ],
)
def test_a_release_is_due_when_a_period_has_ended_since_the_last(
    cadence: Cadence, last: str | None, now: str, expected: bool
) -> None:
    assert due(cadence, None if last is None else moment(last), moment(now)) is expected


def test_the_ends_between_two_moments_are_those_after_the_first_up_to_the_second() -> None:
    first, last = moment("2028-01-31T16:00:00Z"), moment("2028-03-31T16:00:00Z")

    months = [end.astimezone(UTC).isoformat() for end in ends_between(Cadence.MONTHLY, first, last)]
    hours = list(ends_between(Cadence.HOURLY, first, moment("2028-02-01T16:00:00Z")))

    assert months == ["2028-02-29T16:00:00+00:00", "2028-03-31T16:00:00+00:00"]
    assert len(hours) == 24
    assert list(ends_between(Cadence.DAILY, last, last)) == []
    assert list(ends_between(Cadence.REAL_TIME, first, last)) == []


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
