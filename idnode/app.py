"""The composition root: the one place that names concrete classes, opens what the node holds and closes it again."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from aiohttp import web
from prometheus_client.registry import Collector

from idnode.app_directory import DirectoryStores, compose_directory
from idnode.app_handle import compose_handle_rest
from idnode.app_services import Services
from idnode.app_snms import compose_snms_enterprises, compose_snms_identifiers
from idnode.app_writing import compose_batches, compose_imports, compose_naming, compose_relations
from idnode.config import Settings
from idnode.frontends.answer import HttpDate
from idnode.frontends.authentication import Authentication
from idnode.frontends.boundary import Boundary, middleware
from idnode.frontends.client_address import ClientAddress
from idnode.frontends.counting import Counting
from idnode.frontends.fastpath.calls import Calls
from idnode.frontends.fastpath.connections import FrontConnections, MakeFront
from idnode.frontends.fastpath.front import Beginnings, Front, FrontCounters, FrontLimits
from idnode.frontends.fastpath.heads import Heads
from idnode.frontends.fastpath.misses import Misses
from idnode.frontends.fastpath.plain_misses import PlainMisses
from idnode.frontends.limiting import Limiting
from idnode.frontends.listener import ApplicationConnections, Connections, Listener
from idnode.frontends.metrics import HttpCounters
from idnode.frontends.native.front import NativeFront
from idnode.frontends.native.plain_reads import PlainReads
from idnode.frontends.native.resolving import NativeResolving
from idnode.frontends.ops.health import Health
from idnode.frontends.ops.metrics import NodeCollector, metrics_route, process_registry
from idnode.frontends.ops.resolving import Resolving, ResolvingCollector
from idnode.frontends.ops.snapshots import Snapshot, taken
from idnode.frontends.request_ids import RequestIds
from idnode.frontends.token_bucket import ENTRIES_MAX, TokenBuckets
from idnode.frontends.v1.dispatch import Dispatcher
from idnode.frontends.v1.identifiers import IdentifiersApi
from idnode.frontends.v1.mount import v1_routes
from idnode.frontends.v1.routes import Route
from idnode.lifecycle import BACKLOG, new_id, now
from idnode.model.errors import IdnodeError
from idnode.model.limits import REQUEST_BYTES_MAX
from idnode.registry.batches import BatchWriter
from idnode.registry.directory_writes import DirectoryWriter
from idnode.registry.group_commit import GroupCommit
from idnode.registry.metrics import RegistryCounters
from idnode.registry.planning import RecordPlanner
from idnode.registry.rules.moments import node_day
from idnode.registry.seeding import FirstRun
from idnode.registry.service import RegistryService
from idnode.resolver.cache import AnswerCache
from idnode.resolver.coalesce import ReadCoalescer
from idnode.resolver.freshness import Freshness
from idnode.resolver.metrics import ResolverCounters
from idnode.resolver.service import ResolverService
from idnode.resolver.tally import Turn
from idnode.resolver.usage import Usage
from idnode.resolver.usage_flush import UsageFlusher
from idnode.storage.changes import ChangeStore
from idnode.storage.database import Database
from idnode.storage.directory import Directory
from idnode.storage.feed import ChangeFeed
from idnode.storage.idempotency import IdempotencyStore
from idnode.storage.identifiers import IdentifierStore
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


def compose(
    settings: Settings, database: Database, dsn: str, *, scrape: Callable[[], Awaitable[Snapshot]] | None = None
) -> Node:
    """Wire the services and front-ends of a node together. `scrape` brings the counters of all its workers."""
    stores, identifiers, idempotency = (
        DirectoryStores.of(database),
        IdentifierStore(database),
        IdempotencyStore(database),
    )
    directory = Directory(stores.keys, stores.prefixes, stores.templates, monotonic=time.monotonic)
    written, looked_up, http = RegistryCounters(), ResolverCounters(), HttpCounters()

    cache = AnswerCache(bytes_max=settings.cache_bytes, negative_bytes_max=settings.negative_cache_bytes)
    lookups, freshness = Lookups(dsn), Freshness(cache, directory.forget, monotonic=time.monotonic)

    writer = DirectoryWriter(database, written, committed=freshness.changed, now=now, new_id=new_id)
    side = compose_directory(settings, database, stores, directory, writer)
    usage = Usage(nanoseconds=time.perf_counter_ns, time_ns=time.time_ns, node_day=node_day)
    group_commit = GroupCommit(identifiers.commit, written, committed=freshness.written)
    coalescer = ReadCoalescer(lookups.find_many, monotonic=time.monotonic)
    planner = RecordPlanner(directory)
    registry = RegistryService(
        identifiers, planner, group_commit, written, registered=usage.registered, nanoseconds=time.perf_counter_ns
    )
    resolver = ResolverService(lookups.find_many, coalescer, directory, looked_up)

    client_address = ClientAddress(settings.client_address, settings.trusted_proxies)
    counting = Counting(http, usage, directory, client_address)
    limiting = Limiting(
        TokenBuckets(settings.requests_per_second, settings.requests_burst, ENTRIES_MAX, time.monotonic)
    )
    date = HttpDate(time.time)
    beginnings = Beginnings(date, usage.tallies)
    misses = Misses(resolver, cache, freshness, usage, beginnings, stale_seconds_max=settings.stale_seconds)

    authentication = Authentication(directory, stores.keys, now=now)
    dispatcher = Dispatcher(authentication, idempotency, written, now=now)
    services = Services(
        settings,
        database,
        stores,
        directory,
        side,
        writer,
        identifiers,
        ChangeStore(database),
        planner,
        registry,
        BatchWriter(identifiers, planner, written, committed=freshness.written),
        resolver,
        freshness,
        authentication,
        counting,
    )
    table = (*side.routes, *_identifier_routes(services), *side.more_routes)
    boundary = Boundary(counting, limiting, RequestIds(new_id().hex))
    calls = Calls(Heads(table), dispatcher, boundary, beginnings, client_address)
    application = web.Application(
        middlewares=[middleware(boundary, date, misses.stale_response, is_draining=lambda: node.is_draining)],
        client_max_size=REQUEST_BYTES_MAX,
    )
    usage_store, front_counters = UsageStore(database), FrontCounters()
    usage_flusher = UsageFlusher(usage, usage_store, worker=new_id(), now=now)
    resolving = Resolving(cache, freshness, lookups, usage, usage_flusher, front_counters, limiting)
    counters = process_registry(NodeCollector(http, usage, written, looked_up, database), ResolvingCollector(resolving))

    turn = Turn(usage, nanoseconds=time.perf_counter_ns, call_soon=asyncio.get_running_loop().call_soon)
    native_resolving = NativeResolving(resolver, cache, usage, seconds=time.time)

    async def scrape_own() -> Snapshot:
        return taken(counters)

    node = Node(
        application=application,
        routes=table,
        first_run=FirstRun(
            side.enterprises, stores.enterprises, side.prefixes, side.templates, side.keys, registry, now=now
        ),
        group_commit=group_commit,
        calls=calls,
        coalescer=coalescer,
        lookups=lookups,
        directory=directory,
        feed=ChangeFeed(dsn, follower=freshness, monotonic=time.monotonic, is_own=database.owns),
        freshness=freshness,
        resolving=resolving,
        usage_store=usage_store,
        usage_flusher=usage_flusher,
        authentication=authentication,
        idempotency=idempotency,
        database=database,
        http=http,
        counters=counters,
        make_front=partial(
            Front,
            cache=cache,
            usage=usage,
            turn=turn,
            beginnings=beginnings,
            ask=misses.ask,
            ask_plainly=PlainMisses(misses, resolver, looked_up, cache, usage, beginnings).ask,
            call=calls.begin,
            client_address=client_address,
            limiting=limiting,
            counters=front_counters,
            monotonic=time.monotonic,
        ),
        native_resolving=native_resolving,
        make_native=partial(
            NativeFront,
            native_resolving,
            PlainReads(resolver, looked_up, cache, usage, seconds=time.time),
            lambda *_: False,
            site=b"",
            cache=cache,
            usage=usage,
            turn=turn,
            limiting=limiting,
            monotonic=time.monotonic,
            seconds=time.time,
        ),
    )
    application.add_routes(
        v1_routes(table, dispatcher, client_of=counting.client_of, body_seconds_max=settings.body_seconds)
    )
    application.add_routes(Health(database, is_draining=lambda: node.is_draining).routes())
    application.add_routes([metrics_route(scrape or scrape_own)])
    application.add_routes([*compose_snms_identifiers(services), *compose_snms_enterprises(services)])
    application.add_routes(compose_handle_rest(services))
    return node


def _identifier_routes(services: Services) -> tuple[Route, ...]:
    one_by_one = IdentifiersApi(
        services.registry, services.resolver, services.identifiers, services.changes, services.counting
    )
    return (
        *one_by_one.routes(),
        *compose_batches(services),
        *compose_imports(services),
        *compose_relations(services),
        *compose_naming(services),
    )


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


@asynccontextmanager
async def answering(
    node: Node, settings: Settings, listener: socket.socket, *, takes_queue: Callable[[], bool] = lambda: False
) -> AsyncIterator[None]:
    """HTTP for the length of a block; what is under way at its end gets `drain_seconds`.

    So do, if `takes_queue` says so then, the clients that wait at the socket: nobody else will serve them.
    """
    accepting = Listener(listener, await _connections(node, settings), backlog=BACKLOG)
    await accepting.start()
    try:
        yield
    finally:
        await accepting.stop_accepting(takes_queue=takes_queue())
        await accepting.drain(settings.drain_seconds)
        await accepting.close()


async def _connections(node: Node, settings: Settings) -> Connections:
    """What a listener lets clients in to."""

    def leave() -> None:
        node.is_draining = True

    application = await ApplicationConnections.open_for(
        node.application, node.http, idle_seconds=settings.idle_seconds, leave=leave
    )
    limits = FrontLimits(settings.connections, settings.header_seconds, settings.idle_seconds)
    return FrontConnections(application, node.make_front, limits)
