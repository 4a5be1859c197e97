"""Puts a simulated top node together and serves it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from idnode.simulator.doorkeeper import Credentials, Doorkeeper
from idnode.simulator.journal import Journal
from idnode.simulator.server import application
from idnode.simulator.settings import Awkwardness
from idnode.simulator.store import Store
from idnode.simulator.top_node import Randomness, TopNode

SHUTDOWN_SECONDS = 2
KEEP_ALIVE_SECONDS = 75


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where it listens and keeps what, and what it does by seed. Without `store` it forgets when it ends."""

    awkwardness: Awkwardness
    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 1
    store: Path | None = None
    journal: Path | None = None
    credentials: Credentials | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A simulated top node that serves."""

    top_node: TopNode
    port: int


@asynccontextmanager
async def simulated(arrangement: Arrangement, *, clock: Callable[[], float]) -> AsyncIterator[Running]:
    """Serve for the length of the block; `clock` gives epoch seconds. Raises OSError if the address is taken."""
    store, journal = Store(arrangement.store), Journal(arrangement.journal)
    try:
        top_node = TopNode(
            arrangement.awkwardness,
            store=store,
            journal=journal,
            randomness=Randomness.seeded(arrangement.seed),
            clock=clock,
        )
        doorkeeper = Doorkeeper(arrangement.credentials, top_node.now)
        runner = web.AppRunner(
            application(top_node, doorkeeper),
            access_log=None,
            shutdown_timeout=SHUTDOWN_SECONDS,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, arrangement.host, arrangement.port)
            await site.start()
            yield Running(top_node, int(runner.addresses[0][1]))
        finally:
            top_node.close()
            await runner.cleanup()
    finally:
        store.close()
        journal.close()
