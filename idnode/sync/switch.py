"""Whether the operator lets the relay deliver."""

import asyncio


class Switch:
    """Off until it is said to be on."""

    def __init__(self) -> None:
        self._is_on = asyncio.Event()

    @property
    def is_on(self) -> bool:
        """Batches may be delivered."""
        return self._is_on.is_set()

    async def until_on(self) -> None:
        """Wait for it."""
        await self._is_on.wait()

    def turn(self, *, on: bool) -> None:
        """From the next batch on."""
        if on:
            self._is_on.set()
        else:
            self._is_on.clear()
