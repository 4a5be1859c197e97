"""The composition root of directory, reporting and monitoring: their registries, and the routes that lead to them."""

from dataclasses import dataclass

from idnode.config import Settings
from idnode.frontends.v1.applications import ApplicationsApi
from idnode.frontends.v1.enterprises import EnterprisesApi
from idnode.frontends.v1.keys import KeysApi
from idnode.frontends.v1.monitoring import MonitoringApi
from idnode.frontends.v1.operator import OperatorApi
from idnode.frontends.v1.prefixes import PrefixesApi
from idnode.frontends.v1.profiles import ProfilesApi
from idnode.frontends.v1.routes import Route
from idnode.frontends.v1.sync import SyncApi
from idnode.frontends.v1.templates import TemplatesApi
from idnode.lifecycle import new_id, new_secret, now
from idnode.model.identifier import Prefix
from idnode.registry.applications import ApplicationRegistry
from idnode.registry.directory_writes import DirectoryWriter
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.registry.keys import KeyRegistry
from idnode.registry.organisations import OrganisationRegistry
from idnode.registry.prefixes import PrefixRegistry
from idnode.registry.templates import TemplateRegistry
from idnode.storage.applications import ApplicationStore
from idnode.storage.database import Database
from idnode.storage.directory import Directory
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.keys import KeyStore
from idnode.storage.monitoring import ProbeStore
from idnode.storage.monitoring_events import EventStore
from idnode.storage.organisations import OrganisationStore
from idnode.storage.prefixes import PrefixStore
from idnode.storage.reconciliation import ReconciliationStore
from idnode.storage.sync_records import SyncRecords
from idnode.storage.templates import TemplateStore
from idnode.sync.monitoring.desk import MonitoringDesk
from idnode.sync.monitoring.reports import MonthlyReports
from idnode.sync.monitoring.status import MonitoringStatus


@dataclass(frozen=True, slots=True)
class DirectoryStores:
    """The tables of the directory."""

    enterprises: EnterpriseStore
    prefixes: PrefixStore
    keys: KeyStore
    templates: TemplateStore

    @classmethod
    def of(cls, database: Database) -> "DirectoryStores":
        """Those of a database."""
        return cls(EnterpriseStore(database), PrefixStore(database), KeyStore(database), TemplateStore(database))


@dataclass(frozen=True, slots=True)
class DirectorySide:
    """The registries of the directory, and the routes that lead to them and to what is built upon them."""

    enterprises: EnterpriseRegistry
    prefixes: PrefixRegistry
    templates: TemplateRegistry
    keys: KeyRegistry
    routes: tuple[Route, ...]
    """Of enterprises, prefixes, keys and templates."""
    more_routes: tuple[Route, ...]
    """Of what the top node is told, of the sync, and of monitoring."""


def compose_directory(
    settings: Settings, database: Database, stores: DirectoryStores, directory: Directory, writer: DirectoryWriter
) -> DirectorySide:
    """Wire the registries of the directory and their routes."""
    own, is_reporting = Prefix.parse(settings.prefix), settings.is_reporting
    enterprises = EnterpriseRegistry(stores.enterprises, writer)
    prefixes = PrefixRegistry(stores.prefixes, enterprises, writer, own=own, is_judged_above=is_reporting)
    templates = TemplateRegistry(stores.templates, directory, writer)
    keys = KeyRegistry(stores.keys, writer, new_secret=new_secret)
    organisations = OrganisationRegistry(OrganisationStore(database), enterprises, stores.prefixes, writer)
    applications = ApplicationRegistry(ApplicationStore(database), enterprises, writer)
    sync = SyncApi(
        SyncRecords(database),
        ReconciliationStore(database),
        own=own,
        is_configured=is_reporting,
        is_real_time=settings.sync_cadence == "real-time",
        now=now,
    )
    return DirectorySide(
        enterprises,
        prefixes,
        templates,
        keys,
        (
            *EnterprisesApi(enterprises, prefixes).routes(),
            *PrefixesApi(prefixes).routes(),
            *KeysApi(keys).routes(),
            *TemplatesApi(templates, own=own).routes(),
        ),
        (
            *OperatorApi(organisations).routes(),
            *ProfilesApi(organisations, prefixes).routes(),
            *ApplicationsApi(applications).routes(),
            *sync.routes(),
            *_monitoring(settings, database, stores).routes(),
        ),
    )


def _monitoring(settings: Settings, database: Database, stores: DirectoryStores) -> MonitoringApi:
    events, probes = EventStore(database), ProbeStore(database)
    return MonitoringApi(
        MonitoringStatus(probes, events, now=now),
        MonitoringDesk(events, stores.prefixes, new_id=new_id),
        events,
        MonthlyReports(probes, events, node=settings.prefix, now=now),
    )
