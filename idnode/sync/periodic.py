"""Work that the leading relay does again and again."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from idnode.model.errors import IdnodeError

log = structlog.get_logger("idnode.sync")


class Periodic:
    """Does something at once, and `every_seconds` from then on; what fails is done again at its next time."""

    def __init__(self, act: Callable[[], Awaitable[None]], *, every_seconds: float) -> None:
        self._act = act
        self._every_seconds = every_seconds

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._act()
            except IdnodeError as error:
                log.warning("work_postponed", code=error.code, detail=error.detail)
            await asyncio.sleep(self._every_seconds)
