"""Months of the node (UTC+8), working days, and moments as the top node reads them; pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from idnode.model.beijing import BEIJING

YEARS = range(2000, 9_000)
"""In which reports can be; at the ends of the calendar a month has no moments in UTC."""
WORKING_DAYS_TO_REPORT = 10
"""Within so many after the end of the month the report is due (annex 3)."""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month by its first day."""

    first: date

    @classmethod
    def parse(cls, text: str) -> "Month | None":
        """From `2026-10`; None for anything else, and for years beyond YEARS."""
        if len(text) != 7 or not text.isascii():
            return None
        try:
            first = date.fromisoformat(f"{text}-01")
        except ValueError:
            return None
        return cls(first) if first.year in YEARS else None

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        """In which a moment lies."""
        return cls(moment.astimezone(BEIJING).date().replace(day=1))

    @property
    def end(self) -> date:
        """The first day of the next month."""
        return (self.first + timedelta(days=32)).replace(day=1)

    @property
    def begins_at(self) -> datetime:
        """Its first moment."""
        return _midnight(self.first)

    @property
    def ends_at(self) -> datetime:
        """The first moment of the next month."""
        return _midnight(self.end)

    @property
    def report_due(self) -> date:
        """The tenth working day after it: Monday to Friday, for public holidays are not known here."""
        day, left = self.end - timedelta(days=1), WORKING_DAYS_TO_REPORT
        while left:
            day += timedelta(days=1)
            left -= day.weekday() < 5
        return day

    def before(self, months: int) -> "Month":
        """So many months earlier."""
        months_since_zero = self.first.year * 12 + self.first.month - 1 - months
        return Month(date(months_since_zero // 12, months_since_zero % 12 + 1, 1))

    def __str__(self) -> str:
        return self.first.isoformat()[:7]


def beijing_seconds(moment: datetime) -> str:
    """`2026-11-24T15:18:31+08:00`."""
    return moment.astimezone(BEIJING).isoformat(timespec="seconds")


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING).astimezone(UTC)
