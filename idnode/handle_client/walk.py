"""From the top node down to whoever answers for a handle, by HS_SITE, HS_SERV and referrals (RFC 3651 §3, RFC 3652)."""

import asyncio
from dataclasses import dataclass, field

from idnode.handle_client.bounded import BoundedCache
from idnode.handle_client.client import HandleClient, Resolved, World
from idnode.handle_client.errors import RecursionStopped, ServerRefused, ServerUnreachable
from idnode.handle_client.links import Patience, ServerAddress
from idnode.handle_client.sites import address_of_server, server_for, sites_in
from idnode.model.errors import NotResponsible, Unavailable
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import fold
from idnode.wire.messages.bodies import Referral
from idnode.wire.messages.codes import OpFlag, ResponseCode
from idnode.wire.typed_values.hs_site import HsSite

STEPS_MAX = 12
"""Servers that one handle may lead to, each counted as often as it is asked."""
SECONDS_MAX = 5.0
"""For a whole walk."""
SITES_KEPT_MAX = 10_000
SITE_SECONDS_MAX = 86_400
MISSING_SECONDS = 60
"""How long it is remembered that a prefix leads nowhere."""
PREFIX_HANDLES = "0.NA"
SERVICE_TYPES = ("HS_SITE", "HS_SERV")
FLAGS = OpFlag.PUBLIC_ONLY | OpFlag.CACHE_CERTIFY
"""Without REC: the walk is ours, nobody walks for us."""
PATIENCE = Patience(tries_seconds=(0.5, 1.0), connect_seconds=1.5, answer_seconds=2.0)

Sites = tuple[HsSite, ...]


@dataclass(slots=True)
class _Way:
    """What one walk has asked: a loop asks the same of the same again."""

    steps: int = 0
    asked: set[tuple[ServerAddress, str]] = field(default_factory=set)

    def step(self, address: ServerAddress, handle: str) -> None:
        """Raises RecursionStopped."""
        self.steps += 1
        question = (address, fold(handle))
        if question in self.asked:
            raise RecursionStopped(f"the way leads in a circle: {address.host} was asked for {handle} before")
        if self.steps > STEPS_MAX:
            raise RecursionStopped(f"more than {STEPS_MAX} steps")
        self.asked.add(question)


class Walk:
    """Knows the way by itself; sites are kept as long as their ttl says. `top` may have any address."""

    def __init__(
        self, top: ServerAddress, world: World, *, allows_private: bool = False, patience: Patience = PATIENCE
    ) -> None:
        self._top = top
        self._world = world
        self._allows_private = allows_private
        self._patience = patience
        self._sites: BoundedCache[Sites] = BoundedCache(SITES_KEPT_MAX, world.monotonic)

    async def resolve(
        self,
        handle: str,
        *,
        indexes: tuple[int, ...] = (),
        types: tuple[str, ...] = (),
        seconds_max: float = SECONDS_MAX,
    ) -> Resolved:
        """What the server in charge says.

        Raises ServerRefused, NotResponsible, Unavailable, WrongAnswer, RecursionStopped.
        """
        try:
            async with asyncio.timeout(seconds_max):
                return await self._resolve(handle, indexes, types, _Way())
        except TimeoutError as error:
            raise ServerUnreachable(f"no answer within {seconds_max:g} seconds from the servers on the way") from error

    async def _resolve(self, handle: str, indexes: tuple[int, ...], types: tuple[str, ...], way: _Way) -> Resolved:
        prefix = handle.partition("/")[0]
        if fold(prefix) == PREFIX_HANDLES or "/" not in handle:
            return await self._ask_top(handle, indexes, types, way)
        sites = await self._sites_of(prefix, way)
        try:
            return await self._follow(sites, handle, indexes, types, way)
        except ServerRefused as refusal:
            if refusal.response_code == ResponseCode.NOT_RESPONSIBLE:
                # Its site has moved, or was never right.
                self._sites.forget(fold(prefix))
                raise NotResponsible(f"nobody answers for prefix {prefix}") from refusal
            raise

    async def _ask_top(self, handle: str, indexes: tuple[int, ...], types: tuple[str, ...], way: _Way) -> Resolved:
        found = await self._ask(self._top, handle, indexes, types, way)
        if found.referral is None:
            return found
        return await self._follow(await self._referred(found.referral, way), handle, indexes, types, way)

    async def _follow(
        self, sites: Sites, handle: str, indexes: tuple[int, ...], types: tuple[str, ...], way: _Way
    ) -> Resolved:
        """Ask the site, and where it refers to."""
        while True:
            found = await self._ask_any(sites, handle, indexes, types, way)
            if found.referral is None:
                return found
            sites = await self._referred(found.referral, way)

    async def _sites_of(self, prefix: str, way: _Way) -> Sites:
        """The service of a prefix, or of the nearest one above that the top node knows. Raises NotResponsible."""
        known = self._sites.find(fold(prefix))
        if known is None:
            known, seconds = await self._look_up(prefix, way)
            self._sites.keep(fold(prefix), known, seconds)
        if not known:
            raise NotResponsible(f"nobody answers for prefix {prefix}")
        return known

    async def _look_up(self, prefix: str, way: _Way) -> tuple[Sites, float]:
        labels = prefix.split(".")
        while labels:
            above = ".".join(labels)
            try:
                found = await self._ask_top(f"{PREFIX_HANDLES}/{above}", (), SERVICE_TYPES, way)
            except ServerRefused as refusal:
                if refusal.response_code not in (ResponseCode.HANDLE_NOT_FOUND, ResponseCode.NOT_RESPONSIBLE):
                    raise
            else:
                sites = await self._service(found.values, way)
                if sites:
                    return sites, seconds_good(found.values, self._world.now(), seconds_max=SITE_SECONDS_MAX)
            labels.pop()
        return (), MISSING_SECONDS

    async def _service(self, values: tuple[HandleValue, ...], way: _Way) -> Sites:
        """The sites among values; else those of the service handle that they name (HS_SERV)."""
        sites = tuple(sites_in(values))
        if sites:
            return sites
        for value in values:
            if fold(value.type) == "HS_SERV":
                found = await self._resolve(value.data.decode(errors="replace"), (), SERVICE_TYPES, way)
                return await self._service(found.values, way)
        return ()

    async def _referred(self, referral: Referral, way: _Way) -> Sites:
        sites = await self._service(referral.values, way)
        if not sites and referral.handle:
            found = await self._resolve(referral.handle, (), SERVICE_TYPES, way)
            sites = await self._service(found.values, way)
        if not sites:
            raise RecursionStopped("a server refers to nowhere")
        return sites

    async def _ask_any(
        self, sites: Sites, handle: str, indexes: tuple[int, ...], types: tuple[str, ...], way: _Way
    ) -> Resolved:
        """The first site that answers."""
        last: Unavailable | None = None
        for site in sites:
            server = server_for(site, handle)
            address = None if server is None else address_of_server(server, allows_private=self._allows_private)
            if address is None:
                continue
            try:
                return await self._ask(address, handle, indexes, types, way)
            except Unavailable as error:
                last = error
        raise last or RecursionStopped(f"no server for {handle} takes questions over UDP or TCP")

    async def _ask(
        self, address: ServerAddress, handle: str, indexes: tuple[int, ...], types: tuple[str, ...], way: _Way
    ) -> Resolved:
        way.step(address, handle)
        async with HandleClient.connected(address, self._world, self._patience) as client:
            return await client.resolve(
                handle, indexes=indexes, types=types, flags=FLAGS, recursion_count=min(way.steps, 255)
            )


def seconds_good(values: tuple[HandleValue, ...], now: float, *, seconds_max: float) -> float:
    """How long all of these values may be kept: the least of their ttls, and `seconds_max` at most."""
    left = (value.ttl.seconds - now if value.ttl.is_absolute else value.ttl.seconds for value in values)
    return max(0.0, min(seconds_max, *left))
