"""Events of annex 2 in pairs, and the stops that the operator announced."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import asyncpg

from idnode.model.errors import Conflict, NotFound, VersionMoved
from idnode.storage.database import Database, Session
from idnode.storage.idempotency import KeptClaim, keep_answers
from idnode.storage.monitoring import ProbeResult, ProbeRound, record_round
from idnode.storage.statements import statements

SQL = statements("monitoring")

PROBE_ACTOR = "probe"


class EventKind(StrEnum):
    """The contract's kinds (annex 2, 18), in their order: 1 network, 2 system, 3 attack, 4 other."""

    NETWORK = "network"
    SYSTEM = "system"
    ATTACK = "attack"
    OTHER = "other"

    @property
    def number(self) -> int:
        """The number in the contract."""
        return list(EventKind).index(self) + 1


class Source(StrEnum):
    """Who noticed."""

    PROBE = "probe"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Event:
    """Abnormal, or recovered: then `closes` is the abnormal event that it ends. `subject` is a prefix or NODE."""

    id: UUID
    closes: UUID | None
    subject: str
    source: Source
    kind: EventKind
    at: datetime
    reason: str
    remedy: str | None
    actor: str
    version: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class Emergency:
    """An abnormal event and when it was over, if it is."""

    event: Event
    recovered: datetime | None


@dataclass(frozen=True, slots=True)
class Stop:
    """A maintenance stop. One that was announced after its beginning excuses nothing."""

    id: UUID
    begins: datetime
    ends: datetime
    reason: str
    announced: datetime
    actor: str

    @property
    def is_announced(self) -> bool:
        """Before it began."""
        return self.announced < self.begins


class Opening(NamedTuple):
    """An abnormal event to be written."""

    id: UUID
    subject: str
    source: Source
    kind: EventKind
    at: datetime
    reason: str
    actor: str


class Closing(NamedTuple):
    """A recovered event to be written; subject and kind are those of the event that it closes."""

    id: UUID
    closes: UUID
    source: Source
    at: datetime
    reason: str
    actor: str


class EventStore:
    """Reads and writes of events and stops."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_by_probe(self) -> dict[str, Event]:
        """What the probes have raised and not closed, by subject."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_open_events"])
        return {row["subject"]: _event(row) for row in rows}

    async def orphaned(self) -> list[Event]:
        """Of these, the ones of prefixes that are not probed any more: stopped, given up, or hosted here by now."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_orphaned_events"])
        return [_event(row) for row in rows]

    async def record(
        self, probed: ProbeRound, results: Sequence[ProbeResult], turns: Sequence[Opening | Closing]
    ) -> bool:
        """A round and the events that it decides, in one transaction. False: it was recorded before."""
        async with self._database.transaction() as session:
            if not await record_round(session, probed, results):
                return False
            for turn in turns:
                await (_open(session, turn) if isinstance(turn, Opening) else _close(session, turn))
        return True

    async def open_now(self, *, limit: int) -> list[Event]:
        """Open events of either source, oldest first."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_events_open"], limit)
        return [_event(row) for row in rows]

    async def find(self, id: UUID) -> Event:
        """Raises NotFound."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_event"], id)
        if row is None:
            raise NotFound(f"there is no event {id}")
        return _event(row)

    async def page(self, *, before: UUID | None, is_open: bool | None, limit: int) -> list[Event]:
        """Events, the newest first."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_events"], before, is_open, limit)
        return [_event(row) for row in rows]

    async def open(self, opening: Opening, kept: KeptClaim | None) -> None:
        """An event that the operator noticed. Raises ClaimTaken."""
        async with self._database.transaction() as session:
            await _open(session, opening)
            await _keep(session, kept)

    async def close(self, closing: Closing, kept: KeptClaim | None) -> None:
        """End an event, whoever raised it. Raises Conflict when it is closed, ClaimTaken."""
        async with self._database.transaction() as session:
            if await _close(session, closing) is None:
                raise Conflict(f"event {closing.closes} is closed already")
            await _keep(session, kept)

    async def set_remedy(self, id: UUID, remedy: str, *, version: int, kept: KeptClaim | None) -> None:
        """What was done about it. Raises VersionMoved, ClaimTaken."""
        async with self._database.transaction() as session:
            if await session.row(SQL["set_remedy"], id, remedy, version) is None:
                raise VersionMoved(f"event {id} was changed by someone else meanwhile")
            await _keep(session, kept)

    async def unreported(self, *, limit: int) -> list[Event]:
        """Events that the ledger has not got yet, oldest first."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_unreported"], limit)
        return [_event(row) for row in rows]

    async def mark_reported(self, ids: Sequence[UUID]) -> None:
        """The ledger has them."""
        async with self._database.session() as session:
            await session.run(SQL["mark_reported"], list(ids))

    async def emergencies(self, since: datetime, until: datetime) -> list[Emergency]:
        """Abnormal events that were open at any moment of a time."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_emergencies"], since, until)
        return [Emergency(_event(row), row["recovered"]) for row in rows]

    async def announce(self, stop: Stop, kept: KeptClaim | None) -> None:
        """Keep a maintenance stop. Raises ClaimTaken."""
        async with self._database.transaction() as session:
            await session.run(
                SQL["insert_stop"], stop.id, stop.begins, stop.ends, stop.reason, stop.announced, stop.actor
            )
            await _keep(session, kept)

    async def stops(self, *, before: UUID | None, limit: int) -> list[Stop]:
        """Maintenance stops, the last announced first."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_stops"], before, limit)
        return [Stop(*row) for row in rows]

    async def stops_within(self, since: datetime, until: datetime) -> list[Stop]:
        """Those that touch a time, in the order in which they begin."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_stops_within"], since, until)
        return [Stop(*row) for row in rows]


async def _open(session: Session, opening: Opening) -> asyncpg.Record | None:
    return await session.row(SQL["open_event"], *opening)


async def _close(session: Session, closing: Closing) -> asyncpg.Record | None:
    return await session.row(SQL["close_event"], *closing)


async def _keep(session: Session, kept: KeptClaim | None) -> None:
    if kept is not None:
        await keep_answers(session, [kept])


def _event(row: asyncpg.Record) -> Event:
    return Event(
        id=row["id"],
        closes=row["closes"],
        subject=row["subject"],
        source=Source(row["source"]),
        kind=EventKind(row["kind"]),
        at=row["at"],
        reason=row["reason"],
        remedy=row["remedy"],
        actor=row["actor"],
        version=row["version"],
        is_open=row["is_open"],
    )
