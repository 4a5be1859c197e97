"""Group commit: concurrent writes of a worker share one statement and one commit; each caller gets its own outcome."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from idnode.model.errors import IdnodeError, Unavailable
from idnode.registry.metrics import RegistryCounters
from idnode.storage.database import StorageFault
from idnode.storage.idempotency import ClaimTaken
from idnode.storage.identifiers import RecordWrite, WriteOutcome

GROUP_ROWS_MAX = 256
GROUPS_IN_FLIGHT_MAX = 2
WAITING_ROWS_MAX = 10_000

Commit = Callable[[Sequence[RecordWrite]], Awaitable[list[WriteOutcome]]]
Committed = Callable[[Sequence[str]], None]
"""Takes folded identifiers that were written, or may have been."""
Waiting = tuple[RecordWrite, "asyncio.Future[WriteOutcome]"]


class GroupCommit:
    """A bounded queue of writes and the loops that commit it. Two writes of one identifier never share a group.

    `committed` is told before any caller is, so that nobody who knows of a write finds in memory what stood before it.
    """

    def __init__(self, commit: Commit, counters: RegistryCounters, *, committed: Committed) -> None:
        self._commit = commit
        self._counters = counters
        self._committed = committed
        self._waiting: deque[Waiting] = deque()
        self._under_way: set[str] = set()
        self._arrived = asyncio.Event()

    async def submit(self, write: RecordWrite) -> WriteOutcome:
        """Wait for the group that takes this write along.

        Raises Unavailable when too many writes wait or the database is away; the write may then have been done all
        the same, which is what Idempotency-Key is for.
        """
        if len(self._waiting) >= WAITING_ROWS_MAX:
            raise Unavailable(f"{WAITING_ROWS_MAX} writes wait already; try again shortly")
        verdict: asyncio.Future[WriteOutcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, verdict))
        self._arrived.set()
        return await verdict

    async def run(self) -> None:
        """Commit groups until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(GROUPS_IN_FLIGHT_MAX):
                tasks.create_task(self._commit_groups())

    async def _commit_groups(self) -> None:
        while True:
            group = self._take_group()
            if not group:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            try:
                await self._commit_group(group)
            finally:
                self._under_way.difference_update(write.record.folded for write, _ in group)
                # Writes that had to wait for one of these identifiers may go now.
                self._arrived.set()

    def _take_group(self) -> list[Waiting]:
        group: list[Waiting] = []
        deferred: list[Waiting] = []
        while self._waiting and len(group) < GROUP_ROWS_MAX:
            entry = self._waiting.popleft()
            folded = entry[0].record.folded
            if folded in self._under_way:
                deferred.append(entry)
            else:
                self._under_way.add(folded)
                group.append(entry)
        self._waiting.extendleft(reversed(deferred))
        return group

    async def _commit_group(self, group: list[Waiting]) -> None:
        try:
            outcomes = await self._commit([write for write, _ in group])
        except Unavailable as error:
            # It may have been committed all the same.
            self._committed([write.record.folded for write, _ in group])
            for _, verdict in group:
                _tell_failure(verdict, error)
            return
        except (ClaimTaken, StorageFault) as error:
            await self._commit_one_by_one(group, error)
            return
        self._counters.groups += 1
        done = zip(group, outcomes, strict=True)
        self._committed([write.record.folded for (write, _), outcome in done if outcome is WriteOutcome.COMMITTED])
        for (_, verdict), outcome in zip(group, outcomes, strict=True):
            _tell(verdict, outcome)

    async def _commit_one_by_one(self, group: list[Waiting], error: ClaimTaken | StorageFault) -> None:
        """One row broke the transaction for all (a taken Idempotency-Key, say): its neighbours try again without it."""
        if len(group) > 1:
            for entry in group:
                await self._commit_group([entry])
        elif isinstance(error, ClaimTaken):
            _tell(group[0][1], WriteOutcome.CLAIM_TAKEN)
        else:
            _tell_failure(group[0][1], error)


def _tell(verdict: "asyncio.Future[WriteOutcome]", outcome: WriteOutcome) -> None:
    # A caller that went away has cancelled its future; its write stands.
    if not verdict.done():
        verdict.set_result(outcome)


def _tell_failure(verdict: "asyncio.Future[WriteOutcome]", error: IdnodeError) -> None:
    if not verdict.done():
        verdict.set_exception(error)
