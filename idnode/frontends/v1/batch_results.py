"""What became of the rows of a batch as JSON, bounded in size whatever was wrong with them. Pure."""

from collections.abc import Sequence

import orjson

from idnode.frontends.problems import problem_document
from idnode.model.errors import IdnodeError, shown
from idnode.model.limits import IDENTIFIER_BYTES_MAX
from idnode.model.record import Operation
from idnode.registry.batches import Row, Verdict
from idnode.registry.commands import Revision

VIOLATIONS_OF_ROW_MAX = 10
VIOLATIONS_MAX = 4_000
"""Of an answer, beyond the first of each row; the others are counted."""

_DONE = {
    Operation.REPLACE: "replaced",
    Operation.PATCH: "patched",
    Operation.DELETE: "deleted",
}


class BatchResults:
    """Words the verdicts on rows that were read from `documents`."""

    def __init__(self, documents: Sequence[object], rows: Sequence[Row]) -> None:
        self._documents = documents
        self._rows = rows

    def json(self, verdicts: Sequence[Verdict]) -> bytes:
        """The answer, one result for each row in their order."""
        listing = _Listing()
        results = [
            self._refused(number, refusal, listing)
            if record is None
            else {
                "row": number,
                "identifier": _name(self._rows[number]),
                "code": _code(self._rows[number]),
                "version": record.version,
            }
            for number, (record, refusal) in enumerate(verdicts)
        ]
        done = sum(record is not None for record, _ in verdicts)
        return orjson.dumps({"results": results, "done": done, "refused": len(verdicts) - done})

    def _refused(self, number: int, refusal: IdnodeError | None, listing: "_Listing") -> dict[str, object]:
        if refusal is None:
            raise TypeError("a verdict without a record is a refusal")
        return {
            "row": number,
            "identifier": _sent_name(self._documents[number]),
            "code": refusal.code,
            "problem": listing.problem(refusal),
        }


class _Listing:
    """Problems as documents, as long as there is room for their violations."""

    def __init__(self) -> None:
        self._room = VIOLATIONS_MAX

    def problem(self, refusal: IdnodeError) -> dict[str, object]:
        document = problem_document(refusal)
        errors = document.get("errors")
        if not isinstance(errors, list) or len(errors) <= 1:
            return document
        listed = 1 + min(VIOLATIONS_OF_ROW_MAX - 1, self._room, len(errors) - 1)
        self._room -= listed - 1
        unlisted = document.get("errors_unlisted", 0)
        more = len(errors) - listed + (unlisted if isinstance(unlisted, int) else 0)
        document["errors"] = errors[:listed]
        return document | {"errors_unlisted": more} if more else document


def _name(row: Row) -> str | None:
    return None if isinstance(row, IdnodeError) else row.identifier.text


def _sent_name(document: object) -> str | None:
    text = document.get("identifier") if isinstance(document, dict) else None
    if not isinstance(text, str):
        return None
    return text if len(text) <= IDENTIFIER_BYTES_MAX and text.isprintable() else shown(text)


def _code(row: Row) -> str:
    return _DONE[row.operation] if isinstance(row, Revision) else "registered"
