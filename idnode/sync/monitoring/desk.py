"""What the operator does by hand: report an event and its end, say what was done about it, announce a stop."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from idnode.model.errors import Conflict, InvalidInput, NotFound, Violation
from idnode.model.identifier import Prefix
from idnode.storage.idempotency import Claim, KeptAnswer, KeptClaim
from idnode.storage.monitoring import NODE
from idnode.storage.monitoring_events import Closing, Event, EventKind, EventStore, Opening, Source, Stop
from idnode.storage.prefixes import PrefixStore

EventAnswer = Callable[[Event], KeptAnswer]
StopAnswer = Callable[[Stop], KeptAnswer]


class Errand(NamedTuple):
    """The circumstances of a write: by whom, when, only to be tried, under which Idempotency-Key."""

    actor: str
    at: datetime
    is_rehearsal: bool
    claim: Claim | None

    def kept(self, answer: KeptAnswer) -> KeptClaim | None:
        """The answer with the claim, if there is one."""
        return None if self.claim is None else KeptClaim(self.claim, answer, self.at)


class EventForm(NamedTuple):
    """What the operator says of an event. No `prefix`: it concerns the node. No `at`: it is now."""

    prefix: Prefix | None
    kind: EventKind
    at: datetime | None
    reason: str


class MonitoringDesk:
    """Writes that carry an Idempotency-Key keep their answers in their own transaction."""

    def __init__(self, events: EventStore, prefixes: PrefixStore, *, new_id: Callable[[], UUID]) -> None:
        self._events = events
        self._prefixes = prefixes
        self._new_id = new_id

    async def find(self, id: UUID) -> Event:
        """Raises NotFound."""
        return await self._events.find(id)

    async def open(self, form: EventForm, errand: Errand, answer: EventAnswer) -> KeptAnswer:
        """An abnormal event. Raises NotFound for a prefix that is not registered, InvalidInput, ClaimTaken."""
        if form.prefix is not None and await self._prefixes.find(form.prefix) is None:
            raise NotFound(f"prefix {form.prefix.text} is not registered")
        subject = NODE if form.prefix is None else form.prefix.folded
        at = _moment(form.at, errand)
        opening = Opening(self._new_id(), subject, Source.OPERATOR, form.kind, at, form.reason, errand.actor)
        event = Event(
            opening.id, None, subject, Source.OPERATOR, form.kind, at, form.reason, None, errand.actor, 1, is_open=True
        )
        answered = answer(event)
        if not errand.is_rehearsal:
            await self._events.open(opening, errand.kept(answered))
        return answered

    async def close(
        self, event: Event, at: datetime | None, reason: str, errand: Errand, answer: EventAnswer
    ) -> KeptAnswer:
        """The recovered event that ends `event`, whoever raised it. Raises Conflict, InvalidInput, ClaimTaken."""
        if not event.is_open:
            raise Conflict(f"event {event.id} is not open: it was closed, or itself closes another one")
        ended = max(_moment(at, errand), event.at)
        closing = Closing(self._new_id(), event.id, Source.OPERATOR, ended, reason, errand.actor)
        recovered = Event(
            closing.id, event.id, event.subject, Source.OPERATOR, event.kind, ended, reason, None, errand.actor, 1,
            is_open=False,
        )  # fmt: skip
        answered = answer(recovered)
        if not errand.is_rehearsal:
            await self._events.close(closing, errand.kept(answered))
        return answered

    async def set_remedy(self, event: Event, remedy: str, errand: Errand, answer: EventAnswer) -> KeptAnswer:
        """For the monthly report. Raises VersionMoved, ClaimTaken."""
        answered = answer(replace(event, remedy=remedy, version=event.version + 1))
        if not errand.is_rehearsal:
            kept = errand.kept(answered)
            await self._events.set_remedy(event.id, remedy, version=event.version, kept=kept)
        return answered

    async def announce(
        self, begins: datetime, ends: datetime, reason: str, errand: Errand, answer: StopAnswer
    ) -> KeptAnswer:
        """A maintenance stop; one that has begun already is noted and excuses nothing. Raises ClaimTaken."""
        stop = Stop(self._new_id(), begins, ends, reason, errand.at, errand.actor)
        answered = answer(stop)
        if not errand.is_rehearsal:
            await self._events.announce(stop, errand.kept(answered))
        return answered


def _moment(at: datetime | None, errand: Errand) -> datetime:
    """To the second, as the contract has it."""
    if at is not None and at > errand.at:
        detail = "lies in the future"
        raise InvalidInput.of([Violation("/at", "not-in-future", detail, at.isoformat(), errand.at.isoformat())])
    return (errand.at if at is None else at).replace(microsecond=0)
