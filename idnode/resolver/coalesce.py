"""Coalesced reads: concurrent lookups of one identifier are one read, of many identifiers one statement."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from idnode.model.errors import IdnodeError, Unavailable
from idnode.storage.identifiers import StoredRecord

KEYS_MAX = 256
"""Keys of one statement."""
STATEMENTS_IN_FLIGHT_MAX = 2
WAITING_KEYS_MAX = 20_000
LOOKUP_SECONDS_MAX = 0.8
"""Of a lookup that waits for a statement and then for its rows."""
READ_SECONDS_MIN = 0.1
"""What a statement gets whose keys have waited long already."""
WAIT_SECONDS_MAX = 0.85
"""Keys that have waited longer are not read any more, so that no caller waits longer than this and READ_SECONDS_MIN."""

Told = Callable[[StoredRecord | None, IdnodeError | None], None]
"""Takes the record, or None for what does not exist, or else the reason why nothing could be read."""
Read = Callable[[Sequence[str], float], Awaitable[Mapping[str, StoredRecord]]]
"""Finds records, or raises Unavailable after the seconds given."""

log = structlog.get_logger("idnode.resolver")


class ReadCoalescer:
    """Gathers the keys that are asked for while statements are under way, and reads them together.

    A lookup never sees a read that was begun before it asked: what was committed before is in its answer.
    """

    def __init__(self, read: Read, *, monotonic: Callable[[], float]) -> None:
        self._read = read
        self._monotonic = monotonic
        # Kept, because asking for it costs a system call, and every lookup would.
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, list[Told]] = {}
        # When each waiting key was first asked for, in the same order.
        self._asked_at: list[float] = []
        self._arrived = asyncio.Event()

    def ask(self, folded: str, told: Told) -> None:
        """Begin a lookup; `told` is called in a later turn of the loop and must not wait.

        Its error is Unavailable when the database is away. Raises Unavailable when too many keys wait.
        """
        # A list of functions and not a future for each: the event loop has nothing to do for those.
        waiting = self._waiting.get(folded)
        if waiting is not None:
            waiting.append(told)
            return
        if len(self._waiting) >= WAITING_KEYS_MAX:
            raise Unavailable(f"{WAITING_KEYS_MAX} lookups wait already; try again shortly")
        self._waiting[folded] = [told]
        self._asked_at.append(self._monotonic())
        self._arrived.set()

    async def find(self, folded: str) -> StoredRecord | None:
        """The record with this key. Raises Unavailable when the database is away or too many keys wait."""
        verdict: asyncio.Future[StoredRecord | None] = self._loop.create_future()

        def told(stored: StoredRecord | None, error: IdnodeError | None) -> None:
            if verdict.done():
                return
            if error is None:
                verdict.set_result(stored)
            else:
                verdict.set_exception(error)

        self.ask(folded, told)
        return await verdict

    async def run(self) -> None:
        """Read until cancelled; nothing is found without it."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(STATEMENTS_IN_FLIGHT_MAX):
                tasks.create_task(self._read_groups())

    async def _read_groups(self) -> None:
        while True:
            await self._arrived.wait()
            if self._waiting:
                asked_at = self._asked_at[0]
                await self._read_group(self._take_group(), waited=self._monotonic() - asked_at)

    def _take_group(self) -> dict[str, list[Told]]:
        if len(self._waiting) <= KEYS_MAX:
            group, self._waiting, self._asked_at = self._waiting, {}, []
            self._arrived.clear()
            return group
        del self._asked_at[:KEYS_MAX]
        return {key: self._waiting.pop(key) for key in list(self._waiting)[:KEYS_MAX]}

    async def _read_group(self, group: dict[str, list[Told]], *, waited: float) -> None:
        found: Mapping[str, StoredRecord] = {}
        failure: IdnodeError | None = None
        try:
            if waited > WAIT_SECONDS_MAX:
                raise Unavailable("the database answers too slowly; try again shortly")
            found = await self._read(list(group), max(LOOKUP_SECONDS_MAX - waited, READ_SECONDS_MIN))
        except IdnodeError as error:
            failure = error
        for key, waiting in group.items():
            stored = found.get(key)
            for told in waiting:
                try:
                    told(stored, failure)
                except Exception:  # as the event loop does with its callbacks: one caller's fault is not the others'
                    log.exception("lookup_told_in_vain", key=key)
