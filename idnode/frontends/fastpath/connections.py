"""All connections of a worker, for the listener: let in through the front, left in order, closed."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from idnode.frontends.fastpath.connection import Connection
from idnode.frontends.fastpath.front import Front, FrontLimits
from idnode.frontends.listener import ApplicationConnections


class MakeFront(Protocol):
    """Makes the front of aiohttp's connection handlers."""

    def __call__(self, handler: Callable[[], asyncio.Protocol], *, limits: FrontLimits) -> Front:
        """A new one."""


class FrontConnections:
    """The front before aiohttp."""

    def __init__(self, application: ApplicationConnections, make_front: MakeFront, limits: FrontLimits) -> None:
        self._application = application
        self._front = make_front(application.new, limits=limits)
        self._looking = asyncio.get_running_loop().create_task(self._front.run())

    @property
    def open(self) -> int:
        """How many there are."""
        return self._front.connections

    def new(self) -> asyncio.Protocol:
        """One that was just accepted."""
        return Connection(self._front)

    def leave(self) -> None:
        """From now on every answer is the last one of its connection."""
        self._application.leave()
        self._front.leave()

    @property
    def owed(self) -> int:
        """How many requests wait for an answer, and answers for their last byte to be sent."""
        return self._application.owed + self._front.owed

    async def close(self) -> None:
        """Close all."""
        self._looking.cancel()
        self._front.close()
        await self._application.close()
