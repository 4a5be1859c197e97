"""What the probes saw: rounds, results, whom to probe next, and the figures of a month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

import asyncpg

from idnode.model.prefix_registration import Hosting
from idnode.storage.database import UPKEEP_SECONDS_MAX, Database, Session
from idnode.storage.statements import statements

SQL = statements("monitoring")

NODE = ""
"""Stands in the place of a prefix for the node itself."""
SITE = "site"
"""Stands in the place of a probe point where an enterprise's own site was called."""
GAP_ROUNDS = 4
"""So many rounds in a row that did not take place are a stop."""
GAP_SECONDS_MIN = 60
"""No shorter time is a stop: another relay takes over within it."""


class ProbeKind(StrEnum):
    """What is probed."""

    RESOLUTION = "resolution"
    REGISTRATION = "registration"


class ProbeResult(NamedTuple):
    """What one probe found. `subject` is a folded prefix or NODE; `error` says why it failed, None when it did not."""

    point: str
    kind: ProbeKind
    subject: str
    is_success: bool
    latency_us: int
    error: str | None


@dataclass(frozen=True, slots=True)
class ProbeRound:
    """What a round says of the node. `every_seconds` is how often rounds are due."""

    at: datetime
    every_seconds: int
    points: int
    resolution_points_up: int
    registration_points_up: int
    is_resolution_up: bool
    is_registration_up: bool


class Site(NamedTuple):
    """Where an enterprise that hosts itself should answer."""

    prefix: str
    ip: str
    ports: tuple[int, ...]


class HostedIdentifier(NamedTuple):
    """An identifier of an enterprise that this node hosts."""

    prefix: str
    identifier: str


@dataclass(frozen=True, slots=True)
class EnterpriseSeen:
    """What the probes saw last of a prefix; None where they were not there yet."""

    folded: str
    prefix: str
    hosting: Hosting
    at: datetime | None
    is_success: bool | None


class MonthRounds(NamedTuple):
    """Rounds of a month (its first day). Those in stops announced beforehand count in `announced` alone."""

    month: date
    rounds: int
    up: int
    announced: int
    seconds_working: int


class Gap(NamedTuple):
    """No round took place between these two, though one was due every so many seconds."""

    begins: datetime
    ends: datetime
    every_seconds: int


class Approval(NamedTuple):
    """A prefix that became active, and when a probe first reached it."""

    prefix: str
    at: datetime
    hosting: Hosting
    resolved: datetime | None


async def record_round(session: Session, probed: ProbeRound, results: Sequence[ProbeResult]) -> bool:
    """Keep a round, in this transaction. False: it is there already, and nothing has changed."""
    row = await session.row(
        SQL["insert_round"],
        probed.at,
        probed.every_seconds,
        probed.points,
        probed.resolution_points_up,
        probed.registration_points_up,
        probed.is_resolution_up,
        probed.is_registration_up,
        GAP_ROUNDS,
        GAP_SECONDS_MIN,
    )
    if row is None:
        return False
    await session.run(SQL["insert_results"], probed.at, *map(list, zip(*results, strict=True)))
    return True


class ProbeStore:
    """Reads of the probe tables, and their upkeep."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sites_after(self, prefix: str, *, limit: int) -> list[Site]:
        """Sites of self-hosting enterprises, by prefix, after a folded one."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["next_sites"], prefix, limit)
        return [
            Site(row["folded"], row["site_ip"], tuple(p for p in (row["site_tcp_port"], row["site_http_port"]) if p))
            for row in rows
        ]

    async def hosted_after(self, prefix: str) -> HostedIdentifier | None:
        """One identifier of the hosted prefix that follows a folded one."""
        async with self._database.session() as session:
            row = await session.row(SQL["next_hosted"], prefix)
        return None if row is None else HostedIdentifier(row["folded"], row["identifier"])

    async def last_round(self) -> ProbeRound | None:
        """The newest round."""
        async with self._database.session() as session:
            row = await session.row(SQL["last_round"])
        return None if row is None else _round(row)

    async def enterprises_seen(self, *, after: str, limit: int) -> list[EnterpriseSeen]:
        """Active prefixes of enterprises in key order."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_seen"], after, limit)
        return [
            EnterpriseSeen(row["folded"], row["shown"], Hosting(row["hosting"]), row["at"], row["is_success"])
            for row in rows
        ]

    async def rounds_by_month(self, first: date, end: date) -> list[MonthRounds]:
        """Months in which there were rounds, from the one of `first` to the one before `end`."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["count_rounds"], first, end)
        return [MonthRounds(*row) for row in rows]

    async def gaps(self, since: datetime, until: datetime) -> list[Gap]:
        """Spans without rounds that touch a time; the last one ends at `until` if no round came before it."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_gaps"], since, until, GAP_ROUNDS, GAP_SECONDS_MIN)
        return [Gap(*row) for row in rows]

    async def mean_latencies_ms(self, first: date, end: date) -> dict[ProbeKind, float]:
        """Of the node's successful probes from `first` to the day before `end`, milliseconds; absent without any."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["mean_latencies"], first, end)
        return {
            ProbeKind(row["kind"]): float(row["latency_us"]) / float(row["successes"]) / 1_000
            for row in rows
            if row["successes"]
        }

    async def approvals(self, since: datetime, until: datetime) -> list[Approval]:
        """Prefixes that were approved in a time."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_approvals"], since, until)
        return [Approval(row["name"], row["at"], Hosting(row["hosting"]), row["resolved"]) for row in rows]

    async def forget(self, *, results_before: datetime, rounds_before: datetime) -> None:
        """Drop what is older; days go with the rounds."""
        async with self._database.session() as session:
            await session.run(SQL["forget_results"], results_before, seconds_max=UPKEEP_SECONDS_MAX)
            await session.run(SQL["forget_last"], results_before, seconds_max=UPKEEP_SECONDS_MAX)
            await session.run(SQL["forget_rounds"], rounds_before, seconds_max=UPKEEP_SECONDS_MAX)
            await session.run(SQL["forget_round_days"], rounds_before.date(), seconds_max=UPKEEP_SECONDS_MAX)
            await session.run(SQL["forget_days"], rounds_before.date(), seconds_max=UPKEEP_SECONDS_MAX)


def _round(row: asyncpg.Record) -> ProbeRound:
    return ProbeRound(
        at=row["at"],
        every_seconds=row["every_seconds"],
        points=row["points"],
        resolution_points_up=row["resolution_points_up"],
        registration_points_up=row["registration_points_up"],
        is_resolution_up=row["is_resolution_up"],
        is_registration_up=row["is_registration_up"],
    )
