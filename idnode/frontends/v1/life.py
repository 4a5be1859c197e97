"""The life of identifiers beyond registering: reserve, delete with a successor, restore."""

from collections.abc import Sequence

from idnode.frontends.problems import problem_document
from idnode.frontends.v1.answers import answer_bytes, answer_json, location_of
from idnode.frontends.v1.identifiers import TOPIC, revised_answer
from idnode.frontends.v1.routes import WRITERS, Call, Route, WriteQuery
from idnode.frontends.v1.schemas.identifiers import RecordOut
from idnode.frontends.v1.schemas.relations import DeleteQuery, ReservationsIn, ReservationsOut
from idnode.model.errors import InvalidIdentifier
from idnode.model.identifier import Identifier
from idnode.registry.batches import Verdict
from idnode.registry.reservations import Name, Reservations
from idnode.registry.succession import Succession
from idnode.storage.idempotency import KeptAnswer


class LifeApi:
    """Handlers: parse, call, render."""

    def __init__(self, reservations: Reservations, succession: Succession) -> None:
        self._reservations = reservations
        self._succession = succession

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/v1/identifiers/{identifier}"
        return (
            Route("DELETE", one, "delete_identifier", "Delete: a tombstone with its history remains", self.delete,
                  WRITERS, RecordOut, query=DeleteQuery, topic=TOPIC),
            Route("POST", "/v1/restore/{identifier}", "restore_identifier", "Undo a suspension or a deletion",
                  self.restore, WRITERS, RecordOut, query=WriteQuery, topic=TOPIC),
            Route("POST", "/v1/reserve/{identifier}", "reserve_identifier", "Keep a name free for its owner",
                  self.reserve, WRITERS, RecordOut, 201, query=WriteQuery, topic=TOPIC),
            Route("POST", "/v1/reservations", "reserve_identifiers", "Reserve up to 2,000 names at once",
                  self.reserve_many, WRITERS, ReservationsOut, body=ReservationsIn, query=WriteQuery, topic=TOPIC),
        )  # fmt: skip

    async def delete(self, call: Call) -> KeptAnswer:
        """DELETE /v1/identifiers/{identifier}."""
        identifier = call.path_as("identifier", Identifier.parse)
        text = call.query_as(DeleteQuery).successor
        successor = None if text is None else _successor(text)
        return await self._succession.delete(identifier, successor, call.asked, revised_answer)

    async def restore(self, call: Call) -> KeptAnswer:
        """POST /v1/restore/{identifier}."""
        identifier = call.path_as("identifier", Identifier.parse)
        return await self._succession.restore(identifier, call.asked, revised_answer)

    async def reserve(self, call: Call) -> KeptAnswer:
        """POST /v1/reserve/{identifier}."""
        identifier = call.path_as("identifier", Identifier.parse)
        return await self._reservations.reserve(
            [identifier], call.asked, lambda verdicts: _reserved(identifier, verdicts)
        )

    async def reserve_many(self, call: Call) -> KeptAnswer:
        """POST /v1/reservations."""
        texts = call.body_as(ReservationsIn).identifiers
        names = [_name(at, text) for at, text in enumerate(texts)]
        # If-Match speaks of one thing, and this is about many.
        asked = call.asked._replace(expected_version=None)
        return await self._reservations.reserve(names, asked, lambda verdicts: _verdicts(texts, verdicts))


def _reserved(identifier: Identifier, verdicts: Sequence[Verdict]) -> KeptAnswer:
    stored, refusal = verdicts[0]
    if refusal is not None:
        raise refusal
    if stored is None:
        raise LookupError("a verdict without record and without refusal")
    location = location_of("identifiers", identifier.text)
    return answer_bytes(stored.document, status=201, version=stored.version, location=location)


def _verdicts(texts: Sequence[str], verdicts: Sequence[Verdict]) -> KeptAnswer:
    results = [_result(row, text, verdict) for row, (text, verdict) in enumerate(zip(texts, verdicts, strict=True))]
    done = sum(verdict.record is not None for verdict in verdicts)
    return answer_json({"results": results, "done": done, "refused": len(verdicts) - done})


def _result(row: int, text: str, verdict: Verdict) -> dict[str, object]:
    if verdict.refusal is not None:
        problem = problem_document(verdict.refusal)
        return {"row": row, "identifier": text, "code": verdict.refusal.code, "problem": problem}
    stored = verdict.record
    version = 0 if stored is None else stored.version
    return {"row": row, "identifier": text, "code": "reserved", "version": version}


def _name(at: int, text: str) -> Name:
    try:
        return Identifier.parse(text)
    except InvalidIdentifier as error:
        violations = tuple(violation.under(f"/identifiers/{at}") for violation in error.violations)
        return InvalidIdentifier(error.detail, violations=violations)


def _successor(text: str) -> Identifier:
    try:
        return Identifier.parse(text)
    except InvalidIdentifier as error:
        violations = tuple(violation.under("/successor") for violation in error.violations)
        raise InvalidIdentifier(f"successor: {error.detail}", violations=violations) from None
