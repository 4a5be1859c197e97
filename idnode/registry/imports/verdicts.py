"""What became of the rows of a chunk: as it is kept, compressed, and as it is told, a line for each row. Pure."""

import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import orjson

from idnode.model.errors import IdnodeError, InvalidInput, Violation, shown
from idnode.model.imports import ImportCounts

ERRORS_KEPT_MAX = 10
"""Of one row; the others are counted."""
COMPRESSION_LEVEL = 1
DONE_CODES = ("registered", "replaced", "patched", "deleted")


class RowVerdict(NamedTuple):
    """One row: its number in the file, the identifier as far as it is known, and a refusal or what was done."""

    row: int
    identifier: str | None
    code: str
    refusal: dict[str, object] | None = None
    """`detail` and `errors`; None where `code` is one of DONE_CODES."""


def refused(row: int, identifier: str | None, error: IdnodeError) -> RowVerdict:
    """A row that was not written, with one error at least."""
    violations = error.violations or (
        Violation("/identifier", error.code, error.detail, None if identifier is None else shown(identifier)),
    )
    unlisted = max(len(violations) - ERRORS_KEPT_MAX, 0) + (error.unlisted if isinstance(error, InvalidInput) else 0)
    refusal: dict[str, object] = {
        "detail": error.detail,
        "errors": [_violation(violation) for violation in violations[:ERRORS_KEPT_MAX]],
    }
    if unlisted:
        refusal["errors_unlisted"] = unlisted
    return RowVerdict(row, identifier, error.code, refusal)


def counts_of(verdicts: Sequence[RowVerdict]) -> ImportCounts:
    """How many of each kind."""
    codes = [verdict.code for verdict in verdicts]
    registered, replaced, patched, deleted = (codes.count(code) for code in DONE_CODES)
    return ImportCounts(registered, replaced, patched, deleted, len(codes) - registered - replaced - patched - deleted)


def packed(verdicts: Sequence[RowVerdict]) -> bytes:
    """As they are kept: identifiers in one list, and apart from it only what is not as most of them."""
    rows = [verdict.row for verdict in verdicts]
    codes = [verdict.code for verdict in verdicts]
    usual = max(set(codes), key=codes.count) if codes else ""
    document = {
        "rows": rows if not rows or rows != list(range(rows[0], rows[0] + len(rows))) else rows[0],
        "identifiers": [verdict.identifier for verdict in verdicts],
        "usual": usual,
        "others": [
            (at, verdict.code, verdict.refusal)
            for at, verdict in enumerate(verdicts)
            if verdict.code != usual or verdict.refusal is not None
        ],
    }
    return zlib.compress(orjson.dumps(document), COMPRESSION_LEVEL)


def unpacked(kept: bytes) -> Iterator[RowVerdict]:
    """What `packed` made."""
    document = orjson.loads(zlib.decompress(kept))
    identifiers, rows = document["identifiers"], document["rows"]
    numbers = rows if isinstance(rows, list) else range(rows, rows + len(identifiers))
    others = {at: (code, refusal) for at, code, refusal in document["others"]}
    usual = (document["usual"], None)
    for at, (row, identifier) in enumerate(zip(numbers, identifiers, strict=True)):
        code, refusal = others.get(at, usual)
        yield RowVerdict(row, identifier, code, refusal)


def line_of(verdict: RowVerdict) -> bytes:
    """As it is told."""
    told: dict[str, object] = {"row": verdict.row, "identifier": verdict.identifier, "code": verdict.code}
    return orjson.dumps(told | (verdict.refusal or {})) + b"\n"


def reason_of(verdict: RowVerdict) -> str:
    """In the last column of the file of rejected rows."""
    refusal = verdict.refusal or {}
    errors = refusal.get("errors")
    told = [_told(error) for error in errors] if isinstance(errors, list) else []
    return f"{verdict.code}: " + "; ".join(told or [str(refusal.get("detail", ""))])


def _violation(violation: Violation) -> dict[str, object]:
    members = ("pointer", "item", "rule", "value", "limit", "detail")
    return {name: getattr(violation, name) for name in members if getattr(violation, name) is not None}


def _told(error: dict[str, str]) -> str:
    place = error.get("item") or error["pointer"]
    return f"{place} {error['detail']}".strip()
