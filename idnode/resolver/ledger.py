"""What was counted since the last batch, by day: sums, extremes, seconds and sources, all of them bounded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from operator import itemgetter

from idnode.storage.usage import NODE, OTHERS, DayCounts, SecondCount, SourceCount, Timing, UsageBatch

SECOND_ROWS_MAX = 50_000
"""Only a database that is away for long lets so many gather; then the busiest of each prefix and day stays."""
SOURCE_ROWS_MAX = 20_000
"""Pairs of a prefix and an address in one day; what comes beyond is added to OTHERS."""


@dataclass(slots=True)
class Sums:
    """Sums and extremes of what was done, nanoseconds; the extremes are set once `count` is above 0."""

    count: int = 0
    total_ns: int = 0
    max_ns: int = 0
    max_at: int = 0
    min_ns: int = 0
    min_at: int = 0

    def add(self, count: int, total_ns: int, max_ns: int, min_ns: int, *, second: int) -> None:
        """Add what was done in a second (epoch). Of equal extremes the earliest stays."""
        if not self.count:
            self.max_ns, self.max_at, self.min_ns, self.min_at = max_ns, second, min_ns, second
        else:
            if max_ns > self.max_ns or (max_ns == self.max_ns and second < self.max_at):
                self.max_ns, self.max_at = max_ns, second
            if min_ns < self.min_ns or (min_ns == self.min_ns and second < self.min_at):
                self.min_ns, self.min_at = min_ns, second
        self.count += count
        self.total_ns += total_ns

    def timing(self) -> Timing | None:
        """As it is stored."""
        if not self.count:
            return None
        return Timing(self.count, self.total_ns, self.max_ns, self.max_at, self.min_ns, self.min_at)


@dataclass(slots=True)
class Day:
    """One prefix on one day."""

    resolutions: Sums
    registrations: Sums
    successes: int = 0


class Ledger:
    """Filled by `Usage`, a second at a time. Prefixes are folded; NODE is asked for like any other."""

    def __init__(self) -> None:
        self._days: dict[tuple[date, str], Day] = {}
        self._seconds: dict[tuple[str, int], SecondCount] = {}
        self._sources: dict[date, dict[tuple[str | None, str], int]] = {}
        self._second_rows_max = SECOND_ROWS_MAX

    def day(self, day: date, prefix: str) -> Day:
        """What a prefix had on a day, to be added to."""
        found = self._days.get((day, prefix))
        if found is None:
            found = self._days[day, prefix] = Day(Sums(), Sums())
        return found

    def add_second(self, day: date, prefix: str, second: int, requests: int) -> None:
        """Requests within a second (epoch), or a part of it."""
        known = self._seconds.get((prefix, second))
        if known is not None:
            requests += known.requests
        elif len(self._seconds) >= self._second_rows_max:
            self._fold_seconds()
        self._seconds[prefix, second] = SecondCount(prefix, second, day, requests)

    def add_source(self, day: date, prefix: str | None, address: str, requests: int) -> None:
        """Requests of an address; prefix None: for none of ours."""
        rows = self._sources.setdefault(day, {})
        key = (prefix, address)
        if key in rows:
            rows[key] += requests
        elif len(rows) < SOURCE_ROWS_MAX:
            rows[key] = requests
        else:
            others = (prefix, OTHERS)
            rows[others] = rows.get(others, 0) + requests

    def batch(self, taken: int) -> UsageBatch | None:
        """Everything, as taken in a second (epoch); None when there is nothing."""
        if not self._days:
            return None
        days = (
            DayCounts(day, prefix, row.resolutions.timing(), row.successes, row.registrations.timing())
            for (day, prefix), row in self._days.items()
        )
        sources = (row for day in self._sources for row in self._sources_of(day))
        return UsageBatch(taken, tuple(days), tuple(self._seconds.values()), tuple(sources))

    def _sources_of(self, day: date) -> Iterator[SourceCount]:
        node: dict[str, int] = {}
        for (prefix, address), requests in self._sources[day].items():
            node[address] = node.get(address, 0) + requests
            if prefix is not None:
                yield SourceCount(day, prefix, address, requests)
        for address, requests in node.items():
            yield SourceCount(day, NODE, address, requests)

    def _fold_seconds(self) -> None:
        self._seconds = _busiest(self._seconds.values())
        # What is left are prefixes and days, and they may be many: the next fold has to be worth its time again.
        self._second_rows_max = max(SECOND_ROWS_MAX, 2 * len(self._seconds))


def _busiest(seconds: Iterable[SecondCount]) -> dict[tuple[str, int], SecondCount]:
    """Of each prefix and day the busiest second, the earliest of equals."""
    kept: dict[tuple[str, date], SecondCount] = {}
    for row in sorted(seconds, key=itemgetter(1)):
        known = kept.get((row.prefix, row.day))
        if known is None or row.requests > known.requests:
            kept[row.prefix, row.day] = row
    return {(row.prefix, row.second): row for row in kept.values()}
