"""The composition root of what writes many records, gives names, and keeps what lies between records."""

from datetime import timedelta
from os import urandom
from time import monotonic

from idnode.app_services import Services
from idnode.frontends.v1.batches import BatchesApi
from idnode.frontends.v1.exports import ExportsApi
from idnode.frontends.v1.imports import ImportsApi
from idnode.frontends.v1.life import LifeApi
from idnode.frontends.v1.minting import MintingApi
from idnode.frontends.v1.relations import RelationsApi
from idnode.frontends.v1.routes import Route
from idnode.frontends.v1.transfers import TransfersApi
from idnode.lifecycle import new_id, now
from idnode.registry.exports.exporter import Exporter
from idnode.registry.imports.service import ImportRegistry
from idnode.registry.imports.spool import SPOOL_DIRECTORY, Spool
from idnode.registry.mint_patterns import PatternRegistry
from idnode.registry.mint_ranges import RangeRegistry
from idnode.registry.minting import Minter
from idnode.registry.relations import Relations
from idnode.registry.reservations import Reservations
from idnode.registry.succession import Succession
from idnode.registry.transfer_moves import TransferMover
from idnode.registry.transfers import TransferRegistry
from idnode.resolver.relations import RelationReader
from idnode.storage.exports import ExportStore
from idnode.storage.imports import ImportStore
from idnode.storage.minting import MintStore
from idnode.storage.relations import RelationStore
from idnode.storage.transfers import TransferStore


def compose_batches(services: Services) -> tuple[Route, ...]:
    """Batches of rows."""
    return BatchesApi(services.batches).routes()


def compose_imports(services: Services) -> tuple[Route, ...]:
    """Imports and exports."""
    settings = services.settings
    spool = Spool(settings.home.resolve() / SPOOL_DIRECTORY)
    imports = ImportRegistry(
        services.database,
        ImportStore(services.database),
        spool,
        home=lambda: spool.home_id(new_id),
        new_id=new_id,
        now=now,
    )
    taking = ImportsApi(
        imports,
        bytes_max=settings.import_bytes,
        has_processes=settings.import_processes > 0,
        monotonic=monotonic,
    )
    return (*taking.routes(), *ExportsApi(Exporter(ExportStore(services.dsn))).routes())


def compose_relations(services: Services) -> tuple[Route, ...]:
    """Reserving, and relations between identifiers."""
    identifiers, counters = services.identifiers, services.registry.counters
    reservations = Reservations(identifiers, services.planner, counters)
    succession = Succession(services.registry, services.batches, identifiers)
    relations = Relations(services.database, identifiers, services.planner, services.directory, counters)
    reader = RelationReader(RelationStore(services.database), services.resolver, identifiers.find_many)
    return (
        *LifeApi(reservations, succession).routes(),
        *RelationsApi(relations, reader, services.resolver).routes(),
    )


def compose_naming(services: Services) -> tuple[Route, ...]:
    """Minting, and transfers between enterprises."""
    mints, prefixes, writer = MintStore(services.database), services.side.prefixes, services.writer
    patterns = PatternRegistry(mints, prefixes, writer)
    minter = Minter(
        mints,
        patterns,
        services.registry,
        services.batches,
        services.identifiers,
        random_octets=urandom,
        monotonic=monotonic,
    )
    transfers = TransferStore(services.database)
    mover = TransferMover(
        transfers,
        prefixes,
        services.stores.prefixes,
        services.stores.keys,
        services.identifiers,
        writer,
        committed=services.freshness.changed,
        written=services.freshness.written,
    )
    registry = TransferRegistry(
        transfers,
        prefixes,
        services.side.enterprises,
        services.identifiers,
        services.planner,
        mover,
        writer,
        wait=timedelta(days=services.settings.transfer_days),
    )
    return (
        *MintingApi(patterns, minter, RangeRegistry(mints, patterns, writer)).routes(),
        *TransfersApi(registry).routes(),
    )
