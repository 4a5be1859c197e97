"""One relay leads over all hosts: the others ask for the lead every two seconds, and get it when the leader is gone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from idnode.model.errors import Unavailable
from idnode.storage.ledger import LeadershipLost, Ledger
from idnode.sync.metrics import RelayCounters

ELECTION_SECONDS = 2.0

log = structlog.get_logger("idnode.sync")


class Leader(Protocol):
    """What one process of all does."""

    @property
    def counters(self) -> RelayCounters:
        """What it counts."""

    async def lead(self, ledger: Ledger) -> None:
        """Until cancelled. Raises a group with LeadershipLost; all that runs has ended then."""


class Leading:
    """`elect` brings the ledger, or None while somebody else has it."""

    def __init__(self, relay: Leader, *, elect: Callable[[], Awaitable[Ledger | None]]) -> None:
        self._relay = relay
        self._elect = elect

    async def run(self) -> None:
        """Lead whenever nobody else does, until cancelled."""
        while True:
            try:
                ledger = await self._elect()
                self._relay.counters.is_led_elsewhere = ledger is None
                if ledger is not None:
                    await self._lead(ledger)
            except* (LeadershipLost, Unavailable) as lost:
                log.warning("lead_lost", detail=str(lost.exceptions[0]))
            await asyncio.sleep(ELECTION_SECONDS)

    async def _lead(self, ledger: Ledger) -> None:
        counters = self._relay.counters
        counters.elections += 1
        counters.is_leading = True
        log.info("relay_leads")
        try:
            await self._relay.lead(ledger)
        finally:
            counters.is_leading = False
            await ledger.close()
