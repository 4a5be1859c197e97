"""Callers that must go one after the other: a queue for each name, bounded in length and in time."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from idnode.model.errors import Unavailable

WAITING_CALLERS_MAX = 1_000
"""For one name."""
TURN_SECONDS_MAX = 5.0
"""That a caller waits. What it does in its turn has deadlines of its own."""

Turn = asyncio.Future[None]


class Turns:
    """Lets callers of this process through in the order of their arrival, one for each name at a time."""

    def __init__(self) -> None:
        self._queues: dict[Hashable, deque[Turn]] = {}

    @asynccontextmanager
    async def turn(self, name: Hashable) -> AsyncIterator[None]:
        """The caller's turn for the length of a block. Raises Unavailable when it does not come in time."""
        queue = self._queues.get(name)
        if queue is None:
            self._queues[name] = deque()
        else:
            await self._wait(name, queue)
        try:
            yield
        finally:
            self._pass_on(name)

    async def _wait(self, name: Hashable, queue: deque[Turn]) -> None:
        if len(queue) >= WAITING_CALLERS_MAX:
            raise Unavailable(f"{WAITING_CALLERS_MAX} requests wait for their turn already; try again shortly")
        turn: Turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout(TURN_SECONDS_MAX):
                await turn
        except TimeoutError as error:
            raise Unavailable(f"the turn did not come within {TURN_SECONDS_MAX:g} seconds; try again") from error
        except asyncio.CancelledError:
            # It may have come in the very moment in which its caller went away.
            if turn.done() and not turn.cancelled():
                self._pass_on(name)
            raise

    def _pass_on(self, name: Hashable) -> None:
        queue = self._queues[name]
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._queues[name]
