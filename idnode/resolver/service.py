"""Resolution: route by prefix, then read; many identifiers are few statements."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from idnode.model.errors import Elsewhere, IdnodeError, NotFound, NotResponsible, Unavailable
from idnode.model.identifier import Identifier, Prefix
from idnode.model.prefix_registration import Hosting, PrefixRegistration
from idnode.model.record import State
from idnode.resolver.coalesce import ReadCoalescer, Told
from idnode.resolver.metrics import ResolverCounters
from idnode.storage.directory import Directory
from idnode.storage.identifiers import StoredRecord
from idnode.wire.directory_json import site_document

KEYS_MAX = 256
"""Keys of one statement, so that single lookups, which share its connections, do not wait for a whole batch."""
ROUTING_SECONDS_MAX = 1.0
"""For the prefixes of a batch, which are found one after the other."""

FindMany = Callable[[Sequence[str]], Awaitable[Mapping[str, StoredRecord]]]
"""Records by folded identifier, as `Lookups.find_many`: within its time, or Unavailable."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of one identifier of a batch: a record or the reason why there is none."""

    identifier: Identifier
    record: StoredRecord | None
    problem: IdnodeError | None


class ResolverService:
    """Finds records. What of them is shown to whom is decided by `views`."""

    def __init__(
        self,
        find_many: FindMany,
        coalescer: ReadCoalescer,
        directory: Directory,
        counters: ResolverCounters,
    ) -> None:
        self._find_many = find_many
        self._coalescer = coalescer
        self._directory = directory
        self._counters = counters

    async def resolve(self, identifier: Identifier) -> StoredRecord:
        """The record as stored. Raises NotResponsible, Elsewhere, NotFound."""
        await self._route(identifier.prefix)
        return self.found(identifier, await self._coalescer.find(identifier.folded))

    def ask(self, prefix: Prefix, folded: str, told: Told) -> bool:
        """The same without waiting: `told` gets what is for `found`. False: the prefix has to be looked up first.

        Raises NotResponsible, Elsewhere, NotFound, Unavailable at once.
        """
        is_known, registration = self._directory.known_prefix(prefix)
        if not is_known:
            return False
        self._require_answered_here(prefix, registration)
        self._coalescer.ask(folded, told)
        return True

    def found(self, identifier: Identifier, stored: StoredRecord | None) -> StoredRecord:
        """What a read has found, counted. Raises NotFound."""
        if stored is None:
            self._counters.missing += 1
            raise NotFound(f"{identifier.text} is not registered")
        if stored.state is State.ACTIVE:
            self._counters.found += 1
        else:
            self._counters.withheld += 1
        return stored

    async def resolve_many(self, identifiers: Sequence[Identifier]) -> list[Resolution]:
        """In the order asked; repeats are answered each time. Raises Unavailable rather than answer a part."""
        refusals = await self._refusals({i.prefix.folded: i.prefix for i in identifiers})
        wanted = list({i.folded for i in identifiers if i.prefix.folded not in refusals})
        records: dict[str, StoredRecord] = {}
        for first in range(0, len(wanted), KEYS_MAX):
            records.update(await self._find_many(wanted[first : first + KEYS_MAX]))
        return [self._resolution(i, refusals.get(i.prefix.folded), records.get(i.folded)) for i in identifiers]

    async def _refusals(self, prefixes: Mapping[str, Prefix]) -> dict[str, IdnodeError]:
        """Why nothing is read below some of these; they stand under their folded form."""
        refusals: dict[str, IdnodeError] = {}
        try:
            async with asyncio.timeout(ROUTING_SECONDS_MAX):
                for folded, prefix in prefixes.items():
                    try:
                        await self._route(prefix)
                    except (NotResponsible, Elsewhere, NotFound) as refusal:
                        refusals[folded] = refusal
        except TimeoutError as error:
            raise Unavailable("the database answers too slowly; try again shortly") from error
        return refusals

    def _resolution(
        self, identifier: Identifier, refusal: IdnodeError | None, stored: StoredRecord | None
    ) -> Resolution:
        if refusal is not None:
            return Resolution(identifier, None, refusal)
        try:
            return Resolution(identifier, self.found(identifier, stored), None)
        except NotFound as missing:
            return Resolution(identifier, None, missing)

    async def _route(self, prefix: Prefix) -> None:
        self._require_answered_here(prefix, await self._directory.prefix(prefix))

    def _require_answered_here(self, prefix: Prefix, registration: PrefixRegistration | None) -> None:
        if registration is None:
            self._counters.foreign += 1
            raise NotResponsible(f"prefix {prefix.text} is not one of this node's")
        if registration.hosting is Hosting.SELF and registration.site is not None:
            self._counters.referred += 1
            raise Elsewhere(
                f"prefix {prefix.text} is answered by its enterprise itself", site=site_document(registration.site)
            )
        if not registration.is_answered_here:
            self._counters.missing += 1
            raise NotFound(f"prefix {prefix.text} is {registration.state}; its identifiers are not answered")
