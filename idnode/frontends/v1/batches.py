"""Batches: up to 2,000 rows that register, replace, patch and delete, one result for each."""

import asyncio
import hashlib
from dataclasses import dataclass

from pydantic import BaseModel

from idnode.frontends.refusals import BodyTooLarge, BodyTooSlow, MediaRefused
from idnode.frontends.v1.answers import answer_bytes
from idnode.frontends.v1.batch_bodies import BatchBody, read_batch
from idnode.frontends.v1.batch_results import BatchResults
from idnode.frontends.v1.conditions import single
from idnode.frontends.v1.routes import WRITERS, Call, HeaderValues, Pieces, Route
from idnode.frontends.v1.schemas.batches import BatchIn, BatchOut, BatchQuery
from idnode.model.errors import InvalidInput, Unavailable, Violation, shown
from idnode.registry.batches import ROWS_BETWEEN_PAUSES, BatchWriter, Row, Verdict
from idnode.registry.commands import Asked
from idnode.registry.row_reading import read_row
from idnode.storage.database import Session
from idnode.storage.idempotency import KeptAnswer, KeptClaim, keep_answers

TOPIC = "identifiers"
BODY_BYTES_MAX = 16 << 20
BODY_SECONDS_MAX = 60.0
BYTES_AT_ONCE_MAX = 128 << 20
"""Of all batches that a process has in its hands."""
JSON, NDJSON = "application/json", "application/x-ndjson"


@dataclass(slots=True)
class ReceivedBatch:
    """The body of a batch; it counts among those in the process's hands until it is given up."""

    media_type: str
    body: bytes
    sha256: bytes
    at_once: "BytesAtOnce"

    async def give_up(self) -> None:
        """Nobody needs it any more."""
        self.at_once.count -= len(self.body)
        self.body = b""


@dataclass(slots=True)
class BytesAtOnce:
    """How much of batches a process holds."""

    count: int = 0


class BatchesApi:
    """The handler of the batch route."""

    def __init__(self, batches: BatchWriter) -> None:
        self._batches = batches
        self._at_once = BytesAtOnce()

    def routes(self) -> tuple[Route, ...]:
        """The row of the route table."""
        return (
            Route("POST", "/v1/identifiers:batch", "write_batch",
                  "Register, replace, patch and delete up to 2,000 identifiers", self.write,
                  WRITERS, BatchOut, body=BatchIn, query=BatchQuery, topic=TOPIC, receive=self.receive,
                  body_media_types=(JSON, NDJSON)),
        )  # fmt: skip

    async def receive(self, _: BaseModel, headers: HeaderValues, pieces: Pieces) -> ReceivedBatch:
        """Take the body in. Raises MediaRefused, BodyTooLarge, BodyTooSlow, Unavailable."""
        media_type = _media_type(headers)
        size = single("Content-Length", headers("Content-Length"))
        if size is not None and size.isdigit() and len(size) < 20 and int(size) > BODY_BYTES_MAX:
            raise _too_large(f"{size} bytes")
        taken: list[bytes] = []
        held, digest = 0, hashlib.sha256()
        try:
            async with asyncio.timeout(BODY_SECONDS_MAX):
                async for piece in pieces:
                    held += len(piece)
                    self._at_once.count += len(piece)
                    self._require_room(held)
                    digest.update(piece)
                    taken.append(piece)
        except BaseException as error:
            self._at_once.count -= held
            if isinstance(error, TimeoutError):
                raise _too_slow() from error
            raise
        return ReceivedBatch(media_type, b"".join(taken), digest.digest(), self._at_once)

    async def write(self, call: Call) -> KeptAnswer:
        """POST /v1/identifiers:batch."""
        received, query = call.received, call.query_as(BatchQuery)
        if not isinstance(received, ReceivedBatch):
            raise TypeError("the body of this route is received")
        asked = _asked(call.asked, query)
        batch = read_batch(received.body, is_ndjson=received.media_type == NDJSON)
        rows = await _rows(batch, asked)
        results = BatchResults(batch.documents, rows)
        kept: list[KeptAnswer] = []

        async def along(session: Session, verdicts: list[Verdict]) -> None:
            if asked.claim is not None:
                kept.append(answer_bytes(results.json(verdicts)))
                await keep_answers(session, [KeptClaim(asked.claim, kept[0], asked.trace.at)])

        verdicts = await self._batches.write(rows, asked, is_atomic=batch.is_atomic or query.atomic, along=along)
        return kept[-1] if kept else answer_bytes(results.json(verdicts))

    def _require_room(self, held: int) -> None:
        if held > BODY_BYTES_MAX:
            raise _too_large(f"more than {BODY_BYTES_MAX} bytes")
        if self._at_once.count > BYTES_AT_ONCE_MAX:
            raise Unavailable(f"batches of {BYTES_AT_ONCE_MAX} bytes are being written already; try again shortly")


def _asked(asked: Asked, query: BatchQuery) -> Asked:
    if asked.expected_version is not None:
        detail = "a batch has no version; give each row the one that it expects, in `version`"
        raise InvalidInput.of([Violation("If-Match", "no-condition", detail, f'"{asked.expected_version}"')])
    return asked._replace(dry_run=query.dry_run)


async def _rows(batch: BatchBody, asked: Asked) -> list[Row]:
    rows: list[Row] = []
    now, documents = asked.trace.at, batch.documents
    for first in range(0, len(documents), ROWS_BETWEEN_PAUSES):
        rows += [read_row(document, now=now) for document in documents[first : first + ROWS_BETWEEN_PAUSES]]
        await asyncio.sleep(0)
    return rows


def _media_type(headers: HeaderValues) -> str:
    coding = single("Content-Encoding", headers("Content-Encoding"))
    if coding is not None and coding.strip().lower() != "identity":
        detail = f"the body is {shown(coding)}; send it without Content-Encoding"
        raise MediaRefused(detail, violations=(Violation("Content-Encoding", "identity", detail, shown(coding)),))
    sent = single("Content-Type", headers("Content-Type")) or ""
    kind = sent.partition(";")[0].strip().lower()
    if kind not in (JSON, NDJSON):
        detail = f"the body is {shown(kind) or 'of no type'}; send Content-Type: {JSON} or {NDJSON}"
        limit = f"{JSON}, {NDJSON}"
        raise MediaRefused(detail, violations=(Violation("Content-Type", "media-type", detail, shown(kind), limit),))
    return kind


def _too_large(measure: str) -> BodyTooLarge:
    limit = f"{BODY_BYTES_MAX} bytes"
    detail = f"the body has {measure}, the limit is {limit}"
    return BodyTooLarge(detail, violations=(Violation("", "max-bytes", detail, measure, limit),))


def _too_slow() -> BodyTooSlow:
    limit = f"{BODY_SECONDS_MAX:g} seconds"
    detail = f"the body did not arrive within {limit}"
    return BodyTooSlow(detail, violations=(Violation("", "max-seconds", detail, limit=limit),))
