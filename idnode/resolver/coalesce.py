"""Coalesced reads: concurrent lookups of one identifier are one read, of many identifiers one statement."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from idnode.model.errors import IdnodeError, Unavailable
from idnode.storage.identifiers import StoredRecord

KEYS_MAX = 256
"""Keys of one statement."""
STATEMENTS_IN_FLIGHT_MAX = 2
WAITING_KEYS_MAX = 20_000

Read = Callable[[Sequence[str]], Awaitable[Mapping[str, StoredRecord]]]


class ReadCoalescer:
    """Gathers the keys that are asked for while statements are under way, and reads them together.

    A lookup never sees a read that was begun before it asked: what was committed before is in its answer.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._waiting: dict[str, asyncio.Future[StoredRecord | None]] = {}
        self._arrived = asyncio.Event()

    async def find(self, folded: str) -> StoredRecord | None:
        """The record with this key. Raises Unavailable when the database is away or too many keys wait."""
        verdict = self._waiting.get(folded)
        if verdict is None:
            if len(self._waiting) >= WAITING_KEYS_MAX:
                raise Unavailable(f"{WAITING_KEYS_MAX} lookups wait already; try again shortly")
            verdict = self._waiting[folded] = asyncio.get_running_loop().create_future()
            self._arrived.set()
        # One caller that goes away must not take the answer from the others.
        return await asyncio.shield(verdict)

    async def run(self) -> None:
        """Read until cancelled; nothing is found without it."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(STATEMENTS_IN_FLIGHT_MAX):
                tasks.create_task(self._read_groups())

    async def _read_groups(self) -> None:
        while True:
            await self._arrived.wait()
            group = self._take_group()
            if group:
                await self._read_group(group)

    def _take_group(self) -> dict[str, "asyncio.Future[StoredRecord | None]"]:
        if len(self._waiting) <= KEYS_MAX:
            group, self._waiting = self._waiting, {}
            self._arrived.clear()
            return group
        return {key: self._waiting.pop(key) for key in list(self._waiting)[:KEYS_MAX]}

    async def _read_group(self, group: dict[str, "asyncio.Future[StoredRecord | None]"]) -> None:
        try:
            found = await self._read(list(group))
        except IdnodeError as error:
            for verdict in group.values():
                verdict.set_exception(error)
                # Whoever asked may have gone away; the loop is not to complain of an error that nobody fetched.
                verdict.exception()
            return
        for key, verdict in group.items():
            verdict.set_result(found.get(key))
