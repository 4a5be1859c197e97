"""Resolution: route by prefix, then read; many identifiers are one statement."""

from collections.abc import Sequence
from dataclasses import dataclass

from idnode.model.errors import Elsewhere, IdnodeError, NotFound, NotResponsible
from idnode.model.identifier import Identifier, Prefix
from idnode.model.prefix_registration import Hosting
from idnode.model.record import State
from idnode.resolver.coalesce import ReadCoalescer
from idnode.resolver.metrics import ResolverCounters
from idnode.storage.directory import Directory
from idnode.storage.identifiers import IdentifierStore, StoredRecord
from idnode.wire.directory_json import site_document


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
        identifiers: IdentifierStore,
        coalescer: ReadCoalescer,
        directory: Directory,
        counters: ResolverCounters,
    ) -> None:
        self._identifiers = identifiers
        self._coalescer = coalescer
        self._directory = directory
        self._counters = counters

    async def resolve(self, identifier: Identifier) -> StoredRecord:
        """The record as stored. Raises NotResponsible, Elsewhere, NotFound."""
        await self._route(identifier.prefix)
        return self._found(identifier, await self._coalescer.find(identifier.folded))

    async def resolve_many(self, identifiers: Sequence[Identifier]) -> list[Resolution]:
        """In the order asked; repeats are answered each time."""
        refusals: dict[str, IdnodeError] = {}
        for prefix in {identifier.prefix.folded: identifier.prefix for identifier in identifiers}.values():
            try:
                await self._route(prefix)
            except (NotResponsible, Elsewhere, NotFound) as refusal:
                refusals[prefix.folded] = refusal
        wanted = {i.folded for i in identifiers if i.prefix.folded not in refusals}
        records = await self._identifiers.find_many(list(wanted)) if wanted else {}
        return [self._resolution(i, refusals.get(i.prefix.folded), records.get(i.folded)) for i in identifiers]

    def _resolution(
        self, identifier: Identifier, refusal: IdnodeError | None, stored: StoredRecord | None
    ) -> Resolution:
        if refusal is not None:
            return Resolution(identifier, None, refusal)
        try:
            return Resolution(identifier, self._found(identifier, stored), None)
        except NotFound as missing:
            return Resolution(identifier, None, missing)

    def _found(self, identifier: Identifier, stored: StoredRecord | None) -> StoredRecord:
        if stored is None:
            self._counters.missing += 1
            raise NotFound(f"{identifier.text} is not registered")
        if stored.state is State.ACTIVE:
            self._counters.found += 1
        else:
            self._counters.withheld += 1
        return stored

    async def _route(self, prefix: Prefix) -> None:
        registration = await self._directory.prefix(prefix)
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
