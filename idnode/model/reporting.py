"""What the node owes the top node: kinds of records, how often each is due, and the states a record goes through."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Report(StrEnum):
    """The tables of the contract's annex 1, the two of annex 2, and the application for an enterprise's prefix."""

    T1 = "T1"
    T2 = "T2"
    T3 = "T3"
    T4 = "T4"
    T5 = "T5"
    T6 = "T6"
    T7 = "T7"
    T8 = "T8"
    T9 = "T9"
    T10 = "T10"
    T11 = "T11"
    MONITORING = "monitoring"
    EVENT = "event"
    APPLICATION = "prefix-application"


class Cadence(StrEnum):
    """How soon a record is due; hours, days and months end in Beijing time."""

    REAL_TIME = "real-time"
    HOURLY = "hourly"
    DAILY = "daily"
    MONTHLY = "monthly"


CADENCE: Mapping[Report, Cadence] = {
    Report.T1: Cadence.REAL_TIME,
    Report.T2: Cadence.REAL_TIME,
    Report.T3: Cadence.DAILY,
    Report.T4: Cadence.DAILY,
    Report.T5: Cadence.MONTHLY,
    Report.T6: Cadence.HOURLY,
    Report.T7: Cadence.HOURLY,
    Report.T8: Cadence.DAILY,
    Report.T9: Cadence.DAILY,
    Report.T10: Cadence.MONTHLY,
    Report.T11: Cadence.REAL_TIME,
    Report.MONITORING: Cadence.DAILY,
    Report.EVENT: Cadence.REAL_TIME,
    Report.APPLICATION: Cadence.REAL_TIME,
}
"""The contract's (annex 1 and 2); an application is sent when the node's own review is done."""

WHOLE_STATE = frozenset(
    {Report.T1, Report.T2, Report.T4, Report.T5, Report.T6, Report.T7, Report.T10, Report.T11, Report.APPLICATION}
)
"""Each record tells everything about its subject: a newer one makes an older one that was not sent yet needless."""


class RecordState(StrEnum):
    """Pending: to be sent. Sent: received by the top node, not judged yet. Dead: it could not be delivered."""

    PENDING = "pending"
    SENT = "sent"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    DEAD = "dead"


RECORD_TRANSITIONS: Mapping[RecordState, frozenset[RecordState]] = {
    RecordState.PENDING: frozenset(
        {
            RecordState.SENT,
            RecordState.ACCEPTED,
            RecordState.REJECTED,
            RecordState.SUPERSEDED,
            RecordState.DEAD,
        }
    ),
    # Back to pending: no verdict came in time, and it is delivered again under the same id.
    RecordState.SENT: frozenset({RecordState.ACCEPTED, RecordState.REJECTED, RecordState.PENDING}),
    # Back to pending: the top node lost it, or holds something else (replay, reconciliation).
    RecordState.ACCEPTED: frozenset({RecordState.PENDING}),
    RecordState.REJECTED: frozenset({RecordState.PENDING, RecordState.SUPERSEDED}),
    RecordState.DEAD: frozenset({RecordState.PENDING, RecordState.SUPERSEDED}),
    RecordState.SUPERSEDED: frozenset(),
}
"""Which state may follow which; a pair that is absent is refused."""

REASON_CHARACTERS_MAX = 1_000
"""Of what is kept of a reason; longer ones are cut."""


def record_id(node: str, report: Report, subject: str, version: int) -> str:
    """The name of a record at the top node: the same from whatever ledger, so that nothing is ever doubled."""
    return f"{node}:{report}:{subject}:{version}"


@dataclass(frozen=True, slots=True)
class SyncRecord:
    """A record of the ledger. `number` is its place in the order in which records of one report are sent.

    `subject` is what it tells of: a folded identifier, a prefix, an enterprise's id, `prefix/version` of a template,
    for statistics a prefix, the node's being "". `version` counts what is told of one subject; for statistics it is the
    day or month as a number (20261124, 202611). `occurred` is when it came about (UTC).
    """

    number: int
    report: Report
    subject: str
    version: int
    operation: str
    occurred: datetime
    state: RecordState
    attempts: int
    receipt: str | None
    reason: str | None
    updated: datetime


BATCH_RECORDS_MAX = 5_000
"""Records of one batch."""


class Purpose(StrEnum):
    """Why a batch is sent: to tell, or to put right what reconciliation found (replace contents, take back)."""

    REPORT = "report"
    CORRECT = "correct"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class ReportedRecord:
    """A record on its way. `id` is the same each time it is sent; `data` has the fields of its table."""

    id: str
    report: Report
    subject: str
    version: int
    occurred: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the top node says of a record: sent (received, judged later), accepted with a receipt, or rejected."""

    id: str
    state: RecordState
    receipt: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class VerdictPage:
    """Verdicts that came after a cursor, and the cursor after them."""

    verdicts: tuple[Verdict, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class Digest:
    """What one side holds of a prefix and day (UTC+8) of T9: how many records, and SHA-256 over their lines."""

    prefix: str
    day: date
    records: int
    sha256: str
