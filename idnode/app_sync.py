"""The composition root of the relay process: names its concrete classes, opens and closes what it holds."""

import os
import random
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog
from prometheus_client.registry import Collector

from idnode.app_deposits import compose_deposits
from idnode.config import Settings
from idnode.frontends.ops.metrics import process_registry
from idnode.frontends.ops.probing import ProbingCollector
from idnode.frontends.ops.syncing import LedgerFigures, SyncingCollector
from idnode.lifecycle import CannotStart, new_id, new_secret, now
from idnode.model.access import ApiKey, Role
from idnode.model.change import Trace
from idnode.model.errors import InvalidInput
from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import PrefixState
from idnode.model.reporting import Report
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWriter
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.registry.keys import KeyRegistry
from idnode.registry.metrics import RegistryCounters
from idnode.registry.prefixes import PrefixRegistry
from idnode.registry.process_key import ProcessKey
from idnode.storage.applications import ApplicationStore
from idnode.storage.database import Database
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.keys import KeyStore
from idnode.storage.ledger import Ledger
from idnode.storage.monitoring import ProbeStore
from idnode.storage.monitoring_events import EventStore
from idnode.storage.organisations import OrganisationStore
from idnode.storage.prefixes import PrefixStore
from idnode.storage.reconciliation import ReconciliationStore
from idnode.storage.statistics import StatisticsStore
from idnode.storage.sync_records import SyncRecords
from idnode.storage.usage import UsageStore
from idnode.sync.applications import Applications, Conclude
from idnode.sync.deposit.options import Deposits
from idnode.sync.leading import Leader, Leading
from idnode.sync.metrics import RelayCounters
from idnode.sync.monitoring.events import EventReporter
from idnode.sync.monitoring.monitor import Monitor
from idnode.sync.monitoring.probes import Prober, probing_session
from idnode.sync.periodic import Periodic
from idnode.sync.reconciling import Reconciler
from idnode.sync.relay import Clocks, Custody, Relay, RelayLimits, Work
from idnode.sync.report.rendering import Rendering
from idnode.sync.report.statistics import Statistics
from idnode.sync.transports.choose import AnyTransport, make_transport
from idnode.sync.transports.tls import TlsFiles

STATISTICS_SECONDS = 60.0
"""How soon after its end a day or month is looked for."""
DEPOSIT_SECONDS = 60.0
STATISTICAL = (Report.T3, Report.T5, Report.T8, Report.T10, Report.MONITORING)
"""What tells of a time that is over: it is due when it is made, and not at the next end of a period."""
ACTOR = "top node"
"""Who changed a prefix, when its application was judged above."""
_SILENT = KeptAnswer(200, "", None, None, b"")

log = structlog.get_logger("idnode.sync")


@dataclass(frozen=True, slots=True)
class ComposedRelay:
    """What the relay process runs, and what it counts. `beside` runs whether or not it leads."""

    leading: Leading
    counters: Collector
    beside: tuple[Callable[[], Coroutine[None, None, None]], ...] = ()


@asynccontextmanager
async def compose_relay(settings: Settings, database: Database, dsn: str) -> AsyncIterator[ComposedRelay]:
    """The relay for the length of a block. Raises CannotStart for a transport whose files cannot be used."""
    async with AsyncExitStack() as stack:
        work: list[Work] = []
        deposited: Callable[[], Coroutine[None, None, datetime | None]] = _never
        if settings.deposit_destination is not None:
            deposits = compose_deposits(settings, database, dsn)
            stack.push_async_callback(deposits.destination.close)
            work.append(_depositing(deposits).run)
            deposited = partial(_last_deposit, deposits, now())
        if settings.is_reporting:
            transport = transport_of(settings)
            stack.push_async_callback(transport.close)
            leader: Leader = _relay(settings, database, dsn, transport, work)
        else:
            leader = Custody(work)
        counters = leader.counters
        figures = LedgerFigures(SyncRecords(database), ReconciliationStore(database), deposited)
        collectors: list[Collector] = [SyncingCollector(counters, figures, now=now)]
        beside = [figures.run]
        if settings.is_reporting and settings.probe_seconds:
            monitor = await stack.enter_async_context(_monitoring(settings, database, counters))
            collectors.append(ProbingCollector(monitor))
            beside.append(monitor.run)
        yield ComposedRelay(
            Leading(leader, elect=partial(Ledger.elected, dsn, relay=relay_name())),
            process_registry(*collectors),
            tuple(beside),
        )


def _relay(
    settings: Settings, database: Database, dsn: str, transport: AnyTransport, more_work: Sequence[Work]
) -> Relay:
    own = Prefix.parse(settings.prefix)
    records, counters = SyncRecords(database), RelayCounters()
    rendering = Rendering(OrganisationStore(database), EnterpriseStore(database))
    reconciler = Reconciler(
        ReconciliationStore(database),
        dsn,
        rendering,
        transport,
        node=settings.prefix,
        has_digests=transport.has_digests,
        is_repairing=settings.sync_repair,
        now=now,
    )
    return Relay(
        node=settings.prefix,
        transport=transport,
        rendering=rendering,
        limits=RelayLimits(settings.sync_batch_records, settings.sync_tries_max, settings.sync_verdict_hours),
        clocks=Clocks(now, time.monotonic, random.random),
        counters=counters,
        hooks={Report.APPLICATION: Applications(_concluding(database, own)).judged},
        work=(_telling_statistics(database, records, own).run, reconciler.run, *more_work),
        is_at_once=settings.sync_cadence == "real-time",
    )


@asynccontextmanager
async def _monitoring(settings: Settings, database: Database, counters: RelayCounters) -> AsyncIterator[Monitor]:
    own, events = Prefix.parse(settings.prefix), EventStore(database)
    keys = KeyRegistry(KeyStore(database), _writer(database), new_secret=new_secret)
    key = ProcessKey(keys, name="probe", prefix=own, now=now)
    points = settings.probe_urls or (settings.own_url,)
    async with probing_session() as session:
        try:
            yield Monitor(
                Prober(session, points, key, own=own.text, nanoseconds=time.perf_counter_ns),
                ProbeStore(database),
                events,
                EventReporter(events, SyncRecords(database)),
                every_seconds=settings.probe_seconds,
                is_ours=lambda: not counters.is_led_elsewhere,
                now=now,
                new_id=new_id,
            )
        finally:
            await key.close()


def _depositing(deposits: Deposits) -> Periodic:
    async def deposit() -> None:
        await deposits.schedule.run_due(now())

    return Periodic(deposit, every_seconds=DEPOSIT_SECONDS)


def _telling_statistics(database: Database, records: SyncRecords, own: Prefix) -> Periodic:
    statistics = Statistics(
        StatisticsStore(database), UsageStore(database), ApplicationStore(database), records, own=own
    )

    async def tell() -> None:
        await statistics.catch_up(now())
        # Always: the relay may have ended between the two.
        await records.release_now(STATISTICAL)

    return Periodic(tell, every_seconds=STATISTICS_SECONDS)


def _concluding(database: Database, own: Prefix) -> Conclude:
    """Writes the top node's answers to applications; the workers hear of it as of every change."""
    writer = _writer(database)
    enterprises = EnterpriseRegistry(EnterpriseStore(database), writer)
    prefixes = PrefixRegistry(PrefixStore(database), enterprises, writer, own=own)

    async def conclude(prefix: str, version: int, state: PrefixState, reason: str | None) -> bool:
        at = now()
        key = ApiKey(UUID(int=0), ACTOR, Role.ADMIN, (), "", at, None, None, None, None, 1)
        asked = Asked(key, Trace(ACTOR, new_id().hex, at))
        return await prefixes.conclude(Prefix.parse(prefix), version, state, reason, asked, lambda _: _SILENT)

    return conclude


def _writer(database: Database) -> DirectoryWriter:
    """Its changes reach the workers by the change feed."""
    return DirectoryWriter(database, RegistryCounters(), committed=lambda _: None, now=now, new_id=new_id)


async def _last_deposit(deposits: Deposits, began: datetime) -> datetime:
    """Without one that was delivered: since this process has been there to make one, so that an age is told at all."""
    return await deposits.schedule.delivered_at() or began


async def _never() -> None:
    """No deposits are made."""


def relay_name() -> str:
    """What tells this relay from those of other hosts."""
    return f"{socket.gethostname()}:{os.getpid()}"


def transport_of(settings: Settings) -> AnyTransport:
    """The way to the top node. Raises CannotStart."""
    try:
        return make_transport(
            settings.sync_transport,
            node=settings.prefix,
            url=settings.sync_url,
            directory=settings.sync_directory,
            app_id=settings.sync_app_id,
            secret=settings.sync_secret,
            private_key=settings.sync_private_key,
            tls=TlsFiles(settings.sync_client_certificate, settings.sync_client_key, settings.sync_ca),
        )
    except InvalidInput as error:
        raise CannotStart(f"the transport {settings.sync_transport} to the top node: {error.detail}") from error
