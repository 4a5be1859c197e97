"""A top node in memory, awkward by script; and changes of identifiers as a node commits them."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum

import asyncpg

from idnode.model.reporting import (
    Digest,
    Purpose,
    RecordState,
    ReportedRecord,
    Verdict,
    VerdictPage,
)
from idnode.sync.transport import BatchRefused, TransportFailed, TransportThrottled

PAGE_VERDICTS = 50
CHANGE = """
INSERT INTO change (at, subject, name, version, operation, actor, request_id, new)
VALUES (now(), 'identifier', $1, $2, $3, 'test', 'r-1', $4)
"""


class Act(StrEnum):
    """What becomes of one batch."""

    ACCEPT = "accept"
    FAIL = "fail"
    LOSE_REPLY = "lose-reply"
    THROTTLE = "throttle"
    ANSWER_TWICE = "answer-twice"
    JUDGE_LATER = "judge-later"
    LEAVE_OUT_FIRST = "leave-out-first"
    ADD_STRANGERS = "add-strangers"


class PlayedTopNode:
    """Knows records by id: what it took once has no effect again. `refuses` and `rejects` are subjects."""

    def __init__(self, acts: Iterable[Act] = ()) -> None:
        self.acts = deque(acts)
        self.refuses: set[str] = set()
        self.rejects: set[str] = set()
        self.batches: list[list[str]] = []
        self.effects: list[tuple[str, int]] = []
        self.judged: list[Verdict] = []
        self.under_way = 0
        self.hangs = False
        self.forgets_verdicts = False
        self._known: dict[str, Verdict] = {}

    async def deliver(self, purpose: Purpose, records: Sequence[ReportedRecord]) -> Sequence[Verdict]:
        assert purpose is Purpose.REPORT
        self.batches.append([f"{record.subject} {record.version}" for record in records])
        act = self.acts.popleft() if self.acts else Act.ACCEPT
        self.under_way += 1
        try:
            await asyncio.sleep(3_600 if self.hangs else 0)
        finally:
            self.under_way -= 1
        if act is Act.FAIL:
            raise TransportFailed("502")
        if act is Act.THROTTLE:
            raise TransportThrottled("429", seconds=3)
        if any(record.subject in self.refuses for record in records):
            raise BatchRefused("422")
        verdicts = [self._take(record, is_later=act is Act.JUDGE_LATER) for record in records]
        match act:
            case Act.LOSE_REPLY:
                raise TransportFailed("reset")
            case Act.ANSWER_TWICE:
                return [*verdicts, *verdicts]
            case Act.LEAVE_OUT_FIRST:
                return verdicts[1:]
            case Act.ADD_STRANGERS:
                return [Verdict("88.118:T9:88.118.8/ELSEWHERE:1", RecordState.ACCEPTED), *verdicts]
            case _:
                return verdicts

    async def verdicts(self, cursor: str, *, wait_seconds: float) -> VerdictPage:  # noqa: ARG002  # it never waits
        await asyncio.sleep(0)
        beginning = int(cursor or "0")
        page = self.judged[beginning : beginning + PAGE_VERDICTS]
        return VerdictPage(tuple(page), str(beginning + len(page)) if page else cursor)

    async def digests(self, day: date) -> Sequence[Digest]:  # noqa: ARG002  # of the interface
        return ()

    async def digest_lines(self, prefix: str, day: date) -> Mapping[str, str]:  # noqa: ARG002  # of the interface
        return {}

    async def close(self) -> None:
        pass

    def _take(self, record: ReportedRecord, *, is_later: bool) -> Verdict:
        if record.id not in self._known:
            self.effects.append((record.subject, record.version))
            self._known[record.id] = self._judged(record, is_later=is_later)
        return self._known[record.id]

    def _judged(self, record: ReportedRecord, *, is_later: bool) -> Verdict:
        accepted = Verdict(record.id, RecordState.ACCEPTED, receipt=f"R{len(self._known) + 1}")
        verdict = (
            Verdict(record.id, RecordState.REJECTED, reason="not true") if record.subject in self.rejects else accepted
        )
        if not is_later:
            return verdict
        if not self.forgets_verdicts:
            self.judged.append(verdict)
        return Verdict(record.id, RecordState.SENT)


async def commit(dsn: str, *changes: tuple[str, int]) -> None:
    """Identifiers and versions, each in a transaction of its own, in this order."""
    connection = await asyncpg.connect(dsn)
    try:
        for name, version in changes:
            document = (
                f'{{"identifier":"{name}","template":null,"attributes":{{}},"state":"active","version":{version},'
                '"created":"2026-03-09T00:00:00Z","updated":"2026-03-09T00:00:00Z","values":[]}'
            )
            operation = "register" if version == 1 else "replace"
            await connection.execute(CHANGE, name, version, operation, document.encode())
    finally:
        await connection.close()


async def states(dsn: str) -> dict[str, tuple[str, str | None]]:
    """By subject and version: state, and receipt or reason, of every record of T9."""
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch(
        "SELECT subject || ' ' || version AS name, state, coalesce(receipt, reason) AS said"
        " FROM sync_record WHERE report = 'T9' ORDER BY number"
    )
    await connection.close()
    return {row["name"]: (row["state"], row["said"]) for row in rows}
