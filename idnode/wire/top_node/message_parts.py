"""One record, verdict or digest of a message: what is right at a glance is taken fast, the rest told what is wrong."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar

from idnode.model.errors import Violation
from idnode.model.limits import PREFIX_BYTES_MAX
from idnode.model.reporting import REASON_CHARACTERS_MAX, Digest, RecordState, Report, ReportedRecord, Verdict
from idnode.wire.json_reader import JsonReader
from idnode.wire.top_node.fields import COUNT_MAX, is_date

ID_BYTES_MAX = 768
"""Of a record's id: the node's prefix, a report, a subject and a version."""
SUBJECT_BYTES_MAX = 512
VERSION_MAX = COUNT_MAX
MOMENT_BYTES_MAX = 40
RECEIPT_BYTES_MAX = 256
REASON_BYTES_MAX = 64 << 10
SHA256_HEX_CHARACTERS = 64

_BYTES_OF_A_CHARACTER_MAX = 4
_RECORD = ("id", "report", "subject", "version", "occurred", "data")
_RECORD_MEMBERS = frozenset(_RECORD)
_VERDICT = ("id", "state", "receipt", "reason")
_VERDICT_MEMBERS = frozenset(_VERDICT)
_REPORTS = {report.value: report for report in Report}
_STATES = {state.value: state for state in (RecordState.SENT, RecordState.ACCEPTED, RecordState.REJECTED)}
"""What a top node says of a record; the other states are the ledger's own."""
_HEX_DIGITS = frozenset("0123456789abcdef")

T = TypeVar("T")


def each_of(
    items: Sequence[object],
    quick: Callable[[object], T | None],
    told: Callable[[object, JsonReader], T],
    pointer: str,
    violations: list[Violation],
) -> tuple[T, ...]:
    """The items read by `quick`, and those which that does not take by `told`, which notes what is wrong."""
    found: list[T] = []
    for at, item in enumerate(items):
        part = quick(item)
        found.append(told(item, JsonReader(item, f"{pointer}/{at}", violations)) if part is None else part)
    return tuple(found)


def quick_record(item: object) -> ReportedRecord | None:
    """A record that is right at a glance: its texts short enough in whatever characters, and printable."""
    if type(item) is not dict or item.keys() != _RECORD_MEMBERS:
        return None
    id, subject, version, occurred, data = (
        item["id"], item["subject"], item["version"], item["occurred"], item["data"]
    )  # fmt: skip
    name = item["report"]
    report = _REPORTS.get(name) if type(name) is str else None
    if report is None or type(data) is not dict or type(version) is not int or not 0 <= version <= VERSION_MAX:
        return None
    if not (_is_short(id, ID_BYTES_MAX) and _is_short(occurred, MOMENT_BYTES_MAX)):
        return None
    # The node's own subject is empty.
    if subject != "" and not _is_short(subject, SUBJECT_BYTES_MAX):
        return None
    return ReportedRecord(id, report, subject, version, occurred, data)


def told_record(item: object, reader: JsonReader) -> ReportedRecord:
    """A record, with all that is wrong with it noted."""
    reader.members(required=_RECORD)
    data = item.get("data") if isinstance(item, dict) else None
    if not isinstance(data, dict):
        reader.member("data").refuse("object", "must be an object")
    return ReportedRecord(
        id=reader.member("id").name(bytes_max=ID_BYTES_MAX),
        report=reader.member("report").choice(_REPORTS) or Report.T1,
        subject=reader.member("subject").plain_text(bytes_max=SUBJECT_BYTES_MAX),
        version=reader.member("version").integer(minimum=0, maximum=VERSION_MAX),
        occurred=reader.member("occurred").name(bytes_max=MOMENT_BYTES_MAX),
        data=data if isinstance(data, dict) else {},
    )


def quick_verdict(item: object) -> Verdict | None:
    """A verdict that is right at a glance and has all four members."""
    if type(item) is not dict or item.keys() != _VERDICT_MEMBERS:
        return None
    id, name, receipt, reason = item["id"], item["state"], item["receipt"], item["reason"]
    state = _STATES.get(name) if type(name) is str else None
    if state is None or not _is_short(id, ID_BYTES_MAX):
        return None
    if state is RecordState.ACCEPTED:
        return Verdict(id, state, receipt) if _is_short(receipt, RECEIPT_BYTES_MAX) and reason is None else None
    if state is RecordState.REJECTED:
        is_right = receipt is None and _is_short(reason, REASON_CHARACTERS_MAX)
        return Verdict(id, state, None, reason) if is_right else None
    return Verdict(id, state) if receipt is None and reason is None else None


def told_verdict(item: object, reader: JsonReader) -> Verdict:
    """A verdict, with all that is wrong with it noted; `receipt` and `reason` may be absent or null."""
    reader.members(required=("id", "state"), optional=("receipt", "reason"))
    state = reader.member("state").choice(_STATES)
    wanted = {RecordState.ACCEPTED: ("receipt",), RecordState.REJECTED: ("reason",)}
    reader.require(*(wanted.get(state, ()) if state else ()))
    members = item if isinstance(item, dict) else {}
    receipt = reason = None
    if members.get("receipt") is not None or state is RecordState.ACCEPTED:
        receipt = reader.member("receipt").name(bytes_max=RECEIPT_BYTES_MAX)
    if members.get("reason") is not None or state is RecordState.REJECTED:
        reason = reader.member("reason").plain_text(bytes_max=REASON_BYTES_MAX)
    id = reader.member("id").name(bytes_max=ID_BYTES_MAX)
    return Verdict(id, state or RecordState.SENT, receipt, None if reason is None else reason[:REASON_CHARACTERS_MAX])


def told_digest(_item: object, reader: JsonReader) -> Digest:
    """A digest, with all that is wrong with it noted."""
    reader.members(required=("prefix", "day", "records", "sha256"))
    day, sha256 = reader.member("day"), reader.member("sha256")
    written, hexadecimal = day.text(bytes_max=10), sha256.text(bytes_max=SHA256_HEX_CHARACTERS)
    if not is_date(written):
        day.refuse("date", "must be a day as yyyy-MM-dd")
        written = date.min.isoformat()
    if not is_sha256(hexadecimal):
        sha256.refuse("sha256", "must be a SHA-256 of 64 digits in lower case")
    return Digest(
        prefix=reader.member("prefix").name(bytes_max=PREFIX_BYTES_MAX),
        day=date.fromisoformat(written),
        records=reader.member("records").integer(minimum=0, maximum=COUNT_MAX),
        sha256=hexadecimal,
    )


def is_sha256(text: object) -> bool:
    """64 hexadecimal digits in lower case."""
    return isinstance(text, str) and len(text) == SHA256_HEX_CHARACTERS and _HEX_DIGITS.issuperset(text)


def _is_short(text: object, bytes_max: int) -> bool:
    return (
        type(text) is str
        and 0 < len(text) * (1 if text.isascii() else _BYTES_OF_A_CHARACTER_MAX) <= bytes_max
        and text.isprintable()
    )
