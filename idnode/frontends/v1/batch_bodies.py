"""The body of a batch as documents of rows; a line of NDJSON that cannot be read is a row of its own, refused. Pure."""

from dataclasses import dataclass

from idnode.model.errors import InvalidInput, MalformedInput, Violation, shown
from idnode.registry.batches import BATCH_ROWS_MAX
from idnode.wire.strict_document import read_document

LINES_MAX = 2 * BATCH_ROWS_MAX
"""Blank ones included."""


@dataclass(frozen=True, slots=True)
class BatchBody:
    """One document per row, or why it could not be read."""

    documents: list[object]
    is_atomic: bool


def read_batch(body: bytes, *, is_ndjson: bool) -> BatchBody:
    """Raises MalformedInput, InvalidInput for what is wrong with the batch as a whole."""
    batch = BatchBody(_lines(body), is_atomic=False) if is_ndjson else _members(read_document(body))
    count = len(batch.documents)
    if count == 0:
        detail = "a batch needs one row at least"
        raise InvalidInput.of([Violation("/rows", "min-rows", detail, "0", "1 row")])
    if count > BATCH_ROWS_MAX:
        raise _too_many(count, "rows", BATCH_ROWS_MAX)
    return batch


def _lines(body: bytes) -> list[object]:
    count = body.count(b"\n")
    if count > LINES_MAX:
        raise _too_many(count, "lines", LINES_MAX)
    return [_document(line) for line in body.split(b"\n") if line and not line.isspace()]


def _document(line: bytes) -> object:
    try:
        return read_document(line)
    except MalformedInput as error:
        return error


def _members(document: object) -> BatchBody:
    if type(document) is not dict:
        detail = f"a batch is an object with the member rows, this is {shown(document)}"
        raise InvalidInput.of([Violation("", "object", detail, shown(document))])
    violations = [
        Violation(f"/{shown(name)}", "unknown-member", "is no member of a batch; known are rows, atomic")
        for name in document
        if name not in ("rows", "atomic")
    ]
    rows, is_atomic = document.get("rows"), document.get("atomic", False)
    if "rows" not in document:
        violations.append(Violation("/rows", "required", "is missing"))
    elif type(rows) is not list:
        violations.append(Violation("/rows", "list-type", "must be an array", shown(rows)))
    if type(is_atomic) is not bool:
        violations.append(Violation("/atomic", "bool-type", "must be true or false", shown(is_atomic)))
    InvalidInput.refuse_any(violations[:BATCH_ROWS_MAX])
    return BatchBody(rows if isinstance(rows, list) else [], is_atomic is True)


def _too_many(count: int, what: str, count_max: int) -> InvalidInput:
    limit = f"{count_max} {what}"
    return InvalidInput.of([Violation("/rows", "max-rows", f"{count} {what}, the limit is {limit}", str(count), limit)])
