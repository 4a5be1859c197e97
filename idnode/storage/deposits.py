"""Deposits that were made: what each holds of the database, what it builds on, and how far it got."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import asyncpg

from idnode.model.errors import NotFound
from idnode.storage.database import Database
from idnode.storage.statements import statements

SQL = statements("deposits")

REASON_CHARACTERS_MAX = 1_000


class DepositKind(StrEnum):
    """Full: everything. Differential: what came since the deposit that it builds on."""

    FULL = "full"
    DIFFERENTIAL = "differential"


class DepositState(StrEnum):
    """Submitted: uploaded, no more (annex 4). The platform's notice confirms or refuses it later."""

    MADE = "made"
    SUBMITTED = "submitted"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


DEPOSIT_TRANSITIONS: Mapping[DepositState, frozenset[DepositState]] = {
    # Refused before it was submitted: its files are lost, or somebody gave it up.
    DepositState.MADE: frozenset({DepositState.SUBMITTED, DepositState.REFUSED}),
    DepositState.SUBMITTED: frozenset({DepositState.CONFIRMED, DepositState.REFUSED}),
    DepositState.CONFIRMED: frozenset(),
    DepositState.REFUSED: frozenset(),
}
"""Which state may follow which; a resend begins anew at made, from any of them."""


@dataclass(frozen=True, slots=True)
class Watermark:
    """What a deposit has seen: `snapshot` of transactions, on `lineage` (None: the server does not tell), `seen_at`."""

    snapshot: str
    lineage: str | None
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit. `id` sorts by time; `files` counts its parts, `total_bytes` and `sha256` are of all of them."""

    id: str
    kind: DepositKind
    base: str | None
    watermark: Watermark
    made: datetime
    files: int
    total_bytes: int
    sha256: str
    state: DepositState
    reason: str | None
    resend: int
    updated: datetime


class DepositStore:
    """Reads and writes of the table deposit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, deposit: Deposit) -> None:
        """Note a deposit whose files are complete."""
        mark = deposit.watermark
        async with self._database.session() as session:
            await session.run(
                SQL["add_deposit"],
                *(deposit.id, deposit.kind, deposit.base, mark.snapshot, mark.lineage, mark.seen_at),
                *(deposit.made, deposit.files, deposit.total_bytes, deposit.sha256),
            )

    async def latest(self, limit: int) -> list[Deposit]:
        """The latest first."""
        async with self._database.session() as session:
            return [_deposit(row) for row in await session.rows(SQL["list_deposits"], limit)]

    async def find(self, id: str) -> Deposit:
        """Raises NotFound."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_deposit"], id)
        if row is None:
            raise NotFound(f"there is no deposit '{id}'")
        return _deposit(row)

    async def move(self, id: str, state: DepositState, *, reason: str | None, at: datetime) -> bool:
        """Along DEPOSIT_TRANSITIONS; False when the present state forbids it."""
        allowed = [origin for origin, targets in DEPOSIT_TRANSITIONS.items() if state in targets]
        told = None if reason is None else reason[:REASON_CHARACTERS_MAX]
        async with self._database.session() as session:
            return await session.row(SQL["move_deposit"], id, state, told, at, allowed) is not None

    async def number_resend(self, id: str, *, at: datetime) -> Deposit:
        """The deposit under its next resend number, to be sent again. Raises NotFound."""
        async with self._database.session() as session:
            await session.run(SQL["number_resend"], id, at)
        return await self.find(id)


def _deposit(row: asyncpg.Record) -> Deposit:
    return Deposit(
        id=row["id"],
        kind=DepositKind(row["kind"]),
        base=row["base"],
        watermark=Watermark(row["snapshot"], row["lineage"], row["seen_at"]),
        made=row["made"],
        files=row["files"],
        total_bytes=row["bytes"],
        sha256=row["sha256"],
        state=DepositState(row["state"]),
        reason=row["reason"],
        resend=row["resend"],
        updated=row["updated"],
    )
