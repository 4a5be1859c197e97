"""The simulated top node's own small store: one SQLite database, written in one transaction per batch."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import orjson

from idnode.model.errors import IdnodeError
from idnode.model.reporting import RecordState, Report, Verdict, VerdictPage
from idnode.simulator.judging import Effect, Judgement, Standing, Told, receipt_of

PRAGMAS = (
    # One process has the file; a second one is refused at its start.
    "locking_mode = EXCLUSIVE",
    "journal_mode = WAL",
    # On a kill the operating system still has what was written; only a fall of the machine could lose it.
    "synchronous = NORMAL",
    "temp_store = MEMORY",
    "cache_size = -65536",
    "wal_autocheckpoint = 8000",
)
LOCK_SECONDS_MAX = 5.0
VERDICTS_PAGE_MAX = 1_000
DUE_MAX = 5_000
"""Verdicts that are settled in one go."""
WAITING_MAX = 100
"""Applications that are shown to the person who decides."""


class StoreFailed(IdnodeError):
    """The file cannot be opened or written."""

    code = "store-failed"


class Settled(NamedTuple):
    """A record whose verdict has become due."""

    report: str
    outcome: str
    told: Told


class Taken(NamedTuple):
    """A record as it was taken in, for a journal that does not tell of it yet."""

    arrival: int
    report: str
    outcome: str
    told: Told


class StoredRecord(NamedTuple):
    """What the store tells of a record to those who compare."""

    arrival: int
    id: str
    subject: str
    version: int
    sha256: str
    received: int
    arrived: str
    state: str


class Held(NamedTuple):
    """A record that drift can be planted in."""

    id: str
    subject: str
    version: int
    prefix: str
    day: str
    occurred: str
    sent_data: bytes


class Store:
    """What was taken in. A batch is in the file before this returns, and stays when the process is killed.

    Without a path it lives in memory. `counts` are records by report and state.
    """

    def __init__(self, path: Path | None) -> None:
        self._sql = _statements()
        try:
            self._connection = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=LOCK_SECONDS_MAX)
            for pragma in PRAGMAS:
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.executescript(self._sql["schema"])
        except sqlite3.Error as error:
            raise StoreFailed(f"cannot keep records in {path or 'memory'}: {error}") from error
        self.last_arrival: int = self._one("last_arrival")
        self.counts: Counter[tuple[str, str]] = Counter()
        for report, state, number in self._connection.execute(self._sql["counts"]):
            self.counts[report, state] = number
        self.oddities: Counter[str] = Counter(dict(self._connection.execute(self._sql["oddities"])))
        self.next_due: float | None = self._one("next_due")

    def standings(self, ids: Sequence[str]) -> dict[str, Standing]:
        """What is known of the records of a batch; ids that are unknown are absent."""
        rows = self._connection.execute(self._sql["standings"], (orjson.dumps(ids).decode(),))
        return {row[0]: Standing(*row[1:]) for row in rows}

    def versions(self, report: Report, subjects: Iterable[str]) -> dict[str, int]:
        """By subject the highest version that was accepted, or will be."""
        wanted = orjson.dumps(list(subjects)).decode()
        return {
            subject: version
            for subject, version in self._connection.execute(self._sql["versions"], (report.value, wanted))
            if version is not None
        }

    def keep(self, report: Report, judgement: Judgement) -> None:
        """All that follows from a batch, or nothing of it."""
        oddities = [
            (effect.value, len(judgement.effects[effect]))
            for effect in (Effect.CONFLICT, Effect.DISORDER)
            if effect in judgement.effects
        ]
        with self._transaction():
            self._many("take", judgement.kept)
            self._many("take_again", judgement.retaken)
            self._many("withdraw", [(arrival,) for arrival in judgement.withdrawn])
            self._many("repeat", [(arrival,) for arrival in judgement.repeated])
            self._many("tell", judgement.again)
            self._many("add_oddities", oddities)
        if judgement.kept:
            self.last_arrival = judgement.kept[-1].arrival
        self.oddities.update(dict(oddities))
        for (before, after), number in Counter(judgement.changes).items():
            self._moved(report.value, before, after, number)
        dues = [row.due for row in judgement.kept] + [row.due for row in judgement.retaken] + [self.next_due]
        self.next_due = min((due for due in dues if due is not None), default=None)

    def settle_due(self, now: float, *, is_told_twice: Callable[[], bool]) -> list[Settled]:
        """Verdicts that are due by now become readable, in the order in which they became due."""
        if self.next_due is None or self.next_due > now:
            return []
        rows = self._connection.execute(self._sql["due"], (now, DUE_MAX)).fetchall()
        told = [(arrival, outcome, reason) for arrival, *_, outcome, reason in rows]
        again = [each for each in told if is_told_twice()]
        with self._transaction():
            self._many("settle", [(arrival,) for arrival, _, _ in told])
            self._many("tell", told)
            self._many("tell", again)
        self.next_due = self._one("next_due")
        for _, _, report, _, _, outcome, _ in rows:
            self._moved(report, "sent", outcome, 1)
        return [Settled(row[2], row[5], Told(row[1], row[3], row[4])) for row in rows]

    def verdicts_after(self, cursor: int) -> VerdictPage:
        """Verdicts in the order in which they became readable."""
        rows = self._connection.execute(self._sql["verdicts_after"], (cursor, VERDICTS_PAGE_MAX)).fetchall()
        verdicts = tuple(
            Verdict(id_, RecordState(state), receipt_of(arrival) if state == "accepted" else None, reason)
            for _, id_, state, arrival, reason in rows
        )
        return VerdictPage(verdicts, str(rows[-1][0] if rows else cursor))

    def prefixes_of(self, day: str) -> list[str]:
        """Of which prefixes there may be records of a day (yyyy-MM-dd, UTC+8)."""
        return [prefix for (prefix,) in self._connection.execute(self._sql["prefixes_of_day"], (day,))]

    def lines(self, prefix: str, day: str) -> dict[str, str]:
        """By id the SHA-256 of the data that is held."""
        return dict(self._connection.execute(self._sql["lines"], (day, prefix)))

    def page(self, report: Report, *, after: int, limit: int) -> list[StoredRecord]:
        """Records in the order of their first arrival; `after` is the arrival of the last one seen."""
        return [StoredRecord(*row) for row in self._connection.execute(self._sql["page"], (report.value, after, limit))]

    def taken_after(self, arrival: int, *, limit: int) -> list[Taken]:
        """Records in the order of their first arrival, but not applications that wait for a person."""
        rows = self._connection.execute(self._sql["taken_after"], (arrival, limit))
        return [Taken(row[0], row[1], row[2], Told(*row[3:])) for row in rows]

    def waiting(self) -> list[tuple[str, bytes]]:
        """Applications that wait for a person: id and data."""
        return self._connection.execute(self._sql["waiting"], (WAITING_MAX,)).fetchall()

    def decide(self, record: str, outcome: RecordState, reason: str | None, *, now: float) -> bool:
        """A person's verdict, due at once; False if nothing of this id waits for one."""
        done = self._connection.execute(self._sql["decide"], (record, outcome.value, reason, now)).rowcount == 1
        self.next_due = self._one("next_due")
        return done

    def held_identifiers(self) -> list[int]:
        """Arrivals of accepted T9 records."""
        return [arrival for (arrival,) in self._connection.execute(self._sql["held_identifiers"])]

    def held(self, arrival: int) -> Held:
        """One of them."""
        return Held(*self._connection.execute(self._sql["held"], (arrival,)).fetchone())

    def plant(self, *, dropped: Sequence[int], altered: Sequence[tuple[int, bytes, str]], extra: Judgement) -> None:
        """Drift: what it should hold and does not, holds wrongly, and should not hold."""
        with self._transaction():
            self._many("drop", [(arrival,) for arrival in dropped])
            self._many("alter", altered)
        self._moved(Report.T9, "accepted", "dropped", len(dropped))
        self.keep(Report.T9, extra)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _moved(self, report: str, before: str | None, after: str, number: int) -> None:
        if before is not None:
            self.counts[report, before] -= number
        self.counts[report, after] += number

    def _one(self, name: str) -> int:
        value: int = self._connection.execute(self._sql[name]).fetchone()[0]
        return value

    def _many(self, name: str, rows: Sequence[Sequence[object]]) -> None:
        if rows:
            self._connection.executemany(self._sql[name], rows)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._connection.execute("ROLLBACK")
            raise StoreFailed(f"the batch was not kept: {error}") from error


def _statements() -> dict[str, str]:
    text = files("idnode.simulator").joinpath("store.sql").read_text("utf-8")
    blocks = text.split("-- name: ")[1:]
    return {name.strip(): body for name, _, body in (block.partition("\n") for block in blocks)}
