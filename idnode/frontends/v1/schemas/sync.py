"""Documents of the sync: how each report stands, records of the ledger, reconciliations."""

import re
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from idnode.frontends.v1.schemas.fields import Document, Form, Instant, PageQuery, broken
from idnode.model.reporting import Cadence, RecordState, Report

SUBJECT_CHARACTERS_MAX = 512

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _iso_day(sent: object) -> object:
    if not isinstance(sent, str):
        return sent
    if _DAY.fullmatch(sent) is None:
        raise broken("date", "is no day such as 2026-11-24")
    try:
        return date.fromisoformat(sent)
    except ValueError as error:
        raise broken("date", f"is no day: {error}") from None


Day = Annotated[date, BeforeValidator(_iso_day)]
"""A day in Beijing time."""
SubjectText = Annotated[str, Field(max_length=SUBJECT_CHARACTERS_MAX, pattern=r"^[^\x00]*$")]


class SyncReportOut(Document):
    """How a report stands. `waiting` is held back until `next_release`; ages are seconds, counts end at 1,000,000."""

    report: Report
    cadence: Cadence
    pending: int
    waiting: int
    sent: int
    rejected: int
    dead: int
    oldest_pending: datetime | None
    oldest_pending_seconds: float | None
    last_accepted: datetime | None
    released: datetime | None
    next_release: datetime | None


class RelayOut(Document):
    """The relay: its name, when it was last heard of, its circuit breaker, whether an operator has paused it."""

    name: str | None
    since: datetime | None
    seen: datetime | None
    is_running: bool
    breaker: str
    paused: datetime | None
    paused_by: str | None
    last_error: str | None
    last_error_at: datetime | None


class SyncOut(Document):
    """The sync as a whole. `lag_seconds` is the age of the oldest record that may be sent and is not yet."""

    configured: bool
    pending: int
    waiting: int
    sent: int
    rejected: int
    dead: int
    lag_seconds: float
    relay: RelayOut
    reports: list[SyncReportOut]


class SyncRecordOut(Document):
    """A record of the ledger; `id` is its name at the top node. `subject_version` of statistics is the day or month."""

    number: int
    id: str
    report: Report
    subject: str
    subject_version: int
    operation: str
    occurred: datetime
    state: RecordState
    attempts: int
    receipt: str | None
    reason: str | None
    updated: datetime


class SyncRecordQuery(PageQuery):
    """Filters of the list."""

    report: Report | None = None
    state: RecordState | None = None
    subject: SubjectText | None = None
    """A folded identifier, a prefix, an enterprise's id, `prefix/version` of a template; empty for the node."""
    since: Instant | None = None
    """What occurred then or later."""
    until: Instant | None = None
    """What occurred before."""


class SyncRecordPage(Document):
    """A page of records, in the order of their numbers."""

    items: list[SyncRecordOut]
    next: str | None


class RetryIn(Form):
    """Which records to send again; without members: all that are rejected or dead."""

    report: Report | None = None
    state: Literal["rejected", "dead"] | None = None
    subject: SubjectText | None = None


class ReplayIn(Form):
    """Send again what was accepted and came about since then; of one report or of all."""

    since: Instant
    report: Report | None = None


class SentAgainOut(Document):
    """Records that are pending again, and those given up because a later version has gone up already."""

    pending: int
    superseded: int


class ReconcileIn(Form):
    """A day (Beijing time) to compare with the top node; with `repair` what differs is put right."""

    day: Day
    repair: bool = False


class DriftOut(Document):
    """Of one prefix: records that the top node has lost, has beyond ours, and has with other content."""

    prefix: str
    missing: int
    extra: int
    changed: int
    repaired: int


class ReconciliationOut(Document):
    """One comparison; it has not begun or ended where there is no time for it. `failure` is what stood in its way."""

    number: int
    day: date
    repair: bool
    asked_by: str
    asked: datetime
    begun: datetime | None
    ended: datetime | None
    prefixes: int | None
    records: int | None
    failure: str | None
    drift: list[DriftOut]


class ReconciliationQuery(PageQuery):
    """Filters of the list."""

    day: Day | None = None


class ReconciliationPage(Document):
    """A page of reconciliations, the newest first."""

    items: list[ReconciliationOut]
    next: str | None
