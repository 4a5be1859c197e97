"""What the simulated top node makes of a batch: judged record by record, without looking at a clock or a store."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from random import Random
from typing import NamedTuple

import orjson

from idnode.model.errors import Violation
from idnode.model.reporting import REASON_CHARACTERS_MAX, Purpose, RecordState, Report, ReportedRecord, Verdict
from idnode.simulator.settings import NO_DELAY, ApplicationVerdict, Awkwardness
from idnode.wire.top_node.digests import data_sha256
from idnode.wire.top_node.tables import check_data

BEIJING = timedelta(hours=8)
MADE_UP_REASONS = (
    "the enterprise's business licence could not be verified",
    "the contact's mobile number did not answer",
    "the description is not plausible; correct it and send it again",
)
"""Of rejections that nothing in the record gives a reason for."""
VIOLATIONS_TOLD_MAX = 5


class Standing(NamedTuple):
    """What is known of a record: `state` is the store's word, `outcome` is or will be its verdict."""

    arrival: int
    sha256: str
    state: str
    outcome: str
    reason: str | None


class Kept(NamedTuple):
    """The row of a record that was not known; its order is the statement's."""

    arrival: int
    id: str
    report: str
    subject: str
    version: int
    prefix: str
    day: str
    occurred: str
    sent_data: bytes
    sha256: str
    state: str
    outcome: str
    reason: str | None
    due: float | None
    arrived: str


class Retaken(NamedTuple):
    """What a known record is replaced with; its order is the statement's."""

    arrival: int
    sent_data: bytes
    sha256: str
    state: str
    outcome: str
    reason: str | None
    due: float | None


class Effect(StrEnum):
    """What a record did here, as the journal calls it.

    Restored: by a correction, or a report of what had been held before; it was missing. Disorder comes beside another
    effect: its version is not higher than one of the same subject that was accepted before it.
    """

    ACCEPTED = "accepted"
    WAITING = "waiting"
    RESTORED = "restored"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"
    REPEATED = "repeated"
    CONFLICT = "conflict"
    DISORDER = "disorder"


class Told(NamedTuple):
    """A record as the journal names it."""

    id: str
    subject: str
    version: int


class Moment(NamedTuple):
    """When a batch is judged: epoch seconds, and the same as text."""

    seconds: float
    text: str


@dataclass(slots=True)
class Judgement:
    """Everything that follows from a batch. `changes` are (state before, state after), for the counts."""

    verdicts: list[Verdict] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    retaken: list[Retaken] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    again: list[tuple[int, str, str | None]] = field(default_factory=list)
    effects: dict[Effect, list[Told]] = field(default_factory=dict)
    changes: list[tuple[str | None, str]] = field(default_factory=list)


class Judge:
    """Judges the records of one batch; draws by `random` what is not decided by the data."""

    def __init__(
        self,
        report: Report,
        awkwardness: Awkwardness,
        random: Random,
        known: Mapping[str, Standing],
        versions: Mapping[str, int],
        *,
        moment: Moment,
        last_arrival: int,
    ) -> None:
        # SQLite binds plain texts much faster than members of an enumeration.
        self._report_name = report.value
        self._awkward = awkwardness
        self._draw: Callable[[], float] = random.random
        self._known = dict(known)
        self._versions = dict(versions)
        self._moment = moment
        self._arrival = last_arrival
        self._judgement = Judgement()

    def judged(self, purpose: Purpose, records: Sequence[ReportedRecord]) -> Judgement:
        """What follows from the batch; one verdict for each record."""
        judge = {Purpose.REPORT: self._report, Purpose.CORRECT: self._correct, Purpose.WITHDRAW: self._withdraw}[
            purpose
        ]
        verdicts = self._judgement.verdicts
        for record in records:
            verdicts.append(judge(record, self._known.get(record.id)))
        return self._judgement

    def _report(self, record: ReportedRecord, known: Standing | None) -> Verdict:
        sha256 = data_sha256(record.data)
        if known is None:
            return self._take(record, sha256, Effect.ACCEPTED)
        if known.state in ("withdrawn", "dropped"):
            return self._take_again(record, known, sha256, Effect.RESTORED)
        is_same = sha256 == known.sha256
        if known.state == "rejected" and (self._awkward.judges_again or not is_same):
            return self._take_again(record, known, sha256, Effect.ACCEPTED)
        self._judgement.repeated.append(known.arrival)
        self._note(Effect.REPEATED if is_same else Effect.CONFLICT, record)
        return _verdict(record.id, known.state, known.arrival, known.reason)

    def _correct(self, record: ReportedRecord, known: Standing | None) -> Verdict:
        sha256 = data_sha256(record.data)
        if known is None:
            return self._take(record, sha256, Effect.RESTORED)
        is_held = known.state in ("accepted", "sent")
        if is_held and sha256 == known.sha256:
            self._judgement.repeated.append(known.arrival)
            self._note(Effect.REPEATED, record)
            return _verdict(record.id, known.state, known.arrival, None)
        return self._take_again(record, known, sha256, Effect.CORRECTED if is_held else Effect.RESTORED)

    def _withdraw(self, record: ReportedRecord, known: Standing | None) -> Verdict:
        if known is None or known.state in ("withdrawn", "dropped"):
            # What is not here is as good as taken back: the reply to the first request may have been lost.
            self._note(Effect.REPEATED, record)
            return Verdict(record.id, RecordState.ACCEPTED, receipt_of(known.arrival if known else 0))
        self._judgement.withdrawn.append(known.arrival)
        self._judgement.changes.append((known.state, "withdrawn"))
        self._known[record.id] = known._replace(state="withdrawn")
        self._note(Effect.WITHDRAWN, record)
        return Verdict(record.id, RecordState.ACCEPTED, receipt_of(known.arrival))

    def _take(self, record: ReportedRecord, sha256: str, effect: Effect) -> Verdict:
        self._arrival += 1
        arrival = self._arrival
        outcome, reason = self._outcome(record)
        state, due = self._state_and_due(record.report, outcome)
        id_, report, subject, version = record.id, self._report_name, record.subject, record.version
        prefix, day = subject.partition("/")[0], beijing_day(record.occurred)
        sent_data = orjson.dumps(record.data, option=orjson.OPT_SORT_KEYS)
        judgement = self._judgement
        judgement.kept.append(
            Kept(
                arrival, id_, report, subject, version, prefix, day, record.occurred, sent_data, sha256, state, outcome,
                reason, due, self._moment.text,
            )
        )  # fmt: skip
        judgement.changes.append((None, state))
        if outcome == "accepted":
            if version <= self._versions.get(subject, -1) and effect is Effect.ACCEPTED:
                self._note(Effect.DISORDER, record)
            else:
                self._versions[subject] = version
        return self._settled(record, Standing(arrival, sha256, state, outcome, reason), due, effect)

    def _take_again(self, record: ReportedRecord, known: Standing, sha256: str, effect: Effect) -> Verdict:
        outcome, reason = self._outcome(record)
        state, due = self._state_and_due(record.report, outcome)
        sent_data = orjson.dumps(record.data, option=orjson.OPT_SORT_KEYS)
        self._judgement.retaken.append(Retaken(known.arrival, sent_data, sha256, state, outcome, reason, due))
        self._judgement.changes.append((known.state, state))
        return self._settled(record, Standing(known.arrival, sha256, state, outcome, reason), due, effect)

    def _settled(self, record: ReportedRecord, stands: Standing, due: float | None, effect: Effect) -> Verdict:
        self._known[record.id] = stands
        arrival, _, state, outcome, reason = stands
        # A delayed verdict has its effect now: what the record says was taken in, and is told later.
        if state == "sent" and due is None:
            effect = Effect.WAITING
        self._note(effect if outcome == "accepted" else Effect.REJECTED, record)
        duplicates = self._awkward.duplicates
        if state != "sent" and duplicates and self._draw() < duplicates:
            self._judgement.again.append((arrival, state, reason))
        return _verdict(record.id, state, arrival, reason)

    def _outcome(self, record: ReportedRecord) -> tuple[str, str | None]:
        violations = check_data(record.report, record.data)
        if not beijing_day(record.occurred):
            violations.append(Violation("/occurred", "instant", "must be an instant as RFC 3339 has it"))
        if violations:
            told = "; ".join(f"{each.pointer}: {each.detail}" for each in violations[:VIOLATIONS_TOLD_MAX])
            return "rejected", told[:REASON_CHARACTERS_MAX]
        if record.report is Report.APPLICATION:
            return self._application_outcome()
        share = self._awkward.rejections
        if share and self._draw() < share:
            return "rejected", MADE_UP_REASONS[int(self._draw() * len(MADE_UP_REASONS))]
        return "accepted", None

    def _application_outcome(self) -> tuple[str, str | None]:
        verdict = self._awkward.application_verdict
        is_refused = verdict is ApplicationVerdict.REJECT
        if is_refused or (verdict is ApplicationVerdict.DRAW and self._draw() < 0.5):
            return "rejected", "the application was not approved"
        return "accepted", None

    def _state_and_due(self, report: Report, outcome: str) -> tuple[str, float | None]:
        asks = self._awkward.application_verdict is ApplicationVerdict.ASK
        if report is Report.APPLICATION and asks and outcome == "accepted":
            return "sent", None
        delay = self._awkward.verdict_delay_ms
        if delay == NO_DELAY:
            return outcome, None
        return "sent", self._moment.seconds + delay.at(self._draw())

    def _note(self, effect: Effect, record: ReportedRecord) -> None:
        told = Told(record.id, record.subject, record.version)
        self._judgement.effects.setdefault(effect, []).append(told)


def receipt_of(arrival: int) -> str:
    """The receipt of a record: the same however often it comes."""
    return f"R{arrival:012d}"


@lru_cache(maxsize=8_192)  # twice per record, and neighbours often share their moment
def beijing_day(occurred: str) -> str:
    """The day in UTC+8 of an instant; "" for text that is none."""
    try:
        moment = datetime.fromisoformat(occurred)
    except ValueError:
        return ""
    offset = moment.utcoffset() or timedelta()
    return (moment.replace(tzinfo=None) - offset + BEIJING).date().isoformat()


def _verdict(record: str, state: str, arrival: int, reason: str | None) -> Verdict:
    match state:
        case "accepted":
            return Verdict(record, RecordState.ACCEPTED, receipt_of(arrival))
        case "rejected":
            return Verdict(record, RecordState.REJECTED, None, reason)
        case _:
            return Verdict(record, RecordState.SENT)
