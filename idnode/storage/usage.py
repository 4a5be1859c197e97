"""What was asked and registered, by day: added in batches, each exactly once; read for the daily reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from idnode.storage.database import UPKEEP_SECONDS_MAX, Database, Session
from idnode.storage.statements import statements

SQL = statements("usage")

NODE = ""
"""Stands in the place of a prefix for the node as a whole, what is asked of foreign prefixes included."""
OTHERS = ""
"""Stands in the place of an address for all that are not stored one by one."""
SOURCES_STORED_MAX = 10_000
"""Addresses of one prefix and day; further ones are added to OTHERS."""
SETTLED_SECONDS = 60
"""The count of a second is open this long for what other workers still have to add."""
TAKEN_MARGIN_SECONDS = 2
"""What is counted after a batch was taken belongs to a second no older than this, however clocks are adjusted."""
WORKER_GONE_SECONDS = 600
"""A worker that has not been heard of for so long holds up nothing any more."""


class Timing(NamedTuple):
    """How often something was done and how long it took; the extremes with their seconds (epoch), the earliest ones."""

    times: int
    total_ns: int
    max_ns: int
    max_at: int
    min_ns: int
    min_at: int


class DayCounts(NamedTuple):
    """What a day gained; None where nothing was done."""

    day: date
    prefix: str
    resolutions: Timing | None
    successes: int
    registrations: Timing | None


class SecondCount(NamedTuple):
    """Requests in a second (epoch) that lies in `day`."""

    prefix: str
    second: int
    day: date
    requests: int


class SourceCount(NamedTuple):
    """Requests of one address."""

    day: date
    prefix: str
    address: str
    requests: int


@dataclass(frozen=True, slots=True)
class UsageBatch:
    """What one worker counted up to the second `taken` (epoch). Every prefix and day of it has one row in `days`."""

    taken: int
    days: tuple[DayCounts, ...]
    seconds: tuple[SecondCount, ...]
    sources: tuple[SourceCount, ...]


@dataclass(frozen=True, slots=True)
class Latency:
    """Of all requests of a day, nanoseconds; the extremes with their seconds."""

    average_ns: float
    max_ns: int
    max_at: datetime
    min_ns: int
    min_at: datetime


@dataclass(frozen=True, slots=True)
class Peak:
    """The busiest second, the earliest of them."""

    requests: int
    at: datetime


@dataclass(frozen=True, slots=True)
class UsageDay:
    """What the reports tell of a prefix's day (top-node contract T3, T8, annex 2); None where nothing was done."""

    day: date
    prefix: str
    requests: int
    successes: int
    latency: Latency | None
    peak: Peak | None
    registrations: int
    registration_latency: Latency | None


class UsageStore:
    """Reads and writes of the usage tables. All its transactions lock seconds before days, and both in key order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def enter(self, worker: UUID, at: int) -> None:
        """A worker begins to count at `at` (epoch seconds) or later: from now on its seconds are waited for."""
        async with self._database.session() as session:
            await session.run(SQL["see_worker"], worker, at)

    async def add(self, worker: UUID, number: int, batch: UsageBatch) -> bool:
        """Add a batch; numbers of a worker count from 1. False: it was added before, and nothing has changed."""
        async with self._database.transaction() as session:
            if await session.row(SQL["claim_number"], worker, number, batch.taken) is None:
                return False
            if batch.seconds:
                await session.run(SQL["add_seconds"], *zip(*batch.seconds, strict=True), seconds_max=UPKEEP_SECONDS_MAX)
            if batch.days:
                await _add_days(session, batch.days)
            if batch.sources:
                columns = zip(*batch.sources, strict=True)
                await session.run(SQL["add_sources"], *columns, SOURCES_STORED_MAX, seconds_max=UPKEEP_SECONDS_MAX)
        return True

    async def settle(self, worker: UUID, at: int) -> None:
        """Roll seconds that nobody will add to into the peaks of their days. All of `worker` before `at` is added.

        A worker that adds to such a second after all, because it was cut off for more than WORKER_GONE_SECONDS, can
        make a peak too low, and nothing else.
        """
        async with self._database.transaction() as session:
            await session.run(SQL["see_worker"], worker, at)
            horizon = await session.row(SQL["find_horizon"], at, at - WORKER_GONE_SECONDS)
            if horizon is not None:
                before = min(horizon["taken"] - TAKEN_MARGIN_SECONDS, at - SETTLED_SECONDS)
                await session.run(SQL["settle_seconds"], before, seconds_max=UPKEEP_SECONDS_MAX)

    async def leave(self, worker: UUID) -> None:
        """A worker has added its last batch."""
        async with self._database.session() as session:
            await session.run(SQL["forget_worker"], worker)

    async def forget_workers(self, before: int) -> None:
        """Drop what is known of workers that have not been heard of since `before` (epoch seconds)."""
        async with self._database.session() as session:
            await session.run(SQL["forget_workers"], before, seconds_max=UPKEEP_SECONDS_MAX)

    async def day(self, day: date, prefix: str = NODE) -> UsageDay | None:
        """One day of a prefix (folded) or of the node; None when nothing was counted."""
        days = await self.days(day, day, prefix)
        return days[0] if days else None

    async def days(self, first: date, last: date, prefix: str | None = None) -> list[UsageDay]:
        """Days of one prefix, or of all and the node, by day and prefix; seconds that are not settled are seen too."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_days"], first, last, prefix)
        return [_day(row) for row in rows]

    async def sources(self, day: date, prefix: str = NODE) -> list[SourceCount]:
        """Who asked, the busiest first; at most SOURCES_STORED_MAX addresses and OTHERS."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_sources"], day, prefix)
        return [SourceCount(*row) for row in rows]


async def _add_days(session: Session, days: Sequence[DayCounts]) -> None:
    await session.run(
        SQL["add_days"],
        [row.day for row in days],
        [row.prefix for row in days],
        [row.successes for row in days],
        *_columns([row.resolutions for row in days]),
        *_columns([row.registrations for row in days]),
        seconds_max=UPKEEP_SECONDS_MAX,
    )


def _columns(timings: Sequence[Timing | None]) -> tuple[list[int | None], ...]:
    return (
        [0 if timing is None else timing.times for timing in timings],
        [0 if timing is None else timing.total_ns for timing in timings],
        *([None if timing is None else timing[column] for timing in timings] for column in range(2, 6)),
    )


def _day(row: asyncpg.Record) -> UsageDay:
    return UsageDay(
        day=row["day"],
        prefix=row["prefix"],
        requests=row["requests"],
        successes=row["successes"],
        latency=_latency(row, "requests", "latency"),
        peak=None if row["peak_per_second"] is None else Peak(row["peak_per_second"], row["peak_at"]),
        registrations=row["registrations"],
        registration_latency=_latency(row, "registrations", "registration"),
    )


def _latency(row: asyncpg.Record, count: str, name: str) -> Latency | None:
    if not row[count]:
        return None
    columns: tuple[Any, ...] = tuple(row[f"{name}_{column}"] for column in ("max_ns", "max_at", "min_ns", "min_at"))
    return Latency(row[f"{name}_ns"] / row[count], *columns)
