"""Events on their way into the ledger: each exactly once, however often it is tried."""

from collections.abc import Sequence
from typing import Protocol

import orjson

from idnode.model.reporting import Report
from idnode.storage.ledger import NewRecord
from idnode.storage.monitoring_events import Event, EventStore
from idnode.sync.monitoring.months import beijing_seconds
from idnode.sync.monitoring.watch import Turn

EVENTS_AT_ONCE_MAX = 100
REASON_CHARACTERS_MAX = 1_000


class Records(Protocol):
    """Where records are entered; one that is there already is not entered again."""

    async def add(self, records: Sequence[NewRecord]) -> int:
        """How many were new."""


class EventReporter:
    """Takes events that the ledger has not got yet into it."""

    def __init__(self, events: EventStore, records: Records) -> None:
        self._events = events
        self._records = records

    async def catch_up(self) -> int:
        """How many were taken; the same event again changes nothing. Raises Unavailable."""
        found = await self._events.unreported(limit=EVENTS_AT_ONCE_MAX)
        if found:
            await self._records.add([event_record(event) for event in found])
            await self._events.mark_reported([event.id for event in found])
        return len(found)


def event_record(event: Event) -> NewRecord:
    """Of an event; its id is the subject, so that abnormal and recovered are two records."""
    return NewRecord(Report.EVENT, str(event.id), 1, _state(event), event.at, orjson.dumps(event_data(event)))


def event_data(event: Event) -> dict[str, object]:
    """Annex 2, 13 to 18."""
    closes = {} if event.closes is None else {"closes_event_id": str(event.closes)}
    return {
        "state": _state(event),
        "event_id": str(event.id),
        **closes,
        "occurred_at": beijing_seconds(event.at),
        "reason": event.reason[:REASON_CHARACTERS_MAX],
        "kind": event.kind.number,
    }


def _state(event: Event) -> str:
    return (Turn.ABNORMAL if event.closes is None else Turn.RECOVERED).value
