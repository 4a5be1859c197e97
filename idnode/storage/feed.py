"""The change feed: tells this process of every change that any process commits, soon, none left out and none twice."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

import asyncpg

from idnode.storage.database import AWAY
from idnode.storage.dedicated import Connection, connect, cut_off
from idnode.storage.statements import statements

SQL = statements("feed")

CHANNEL = "idnode_change"
APPLICATION_NAME = "idnode feed"
POLL_SECONDS = 0.5
"""A doorbell that nobody heard costs this much and a read."""
PAUSE_SECONDS = 0.002
"""From one read to the next: commits without a pause do not mean reads without one. A bell alone never waits."""
READ_SECONDS_MAX = 1.0
RETRY_SECONDS_MIN = 0.1
RETRY_SECONDS_MAX = 1.0
ROWS_MAX = 100_000
"""Rows of one read; when there are more, telling them costs more than forgetting everything."""

# Statistics never know the newest transactions, and a plan made from them may scan the whole log.
PLANNING = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}

REUSED_IDS_MAX = 100
FIRST_ID = 3

Snapshot = tuple[int, int, tuple[int, ...]]
"""Of transaction ids: those below the first were done, those from the second on not begun, and these under way."""
Lineage = tuple[int, str]


class ChangedThing(NamedTuple):
    """What a row of the change log is about: subject and operation as they are stored, and the name of the thing."""

    subject: str
    name: str
    operation: str


class Follower(Protocol):
    """Who is told. Nothing here may wait."""

    def changed(self, things: Sequence[ChangedThing]) -> None:
        """These were changed since the read before."""

    def changed_beyond_counting(self) -> None:
        """Anything may have changed."""

    def confirmed(self, began: float) -> None:
        """Whatever was committed before `began` (seconds of the monotonic clock) has been told."""

    def lost(self) -> None:
        """Changes may be committed that nobody tells of, until the next confirmation."""


class ChangeFeed:
    """One connection that listens for the doorbell, and reads the log when it rings and every POLL_SECONDS.

    A lost connection is made anew; the follower is then told what was committed in the gap. Bells rung by a backend
    that `is_own` are not heeded: what this process writes itself, it knows, and hears of it by the next poll anyway.
    """

    def __init__(
        self,
        dsn: str,
        *,
        follower: Follower,
        monotonic: Callable[[], float],
        is_own: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self._dsn = dsn
        self._follower = follower
        self._monotonic = monotonic
        self._is_own = is_own
        self._rung = asyncio.Event()
        self._snapshot: Snapshot | None = None
        self._lineage: Lineage | None = None
        self._failures = 0

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self._follow()
            except AWAY:
                self._follower.lost()
            except asyncpg.PostgresError:
                # Refused rather than broken off, for the sake of our snapshot perhaps: begin anew without it.
                self._snapshot = None
                self._follower.lost()
            await asyncio.sleep(retry_seconds(self._failures))
            self._failures += 1

    async def _follow(self) -> None:
        connection = await connect(self._dsn, APPLICATION_NAME, **PLANNING)
        try:
            await self._begin(connection)
            while True:
                # Whatever rings from here on asks for one further read, however often it rings.
                self._rung.clear()
                began = self._monotonic()
                await self._read(connection, began)
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._rung.wait()
                await asyncio.sleep(max(began + PAUSE_SECONDS - self._monotonic(), 0))
        finally:
            connection.terminate()

    async def _begin(self, connection: Connection) -> None:
        """Listen first, then see whether the snapshot still means something here."""
        connection.add_termination_listener(lambda _: self._rung.set())
        with cut_off(connection, READ_SECONDS_MAX):
            await connection.add_listener(CHANNEL, self._ring)
            lineage = await _lineage(connection)
            present = await connection.fetchval(SQL["begin_feed"])
        is_known = lineage is not None and lineage == self._lineage
        self._lineage = lineage
        self._snapshot = resumed(self._snapshot, present=present) if is_known else None

    def _ring(self, _connection: object, backend: int, _channel: str, _payload: object) -> None:
        if not self._is_own(backend):
            self._rung.set()

    async def _read(self, connection: Connection, began: float) -> None:
        with cut_off(connection, READ_SECONDS_MAX):
            if self._snapshot is None:
                rows = await connection.fetch(SQL["begin_feed"])
            else:
                rows = await connection.fetch(SQL["read_feed"], self._snapshot, ROWS_MAX + 1)
        [snapshot] = [row[0] for row in rows if row[0] is not None]
        if self._snapshot is None or len(rows) > ROWS_MAX + 1:
            self._follower.changed_beyond_counting()
        elif len(rows) > 1:
            self._follower.changed([ChangedThing(row[1], row[2], row[3]) for row in rows if row[0] is None])
        self._snapshot, self._failures = snapshot, 0
        self._follower.confirmed(began)


def resumed(snapshot: Snapshot | None, *, present: Snapshot) -> Snapshot | None:
    """The snapshot to go on from after a gap; None when the database was set back, and knows less than it.

    Reaches back a little: the ids of transactions that failed last before a crash are given out again.
    """
    if snapshot is None or snapshot[1] > present[1]:
        return None
    low = max(snapshot[0] - REUSED_IDS_MAX, FIRST_ID)
    return low, low, ()


def retry_seconds(failures: int) -> float:
    """How long to wait after so many failures in a row, before the one that just happened."""
    return min(RETRY_SECONDS_MIN * 2.0 ** min(failures, 10), RETRY_SECONDS_MAX)


async def _lineage(connection: Connection) -> Lineage | None:
    """None where the server does not tell."""
    try:
        row = await connection.fetchrow(SQL["describe_lineage"])
    except (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError, asyncpg.UndefinedFunctionError):
        return None
    return None if row is None else (row["system_identifier"], row["timeline"])
