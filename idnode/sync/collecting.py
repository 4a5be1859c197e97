"""Takes committed changes into the ledger, and releases at the end of a period all that was committed in it."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from idnode.storage.ledger import Ledger
from idnode.sync.releases import Releases

COLLECT_SECONDS = 0.1
"""From one look at the change log to the next: so long a change waits at most to be taken in."""
CAUGHT_UP_CHANGES_MAX = 1_000
"""The ledger takes a backlog in by steps that are longer; a look that brings fewer has come to the end of the log."""


class Collecting:
    """`wake` is called when there may be something to send. `has_caught_up` is set when the log's end was seen once."""

    def __init__(
        self, ledger: Ledger, releases: Releases, *, wake: Callable[[], None], now: Callable[[], datetime]
    ) -> None:
        self.has_caught_up = asyncio.Event()
        self._ledger = ledger
        self._releases = releases
        self._wake = wake
        self._now = now

    async def run(self) -> None:
        """Collect until cancelled. Raises LeadershipLost."""
        while True:
            if await self.look():
                await asyncio.sleep(COLLECT_SECONDS)

    async def look(self) -> bool:
        """Take in what there is, and release what is due; False when there may be more to take in."""
        # A period that ends after this moment is not over yet for what is taken in below.
        at = self._now()
        taken = await self._ledger.collect()
        is_at_end = taken <= CAUGHT_UP_CHANGES_MAX
        if is_at_end:
            self.has_caught_up.set()
            due = self._releases.due(at, has_taken=taken > 0)
            if due:
                await self._ledger.release(due, at)
                self._releases.released(due, at)
                self._wake()
        if taken:
            self._wake()
        return is_at_end
