"""What an administrator can have done: read from a message, possible or not, then done in his name (§1.6).

Each operation has three steps: what its message says; what can be refused before anybody is asked who he is; the act.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

import orjson

from idnode.frontends.native.lists import parts
from idnode.frontends.native.reading import NativeRead, shown
from idnode.frontends.native.replies import Outcome
from idnode.frontends.rest.visibility import Unreadable
from idnode.model.errors import Forbidden, InvalidInput, Violation
from idnode.model.handle_value import HandleValue, Permission
from idnode.model.identifier import Identifier, Prefix, fold
from idnode.model.prefix_registration import RECORDS_OF_PREFIXES, Hosting
from idnode.registry.handle_admin import handle_of
from idnode.registry.handle_records import Circumstances, HandleRecords
from idnode.registry.handle_rights import ValuesExist, name_of
from idnode.resolver.views import require_public
from idnode.storage.identifiers import StoredRecord
from idnode.storage.prefixes import PrefixStore
from idnode.wire.handle_json import values_to_json
from idnode.wire.handle_json_reading import values_from_json
from idnode.wire.messages.bodies import HandleIndexes, HandleValues, read_text_body, text_body
from idnode.wire.messages.codes import OpCode, OpFlag, ResponseCode
from idnode.wire.messages.message import Message
from idnode.wire.record_json import read_record
from idnode.wire.typed_values.hs_admin import AdminPermission

NOT_POSITIVE = "Value indexes must be positive"
LISTED_MAX = 100_000
"""Handles of one list; they are sent as one answer."""
PREFIXES_READ_AT_ONCE = 1_000

OPERATIONS = frozenset(
    {
        OpCode.RESOLUTION,
        OpCode.CREATE_HANDLE,
        OpCode.DELETE_HANDLE,
        OpCode.ADD_VALUE,
        OpCode.REMOVE_VALUE,
        OpCode.MODIFY_VALUE,
        OpCode.LIST_HANDLES,
        OpCode.LIST_DERIVED_PREFIXES,
        OpCode.LIST_HOMED_PREFIXES,
    }
)

_RECORDS = RECORDS_OF_PREFIXES.folded + "/"
_NOTHING = b""


class Performed(NamedTuple):
    """An operation that went well: the bodies of its answers, and flags of the request that these do not have."""

    bodies: tuple[bytes, ...] = (_NOTHING,)
    cleared: int = 0
    code: ResponseCode = ResponseCode.SUCCESS


class Operation(Protocol):
    """Both raise IdnodeError with what is refused."""

    async def require_possible(self) -> None:
        """What is refused whoever asks, before he is asked."""

    async def perform(self, circumstances: Circumstances) -> Performed:
        """Do it in somebody's name."""


class Operations:
    """Reads operations from messages. `own` is the node's prefix, `now` the clock, `new_suffix` what MINT appends."""

    def __init__(
        self,
        records: HandleRecords,
        prefixes: PrefixStore,
        resolve: Callable[[Identifier], Awaitable[StoredRecord]],
        *,
        own: Prefix,
        now: Callable[[], datetime],
        new_suffix: Callable[[], UUID],
    ) -> None:
        self._own = own
        self._records = records
        self._prefixes = prefixes
        self._resolve = resolve
        self._now = now
        self._new_suffix = new_suffix

    def read(self, message: Message) -> Operation:
        """One of OPERATIONS. Raises MalformedMessage, InvalidIdentifier, InvalidPrefix, InvalidInput, ValuesExist."""
        records, body = self._records, message.body
        overwrites = bool(message.header.flags & OpFlag.OVERWRITE)
        match message.header.op_code:
            case OpCode.RESOLUTION:
                return Reading(records, NativeRead.of(message), self._resolve)
            case OpCode.CREATE_HANDLE:
                return self._creation(HandleValues.decode(body), message.header.flags)
            case OpCode.ADD_VALUE:
                return Addition(records, *self._values_of(HandleValues.decode(body)), overwrites)
            case OpCode.MODIFY_VALUE:
                return Modification(records, *self._values_of(HandleValues.decode(body)))
            case OpCode.REMOVE_VALUE:
                asked = HandleIndexes.decode(body)
                return Removal(records, handle_of(asked.handle), frozenset(asked.indexes))
            case OpCode.DELETE_HANDLE:
                return Deletion(records, handle_of(read_text_body(body)))
            case OpCode.LIST_HANDLES:
                return HandleList(records, _prefix_in(read_text_body(body)))
            case OpCode.LIST_DERIVED_PREFIXES:
                return PrefixList(records, self._prefixes, _prefix_in(read_text_body(body)), is_derived=True)
            case _:
                _prefix_in(read_text_body(body))
                return PrefixList(records, self._prefixes, self._own, is_derived=False)

    def _creation(self, asked: HandleValues, flags: int) -> "Creation":
        handle, mints = asked.handle, bool(flags & OpFlag.MINT_SUFFIX)
        if mints:
            handle += ("" if "/" in handle else "/") + str(self._new_suffix())
        identifier, values = self._values_of(asked._replace(handle=handle))
        return Creation(self._records, handle, identifier, values, bool(flags & OpFlag.OVERWRITE), mints)

    def _values_of(self, asked: HandleValues) -> tuple[Identifier, tuple[HandleValue, ...]]:
        """Raises InvalidInput (code 202), ValuesExist (201): in this order (§1.6)."""
        identifier = handle_of(asked.handle)
        for value in asked.values:
            if value.index <= 0:
                violation = Violation("/values", "range", NOT_POSITIVE, str(value.index))
                raise InvalidInput(NOT_POSITIVE, violations=(violation,))
        seen: set[int] = set()
        for value in asked.values:
            if value.index in seen:
                raise ValuesExist(f"Index conflict for {value.index}")
            seen.add(value.index)
        # By the way of the other interfaces, so that the same is refused in the same words, and dated by this node.
        return identifier, values_from_json(orjson.loads(values_to_json(asked.values)), now=self._now())


@dataclass(frozen=True, slots=True)
class Creation:
    """A new record or, with `overwrites`, another content for one that is there."""

    records: HandleRecords
    handle: str
    identifier: Identifier
    values: tuple[HandleValue, ...]
    overwrites: bool
    mints: bool

    async def require_possible(self) -> None:
        """Existing is told before anybody is asked who he is."""
        await self.records.require_here(self.identifier.prefix)
        if not self.overwrites and not self.mints:
            await self.records.require_absent(self.identifier)

    async def perform(self, circumstances: Circumstances) -> Performed:
        """OVRW stays in the answer when something was overwritten."""
        written = await self.records.create(
            self.identifier, self.values, circumstances, overwrites=self.overwrites and not self.mints
        )
        cleared = 0 if written.has_overwritten else OpFlag.OVERWRITE
        return Performed((text_body(self.handle),), cleared)


@dataclass(frozen=True, slots=True)
class Addition:
    """Further values of a record; with `overwrites` also in the place of those with the same index."""

    records: HandleRecords
    identifier: Identifier
    values: tuple[HandleValue, ...]
    overwrites: bool

    async def require_possible(self) -> None:
        """Something must be there to be added, and to be added to."""
        if not self.values:
            raise InvalidInput("no values to add", violations=(Violation("/values", "required", "no values to add"),))
        await self.records.require_values(self.identifier, frozenset())

    async def perform(self, circumstances: Circumstances) -> Performed:
        """A clash is told to administrators only."""
        await self.records.add(self.identifier, self.values, circumstances, overwrites=self.overwrites)
        return Performed()


@dataclass(frozen=True, slots=True)
class Modification:
    """Other values in the place of those with the same index."""

    records: HandleRecords
    identifier: Identifier
    values: tuple[HandleValue, ...]

    async def require_possible(self) -> None:
        """They must be there."""
        if not self.values:
            detail = "no values to modify"
            raise InvalidInput(detail, violations=(Violation("/values", "required", detail),))
        await self.records.require_values(self.identifier, frozenset(value.index for value in self.values))

    async def perform(self, circumstances: Circumstances) -> Performed:
        """All of them or none."""
        await self.records.modify(self.identifier, self.values, circumstances)
        return Performed()


@dataclass(frozen=True, slots=True)
class Removal:
    """Values taken out of a record."""

    records: HandleRecords
    identifier: Identifier
    indexes: frozenset[int]

    async def require_possible(self) -> None:
        """Something must be named; whether it is there is told to administrators."""
        if not self.indexes:
            detail = "no indexes of values to remove"
            raise InvalidInput(detail, violations=(Violation("/indexes", "required", detail),))
        await self.records.require_here(self.identifier.prefix)

    async def perform(self, circumstances: Circumstances) -> Performed:
        """All of them or none."""
        await self.records.remove(self.identifier, self.indexes, circumstances)
        return Performed()


@dataclass(frozen=True, slots=True)
class Deletion:
    """The end of a record."""

    records: HandleRecords
    identifier: Identifier

    async def require_possible(self) -> None:
        """Whether it is there is told to who has proved to be somebody (§1.6: after the challenge)."""
        await self.records.require_here(self.identifier.prefix)

    async def perform(self, circumstances: Circumstances) -> Performed:
        """It becomes a tombstone."""
        await self.records.delete(self.identifier, circumstances)
        return Performed()


@dataclass(frozen=True, slots=True)
class HandleList:
    """The handles of a prefix, as they are stored."""

    records: HandleRecords
    prefix: Prefix

    async def require_possible(self) -> None:
        """It must be a prefix of this node."""
        await self.records.require_here(self.prefix)

    async def perform(self, circumstances: Circumstances) -> Performed:
        """In parts. Raises NotAdministrator."""
        await self.records.require_may_list(self.prefix, circumstances.who)
        if (total := await self.records.count(self.prefix)) > LISTED_MAX:
            return _too_long(total)
        listed: list[str] = []
        async for handles in self.records.handles(self.prefix, past=0, limit=LISTED_MAX):
            listed += handles
        return Performed(parts(listed))


@dataclass(frozen=True, slots=True)
class PrefixList:
    """The prefixes that this node answers for, told to administrators of its own prefix or, with `is_derived`, those
    below one of them, told to the administrators of that one."""

    records: HandleRecords
    prefixes: PrefixStore
    prefix: Prefix
    is_derived: bool

    async def require_possible(self) -> None:
        """It must be a prefix of this node."""
        await self.records.require_here(self.prefix)

    async def perform(self, circumstances: Circumstances) -> Performed:
        """In parts; what is listed takes the right to list handles."""
        await self.records.require_may_list(self.prefix, circumstances.who)
        below = self.prefix.folded + "."
        listed: list[str] = []
        after = ""
        while True:
            page = await self.prefixes.page(
                after=after, among=None, enterprise=None, state=None, limit=PREFIXES_READ_AT_ONCE
            )
            listed += [
                _RECORDS + each.prefix.folded
                for each in page
                if (each.prefix.folded.startswith(below) if self.is_derived else each.hosting is Hosting.HOSTED)
            ]
            if len(listed) > LISTED_MAX:
                return _too_long(len(listed))
            if len(page) < PREFIXES_READ_AT_ONCE:
                return Performed(parts(listed))
            after = page[-1].prefix.folded


@dataclass(frozen=True, slots=True)
class Reading:
    """Values that not everybody may read."""

    records: HandleRecords
    read: NativeRead
    resolve: Callable[[Identifier], Awaitable[StoredRecord]]

    async def require_possible(self) -> None:
        """The resolution that was withheld has looked already."""

    async def perform(self, circumstances: Circumstances) -> Performed:
        """Raises Forbidden without the right to read; Unreadable for what nobody may read."""
        stored = await self.resolve(self.read.identifier)
        record = read_record(require_public(stored).document)
        values = [value for value in record.values if self.read.selection.takes(value)]
        if self.read.public_only:
            values = [value for value in values if value.is_public]
        hidden = [value for value in values if not value.is_public]
        if hidden and AdminPermission.READ_VALUE not in await self.records.rights_in(circumstances.who, record):
            raise Forbidden(f"{name_of(circumstances.who)} lacks the permission to read value {hidden[0].index}")
        for value in hidden:
            if Permission.ADMIN_READ not in value.permissions:
                raise Unreadable(f"value {value.index} may be read by nobody")
        outcome: Outcome = shown(self.read.text, values)
        return Performed((outcome.body,), code=outcome.code)


def _too_long(count: int) -> Performed:
    detail = f"{count} entries, the limit of a list is {LISTED_MAX}; GET /api/handles has pages"
    return Performed((text_body(detail),), code=ResponseCode.NOT_SUPPORTED)


def _prefix_in(text: str) -> Prefix:
    """§1.3: asked for as `0.NA/88.118.8`, or as `88.118.8`. Raises InvalidPrefix."""
    return Prefix.parse(text[len(_RECORDS) :] if fold(text).startswith(_RECORDS) else text)
