"""Writing records as the Handle protocol does: create, add, remove, delete, under an administrator's rights (§1.6).

Protocol-free: whoever speaks REST or the native protocol parses, proves who asks, and calls. What is written goes
through the one write path, by the same rules as everything else; the record lies in index order.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from idnode.model.access import ApiKey, Role
from idnode.model.change import Trace
from idnode.model.errors import (
    AlreadyRegistered,
    IdnodeError,
    InvalidInput,
    NotFound,
    NotResponsible,
    VersionMoved,
    Violation,
)
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier, Prefix
from idnode.model.prefix_registration import RECORDS_OF_PREFIXES, Hosting
from idnode.model.record import UNBORN, Operation, Record, State
from idnode.registry.commands import Asked, Content, Patch, Revision
from idnode.registry.handle_admin import NO_RIGHTS, HandleAdministrators, HandleIdentity, admins_of, ruled_by
from idnode.registry.handle_rights import (
    OVERWRITING,
    WRITING_ROLES,
    Administrator,
    NoSuchValues,
    ValuesExist,
    changed_in,
    name_of,
    needed_for,
    refuse_open_secrets,
    require_rights,
    require_writable,
    rights_of_key,
    taken_detail,
)
from idnode.registry.service import REPLANS_MAX, RegistryService
from idnode.storage.directory import Directory
from idnode.storage.handle_records import HandleListing
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.identifiers import IdentifierStore, StoredRecord
from idnode.wire.record_json import read_record
from idnode.wire.typed_values.hs_admin import ADMIN_PERMISSIONS_ALL, AdminPermission

_SILENT = KeptAnswer(200, "", None, None, b"")

T = TypeVar("T")


class Written(NamedTuple):
    """What was done; `has_overwritten`: something that was there before."""

    has_overwritten: bool


class Circumstances(NamedTuple):
    """Who writes, under which request id."""

    who: Administrator
    request_id: str


class HandleRecords:
    """`now` is the clock. What it cannot do leaves everything as it was."""

    def __init__(
        self,
        identifiers: IdentifierStore,
        registry: RegistryService,
        administrators: HandleAdministrators,
        directory: Directory,
        listing: HandleListing,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._identifiers = identifiers
        self._registry = registry
        self._administrators = administrators
        self._directory = directory
        self._listing = listing
        self._now = now

    async def require_absent(self, identifier: Identifier) -> None:
        """For a creation that overwrites nothing: before anybody is asked who he is. Raises AlreadyRegistered."""
        await self.require_here(identifier.prefix)
        stored = await self._identifiers.find(identifier.folded)
        if stored is not None and stored.state not in UNBORN:
            raise AlreadyRegistered(taken_detail(identifier, stored.state))

    async def require_values(self, identifier: Identifier, indexes: frozenset[int]) -> None:
        """That a record is there and has these values, before anybody is asked. Raises NotFound, NoSuchValues."""
        _, record = await self._active(identifier)
        _require_all_in(record, indexes)

    async def require_here(self, prefix: Prefix) -> None:
        """Raises NotResponsible for a prefix that is not this node's, or is answered by its enterprise."""
        registration = await self._directory.prefix(prefix)
        if registration is None or registration.hosting is Hosting.SELF:
            raise NotResponsible(f"prefix {prefix.text} is not kept at this node")

    async def rights_in(self, who: Administrator, record: Record) -> AdminPermission:
        """What somebody may do with a record; one that was transferred is ruled by who it was transferred to alone."""
        holder = record.holder
        if isinstance(who, ApiKey):
            if holder is None:
                return rights_of_key(who, ruled_by(record.identifier))
            acts = who.role in WRITING_ROLES and await self._directory.acts_for(who, holder)
            return ADMIN_PERMISSIONS_ALL if acts else NO_RIGHTS
        if holder is not None and not await self._is_of(who, holder):
            return NO_RIGHTS
        if holder is not None and not admins_of(record.values):
            return await self._administrators.rights_under(who, ruled_by(who.handle))
        return await self._administrators.rights_in(who, record)

    async def create(
        self, identifier: Identifier, values: tuple[HandleValue, ...], circumstances: Circumstances, *, overwrites: bool
    ) -> Written:
        """A new record or, with `overwrites`, other content for one that is there.

        Raises AlreadyRegistered, NotAdministrator, NotWritable, NotResponsible, InvalidInput, Conflict.
        """
        await self.require_here(identifier.prefix)
        refuse_open_secrets(values)

        async def attempt() -> Written:
            stored = await self._identifiers.find(identifier.folded)
            if stored is None or stored.state in UNBORN:
                await self._require_may_register(identifier, stored, circumstances.who)
                asked = self._asked(identifier, circumstances)
                await self._registry.register(identifier, Content(None, {}, values), asked, lambda *_: _SILENT)
                return Written(has_overwritten=False)
            if not overwrites or stored.state is not State.ACTIVE:
                raise AlreadyRegistered(taken_detail(identifier, stored.state))
            record = read_record(stored.document)
            rights = await self.rights_in(circumstances.who, record)
            if rights & OVERWRITING != OVERWRITING:
                require_rights(rights, needed_for(record.values, values), circumstances.who)
                require_writable(changed_in(record.values, values))
            content = Content(record.template, {}, values)
            await self._revise(identifier, Operation.REPLACE, content, stored, circumstances)
            return Written(has_overwritten=True)

        return await _anew(attempt, retries=(VersionMoved, *((AlreadyRegistered,) if overwrites else ())))

    async def add(
        self, identifier: Identifier, values: tuple[HandleValue, ...], circumstances: Circumstances, *, overwrites: bool
    ) -> Written:
        """Further values; with `overwrites` also in the place of those with the same index. Raises ValuesExist too."""
        if not values:
            raise InvalidInput.of([Violation("/values", "min-values", "there is no value to add", "[]", "1 value")])
        refuse_open_secrets(values)

        async def attempt() -> Written:
            stored, record = await self._active(identifier)
            rights = await self.rights_in(circumstances.who, record)
            kept = [old for old in record.values if old.index not in {value.index for value in values}]
            require_rights(rights, needed_for(record.values, (*kept, *values)), circumstances.who)
            clashing = sorted({old.index for old in record.values} & {value.index for value in values})
            if clashing and not overwrites:
                raise ValuesExist(f"Index conflict for {clashing[0]}")
            require_writable(changed_in(record.values, (*kept, *values)))
            await self._revise(identifier, Operation.PATCH, Patch(values=values), stored, circumstances)
            return Written(has_overwritten=bool(clashing))

        return await _anew(attempt, retries=(VersionMoved,))

    async def modify(
        self, identifier: Identifier, values: tuple[HandleValue, ...], circumstances: Circumstances
    ) -> None:
        """Other values in the place of those with the same index. Raises NoSuchValues, NotWritable, …"""
        refuse_open_secrets(values)

        async def attempt() -> None:
            stored, record = await self._active(identifier)
            rights = await self.rights_in(circumstances.who, record)
            if rights == NO_RIGHTS:
                require_rights(rights, AdminPermission.MODIFY_VALUE, circumstances.who)
            indexes = frozenset(value.index for value in values)
            _require_all_in(record, indexes)
            following = (*(old for old in record.values if old.index not in indexes), *values)
            require_rights(rights, needed_for(record.values, following), circumstances.who)
            require_writable(changed_in(record.values, following))
            await self._revise(identifier, Operation.PATCH, Patch(values=values), stored, circumstances)

        await _anew(attempt, retries=(VersionMoved,))

    async def remove(self, identifier: Identifier, indexes: frozenset[int], circumstances: Circumstances) -> None:
        """Take values out; nothing at all when one of them is not there. Raises NoSuchValues, NotAdministrator, …"""

        async def attempt() -> None:
            stored, record = await self._active(identifier)
            rights = await self.rights_in(circumstances.who, record)
            kept = tuple(value for value in record.values if value.index not in indexes)
            if rights == NO_RIGHTS:
                require_rights(rights, AdminPermission.REMOVE_VALUE, circumstances.who)
            _require_all_in(record, indexes)
            require_rights(rights, needed_for(record.values, kept), circumstances.who)
            require_writable(changed_in(record.values, kept))
            await self._revise(identifier, Operation.PATCH, Patch(removed_indexes=indexes), stored, circumstances)

        await _anew(attempt, retries=(VersionMoved,))

    async def delete(self, identifier: Identifier, circumstances: Circumstances) -> None:
        """The record becomes a tombstone. Raises NotFound, NotAdministrator, Conflict."""

        async def attempt() -> None:
            stored, record = await self._active(identifier)
            rights = await self.rights_in(circumstances.who, record)
            require_rights(rights, AdminPermission.DELETE_HANDLE, circumstances.who)
            await self._revise(identifier, Operation.DELETE, None, stored, circumstances)

        await _anew(attempt, retries=(VersionMoved,))

    async def require_may_list(self, prefix: Prefix, who: Administrator) -> None:
        """Raises NotResponsible, NotAdministrator."""
        await self.require_here(prefix)
        require_rights(await self._rights_under(who, prefix), AdminPermission.LIST_HANDLES, who)

    async def count(self, prefix: Prefix) -> int:
        """How many handles there are below a prefix."""
        return await self._listing.count(prefix)

    def handles(self, prefix: Prefix, *, past: int, limit: int | None) -> AsyncIterator[list[str]]:
        """They themselves, in upper case and in order, some at a time."""
        return self._listing.handles(prefix, past=past, limit=limit)

    async def _require_may_register(
        self, identifier: Identifier, reserved: StoredRecord | None, who: Administrator
    ) -> None:
        if reserved is not None:
            # A name that was reserved and transferred is its new holder's to use.
            require_rights(await self.rights_in(who, read_record(reserved.document)), AdminPermission.ADD_HANDLE, who)
            return
        if identifier.prefix.folded != RECORDS_OF_PREFIXES.folded:
            require_rights(await self._rights_under(who, identifier.prefix), AdminPermission.ADD_HANDLE, who)
            return
        # The record of a derived prefix is the parent's to give (§1.6).
        prefix = Prefix.parse(identifier.suffix)
        parent = prefix.text.rpartition(".")[0]
        if isinstance(who, ApiKey):
            rights = rights_of_key(who, prefix)
        else:
            rights = await self._rights_under(who, Prefix.parse(parent)) if parent else NO_RIGHTS
        require_rights(rights, AdminPermission.ADD_DERIVED_PREFIX, who)

    async def _rights_under(self, who: Administrator, prefix: Prefix) -> AdminPermission:
        if isinstance(who, ApiKey):
            return rights_of_key(who, prefix)
        return await self._administrators.rights_under(who, prefix)

    async def _active(self, identifier: Identifier) -> tuple[StoredRecord, Record]:
        """To a Handle client what is suspended or deleted is not there. Raises NotFound, NotResponsible."""
        await self.require_here(identifier.prefix)
        stored = await self._identifiers.find(identifier.folded)
        if stored is None or stored.state is not State.ACTIVE:
            raise NotFound(f"{identifier.text} is not registered")
        return stored, read_record(stored.document)

    async def _revise(
        self,
        identifier: Identifier,
        operation: Operation,
        body: Content | Patch | None,
        stored: StoredRecord,
        circumstances: Circumstances,
    ) -> None:
        # The rights were those in this version: another one is looked at anew.
        revision = Revision(identifier, operation, body, expected_version=stored.version)
        await self._registry.revise(revision, self._asked(identifier, circumstances), lambda *_: _SILENT)

    async def _is_of(self, identity: HandleIdentity, holder: UUID) -> bool:
        """Whether the identity's own prefix is this enterprise's."""
        registration = await self._directory.prefix(ruled_by(identity.handle))
        return registration is not None and registration.enterprise == holder

    def _asked(self, identifier: Identifier, circumstances: Circumstances) -> Asked:
        at, who = self._now(), circumstances.who
        trace = Trace(name_of(who), circumstances.request_id, at)
        if isinstance(who, ApiKey) and identifier.prefix.folded != RECORDS_OF_PREFIXES.folded:
            return Asked(who, trace)
        # What it may do was decided by the rights of the protocol: the key that writes has no scope of its own.
        return Asked(ApiKey(UUID(int=0), trace.actor, Role.ADMIN, (), "", at, None, None, None, None, 1), trace)


def _require_all_in(record: Record, indexes: frozenset[int]) -> None:
    missing = sorted(indexes - {value.index for value in record.values})
    if missing:
        raise NoSuchValues(f"there is no value with index {missing[0]}")


async def _anew(attempt: Callable[[], Awaitable[T]], *, retries: tuple[type[IdnodeError], ...]) -> T:
    """Decide and write; when somebody else was faster, decide on what stands then."""
    for _ in range(REPLANS_MAX - 1):
        try:
            return await attempt()
        except retries:
            continue
    return await attempt()
