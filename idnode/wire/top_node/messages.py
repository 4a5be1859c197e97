"""The JSON messages between a node and a top node: batches up, verdicts and digests down. Reading is strict."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from idnode.model.errors import InvalidInput, MalformedInput, Violation
from idnode.model.limits import PREFIX_BYTES_MAX
from idnode.model.reporting import BATCH_RECORDS_MAX, Digest, Purpose, ReportedRecord, Verdict, VerdictPage
from idnode.wire.json_reader import JsonReader
from idnode.wire.top_node.message_parts import (
    MOMENT_BYTES_MAX,
    each_of,
    is_sha256,
    quick_record,
    quick_verdict,
    told_digest,
    told_record,
    told_verdict,
)

BATCH_BYTES_MAX = 64 << 20
"""Of the body of a batch."""
VERDICTS_MAX = 5_000
"""Of one answer or page: as many as a batch may have records."""
CURSOR_BYTES_MAX = 256
DIGESTS_MAX = 1_000_000

_PURPOSES = {purpose.value: purpose for purpose in Purpose}


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one report from one node, in the order in which they are to be taken."""

    node: str
    purpose: Purpose
    sent_at: str
    records: tuple[ReportedRecord, ...]


def batch_json(node: str, purpose: Purpose, records: Sequence[ReportedRecord], sent_at: str) -> bytes:
    """A batch; `node` is the node's own prefix, `sent_at` RFC 3339. Raises InvalidInput for data that is no JSON."""
    batch = {"node": node, "purpose": purpose, "sent_at": sent_at, "records": records}
    try:
        return orjson.dumps(batch, default=_plain)
    except orjson.JSONEncodeError as error:
        raise InvalidInput(f"a record does not go into JSON: {error}") from error


def read_batch(body: bytes) -> Batch:
    """Raises InvalidInput with every violation. What the records' data says is left to tables.check_data."""
    violations: list[Violation] = []
    document, reader = _opened(body, violations)
    reader.members(required=("node", "purpose", "sent_at", "records"))
    node = reader.member("node").name(bytes_max=PREFIX_BYTES_MAX)
    purpose = reader.member("purpose").choice(_PURPOSES) or Purpose.REPORT
    sent_at = reader.member("sent_at").name(bytes_max=MOMENT_BYTES_MAX)
    items = _items(document, reader, "records", items_max=BATCH_RECORDS_MAX)
    records = each_of(items, quick_record, told_record, "/records", violations)
    if any(record.report is not records[0].report for record in records):
        reader.member("records").refuse("one-report", "all records of a batch must be of one report")
    reader.raise_refusals()
    return Batch(node, purpose, sent_at, records)


def verdicts_json(verdicts: Sequence[Verdict]) -> bytes:
    """The answer to a batch: one verdict for each of its records."""
    return orjson.dumps({"verdicts": verdicts})


def read_verdicts(body: bytes) -> tuple[Verdict, ...]:
    """Raises InvalidInput with every violation."""
    violations: list[Violation] = []
    document, reader = _opened(body, violations)
    reader.members(required=("verdicts",))
    verdicts = _verdicts(document, reader, violations)
    reader.raise_refusals()
    return verdicts


def verdict_page_json(page: VerdictPage) -> bytes:
    """What was judged after a cursor, and the cursor after it."""
    return orjson.dumps(page)


def read_verdict_page(body: bytes) -> VerdictPage:
    """Raises InvalidInput with every violation."""
    violations: list[Violation] = []
    document, reader = _opened(body, violations)
    reader.members(required=("verdicts", "cursor"))
    cursor = reader.member("cursor").plain_text(bytes_max=CURSOR_BYTES_MAX)
    verdicts = _verdicts(document, reader, violations)
    reader.raise_refusals()
    return VerdictPage(verdicts, cursor)


def digests_json(digests: Iterable[Digest]) -> bytes:
    """What is held of a day, by prefix."""
    return orjson.dumps({"digests": list(digests)})


def read_digests(body: bytes) -> tuple[Digest, ...]:
    """Raises InvalidInput with every violation."""
    violations: list[Violation] = []
    document, reader = _opened(body, violations)
    reader.members(required=("digests",))
    items = _items(document, reader, "digests", items_max=DIGESTS_MAX)
    digests = each_of(items, lambda _: None, told_digest, "/digests", violations)
    reader.raise_refusals()
    return digests


def lines_json(lines: Mapping[str, str]) -> bytes:
    """By record id the SHA-256 of its data."""
    return orjson.dumps({"lines": lines}, default=_plain)


def read_lines(body: bytes) -> dict[str, str]:
    """Raises InvalidInput with every violation."""
    document, reader = _opened(body, [])
    reader.members(required=("lines",))
    lines = document.get("lines")
    if not isinstance(lines, dict):
        reader.member("lines").refuse("object", "must be an object")
    elif not all(map(is_sha256, lines.values())):
        reader.member("lines").refuse("sha256", "each value must be a SHA-256 of 64 digits in lower case")
    reader.raise_refusals()
    return lines if isinstance(lines, dict) else {}


def _opened(body: bytes, violations: list[Violation]) -> tuple[dict[str, object], JsonReader]:
    """The document, and a reader of it; what is no object reads as one without members."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedInput.of([Violation("", "json", f"is no JSON: {error}")]) from error
    return document if isinstance(document, dict) else {}, JsonReader(document, "", violations)


def _items(document: dict[str, object], reader: JsonReader, name: str, *, items_max: int) -> list[object]:
    items = document.get(name)
    if isinstance(items, list) and len(items) <= items_max:
        return items
    reader.member(name).items(items_max=items_max)
    return []


def _verdicts(document: dict[str, object], reader: JsonReader, violations: list[Violation]) -> tuple[Verdict, ...]:
    items = _items(document, reader, "verdicts", items_max=VERDICTS_MAX)
    return each_of(items, quick_verdict, told_verdict, "/verdicts", violations)


def _plain(value: object) -> object:
    """A mapping that is no dict, as one: orjson asks for what it does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} does not go into JSON")
