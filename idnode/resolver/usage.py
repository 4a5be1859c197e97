"""Counts what was answered, by kind, prefix, second and source; plain ints, nanoseconds a hit."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime

from idnode.resolver.ledger import Ledger, Sums
from idnode.resolver.tally import Outcome, Passing, Source, Tally
from idnode.storage.usage import NODE, UsageBatch

BUCKETS = 26
"""Power-of-two latency buckets from 1 µs to 2^25 µs (33 s); bucket n holds answers under 2^n µs."""
PREFIXES_MAX = 20_000
"""Further ones count together, as none of ours, and for the node."""
SOURCES_MAX = 10_000
"""Sources that are remembered by their address; then they are forgotten, and whoever holds one keeps it."""
HELD_MAX = 4_096
"""Answers that sources hold before they are gathered, which takes a quarter of a microsecond for each."""
SECOND_NS = 1_000_000_000


class Usage:
    """The counting of one worker. `nanoseconds` is a monotonic clock, `time_ns` the clock of the world.

    `node_day` tells the day that a moment lies in. A kill loses what was counted since the last batch was stored.
    """

    def __init__(
        self, *, nanoseconds: Callable[[], int], time_ns: Callable[[], int], node_day: Callable[[datetime], date]
    ) -> None:
        self.latency_buckets = [0] * BUCKETS
        """Answers under 2^n µs, not cumulative, since the process began."""
        self.latency_ns = 0
        self._nanoseconds = nanoseconds
        self._time_ns = time_ns
        self._node_day = node_day
        self.tallies: list[Tally] = []
        """By their number."""
        self._tallies: dict[tuple[str | None, str, int, Outcome], Tally] = {}
        self._resolving: dict[str | None, Passing] = {}
        self._registering: dict[str | None, Passing] = {}
        self._sources: dict[str, Source] = {}
        self._ledger = Ledger()
        self._resolved: list[Passing] = []
        self._registered: list[Passing] = []
        self._asking: list[Source] = []
        self._held = 0
        self._second = 0
        self._second_ends = 0
        self._day = date.min
        self._begin_second(nanoseconds())

    def tally(self, prefix: str | None, route: str, status: int, outcome: Outcome) -> Tally:
        """The one tally of this kind; `prefix` is folded, and None for what is none of ours."""
        key = (prefix, route, status, outcome)
        found = self._tallies.get(key)
        if found is None:
            passing = _of_prefix(self._resolving, prefix)
            # Beyond PREFIXES_MAX many prefixes share a tally, and it is not kept once more under each of them.
            key = (passing.prefix, route, status, outcome)
            found = self._tallies.get(key)
            if found is None:
                found = self._tallies[key] = Tally(passing.prefix, route, status, outcome, passing, len(self.tallies))
                self.tallies.append(found)
        return found

    def source(self, address: str) -> Source:
        """A source with this address: the same one for a while at least."""
        found = self._sources.get(address)
        if found is None:
            if len(self._sources) >= SOURCES_MAX:
                self._sources.clear()
            found = self._sources[address] = Source(address)
        return found

    def count(self, source: Source | str, tally: Tally, nanoseconds: int) -> None:
        """One answer that was no hit, to a source or an address, and how long it took."""
        ended = self._nanoseconds()
        if ended >= self._second_ends:
            self._begin_second(ended)
        asked = self.source(source) if isinstance(source, str) else source
        if not asked.answered:
            self._asking.append(asked)
        asked.answered.append(tally.number)
        self._pass(tally, 1, nanoseconds)
        self._time(1, nanoseconds)

    def registered(self, prefix: str, nanoseconds: int, count: int = 1) -> None:
        """So many identifiers were registered below a prefix (folded) at once; each took as long as all of them."""
        ended = self._nanoseconds()
        if ended >= self._second_ends:
            self._begin_second(ended)
        _pass(_of_prefix(self._registering, prefix), self._registered, count, nanoseconds)

    def settle(self, sources: list[Source], began: int, ended: int) -> None:
        """Count and clear what is pending of these sources: hits, each of which took from `began` to `ended`."""
        if ended >= self._second_ends:
            self._begin_second(ended)
        nanoseconds = ended - began
        hits = sources[0].pending if len(sources) == 1 else [number for source in sources for number in source.pending]
        count = len(hits)
        if hits.count(hits[0]) == count:
            self._pass(self.tallies[hits[0]], count, nanoseconds)
        else:
            for number, times in Counter(hits).items():
                self._pass(self.tallies[number], times, nanoseconds)
        for source in sources:
            if not source.answered:
                self._asking.append(source)
            source.answered += source.pending
            source.pending.clear()
        self._time(count, nanoseconds)

    def take(self) -> UsageBatch | None:
        """Everything since the last batch, which is from now on the caller's to store; None when nothing was counted.

        Hits of a turn that has not ended are left for the next one.
        """
        self._begin_second(self._nanoseconds())
        self._gather()
        batch = self._ledger.batch(self._second)
        if batch is not None:
            self._ledger = Ledger()
        return batch

    def by_route_and_status(self) -> dict[tuple[str, int], int]:
        """Answers since the process began."""
        counts: dict[tuple[str, int], int] = {}
        for tally in self._tallies.values():
            key = (tally.route, tally.status)
            counts[key] = counts.get(key, 0) + tally.count
        return counts

    def by_outcome(self) -> dict[Outcome, int]:
        """Answers since the process began; every outcome is there."""
        counts = dict.fromkeys(Outcome, 0)
        for tally in self._tallies.values():
            counts[tally.outcome] += tally.count
        return counts

    # Per hit or per turn: as few steps as will do.

    def _pass(self, tally: Tally, count: int, nanoseconds: int) -> None:
        tally.count += count
        if tally.is_success:
            tally.passing.successes += count
        _pass(tally.passing, self._resolved, count, nanoseconds)

    def _time(self, count: int, nanoseconds: int) -> None:
        bits = (nanoseconds // 1_000).bit_length()
        self.latency_buckets[bits if bits < BUCKETS else -1] += count
        self.latency_ns += nanoseconds * count
        self._held += count
        if self._held >= HELD_MAX:
            self._gather()

    # Per second, or per batch.

    def _begin_second(self, monotonic: int) -> None:
        """Write the second that has passed to the ledger; the clock of the world tells the one that begins."""
        self._write_resolved()
        self._write_registered()
        wall = self._time_ns()
        self._second, passed = divmod(wall, SECOND_NS)
        self._second_ends = monotonic + SECOND_NS - passed
        day = self._node_day(datetime.fromtimestamp(self._second, UTC))
        if day != self._day:
            self._gather()
            self._day = day

    def _write_resolved(self) -> None:
        if not self._resolved:
            return
        ledger, day, second = self._ledger, self._day, self._second
        node, requests = ledger.day(day, NODE), 0
        for passing in self._resolved:
            requests += passing.count
            node.successes += passing.successes
            _write(passing, node.resolutions, second)
            if passing.prefix is not None:
                row = ledger.day(day, passing.prefix)
                row.successes += passing.successes
                _write(passing, row.resolutions, second)
                ledger.add_second(day, passing.prefix, second, passing.count)
            passing.count = passing.successes = passing.total_ns = 0
        ledger.add_second(day, NODE, second, requests)
        self._resolved.clear()

    def _write_registered(self) -> None:
        for passing in self._registered:
            _write(passing, self._ledger.day(self._day, NODE).registrations, self._second)
            if passing.prefix is not None:
                _write(passing, self._ledger.day(self._day, passing.prefix).registrations, self._second)
            passing.count = passing.total_ns = 0
        self._registered.clear()

    def _gather(self) -> None:
        """Write what the sources have asked, on the present day, to the ledger."""
        for source in self._asking:
            for number, times in Counter(source.answered).items():
                self._ledger.add_source(self._day, self.tallies[number].prefix, source.address, times)
            source.answered.clear()
        self._asking.clear()
        self._held = 0


def _of_prefix(known: dict[str | None, Passing], prefix: str | None) -> Passing:
    found = known.get(prefix)
    if found is None:
        if len(known) >= PREFIXES_MAX and prefix is not None:
            return _of_prefix(known, None)
        found = known[prefix] = Passing(prefix)
    return found


def _pass(passing: Passing, passed: list[Passing], count: int, nanoseconds: int) -> None:
    """Add what was done to the second that is passing; `passed` are those that have something in it."""
    if not passing.count:
        passed.append(passing)
        passing.max_ns = passing.min_ns = nanoseconds
    elif nanoseconds > passing.max_ns:
        passing.max_ns = nanoseconds
    elif nanoseconds < passing.min_ns:
        passing.min_ns = nanoseconds
    passing.count += count
    passing.total_ns += nanoseconds * count


def _write(passing: Passing, sums: Sums, second: int) -> None:
    sums.add(passing.count, passing.total_ns, passing.max_ns, passing.min_ns, second=second)
