"""The composition root of an import process: names its concrete classes, opens and closes what it holds."""

import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from prometheus_client.registry import Collector

from idnode.app_secrets import compose_signatures
from idnode.config import Settings
from idnode.frontends.ops.importing import ImportingCollector
from idnode.frontends.ops.metrics import process_registry
from idnode.lifecycle import new_id, now
from idnode.model.template import Item, TemplateName
from idnode.registry.batches import BatchWriter
from idnode.registry.imports.metrics import ImportCounters
from idnode.registry.imports.running import Importer
from idnode.registry.imports.spool import SPOOL_DIRECTORY, Spool
from idnode.registry.imports.writing import ChunkWriter
from idnode.registry.metrics import RegistryCounters
from idnode.registry.planning import RecordPlanner
from idnode.registry.rules.moments import node_day
from idnode.resolver.usage import Usage
from idnode.resolver.usage_flush import UsageFlusher
from idnode.storage.database import Database
from idnode.storage.directory import Directory
from idnode.storage.identifiers import IdentifierStore
from idnode.storage.imports import Claims, ImportStore
from idnode.storage.keys import KeyStore
from idnode.storage.prefixes import PrefixStore
from idnode.storage.templates import TemplateStore
from idnode.storage.usage import UsageStore


@dataclass(frozen=True, slots=True)
class ComposedImporter:
    """What an import process runs, and what it counts."""

    importer: Importer
    counters: Collector
    work: tuple[Callable[[], Coroutine[None, None, None]], ...]


@asynccontextmanager
async def compose_importer(settings: Settings, database: Database, dsn: str) -> AsyncIterator[ComposedImporter]:
    """The importer for the length of a block."""
    keys, templates = KeyStore(database), TemplateStore(database)
    directory = Directory(keys, PrefixStore(database), templates, monotonic=time.monotonic)
    written, counters = RegistryCounters(), ImportCounters()
    planner = RecordPlanner(directory, signing=compose_signatures(settings, database))
    usage = Usage(nanoseconds=time.perf_counter_ns, time_ns=time.time_ns, node_day=node_day)
    flusher = UsageFlusher(usage, UsageStore(database), worker=new_id(), now=now)

    def batches(identifiers: IdentifierStore) -> BatchWriter:
        """The workers hear of what is written by the change feed."""
        return BatchWriter(
            identifiers,
            planner,
            written,
            committed=lambda _: None,
            registered=usage.registered,
            nanoseconds=time.perf_counter_ns,
        )

    async def items_of(name: TemplateName) -> tuple[Item, ...]:
        template = await templates.find(name)
        return () if template is None else template.items

    store = ImportStore(database)
    spool = Spool(settings.home.resolve() / SPOOL_DIRECTORY)
    importer = Importer(
        spool.home_id(new_id),
        spool,
        store,
        ChunkWriter(database, store, keys, batches, counters, now=now),
        counters,
        open_claims=partial(Claims.open, dsn),
        forget_directory=directory.forget,
        items_of=items_of,
        days=settings.import_days,
        monotonic=time.monotonic,
        now=now,
    )
    yield ComposedImporter(
        importer,
        process_registry(ImportingCollector(counters)),
        (directory.run, flusher.run, importer.run, importer.upkeep),
    )
