"""Documents of monitoring: the state, events, maintenance stops, the monthly report."""

from datetime import date, datetime, timedelta
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, model_validator

from idnode.frontends.v1.schemas.fields import Document, Form, Instant, PageQuery, PrefixText, Text, broken
from idnode.model.prefix_registration import Hosting
from idnode.storage.monitoring_events import EventKind, Source
from idnode.sync.monitoring.status import Condition

STOP_DAYS_MAX = 31


class EventIn(Form):
    """An event that the probes cannot see, an attack for example. No `prefix`: it concerns the node; no `at`: now."""

    kind: EventKind
    reason: Text
    prefix: PrefixText | None = None
    at: Instant | None = None


class RecoveryIn(Form):
    """That an event is over; no `at`: now."""

    reason: Text = "closed by the operator"
    at: Instant | None = None


class EventPatch(Form):
    """What was done about it, for the monthly report."""

    remedy: Text


class EventOut(Document):
    """An event of annex 2. One that recovered names in `closes` the one that it ends. No `prefix`: the node."""

    id: UUID
    state: Literal["abnormal", "recovered"]
    closes: UUID | None
    prefix: str | None
    source: Source
    kind: EventKind
    at: datetime
    reason: str
    remedy: str | None
    is_open: bool
    version: int


class EventQuery(PageQuery):
    """Filters of the list."""

    open: bool | None = None
    """Only events that are open, or only those that are not."""


class EventPage(Document):
    """A page of events, newest first."""

    items: list[EventOut]
    next: str | None


class StopIn(Form):
    """A maintenance stop. Only one that is announced before it begins is left out of the SLA."""

    begins: Instant
    ends: Instant
    reason: Text

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if not timedelta(0) < self.ends - self.begins <= timedelta(days=STOP_DAYS_MAX):
            raise broken("span", "ends must be after begins, and no more than 31 days after it")
        return self


class StopOut(Document):
    """A maintenance stop; `is_announced` says whether it was announced before it began."""

    id: UUID
    begins: datetime
    ends: datetime
    reason: str
    announced: datetime
    is_announced: bool


class StopPage(Document):
    """A page of maintenance stops, the last announced first."""

    items: list[StopOut]
    next: str | None


class RoundOut(Document):
    """The last round of probes: how many probe points there are, and how many saw either service up."""

    at: datetime
    every_seconds: int
    points: int
    resolution_points_up: int
    registration_points_up: int


class OpenEventOut(Document):
    """An event that is open; what it says in full is for those with a key."""

    id: UUID
    prefix: str | None
    kind: EventKind
    at: datetime


class EnterpriseStatusOut(Document):
    """An enterprise's prefix. `at` is when a probe last looked at it in particular."""

    prefix: str
    hosting: Hosting
    resolution: Condition
    at: datetime | None


class StatusOut(Document):
    """The state of the node as its own probes see it; `next` goes on with the enterprises."""

    resolution: Condition
    registration: Condition
    last_round: RoundOut | None
    events: list[OpenEventOut]
    enterprises: list[EnterpriseStatusOut]
    next: str | None


class MonthSlaOut(Document):
    """The share of rounds in which the node was up; null where no round was due."""

    month: str
    percent: float | None
    rounds: int
    rounds_up: int
    rounds_missed: int
    rounds_in_announced_stops: int


class ReportedStopOut(Document):
    """A stop within the month; one that is not planned is a time in which no probe ran."""

    begins: datetime
    ends: datetime
    is_planned: bool
    is_excused: bool
    reason: str | None


class EmergencyOut(Document):
    """An abnormal event with its end, cause and remedy."""

    event: UUID
    prefix: str | None
    kind: EventKind
    at: datetime
    recovered: datetime | None
    cause: str
    remedy: str | None


class ReportOut(Document):
    """The monthly report (annex 3)."""

    node: str
    month: str
    made: datetime
    due: date
    is_complete: bool
    sla: MonthSlaOut
    past: list[MonthSlaOut]
    average_percent: float | None
    registration_rtt_ms: float | None
    resolution_rtt_ms: float | None
    approvals: int
    approvals_resolvable: int
    approval_to_resolvable_hours: float | None
    operation_hours: float
    maintenance_stops: list[ReportedStopOut]
    emergencies: list[EmergencyOut]


class ReportQuery(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """In which form."""

    format: Literal["json", "md", "docx"] = "json"
    """JSON, Markdown (text/markdown) or Word."""
