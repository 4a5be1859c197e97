"""A node as a value: what it answers with, what it does besides, and what it holds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog
from aiohttp import web
from prometheus_client.registry import Collector

from idnode.config import Settings
from idnode.frontends.authentication import Authentication
from idnode.frontends.fastpath.calls import Calls
from idnode.frontends.fastpath.connections import MakeFront
from idnode.frontends.fastpath.front import FrontLimits
from idnode.frontends.metrics import HttpCounters
from idnode.frontends.native.administration import Administration
from idnode.frontends.native.front import NativeFront
from idnode.frontends.native.resolving import NativeResolving
from idnode.frontends.ops.resolving import Resolving
from idnode.frontends.v1.routes import Route
from idnode.lifecycle import now
from idnode.model.errors import IdnodeError
from idnode.registry.group_commit import GroupCommit
from idnode.registry.seeding import FirstRun
from idnode.resolver.coalesce import ReadCoalescer
from idnode.resolver.freshness import Freshness
from idnode.resolver.usage_flush import UsageFlusher
from idnode.storage.database import Database
from idnode.storage.directory import Directory
from idnode.storage.feed import ChangeFeed
from idnode.storage.idempotency import IdempotencyStore
from idnode.storage.lookups import Lookups
from idnode.storage.migrate import ensure_change_partitions
from idnode.storage.usage import UsageStore

ADMIN_KEY_FILE = "admin.key"
USES_FLUSH_SECONDS = 5.0
UPKEEP_SECONDS = 3_600.0
WORKERS_REMEMBERED = timedelta(days=7)
"""After that a worker that was not heard of is not coming back with counts that it could not store."""

MakeNative = Callable[[FrontLimits], NativeFront]

log = structlog.get_logger("idnode")


@dataclass(slots=True)
class Node:
    """A node on an open database, ready to be served: its application, its route table and its background work."""

    application: web.Application
    routes: tuple[Route, ...]
    first_run: FirstRun
    group_commit: GroupCommit
    calls: Calls
    coalescer: ReadCoalescer
    lookups: Lookups
    directory: Directory
    feed: ChangeFeed
    freshness: Freshness
    resolving: Resolving
    usage_store: UsageStore
    usage_flusher: UsageFlusher
    authentication: Authentication
    idempotency: IdempotencyStore
    database: Database
    http: HttpCounters
    counters: Collector
    make_front: MakeFront
    native_resolving: NativeResolving
    make_native: MakeNative
    native: NativeFront
    administration: Administration
    is_draining: bool = False

    async def flush_uses(self) -> None:
        """Write down when keys were last used, until cancelled and once at the end."""
        try:
            while True:
                await asyncio.sleep(USES_FLUSH_SECONDS)
                await self._flush_uses()
        finally:
            await self._flush_uses()

    async def upkeep(self, settings: Callable[[], Settings]) -> None:
        """Forget old answers and workers, make the change log's next partitions, every hour until cancelled."""
        while True:
            try:
                await self.idempotency.forget_before(now() - timedelta(hours=settings().idempotency_hours))
                await ensure_change_partitions(self.database, today=now().date())
                await self.usage_store.forget_workers(int((now() - WORKERS_REMEMBERED).timestamp()))
            except IdnodeError as error:
                log.warning("upkeep_postponed", code=error.code, detail=error.detail)
            await asyncio.sleep(UPKEEP_SECONDS)

    async def _flush_uses(self) -> None:
        try:
            await self.authentication.flush_uses()
        except IdnodeError as error:
            log.warning("uses_lost", code=error.code, detail=error.detail)


@asynccontextmanager
async def running(node: Node) -> AsyncIterator[None]:
    """The background work of a node for the length of a block."""
    async with asyncio.TaskGroup() as tasks:
        background = [
            tasks.create_task(work)
            for work in (
                node.group_commit.run(),
                node.calls.run(),
                node.native_resolving.run(),
                node.administration.run(),
                node.native.run(),
                node.coalescer.run(),
                node.lookups.run(),
                node.directory.run(),
                node.feed.run(),
                node.freshness.run(),
                node.flush_uses(),
                node.usage_flusher.run(),
            )
        ]
        try:
            yield
        finally:
            for task in background:
                task.cancel()


def front_limits(settings: Settings) -> FrontLimits:
    """What a client may take of this node."""
    return FrontLimits(settings.connections, settings.header_seconds, settings.idle_seconds)
