"""The composition root: the one place that names concrete classes, opens what the node holds and closes it again."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog
from aiohttp import web

from idnode.config import Settings
from idnode.frontends.authentication import Authentication
from idnode.frontends.boundary import boundary
from idnode.frontends.metrics import HttpCounters
from idnode.frontends.ops.health import Health
from idnode.frontends.ops.metrics import NodeCollector, metrics_route
from idnode.frontends.request_ids import RequestIds
from idnode.frontends.rest.handles import HandleRest
from idnode.frontends.v1.dispatch import Dispatcher
from idnode.frontends.v1.enterprises import EnterprisesApi
from idnode.frontends.v1.identifiers import IdentifiersApi
from idnode.frontends.v1.keys import KeysApi
from idnode.frontends.v1.mount import v1_routes
from idnode.frontends.v1.prefixes import PrefixesApi
from idnode.frontends.v1.routes import Route
from idnode.frontends.v1.templates import TemplatesApi
from idnode.lifecycle import (
    BACKLOG,
    ensure_home,
    listening_socket,
    new_id,
    new_secret,
    now,
    settle_garbage_collection,
    stop_signal,
    write_secret,
)
from idnode.model.errors import IdnodeError
from idnode.model.identifier import Prefix
from idnode.model.limits import REQUEST_BYTES_MAX
from idnode.registry.directory_writes import DirectoryWriter
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.registry.group_commit import GroupCommit
from idnode.registry.keys import KeyRegistry
from idnode.registry.metrics import RegistryCounters
from idnode.registry.prefixes import PrefixRegistry
from idnode.registry.rules.moments import node_day
from idnode.registry.seeding import FirstRun
from idnode.registry.service import RegistryService
from idnode.registry.templates import TemplateRegistry
from idnode.resolver.coalesce import ReadCoalescer
from idnode.resolver.metrics import ResolverCounters
from idnode.resolver.service import ResolverService
from idnode.storage.changes import ChangeStore
from idnode.storage.database import Database
from idnode.storage.directory import Directory
from idnode.storage.doorbell import Doorbell
from idnode.storage.embedded import EmbeddedPostgres, EmbeddedPostgresFailed, PostgresBinaries
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.idempotency import IdempotencyStore
from idnode.storage.identifiers import IdentifierStore
from idnode.storage.inspection import running_embedded_dsn
from idnode.storage.keys import KeyStore
from idnode.storage.migrate import ensure_change_partitions, migrate
from idnode.storage.prefixes import PrefixStore
from idnode.storage.templates import TemplateStore

ADMIN_KEY_FILE = "admin.key"
USES_FLUSH_SECONDS = 5.0
UPKEEP_SECONDS = 3_600.0
REVIVE_SECONDS = 0.5
DRAIN_SECONDS_MIN = 0.001
"""aiohttp takes 0 for endless."""

log = structlog.get_logger("idnode")


@dataclass(slots=True)
class Node:
    """A node on an open database, ready to be served: its application, its route table and its background work."""

    application: web.Application
    routes: tuple[Route, ...]
    first_run: FirstRun
    group_commit: GroupCommit
    coalescer: ReadCoalescer
    doorbell: Doorbell
    authentication: Authentication
    idempotency: IdempotencyStore
    database: Database
    is_draining: bool = False

    async def flush_uses(self) -> None:
        """Write down when keys were last used, until cancelled and once at the end."""
        try:
            while True:
                await asyncio.sleep(USES_FLUSH_SECONDS)
                await self._flush_uses()
        finally:
            await self._flush_uses()

    async def upkeep(self, settings: Settings) -> None:
        """Forget old answers and make the change log's next partitions, every hour until cancelled."""
        while True:
            try:
                await self.idempotency.forget_before(now() - timedelta(hours=settings.idempotency_hours))
                await ensure_change_partitions(self.database, today=now().date())
            except IdnodeError as error:
                log.warning("upkeep_postponed", code=error.code, detail=error.detail)
            await asyncio.sleep(UPKEEP_SECONDS)

    async def _flush_uses(self) -> None:
        try:
            await self.authentication.flush_uses()
        except IdnodeError as error:
            log.warning("uses_lost", code=error.code, detail=error.detail)


def compose(settings: Settings, database: Database, dsn: str) -> Node:
    """Wire the services and front-ends of a node together."""
    own = Prefix.parse(settings.prefix)
    key_store, prefix_store, template_store = KeyStore(database), PrefixStore(database), TemplateStore(database)
    enterprise_store, identifiers, changes = EnterpriseStore(database), IdentifierStore(database), ChangeStore(database)
    idempotency = IdempotencyStore(database)
    directory = Directory(key_store, prefix_store, template_store, monotonic=time.monotonic)
    written, looked_up, http = RegistryCounters(), ResolverCounters(), HttpCounters()

    writer = DirectoryWriter(database, directory, written, now=now, new_id=new_id)
    enterprises = EnterpriseRegistry(enterprise_store, writer)
    prefixes = PrefixRegistry(prefix_store, enterprises, writer, own=own)
    templates = TemplateRegistry(template_store, directory, writer)
    keys = KeyRegistry(key_store, writer, new_secret=new_secret)
    group_commit, coalescer = GroupCommit(identifiers.commit, written), ReadCoalescer(identifiers.find_many)
    registry = RegistryService(identifiers, directory, group_commit, written)
    resolver = ResolverService(identifiers, coalescer, directory, looked_up)

    authentication = Authentication(directory, key_store, now=now)
    dispatcher = Dispatcher(authentication, idempotency, written, now=now, body_seconds_max=settings.body_seconds)
    table = (
        *EnterprisesApi(enterprises, prefixes).routes(),
        *PrefixesApi(prefixes).routes(),
        *KeysApi(keys).routes(),
        *TemplatesApi(templates, own=own).routes(),
        *IdentifiersApi(registry, resolver, identifiers, changes).routes(),
    )
    application = web.Application(
        middlewares=[boundary(http, RequestIds(new_id().hex))], client_max_size=REQUEST_BYTES_MAX
    )
    node = Node(
        application=application,
        routes=table,
        first_run=FirstRun(enterprises, enterprise_store, prefixes, templates, keys, registry, now=now),
        group_commit=group_commit,
        coalescer=coalescer,
        doorbell=Doorbell(dsn, directory.forget),
        authentication=authentication,
        idempotency=idempotency,
        database=database,
    )
    application.add_routes(v1_routes(table, dispatcher))
    application.add_routes(Health(database, is_draining=lambda: node.is_draining).routes())
    application.add_routes([metrics_route(NodeCollector(http, written, looked_up, database))])
    application.add_routes(HandleRest(resolver, authentication).routes())
    return node


async def serve(settings: Settings, *, out: Callable[[str], None]) -> None:
    """Run the node until SIGINT or SIGTERM. `out` gets the few lines that people should see."""
    home = ensure_home(settings.home)
    with listening_socket(settings.http_host, settings.http_port) as listener:
        async with stop_signal() as stop, open_database(settings) as (database, dsn):
            node = compose(settings, database, dsn)
            async with running(node, settings):
                await _begin(node, settings, out=out)
                settle_garbage_collection()
                async with answering(node, settings, listener):
                    host = f"[{settings.http_host}]" if ":" in settings.http_host else settings.http_host
                    out(
                        f"idnode serves prefix {settings.prefix} on http://{host}:{settings.http_port} (data in {home})"
                    )
                    log.info("serving", host=settings.http_host, port=settings.http_port, prefix=settings.prefix)
                    await stop.wait()
                    node.is_draining = True
                    log.info("draining", seconds_max=settings.drain_seconds)
    log.info("stopped")


async def migrate_database(settings: Settings) -> tuple[str, ...]:
    """Apply what migrations are pending; the names of those applied."""
    ensure_home(settings.home)
    async with _server(settings) as dsn:
        database = await Database.open(dsn, connections_max=2)
        try:
            return await migrate(database, today=now().date())
        finally:
            await database.close()


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[tuple[Database, str]]:
    """A migrated database, and the DSN of its server; the embedded server stops with the block."""
    async with _server(settings) as dsn:
        database = await Database.open(dsn, connections_max=settings.database_connections)
        try:
            applied = await migrate(database, today=now().date())
            if applied:
                log.info("migrated", migrations=list(applied))
            yield database, dsn
        finally:
            await database.close()


@asynccontextmanager
async def running(node: Node, settings: Settings) -> AsyncIterator[None]:
    """The background work of a node for the length of a block."""
    async with asyncio.TaskGroup() as tasks:
        background = [
            tasks.create_task(work)
            for work in (
                node.group_commit.run(),
                node.coalescer.run(),
                node.doorbell.run(),
                node.flush_uses(),
                node.upkeep(settings),
            )
        ]
        try:
            yield
        finally:
            for task in background:
                task.cancel()


@asynccontextmanager
async def answering(node: Node, settings: Settings, listener: socket.socket) -> AsyncIterator[None]:
    """HTTP for the length of a block; what is under way at its end gets `drain_seconds`."""
    runner = web.AppRunner(
        node.application,
        access_log=None,
        keepalive_timeout=settings.idle_seconds,
        shutdown_timeout=max(settings.drain_seconds, DRAIN_SECONDS_MIN),
        auto_decompress=False,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener, backlog=BACKLOG).start()
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _server(settings: Settings) -> AsyncIterator[str]:
    if settings.database_url is not None:
        yield settings.database_url
        return
    binaries = PostgresBinaries.bundled() if settings.pg_bindir is None else PostgresBinaries.at(settings.pg_bindir)
    async with EmbeddedPostgres(settings.home.resolve(), binaries=binaries) as server, asyncio.TaskGroup() as tasks:
        reviving = tasks.create_task(_revive(server, settings))
        try:
            yield server.dsn
        finally:
            reviving.cancel()


async def _revive(server: EmbeddedPostgres, settings: Settings) -> None:
    """Start the embedded server again whenever it has died, until cancelled; its DSN stays the same."""
    while True:
        await asyncio.sleep(REVIVE_SECONDS)
        try:
            if running_embedded_dsn(settings.home) is None:
                log.warning("postgres_died", pid=server.pid)
                await server.start()
                log.info("postgres_revived", pid=server.pid)
        except (EmbeddedPostgresFailed, OSError) as error:
            log.warning("postgres_not_revived", detail=str(error))


async def _begin(node: Node, settings: Settings, *, out: Callable[[str], None]) -> None:
    """The first run's work; on later runs it finds everything done."""
    await node.first_run.ensure_node()
    path = settings.home.resolve() / ADMIN_KEY_FILE
    made: list[str] = []

    def keep(secret: str) -> None:
        write_secret(path, secret)
        made.append(secret)

    if await node.first_run.ensure_admin_key(keep):
        out(f"admin API key (shown once, kept in {path}): {made[0]}")
    if settings.seed == "demo":
        today = node_day(now())
        count = await node.first_run.seed(today=today, products_each=settings.seed_products)
        if count:
            out(f"seeded {count} demo products; IDNODE_SEED=none starts empty")
