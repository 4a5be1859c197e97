"""The composition root of the SNMS interface."""

import os
import secrets
import time

from aiohttp import web

from idnode.app_secrets import node_key
from idnode.app_services import Services
from idnode.frontends.snms.boundary import SnmsBoundary
from idnode.frontends.snms.enterprises import SnmsEnterprises
from idnode.frontends.snms.files import SnmsFiles
from idnode.frontends.snms.identifiers import IdentifiersApi
from idnode.frontends.snms.prefixes import SnmsPrefixes
from idnode.frontends.snms.templates import TemplatesApi
from idnode.frontends.snms.tokens import TokensApi
from idnode.frontends.snms.users import UsersApi
from idnode.frontends.v1.reviews import ReviewsApi
from idnode.frontends.v1.routes import Route
from idnode.lifecycle import new_id, now
from idnode.model.identifier import Prefix
from idnode.registry.enterprise_applications import ApplicationStores, EnterpriseApplicationRegistry
from idnode.registry.joint_writes import JointWriter
from idnode.registry.snms_tokens import SnmsAccess, SnmsLogins
from idnode.registry.snms_users import PasswordSealing, SnmsUserRegistry
from idnode.registry.uploads import UploadRegistry
from idnode.storage.idempotency import IdempotencyStore
from idnode.storage.prefix_pages import PrefixPages
from idnode.storage.snms_users import SnmsUserStore
from idnode.storage.uploads import UploadDirectory, UploadStore

FILES = "files"
"""Directory of uploaded files in IDNODE_HOME."""
GHR_NAME = "工业互联网标识解析国家顶级节点"
"""What ghrName says: who gives out the node's prefix."""
TOKEN_BYTES = 32


def compose_snms_identifiers(services: Services) -> list[web.RouteDef]:
    """Tokens, identifiers, batches and templates, and every path below that is none."""
    own, store = Prefix.parse(services.settings.prefix), SnmsUserStore(services.database)
    sealing = password_sealing(services)
    logins = SnmsLogins(
        store, sealing, new_token=lambda: secrets.token_urlsafe(TOKEN_BYTES), now=now, monotonic=time.monotonic
    )
    identifiers = IdentifiersApi(
        services.registry, services.batches, services.planner, services.resolver, services.directory, own=own
    )
    rows = (
        *TokensApi(logins, now=now).routes(),
        *UsersApi(snms_users(services, sealing)).routes(),
        *identifiers.routes(),
        *TemplatesApi(services.side.templates, own=own).routes(),
    )
    boundary = snms_boundary(services)
    return [*boundary.routes(rows), *boundary.unknown()]


def snms_boundary(services: Services) -> SnmsBoundary:
    """What every request of the interface passes."""
    return SnmsBoundary(
        SnmsAccess(SnmsUserStore(services.database), now=now, monotonic=time.monotonic),
        IdempotencyStore(services.database),
        client_of=services.counting.client_of,
        body_seconds_max=services.settings.body_seconds,
        now=now,
    )


def password_sealing(services: Services) -> PasswordSealing:
    """Seals under the node's key."""
    return PasswordSealing(node_key(services.settings), os.urandom)


def snms_users(services: Services, sealing: PasswordSealing) -> SnmsUserRegistry:
    """The users of the interface."""
    return SnmsUserRegistry(SnmsUserStore(services.database), services.side.enterprises, services.writer, sealing)


def compose_snms_enterprises(services: Services) -> list[web.RouteDef]:
    """Prefixes, hosting, applications of enterprises, files."""
    settings = services.settings
    rows = (
        *SnmsPrefixes(services.side.prefixes, PrefixPages(services.database), ghr_name=GHR_NAME).rows(),
        *SnmsEnterprises(_enterprise_applications(services)).rows(),
        *SnmsFiles(_uploads(services), seconds_max=settings.body_seconds).rows(),
    )
    return snms_boundary(services).routes(rows)


def compose_reviews(services: Services) -> tuple[Route, ...]:
    """The node's own review of these applications."""
    return ReviewsApi(_enterprise_applications(services)).routes()


def _enterprise_applications(services: Services) -> EnterpriseApplicationRegistry:
    settings, writer = services.settings, services.writer
    joint = JointWriter(
        services.database,
        services.registry.counters,
        committed=services.freshness.changed,
        now=writer.now,
        new_id=writer.new_id,
    )
    return EnterpriseApplicationRegistry(
        ApplicationStores.of(services.database),
        _uploads(services),
        writer,
        joint,
        password_sealing(services),
        own=Prefix.parse(settings.prefix),
        is_judged_above=settings.is_reporting,
    )


def _uploads(services: Services) -> UploadRegistry:
    settings = services.settings
    directory = UploadDirectory(settings.files_directory or settings.home / FILES)
    return UploadRegistry(UploadStore(services.database), directory, now=now, new_id=new_id)
