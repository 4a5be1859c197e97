"""`serve`: the node as a whole: its port, its PostgreSQL, its first run, its upkeep, its processes."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from idnode.app import compose
from idnode.app_database import open_database
from idnode.app_node import ADMIN_KEY_FILE, Node, running
from idnode.config import InvalidSettings, Settings, reloaded
from idnode.frontends.ops.metrics import process_registry
from idnode.frontends.ops.snapshots import Snapshot, taken
from idnode.frontends.tls import server_context
from idnode.lifecycle import (
    StopSignal,
    ensure_home,
    now,
    reload_signal,
    settle_garbage_collection,
    stop_signal,
    write_secret,
)
from idnode.registry.rules.moments import node_day
from idnode.workers.child import Role
from idnode.workers.port import Port
from idnode.workers.supervisor import Supervisor, Terms, supervising

log = structlog.get_logger("idnode")


class Serving:
    """What is served with now; a reload changes it. `reread` reads the settings anew, `dsn` is the database's."""

    def __init__(self, settings: Settings, dsn: str, supervisor: Supervisor, *, reread: Callable[[], Settings]) -> None:
        self.settings = settings
        self._dsn = dsn
        self._supervisor = supervisor
        self._reread = reread

    def terms(self, settings: Settings) -> Terms:
        """What the processes begin with."""
        content: dict[str, object] = {"settings": settings.model_dump(mode="json"), "dsn": self._dsn}
        has_relay = settings.is_reporting or settings.deposit_destination is not None
        return Terms(
            settings.workers,
            settings.drain_seconds,
            content,
            has_relay=has_relay,
            importers=settings.import_processes,
        )

    async def heed_reloads(self, has_come: asyncio.Event) -> None:
        """Reload whenever the event is set, until cancelled."""
        while True:
            await has_come.wait()
            has_come.clear()
            await self._reload()

    async def _reload(self) -> None:
        try:
            settings, ignored = reloaded(self.settings, self._reread())
        except InvalidSettings as error:
            log.warning("reload_refused", detail=error.detail)
            return
        if ignored:
            log.warning("reload_ignores", settings=list(ignored))
        log.info("reloading", workers=settings.workers)
        if await self._supervisor.reload(self.terms(settings)):
            self.settings = settings
            log.info("reloaded", workers=settings.workers)
        else:
            log.error("reload_failed", detail="the new workers did not get ready; the old ones go on")


class SupervisorCollector(Collector):
    """What the supervisor knows of its processes."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    def collect(self) -> Iterator[Metric]:
        """Read at the moment of a scrape."""
        yield GaugeMetricFamily("idnode_workers", "Workers that answer requests", self._supervisor.ready)
        yield CounterMetricFamily(
            "idnode_worker_restarts", "Workers started in place of a fallen one", self._supervisor.restarts[Role.WORKER]
        )
        yield CounterMetricFamily(
            "idnode_relay_restarts", "Relays started in place of a fallen one", self._supervisor.restarts[Role.RELAY]
        )
        yield CounterMetricFamily(
            "idnode_importer_restarts",
            "Import processes started in place of a fallen one",
            self._supervisor.restarts[Role.IMPORTER],
        )


async def serve(settings: Settings, *, reread: Callable[[], Settings], out: Callable[[str], None]) -> None:
    """Run the node until SIGINT or SIGTERM; SIGHUP reloads. `out` gets the few lines that people should see."""
    home = ensure_home(settings.home)
    with _ports(settings) as port, reload_signal() as reload_wanted:
        async with (
            stop_signal() as stop,
            supervising(port, own=_own_counters(), monotonic=time.monotonic) as supervisor,
        ):
            await supervisor.recruit(settings.workers)
            async with open_database(settings) as (database, dsn):
                node = compose(settings, database, dsn)
                async with running(node):
                    await _begin(node, settings, home, out=out)
                serving = Serving(settings, dsn, supervisor, reread=reread)
                settle_garbage_collection()
                try:
                    await supervisor.begin(serving.terms(settings))
                    _say_so(settings, home, out=out)
                    await _serve_until(stop, serving, node, reload_wanted)
                    log.info("draining", seconds_max=serving.settings.drain_seconds)
                finally:
                    await supervisor.drain()
    log.info("stopped")


def _ports(settings: Settings) -> Port:
    """Plain HTTP and, beside it, TLS and the native protocol. Raises CannotStart, CertificateRefused."""
    host, beside = settings.http_host, list[Port]()
    with ExitStack() as taken_so_far:
        if settings.tls_port is not None and settings.tls_certificate is not None and settings.tls_key is not None:
            # Looked at before anything is begun; every worker reads the files anew.
            server_context(settings.tls_certificate, settings.tls_key)
            beside.append(taken_so_far.enter_context(Port.take(host, settings.tls_port, setting="IDNODE_TLS_PORT")))
        if settings.native_port:
            for take in (Port.take, Port.take_datagrams):
                native = take(host, settings.native_port, setting="IDNODE_NATIVE_PORT")
                beside.append(taken_so_far.enter_context(native))
        port = Port.take(host, settings.http_port, beside=tuple(beside))
        taken_so_far.pop_all()
    return port


async def _serve_until(stop: StopSignal, serving: Serving, node: Node, reload_wanted: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as tasks:
        background = [
            tasks.create_task(node.upkeep(lambda: serving.settings)),
            tasks.create_task(serving.heed_reloads(reload_wanted)),
        ]
        await stop.wait()
        for task in background:
            task.cancel()


def _say_so(settings: Settings, home: Path, *, out: Callable[[str], None]) -> None:
    host = f"[{settings.http_host}]" if ":" in settings.http_host else settings.http_host
    tls = "" if settings.tls_port is None else f" and https://{host}:{settings.tls_port}"
    native = f", Handle protocol on port {settings.native_port}" if settings.native_port else ""
    out(f"idnode serves prefix {settings.prefix} on http://{host}:{settings.http_port}{tls}{native} (data in {home})")
    log.info(
        "serving",
        host=settings.http_host,
        port=settings.http_port,
        tls_port=settings.tls_port,
        native_port=settings.native_port or None,
        prefix=settings.prefix,
        workers=settings.workers,
        top_node=settings.sync_transport,
    )


def _own_counters() -> Callable[[Supervisor], Snapshot]:
    return lambda supervisor: taken(process_registry(SupervisorCollector(supervisor)))


async def _begin(node: Node, settings: Settings, home: Path, *, out: Callable[[str], None]) -> None:
    """The first run's work; on later runs it finds everything done."""
    await node.first_run.ensure_node()
    path = home / ADMIN_KEY_FILE
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
