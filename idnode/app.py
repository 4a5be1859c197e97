"""The composition root: the one place that names concrete classes, and wires them together."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import web

from idnode.app_directory import DirectoryStores, compose_directory
from idnode.app_handle import (
    compose_administration,
    compose_handle_admins,
    compose_handle_rest,
    compose_recursion,
    compose_signing_keys,
    own_site_of,
)
from idnode.app_node import Node, front_limits
from idnode.app_secrets import compose_signatures
from idnode.app_services import Services
from idnode.app_snms import compose_reviews, compose_snms_enterprises, compose_snms_identifiers
from idnode.app_writing import compose_batches, compose_imports, compose_naming, compose_relations
from idnode.config import Settings
from idnode.frontends.answer import HttpDate
from idnode.frontends.authentication import Authentication
from idnode.frontends.boundary import Boundary, middleware
from idnode.frontends.client_address import ClientAddress
from idnode.frontends.counting import Counting
from idnode.frontends.fastpath.calls import Calls
from idnode.frontends.fastpath.front import Beginnings, Front, FrontCounters
from idnode.frontends.fastpath.heads import Heads
from idnode.frontends.fastpath.misses import Misses
from idnode.frontends.fastpath.plain_misses import PlainMisses
from idnode.frontends.limiting import Limiting
from idnode.frontends.metrics import HttpCounters
from idnode.frontends.native.front import NativeFront
from idnode.frontends.native.metrics import NativeCounters
from idnode.frontends.native.plain_reads import PlainReads
from idnode.frontends.native.resolving import NativeResolving
from idnode.frontends.native.tunnel import Tunnel
from idnode.frontends.ops.health import Health
from idnode.frontends.ops.metrics import NodeCollector, metrics_route, process_registry
from idnode.frontends.ops.native import NativeCollector
from idnode.frontends.ops.resolving import Resolving, ResolvingCollector
from idnode.frontends.ops.snapshots import Snapshot, taken
from idnode.frontends.request_ids import RequestIds
from idnode.frontends.snms.envelope import wording
from idnode.frontends.token_bucket import ENTRIES_MAX, TokenBuckets
from idnode.frontends.v1.dispatch import Dispatcher
from idnode.frontends.v1.identifiers import IdentifiersApi
from idnode.frontends.v1.mount import v1_routes
from idnode.frontends.v1.routes import Route
from idnode.lifecycle import new_id, now
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
from idnode.storage.usage import UsageStore


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
    planner = RecordPlanner(
        directory, restore_days=settings.restore_days, signing=compose_signatures(settings, database)
    )
    registry = RegistryService(
        identifiers, planner, group_commit, written, registered=usage.registered, nanoseconds=time.perf_counter_ns
    )
    own_site = own_site_of(settings)
    resolver = ResolverService(
        lookups.find_many,
        coalescer,
        directory,
        looked_up,
        own_site=own_site,
        find_elsewhere=compose_recursion(settings),
    )

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
        dsn,
        stores,
        directory,
        side,
        writer,
        identifiers,
        ChangeStore(database),
        planner,
        registry,
        BatchWriter(
            identifiers,
            planner,
            written,
            committed=freshness.written,
            registered=usage.registered,
            nanoseconds=time.perf_counter_ns,
        ),
        resolver,
        freshness,
        authentication,
        counting,
    )
    table = (*side.routes, *_identifier_routes(services), *side.more_routes)
    boundary = Boundary(counting, limiting, RequestIds(new_id().hex))
    calls = Calls(Heads(table), dispatcher, boundary, beginnings, client_address)
    application = web.Application(
        middlewares=[
            middleware(boundary, date, misses.stale_response, wording=wording, is_draining=lambda: node.is_draining)
        ],
        client_max_size=REQUEST_BYTES_MAX,
    )
    usage_store, front_counters = UsageStore(database), FrontCounters()
    usage_flusher = UsageFlusher(usage, usage_store, worker=new_id(), now=now)
    resolving = Resolving(cache, freshness, lookups, usage, usage_flusher, front_counters, limiting)
    turn = Turn(usage, nanoseconds=time.perf_counter_ns, call_soon=asyncio.get_running_loop().call_soon)
    administration = compose_administration(services)
    native_resolving = NativeResolving(resolver, cache, usage, seconds=time.time)
    make_native = partial(
        NativeFront,
        native_resolving,
        PlainReads(resolver, looked_up, cache, usage, seconds=time.time),
        administration.administer,
        unseal=administration.unseal,
        site=b"" if (site := own_site()) is None else site.encode(),
        cache=cache,
        usage=usage,
        turn=turn,
        limiting=limiting,
        counters=NativeCounters(),
        monotonic=time.monotonic,
        seconds=time.time,
    )
    native = make_native(front_limits(settings))
    counters = process_registry(
        NodeCollector(http, usage, written, looked_up, database),
        ResolvingCollector(resolving),
        NativeCollector(native),
    )

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
        make_native=make_native,
        native=native,
        administration=administration,
    )
    application.add_routes(
        v1_routes(table, dispatcher, client_of=counting.client_of, body_seconds_max=settings.body_seconds)
    )
    application.add_routes(Health(database, is_draining=lambda: node.is_draining).routes())
    application.add_routes([metrics_route(scrape or scrape_own)])
    application.add_routes([*compose_snms_identifiers(services), *compose_snms_enterprises(services)])
    application.add_routes(Tunnel(native, client_of=counting.client_of).routes())
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
        *compose_reviews(services),
        *compose_handle_admins(services),
        *compose_signing_keys(services),
    )
