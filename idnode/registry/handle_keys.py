"""Keys of a prefix's administrators: given, listed, taken away. They lie in the prefix's own record (0.NA/{prefix}).

```text
100  HS_ADMIN   every right, for whoever is in the group 200
200  HS_VLIST   the keys below, each by its place
300  HS_PUBKEY  a public key; its holder is 300:0.NA/88.118.8
301  HS_SECKEY  a secret key, not publicly readable; its holder is 301:0.NA/88.118.8
```

These are the places where clients of the Handle System look: the administrator of the records that they make is
200:0.NA/{prefix}. A secret key lies there as it is, because the answers of the protocol can be checked in no other way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from idnode.model.access import ApiKey, Role
from idnode.model.errors import Conflict, InvalidInput, NotFound, Violation
from idnode.model.handle_value import HandleValue, Permission, Reference
from idnode.model.identifier import Identifier, Prefix, fold
from idnode.model.record import Operation, Record, State
from idnode.registry.commands import Asked, Content, Patch, Revision
from idnode.registry.handle_admin import ADMIN, PUBKEY, SECKEY, VLIST, HandleIdentity, record_of_prefix
from idnode.registry.service import RegistryService
from idnode.storage.directory import Directory
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.identifiers import IdentifierStore, StoredRecord
from idnode.wire.cursor import MalformedMessage
from idnode.wire.record_json import read_record
from idnode.wire.typed_values.hs_admin import ADMIN_PERMISSIONS_ALL, HsAdmin
from idnode.wire.typed_values.hs_pubkey import HsPubkey
from idnode.wire.typed_values.hs_vlist import HsVlist

ADMIN_INDEX = 100
GROUP_INDEX = 200
KEY_INDEXES = range(300, 400)
DEFAULT_INDEX = {PUBKEY: 300, SECKEY: 301}
SECRET_PERMISSIONS = Permission.ADMIN_READ | Permission.ADMIN_WRITE
"""1100: what the Handle System gives a secret key."""


@dataclass(frozen=True, slots=True)
class HandleKeyForm:
    """A key to be put at an index; without `public` it is a secret that the node makes."""

    index: int
    public: HsPubkey | None = None


@dataclass(frozen=True, slots=True)
class HandleKey:
    """A key that is there, without what it is."""

    identity: HandleIdentity
    type: str


Answer = Callable[[tuple[HandleKey, ...], int], KeptAnswer]
"""From the keys that stand and the version of their record."""
SecretAnswer = Callable[[HandleKey, str | None, StoredRecord], KeptAnswer]
"""From the key, its secret if the node made one, and the record."""


class HandleKeys:
    """`new_secret` gives a fresh secret of 256 random bits."""

    def __init__(
        self,
        identifiers: IdentifierStore,
        registry: RegistryService,
        directory: Directory,
        *,
        new_secret: Callable[[], str],
    ) -> None:
        self._identifiers = identifiers
        self._registry = registry
        self._directory = directory
        self._new_secret = new_secret

    async def give(self, prefix: Prefix, form: HandleKeyForm, asked: Asked, answer: SecretAnswer) -> KeptAnswer:
        """Put a key at an index, in the place of one that is there. Raises NotFound, Forbidden, InvalidInput."""
        await self._require_prefix(prefix, asked.key)
        if form.index not in KEY_INDEXES:
            limit = f"{KEY_INDEXES.start} to {KEY_INDEXES.stop - 1}"
            detail = f"keys of administrators lie at {limit}"
            raise InvalidInput.of([Violation("/index", "range", detail, str(form.index), limit)])
        handle, unbound = record_of_prefix(prefix), _unbound(asked)
        secret = None if form.public is not None else self._new_secret()
        record = await self._record(handle)
        present = () if record is None else record.values
        values = _with_key(handle, present, _key_value(form, secret, asked))
        key = HandleKey(HandleIdentity(form.index, handle), SECKEY if form.public is None else PUBKEY)

        def answered(_: Identifier, stored: StoredRecord) -> KeptAnswer:
            return answer(key, secret, stored)

        if record is None:
            return await self._registry.register(handle, Content(None, {}, values), unbound, answered)
        if record.state is State.DELETED:
            silent = unbound._replace(claim=None, expected_version=None)
            back = Revision(handle, Operation.RESTORE, None, record.version)
            await self._registry.revise(back, silent, lambda *_: KeptAnswer(200, "", None, None, b""))
            record = await self._record(handle)
        changed = Revision(handle, Operation.PATCH, Patch(values=values), None if record is None else record.version)
        return await self._registry.revise(changed, unbound, answered)

    async def find(self, prefix: Prefix, key: ApiKey) -> tuple[tuple[HandleKey, ...], int]:
        """The keys, and the version of their record. Raises NotFound, Forbidden."""
        await self._require_prefix(prefix, key)
        record = await self._record(record_of_prefix(prefix))
        if record is None or record.state is not State.ACTIVE:
            raise NotFound(f"prefix {prefix.text} has no administrators' keys yet")
        return keys_of(record), record.version

    async def take_away(self, prefix: Prefix, index: int, asked: Asked, answer: Answer) -> KeptAnswer:
        """The key proves nothing from now on; sessions that it was proved in last until they end. Raises NotFound."""
        await self._require_prefix(prefix, asked.key)
        handle = record_of_prefix(prefix)
        record = await self._record(handle)
        if record is None or index not in {each.identity.index for each in keys_of(record)}:
            raise NotFound(f"prefix {prefix.text} has no administrator's key at index {index}")
        kept = tuple(member for member in _members(record.values) if not _is_at(member, handle, index))
        if not kept:
            raise Conflict("the last administrator's key cannot be taken away; give another one first")
        group = _group(record.values, kept, asked)
        patch = Patch(values=(group,), removed_indexes=frozenset({index}))
        return await self._registry.revise(
            Revision(handle, Operation.PATCH, patch, record.version),
            _unbound(asked),
            lambda _, stored: answer(keys_of(read_record(stored.document)), stored.version),
        )

    async def _record(self, handle: Identifier) -> Record | None:
        stored = await self._identifiers.find(handle.folded)
        return None if stored is None else read_record(stored.document)

    async def _require_prefix(self, prefix: Prefix, key: ApiKey) -> None:
        key.require_reach(prefix)
        if await self._directory.prefix(prefix) is None:
            raise NotFound(f"prefix {prefix.text} is not registered at this node")


def keys_of(record: Record) -> tuple[HandleKey, ...]:
    """The keys of administrators in a record, by index; public keys elsewhere are of those who sign."""
    return tuple(
        HandleKey(HandleIdentity(value.index, record.identifier), fold(value.type))
        for value in record.values
        if fold(value.type) in (PUBKEY, SECKEY) and value.index in KEY_INDEXES
    )


def _unbound(asked: Asked) -> Asked:
    """The record of a prefix lies below 0.NA, which is in nobody's scope: the scope was looked at for the prefix."""
    at = asked.trace.at
    return asked._replace(key=ApiKey(UUID(int=0), asked.trace.actor, Role.ADMIN, (), "", at, None, None, None, None, 1))


def _key_value(form: HandleKeyForm, secret: str | None, asked: Asked) -> HandleValue:
    moment = asked.trace.at.replace(microsecond=0)
    if form.public is not None:
        return HandleValue(form.index, PUBKEY, form.public.encode(), moment)
    return HandleValue(form.index, SECKEY, (secret or "").encode(), moment, permissions=SECRET_PERMISSIONS)


def _with_key(handle: Identifier, present: tuple[HandleValue, ...], key: HandleValue) -> tuple[HandleValue, ...]:
    """What makes its holder an administrator: the key, its place in the group, the group's rights."""
    members = _members(present)
    if not any(_is_at(member, handle, key.index) for member in members):
        members = (*members, Reference(handle.text, key.index))
    group = HandleValue(GROUP_INDEX, VLIST, HsVlist(members).encode(), key.timestamp)
    if any(value.index == ADMIN_INDEX for value in present):
        return (group, key)
    rights = HsAdmin(ADMIN_PERMISSIONS_ALL, handle.text, GROUP_INDEX)
    return (HandleValue(ADMIN_INDEX, ADMIN, rights.encode(), key.timestamp), group, key)


def _group(values: tuple[HandleValue, ...], members: tuple[Reference, ...], asked: Asked) -> HandleValue:
    present = next(value for value in values if value.index == GROUP_INDEX)
    moment = asked.trace.at.replace(microsecond=0)
    return present._replace(data=HsVlist(members).encode(), timestamp=moment)


def _members(values: tuple[HandleValue, ...]) -> tuple[Reference, ...]:
    for value in values:
        if value.index == GROUP_INDEX and fold(value.type) == VLIST:
            try:
                return HsVlist.decode(value.data).members
            except MalformedMessage:
                return ()
    return ()


def _is_at(member: Reference, handle: Identifier, index: int) -> bool:
    return fold(member.handle) == handle.folded and member.index == index
