"""Calls a simulated top node as a node does, over a real connection, with a clock that is set by hand."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, NamedTuple

import orjson
from aiohttp import ClientSession

from idnode.model.reporting import Purpose, Report, ReportedRecord, record_id
from idnode.simulator.running import Arrangement, Running, simulated
from idnode.simulator.settings import Awkwardness
from idnode.wire.top_node.messages import batch_json
from idnode.wire.top_node.signing import Signer

BEGUN = 1_795_504_711.0
"""2026-11-24T07:18:31Z."""


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = BEGUN

    def __call__(self) -> float:
        return self.seconds


class Answer(NamedTuple):
    """To one request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Caller:
    """One node that reports."""

    def __init__(self, session: ClientSession, running: Running, clock: ManualClock, signer: Signer | None) -> None:
        self.running = running
        self.clock = clock
        self.signer = signer
        self.url = f"http://127.0.0.1:{running.port}"
        self._session = session
        self._nonces = count(1)

    async def call(self, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
        """Status and JSON document of an answer."""
        answer = await self.answer(method, target, body, **headers)
        return answer.status, orjson.loads(answer.body)

    async def answer(self, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
        """The answer as it is."""
        signed = self.signed(method, target, body) | headers
        async with self._session.request(method, self.url + target, data=body or None, headers=signed) as response:
            return Answer(response.status, response.headers, await response.read())

    def signed(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """The headers of a signed request; none without a signer."""
        if self.signer is None:
            return {}
        return self.signer.headers(method, target, body, at=int(self.clock.seconds), nonce=f"n{next(self._nonces)}")

    async def send(self, *records: ReportedRecord, purpose: Purpose = Purpose.REPORT) -> list[dict[str, Any]]:
        """The verdicts on a batch that is answered."""
        status, document = await self.call("POST", "/v1/batches", batch(*records, purpose=purpose))

        assert status == 200, document
        verdicts: list[dict[str, Any]] = document["verdicts"]
        return verdicts

    async def steer(self, path: str, document: Mapping[str, object]) -> Any:
        """The answer to a change of settings and the like."""
        status, answer = await self.call("POST", f"/simulator/{path}", orjson.dumps(document))

        assert status == 200, answer
        return answer

    async def summary(self) -> Any:
        """What the status page shows."""
        _, document = await self.call("GET", "/simulator/summary")
        return document

    async def records(self, report: str = "T9") -> list[dict[str, Any]]:
        """What was received."""
        _, document = await self.call("GET", f"/simulator/records?report={report}")
        records: list[dict[str, Any]] = document["records"]
        return records


@asynccontextmanager
async def calling(
    arrangement: Arrangement | None = None, *, clock: ManualClock | None = None, signer: Signer | None = None
) -> AsyncIterator[Caller]:
    """A simulated top node, calm unless told otherwise, and who calls it."""
    arrangement, clock = arrangement or Arrangement(Awkwardness()), clock or ManualClock()
    async with simulated(arrangement, clock=clock) as running, ClientSession() as session:
        yield Caller(session, running, clock, signer)


def batch(*records: ReportedRecord, purpose: Purpose = Purpose.REPORT) -> bytes:
    """The body of a batch."""
    return batch_json("88.118", purpose, records, "2026-11-24T07:18:31Z")


def identifier(
    suffix: str, version: int = 1, *, occurred: str = "2026-11-24T07:18:31Z", **data: object
) -> ReportedRecord:
    """A T9 record with what its table requires."""
    subject = f"88.118.8/{suffix}"
    told: Sequence[tuple[str, object]] = (
        ("identifier", subject),
        ("created", "2026-11-24"),
        ("operation", 1 if version == 1 else 3),
    )
    return ReportedRecord(
        record_id("88.118", Report.T9, subject, version), Report.T9, subject, version, occurred, dict(told) | data
    )
