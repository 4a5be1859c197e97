"""What the front-ends of a node are built upon, as one value: app.py makes it, the other roots take from it."""

from dataclasses import dataclass

from idnode.app_directory import DirectorySide, DirectoryStores
from idnode.config import Settings
from idnode.frontends.authentication import Authentication
from idnode.frontends.counting import Counting
from idnode.registry.batches import BatchWriter
from idnode.registry.directory_writes import DirectoryWriter
from idnode.registry.planning import RecordPlanner
from idnode.registry.service import RegistryService
from idnode.resolver.freshness import Freshness
from idnode.resolver.service import ResolverService
from idnode.storage.changes import ChangeStore
from idnode.storage.database import Database
from idnode.storage.directory import Directory
from idnode.storage.identifiers import IdentifierStore


@dataclass(frozen=True, slots=True)
class Services:
    """Settings, database, stores and services of one process."""

    settings: Settings
    database: Database
    dsn: str
    stores: DirectoryStores
    directory: Directory
    side: DirectorySide
    writer: DirectoryWriter
    identifiers: IdentifierStore
    changes: ChangeStore
    planner: RecordPlanner
    registry: RegistryService
    batches: BatchWriter
    resolver: ResolverService
    freshness: Freshness
    authentication: Authentication
    counting: Counting
