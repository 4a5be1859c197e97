"""Stores what was counted, in batches: each exactly once, and late rather than never while the database is away."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from idnode.model.errors import IdnodeError
from idnode.resolver.usage import Usage
from idnode.storage.usage import NODE, UsageBatch

FLUSH_SECONDS = 5.0
"""What a kill loses at most."""
LAST_FLUSH_SECONDS_MAX = 5.0
SETTLE_SECONDS = 60
"""Between two settlings, and from a failure to the next one: until then others may still be storing what they kept."""

log = structlog.get_logger("idnode.usage")


class Stores(Protocol):
    """Where batches go, as `UsageStore`."""

    async def enter(self, worker: UUID, at: int) -> None:
        """A worker begins to count."""

    async def add(self, worker: UUID, number: int, batch: UsageBatch) -> bool:
        """Add a batch, unless one with this number was added before."""

    async def settle(self, worker: UUID, at: int) -> None:
        """Find the peaks among seconds that nobody adds to any more."""

    async def leave(self, worker: UUID) -> None:
        """This was the last batch."""


class UsageFlusher:
    """Stores the counts of one worker, which has its own id for as long as its process lives.

    A batch that could not be stored is sent again as it was, under its number; meanwhile counts gather in `usage`,
    whose bounds hold however long that takes.
    """

    def __init__(
        self,
        usage: Usage,
        store: Stores,
        *,
        worker: UUID,
        seconds: float = FLUSH_SECONDS,
        now: Callable[[], datetime],
    ) -> None:
        self._usage = usage
        self._store = store
        self._worker = worker
        self._seconds = seconds
        self._now = now
        self._number = 0
        self._sent: UsageBatch | None = None
        self._began = self._second()
        self._has_entered = False
        self._settle_at = self._began + SETTLE_SECONDS
        self.failures = 0
        """Attempts that failed since the process began."""

    async def run(self) -> None:
        """Flush until cancelled, and once at the end."""
        try:
            while True:
                await self.flush()
                await asyncio.sleep(self._seconds)
        finally:
            await self._leave()

    async def flush(self) -> bool:
        """Store what was counted. False: the database did not take it, and it is kept."""
        try:
            await self._send()
            if self._second() >= self._settle_at:
                await self._store.settle(self._worker, self._second())
                self._settle_at = self._second() + SETTLE_SECONDS
        except IdnodeError as error:
            self.failures += 1
            self._settle_at = self._second() + SETTLE_SECONDS
            log.warning("usage_flush_postponed", code=error.code, detail=error.detail)
            return False
        return True

    async def _send(self) -> None:
        """The batch that waits, if one does, then what was counted meanwhile."""
        if not self._has_entered:
            await self._store.enter(self._worker, self._began)
            self._has_entered = True
        await self._send_again()
        self._sent = self._usage.take()
        if self._sent is not None:
            self._number += 1
            await self._send_again()

    async def _send_again(self) -> None:
        if self._sent is not None:
            await self._store.add(self._worker, self._number, self._sent)
            self._sent = None

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(LAST_FLUSH_SECONDS_MAX):
                if await self.flush():
                    await self._store.leave(self._worker)
                    return
        except (IdnodeError, TimeoutError) as error:
            log.warning("usage_left_late", reason=type(error).__name__)
        lost = [batch for batch in (self._sent, self._usage.take()) if batch is not None]
        if lost:
            log.error("usage_lost", requests=sum(_requests(batch) for batch in lost))

    def _second(self) -> int:
        return int(self._now().timestamp())


def _requests(batch: UsageBatch) -> int:
    return sum(row.resolutions.times for row in batch.days if row.prefix == NODE and row.resolutions is not None)
