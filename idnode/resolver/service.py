"""Resolution: route by prefix, then read; many identifiers are few statements."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from idnode.model.access import ApiKey, Role
from idnode.model.errors import Elsewhere, IdnodeError, NotFound, NotResponsible, Unavailable
from idnode.model.identifier import Identifier, Prefix
from idnode.model.prefix_registration import RECORDS_OF_PREFIXES, Hosting, PrefixRegistration
from idnode.model.record import UNBORN, State
from idnode.resolver.coalesce import ReadCoalescer, Told
from idnode.resolver.metrics import ResolverCounters
from idnode.resolver.prefix_records import OwnSite, prefix_of, record_of
from idnode.storage.directory import Directory
from idnode.storage.identifiers import StoredRecord
from idnode.wire.directory_json import site_document
from idnode.wire.record_head import holder_of

KEYS_MAX = 256
"""Keys of one statement, so that single lookups, which share its connections, do not wait for a whole batch."""
ROUTING_SECONDS_MAX = 1.0
"""For the prefixes of a batch, which are found one after the other."""

VERSION_ELSEWHERE = 0
"""Of a record that was fetched from another node; this node's own begin with 1."""

FindMany = Callable[[Sequence[str]], Awaitable[Mapping[str, StoredRecord]]]
"""Records by folded identifier, as `Lookups.find_many`: within its time, or Unavailable."""
FindElsewhere = Callable[[Identifier], Awaitable[StoredRecord]]
"""A record of a prefix that is not this node's. Raises NotResponsible, NotFound, Unavailable."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of one identifier of a batch: a record or the reason why there is none.

    `is_owned`: the key that asked may see all of it.
    """

    identifier: Identifier
    record: StoredRecord | None
    problem: IdnodeError | None
    is_owned: bool = False


class ResolverService:
    """Finds records. What of them is shown to whom is decided by `views`.

    `own_site` is where this node answers, as the records of prefixes tell it; `find_elsewhere` asks other nodes.
    """

    def __init__(
        self,
        find_many: FindMany,
        coalescer: ReadCoalescer,
        directory: Directory,
        counters: ResolverCounters,
        *,
        own_site: OwnSite = lambda: None,
        find_elsewhere: FindElsewhere | None = None,
    ) -> None:
        self._own_site = own_site
        self._find_elsewhere = find_elsewhere
        self._find_many = find_many
        self._coalescer = coalescer
        self._directory = directory
        self._counters = counters

    async def resolve(self, identifier: Identifier, *, recursively: bool = True) -> StoredRecord:
        """The record as stored, or `recursively` as another node has it where recursion is on.

        Raises NotResponsible, Elsewhere, NotFound, Unavailable.
        """
        if _is_of_prefix(identifier.prefix):
            return await self._record_of_prefix(identifier)
        elsewhere = self._find_elsewhere if recursively else None
        if await self._is_foreign(identifier.prefix, elsewhere) and elsewhere is not None:
            return await elsewhere(identifier)
        return self.found(identifier, await self._coalescer.find(identifier.folded))

    async def resolve_for(self, identifier: Identifier, key: ApiKey | None) -> tuple[StoredRecord, bool]:
        """The record, and whether it is the key's own; a reserved one is there for its owner. Raises as `resolve`."""
        if _is_of_prefix(identifier.prefix):
            record = await self._record_of_prefix(identifier)
            return record, await self.is_owned(identifier.prefix, record, key)
        elsewhere = self._find_elsewhere
        if await self._is_foreign(identifier.prefix, elsewhere) and elsewhere is not None:
            return await elsewhere(identifier), False
        stored = await self._coalescer.find(identifier.folded)
        is_owned = stored is not None and await self.is_owned(identifier.prefix, stored, key)
        if stored is not None and is_owned and stored.state is State.RESERVED:
            self._counters.withheld += 1
            return stored, is_owned
        return self.found(identifier, stored), is_owned

    async def is_owned(self, prefix: Prefix, stored: StoredRecord, key: ApiKey | None) -> bool:
        """Whether the key sees all of a record: that of its holder, or of its prefix while nobody else holds it."""
        # The record of a prefix holds secret keys: who may read everything is not to become who may write.
        if key is None or (_is_of_prefix(prefix) and key.role is not Role.ADMIN):
            return False
        holder = holder_of(stored.document, stored.values_at)
        return key.reaches(prefix) if holder is None else await self._directory.acts_for(key, holder)

    def ask(self, prefix: Prefix, folded: str, told: Told) -> bool:
        """The same without waiting: `told` gets what is for `found`. False: the prefix has to be looked up first.

        Raises NotResponsible, Elsewhere, NotFound, Unavailable at once.
        """
        is_known, registration = self._directory.known_prefix(prefix)
        # Another node is asked by whoever can wait.
        if not is_known or (registration is None and self._find_elsewhere is not None):
            return False
        self._require_answered_here(prefix, registration)
        self._coalescer.ask(folded, told)
        return True

    def asks_elsewhere(self, prefix: Prefix) -> bool:
        """Whether what is said of its identifiers is what another node says."""
        return self._find_elsewhere is not None and self._directory.known_prefix(prefix) == (True, None)

    def found(self, identifier: Identifier, stored: StoredRecord | None) -> StoredRecord:
        """What a read has found, counted. Raises NotFound, and for a name that was never active in the same words."""
        if stored is None or stored.state in UNBORN:
            self._counters.missing += 1
            raise NotFound(f"{identifier.text} is not registered")
        if stored.state is State.ACTIVE:
            self._counters.found += 1
        else:
            self._counters.withheld += 1
        return stored

    async def resolve_many(self, identifiers: Sequence[Identifier], key: ApiKey | None = None) -> list[Resolution]:
        """In the order asked; repeats are answered each time. Raises Unavailable rather than answer a part."""
        refusals = await self._refusals({i.prefix.folded: i.prefix for i in identifiers})
        wanted = list({i.folded for i in identifiers if i.prefix.folded not in refusals})
        records: dict[str, StoredRecord] = {}
        for first in range(0, len(wanted), KEYS_MAX):
            records.update(await self._find_many(wanted[first : first + KEYS_MAX]))
        for identifier in identifiers:
            if _is_of_prefix(identifier.prefix):
                await self._tell_site(identifier, records, refusals)
        owned = await self._owned(identifiers, records, key)
        find = self._find_elsewhere
        elsewhere = {} if find is None else await _found_elsewhere(find, identifiers, refusals)
        return [
            elsewhere.get(i.text)
            or self._resolution(
                i,
                refusals.get(i.prefix.folded) or refusals.get(i.folded),
                records.get(i.folded),
                is_owned=i.folded in owned,
            )
            for i in identifiers
        ]

    async def _owned(
        self, identifiers: Sequence[Identifier], records: Mapping[str, StoredRecord], key: ApiKey | None
    ) -> set[str]:
        """Which of these records are the key's own."""
        if key is None:
            return set()
        prefixes = {i.folded: i.prefix for i in identifiers}
        return {f for f, stored in records.items() if await self.is_owned(prefixes[f], stored, key)}

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
        self, identifier: Identifier, refusal: IdnodeError | None, stored: StoredRecord | None, *, is_owned: bool
    ) -> Resolution:
        if refusal is not None:
            return Resolution(identifier, None, refusal)
        if stored is not None and is_owned and stored.state is State.RESERVED:
            self._counters.withheld += 1
            return Resolution(identifier, stored, None, is_owned)
        try:
            return Resolution(identifier, self.found(identifier, stored), None, is_owned)
        except NotFound as missing:
            return Resolution(identifier, None, missing)

    async def _record_of_prefix(self, identifier: Identifier) -> StoredRecord:
        """Raises NotResponsible, NotFound."""
        registration = await self._directory.prefix(prefix_of(identifier))
        stored = None if registration is None else await self._coalescer.find(identifier.folded)
        return self.found(identifier, self._with_site(identifier, registration, stored))

    async def _tell_site(
        self, identifier: Identifier, records: dict[str, StoredRecord], refusals: dict[str, IdnodeError]
    ) -> None:
        """The same for one of a batch."""
        try:
            registration = await self._directory.prefix(prefix_of(identifier))
            stored = records.get(identifier.folded)
            records[identifier.folded] = self._with_site(identifier, registration, stored)
        except (NotResponsible, NotFound) as refusal:
            refusals[identifier.folded] = refusal

    def _with_site(
        self, identifier: Identifier, registration: PrefixRegistration | None, stored: StoredRecord | None
    ) -> StoredRecord:
        try:
            return record_of(identifier, registration, stored, self._own_site)
        except NotResponsible:
            self._counters.foreign += 1
            raise
        except NotFound:
            self._counters.missing += 1
            raise

    async def _is_foreign(self, prefix: Prefix, elsewhere: FindElsewhere | None) -> bool:
        """Whether another node is to be asked. Raises NotResponsible, Elsewhere, NotFound where nobody is."""
        registration = await self._directory.prefix(prefix)
        if registration is None and elsewhere is not None:
            self._counters.foreign += 1
            return True
        self._require_answered_here(prefix, registration)
        return False

    async def _route(self, prefix: Prefix) -> None:
        self._require_answered_here(prefix, await self._directory.prefix(prefix))

    def _require_answered_here(self, prefix: Prefix, registration: PrefixRegistration | None) -> None:
        if registration is None:
            self._counters.foreign += 1
            raise NotResponsible(f"prefix {prefix.text} is not one of this node's")
        if registration.is_answered_here:
            return
        if registration.is_given_out and registration.hosting is Hosting.SELF and registration.site is not None:
            self._counters.referred += 1
            raise Elsewhere(
                f"prefix {prefix.text} is answered by its enterprise itself", site=site_document(registration.site)
            )
        self._counters.missing += 1
        raise NotFound(f"prefix {prefix.text} is {registration.state}; its identifiers are not answered")


def _is_of_prefix(prefix: Prefix) -> bool:
    """Below it lie the records of prefixes themselves."""
    return prefix.folded == RECORDS_OF_PREFIXES.folded


async def _found_elsewhere(
    find: FindElsewhere, identifiers: Sequence[Identifier], refusals: Mapping[str, IdnodeError]
) -> dict[str, Resolution]:
    """What other nodes say of identifiers that are not this node's, by the identifier as asked."""
    wanted = {i.text: i for i in identifiers if isinstance(refusals.get(i.prefix.folded), NotResponsible)}

    async def ask(identifier: Identifier) -> Resolution:
        try:
            return Resolution(identifier, await find(identifier), None)
        except IdnodeError as problem:
            return Resolution(identifier, None, problem)

    async with asyncio.TaskGroup() as tasks:
        asked = {text: tasks.create_task(ask(identifier)) for text, identifier in wanted.items()}
    return {text: task.result() for text, task in asked.items()}
