"""The composition root of the Handle interfaces: REST, and what takes authentication over the native protocol."""

import os
import time
from functools import cache
from uuid import uuid4

from aiohttp import web

from idnode.app_secrets import NodeSignature, new_signing_key, node_key
from idnode.app_services import Services
from idnode.config import Settings
from idnode.frontends.native.administration import Administration
from idnode.frontends.native.challenges import Challenges
from idnode.frontends.native.operations import Operations
from idnode.frontends.native.recursion import Recursion
from idnode.frontends.native.repeats import Repeats
from idnode.frontends.native.sessions import NativeSessions
from idnode.frontends.rest.administration import HandleAdministration
from idnode.frontends.rest.doorkeeper import Doorkeeper
from idnode.frontends.rest.handles import HandleRest
from idnode.frontends.rest.secrecy import Secrecy
from idnode.frontends.rest.sessions import SessionsApi
from idnode.frontends.rest.site import SiteApi
from idnode.frontends.v1.handle_admins import HandleAdminsApi
from idnode.frontends.v1.routes import Route
from idnode.frontends.v1.signing_keys import SigningKeysApi
from idnode.handle_client.client import World
from idnode.handle_client.links import ServerAddress
from idnode.handle_client.walk import Walk
from idnode.lifecycle import new_id, new_secret, now
from idnode.model.identifier import Prefix
from idnode.registry.handle_admin import HandleAdministrators
from idnode.registry.handle_keys import HandleKeys
from idnode.registry.handle_records import HandleRecords
from idnode.registry.handle_sessions import HandleSessions
from idnode.registry.signing import KeySealing
from idnode.registry.signing_keys import SigningKeys
from idnode.resolver.prefix_records import OwnSite
from idnode.resolver.service import FindElsewhere
from idnode.storage.handle_records import HandleListing
from idnode.storage.handle_sessions import HandleSessionStore
from idnode.storage.native_sessions import NativeSessionStore
from idnode.storage.signing_keys import SigningKeyStore
from idnode.wire.sites import own_site, told_address
from idnode.wire.typed_values.hs_site import HsSite


def compose_handle_rest(services: Services) -> list[web.RouteDef]:
    """Reading, writing, sessions, and the proxy; the last route takes every path that can be an identifier."""
    settings, database = services.settings, services.database
    administrators = HandleAdministrators(services.identifiers.find_many)
    sessions = HandleSessions(HandleSessionStore(database), administrators, now=now, random=os.urandom)
    secrecy = Secrecy.of(trusts_loopback=settings.trusts_loopback, trusted=settings.trusted_proxies)
    doorkeeper = Doorkeeper(services.authentication, administrators, sessions, secrecy)
    records = HandleRecords(
        services.identifiers, services.registry, administrators, services.directory, HandleListing(database), now=now
    )
    administration = HandleAdministration(records, doorkeeper, now=now, new_suffix=uuid4)
    interface = HandleRest(services.resolver, doorkeeper, records, administration, SessionsApi(sessions, doorkeeper))
    return [*SiteApi(own_site_of(settings)).routes(), *interface.routes()]


def own_site_of(settings: Settings) -> OwnSite:
    """Where this node answers, as clients are told; None where no address is known that they could be told.

    With a native port the site names the node's key, which is made at first use. Raises CannotStart for a bad one.
    """
    address = told_address(settings.site_address or settings.http_host)

    @cache
    def own() -> HsSite | None:
        if address is None:
            return None
        port = settings.native_port
        key = NodeSignature(settings.home).public_key().encode() if port else b""
        return own_site(address, native_port=port, http_port=settings.http_port, public_key=key)

    return own


def compose_signing_keys(services: Services) -> tuple[Route, ...]:
    """The keys that records are signed with."""
    keys = SigningKeys(
        SigningKeyStore(services.database),
        services.identifiers,
        services.batches,
        services.directory,
        services.writer,
        KeySealing(node_key(services.settings), os.urandom),
        new_key=new_signing_key,
    )
    return SigningKeysApi(keys).routes()


def compose_handle_admins(services: Services) -> tuple[Route, ...]:
    """The keys of prefixes' administrators."""
    keys = HandleKeys(services.identifiers, services.registry, services.directory, new_secret=new_secret)
    return HandleAdminsApi(keys).routes()


def compose_administration(services: Services) -> Administration:
    """Its `administer` and `unseal` are the native front's, its `run` is for as long as the node runs."""
    database = services.database
    administrators = HandleAdministrators(services.identifiers.find_many)
    records = HandleRecords(
        services.identifiers, services.registry, administrators, services.directory, HandleListing(database), now=now
    )
    store = NativeSessionStore(database)
    operations = Operations(
        records,
        services.stores.prefixes,
        services.resolver.resolve,
        own=Prefix.parse(services.settings.prefix),
        now=now,
        new_suffix=uuid4,
    )

    async def forget() -> None:
        await store.forget(now())

    return Administration(
        operations,
        Challenges(store, administrators, now=now, random=os.urandom),
        NativeSessions(store, now=now, random=os.urandom),
        Repeats(time.monotonic),
        sign=NodeSignature(services.settings.home).sign,
        forget=forget,
        random=os.urandom,
        seconds=time.time,
        new_request_id=lambda: new_id().hex,
    )


def compose_recursion(settings: Settings) -> FindElsewhere | None:
    """What the resolver asks for prefixes that are not this node's; None where recursion is off."""
    if not settings.recursion or settings.recursion_top is None:
        return None
    world = World(time.time, time.monotonic, os.urandom)
    walk = Walk(ServerAddress.parse(settings.recursion_top), world, allows_private=settings.recursion_private)
    return Recursion(walk, Prefix.parse(settings.prefix), seconds=time.time, monotonic=time.monotonic).find
