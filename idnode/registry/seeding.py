"""First run: the node's own prefix, its shipped templates, an admin key, and demo data if wanted."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from itertools import islice
from uuid import UUID

from idnode.model.access import ApiKey, Role
from idnode.model.change import Trace
from idnode.model.enterprise import Enterprise
from idnode.model.errors import AlreadyRegistered
from idnode.model.industry import Industry
from idnode.model.prefix_registration import Hosting, PrefixState
from idnode.registry.commands import Asked, Content, EnterpriseForm, KeyForm, PrefixForm
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.registry.keys import KeyRegistry
from idnode.registry.prefixes import PrefixRegistry
from idnode.registry.rules.moments import node_day
from idnode.registry.seeds import SeedEnterprise, SeedProduct, demo
from idnode.registry.service import RegistryService
from idnode.registry.shipped_templates import shipped_templates
from idnode.registry.templates import TemplateRegistry
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.idempotency import KeptAnswer

NODE = UUID(int=0)
ADMIN_KEY_NAME = "first admin"
LOT = 128
"""Products that are registered at once; they share commits."""


class FirstRun:
    """Brings an empty database to where the node can work. Every step may be repeated."""

    def __init__(
        self,
        enterprises: EnterpriseRegistry,
        enterprise_store: EnterpriseStore,
        prefixes: PrefixRegistry,
        templates: TemplateRegistry,
        keys: KeyRegistry,
        registry: RegistryService,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._enterprises = enterprises
        self._enterprise_store = enterprise_store
        self._prefixes = prefixes
        self._templates = templates
        self._keys = keys
        self._registry = registry
        self._now = now

    async def ensure_node(self) -> None:
        """The node's own prefix and the templates that ship with this release."""
        with suppress(AlreadyRegistered):  # by another node on the same database
            await self._prefixes.ensure_own(self._asked("bootstrap"), _silent)
        for template in shipped_templates(owner=self._prefixes.own, now=self._now()):
            try:
                await self._templates.define(template, self._asked("bootstrap"), _silent)
            except AlreadyRegistered:
                continue

    async def ensure_admin_key(self, keep: Callable[[str], None]) -> bool:
        """Make an admin key if there is none. `keep` gets the secret before the key is committed, so none is lost."""
        if await self._keys.has_admin():
            return False

        def answer(_: ApiKey, secret: str) -> KeptAnswer:
            keep(secret)
            return _silent(None)

        form = KeyForm(ADMIN_KEY_NAME, Role.ADMIN, (), None)
        await self._keys.make(form, self._asked("bootstrap"), answer)
        return True

    async def seed(self, *, today: date, products_each: int) -> int:
        """Demo data into a database without enterprises; a seeding that was cut short is gone on with.

        Returns the number of products registered now. The operator comes last: where it stands, all is there.
        """
        operator, first, *_ = demo(self._prefixes.own, today=today, products_each=0)
        begun = await self._enterprise_store.find_by_uscc(first.uscc)
        done = await self._enterprise_store.find_by_uscc(operator.uscc) is not None
        if done or (begun is None and not await self._enterprise_store.is_empty()):
            return 0
        # Products are named after days: what began yesterday goes on as of yesterday, or there would be twice as many.
        day = today if begun is None else node_day(begun.created)
        operator, *others = demo(self._prefixes.own, today=day, products_each=products_each)
        count = 0
        for enterprise in (*others, operator):
            count += await self._seed_enterprise(enterprise)
        return count

    async def _seed_enterprise(self, seed: SeedEnterprise) -> int:
        enterprise = await self._ensure_enterprise(seed)
        if seed.prefix is None:
            return 0
        form = PrefixForm(seed.prefix, enterprise, Hosting.HOSTED, None, PrefixState.ACTIVE)
        with suppress(AlreadyRegistered):
            await self._prefixes.register(form, self._asked("seed"), _silent)
        count = 0
        products = iter(seed.products)
        while lot := list(islice(products, LOT)):
            count += sum(await asyncio.gather(*(self._seed_product(product) for product in lot)))
        return count

    async def _ensure_enterprise(self, seed: SeedEnterprise) -> UUID:
        known = await self._enterprise_store.find_by_uscc(seed.uscc)
        if known is not None:
            return known.id
        made: list[UUID] = []

        def answer(enterprise: Enterprise) -> KeptAnswer:
            made.append(enterprise.id)
            return _silent(None)

        form = EnterpriseForm(seed.name, seed.uscc, Industry(seed.industry), seed.contact, seed.website, seed.address)
        try:
            await self._enterprises.register(form, self._asked("seed"), answer)
        except AlreadyRegistered:  # by another node on the same database
            return await self._ensure_enterprise(seed)
        return made[0]

    async def _seed_product(self, product: SeedProduct) -> bool:
        content = Content(product.template, product.attributes, product.values)
        try:
            await self._registry.register(product.identifier, content, self._asked("seed"), lambda *_: _silent(None))
        except AlreadyRegistered:
            return False
        return True

    def _asked(self, actor: str) -> Asked:
        at = self._now()
        key = ApiKey(NODE, actor, Role.ADMIN, (), "", at, None, None, None, None, 1)
        return Asked(key, Trace(actor, actor, at))


def _silent(_: object) -> KeptAnswer:
    """Nobody waits for an answer."""
    return KeptAnswer(200, "", None, None, b"")
