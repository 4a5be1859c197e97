"""One row to the node: sent again while the node is away, and judged: registered, there before, or refused."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel

from idnode.cli.errors import NodeRefused, NodeUnreachable
from idnode.cli.node_client import Answer, NodeClient
from idnode.cli.rows import BrokenRow, Row
from idnode.model.errors import AlreadyRegistered, IdnodeError, Violation

DELAY_SECONDS_MIN = 0.25
DELAY_SECONDS_MAX = 10.0
REPLAY_MARGIN = timedelta(seconds=2)
"""The Date header counts whole seconds; the rest is for the clocks of several workers."""
NOT_AUTHENTICATED = 401


@dataclass(frozen=True, slots=True)
class Registered:
    """The record stands (or would, in a dry run); `warnings` is how many the node gave about its identifier."""

    row: Row
    warnings: int


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """The identifier was registered before this row was sent."""

    row: Row


@dataclass(frozen=True, slots=True)
class Refused:
    """Not registered; `status` is None when the row never reached the node."""

    line: int
    identifier: str
    status: int | None
    code: str
    detail: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing more can be registered: the node is away, the key is unknown, or the file cannot be read on."""

    error: IdnodeError


Outcome = Registered | AlreadyThere | Refused | Stopped


class _Made(BaseModel):
    """As much of the answer to a registration as matters here."""

    created: datetime
    warnings: list[str] = []


class Registrar:
    """Registers rows. `pause` waits, `jitter` gives 0 to 1, `monotonic` measures seconds."""

    def __init__(
        self,
        client: NodeClient,
        *,
        dry_run: bool,
        retries: int,
        pause: Callable[[float], Awaitable[None]],
        jitter: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._client = client
        self._query = {"dry_run": "true"} if dry_run else None
        self._is_dry_run = dry_run
        self._retries = retries
        self._pause = pause
        self._jitter = jitter
        self._monotonic = monotonic

    async def register(self, row: Row) -> Outcome:
        """The outcome of one row. The same row of the same file is never registered twice, however often it is sent."""
        try:
            return await self._judged(row, None if self._is_dry_run else idempotency_key(row))
        except IdnodeError as error:
            return Stopped(error)

    async def _judged(self, row: Row, key: str | None) -> Outcome:
        begin = self._monotonic()
        try:
            answer = await self._persistently(row, key)
        except NodeRefused as refusal:
            if refusal.status == NOT_AUTHENTICATED:
                raise
            if refusal.refused_as == AlreadyRegistered.code:
                return AlreadyThere(row)
            if key is not None:
                # The node keeps refusals under the key, too. This one may be older than what has been put right since.
                return await self._judged(row, None)
            return _refused(row, refusal)
        waited = timedelta(seconds=self._monotonic() - begin)
        made = answer.as_model(_Made)
        if not self._is_dry_run and is_replay(made.created, answer.date, waited):
            return AlreadyThere(row)
        return Registered(row, len(made.warnings))

    async def _persistently(self, row: Row, key: str | None) -> Answer:
        attempt = 0
        while True:
            try:
                return await self._client.write(
                    "POST", "identifiers", body=row.body, query=self._query, idempotency_key=key
                )
            except NodeUnreachable as error:
                if not error.is_retryable or attempt >= self._retries:
                    raise
                delay = retry_delay_seconds(
                    attempt=attempt, jitter=self._jitter(), at_least_seconds=error.retry_after_seconds
                )
            attempt += 1
            await self._pause(delay)


def idempotency_key(row: Row) -> str:
    """The same for the same row at the same line, in every run; a line that stands twice has two."""
    return hashlib.sha256(row.line.to_bytes(8) + row.body).hexdigest()


def retry_delay_seconds(*, attempt: int, jitter: float, at_least_seconds: float) -> float:
    """Doubles from DELAY_SECONDS_MIN to DELAY_SECONDS_MAX, half of it by chance; never less than the node asked for."""
    longest = min(DELAY_SECONDS_MIN * (1 << attempt), DELAY_SECONDS_MAX)
    return max(longest * (0.5 + jitter / 2), at_least_seconds)


def is_replay(created: datetime, answered: datetime | None, waited: timedelta) -> bool:
    """Whether a record was made before its row was first sent, so that the answer is one kept from an earlier run."""
    return answered is not None and answered - created > waited + REPLAY_MARGIN


def refused_before_sending(row: BrokenRow) -> Refused:
    """The outcome of a row that cannot be sent."""
    violation = row.violation
    return Refused(row.line, row.identifier, None, "malformed-input", violation.detail, (violation,))


def _refused(row: Row, refusal: NodeRefused) -> Refused:
    return Refused(row.line, row.identifier, refusal.status, refusal.refused_as, refusal.detail, refusal.violations)
