"""Answers to writes that carried an Idempotency-Key, kept in the transaction of the write itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from idnode.storage.database import UPKEEP_SECONDS_MAX, Database, Session
from idnode.storage.statements import statements

SQL = statements("idempotency")


class ClaimTaken(Exception):  # never leaves the services: they read the answer that won
    """Another request with the same Idempotency-Key was faster; this transaction left nothing behind."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What is sent again, byte for byte, to the same request."""

    status: int
    content_type: str
    etag: str | None
    location: str | None
    body: bytes
    sealed_body: bytes | None = None
    """Stands in for `body` in storage when that holds a secret."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One use of an Idempotency-Key: by which API key, the SHA-256 of the key, and the SHA-256 of the request."""

    owner: UUID
    token: bytes
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class KeptClaim:
    """A claim with the answer it got."""

    claim: Claim
    answer: KeptAnswer
    created: datetime


async def keep_answers(session: Session, kept: Sequence[KeptClaim]) -> None:
    """Keep answers in this transaction. Raises ClaimTaken, which must roll the transaction back."""
    try:
        await session.run(
            SQL["keep_answers"],
            [k.claim.owner for k in kept],
            [k.claim.token for k in kept],
            [k.claim.fingerprint for k in kept],
            [k.answer.status for k in kept],
            [k.answer.content_type for k in kept],
            [k.answer.etag for k in kept],
            [k.answer.location for k in kept],
            [k.answer.sealed_body or k.answer.body for k in kept],
            [k.answer.sealed_body is not None for k in kept],
            [k.created for k in kept],
        )
    except asyncpg.UniqueViolationError as error:
        raise ClaimTaken from error


class IdempotencyStore:
    """Looks kept answers up, keeps refusals (which have no transaction of their own), and forgets old ones."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, claim: Claim) -> tuple[bytes, KeptAnswer] | None:
        """The fingerprint that the key was first used for, and its answer."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_answer"], claim.owner, claim.token)
        if row is None:
            return None
        body, sealed = (b"", row["body"]) if row["is_sealed"] else (row["body"], None)
        answer = KeptAnswer(row["status"], row["content_type"], row["etag"], row["location"], body, sealed)
        return row["fingerprint"], answer

    async def keep(self, kept: KeptClaim) -> None:
        """Keep the answer to a request that wrote nothing. Raises ClaimTaken."""
        async with self._database.transaction() as session:
            await keep_answers(session, [kept])

    async def forget_before(self, moment: datetime) -> None:
        """Drop answers older than `moment`."""
        async with self._database.session() as session:
            await session.run(SQL["forget_answers"], moment, seconds_max=UPKEEP_SECONDS_MAX)
