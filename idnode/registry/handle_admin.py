"""Who administers a handle: identities proved by keys in records, their rights by HS_ADMIN and HS_VLIST (§1.5, §1.6).

An identity is a key, named by the place where it is kept: `301:0.NA/88.118.8` is the value 301 of that record. The
record of a prefix is kept below `0.NA`; a handle without a slash means it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from idnode.model.errors import InvalidInput, NotAuthenticated, Violation, shown
from idnode.model.handle_value import HandleValue, Reference
from idnode.model.identifier import Identifier, Prefix, fold
from idnode.model.limits import VALUE_INDEX_MAX
from idnode.model.prefix_registration import RECORDS_OF_PREFIXES
from idnode.model.record import Record, State
from idnode.storage.identifiers import StoredRecord
from idnode.wire.cursor import MalformedMessage
from idnode.wire.handle_secrets import SecretAlgorithm, SecretAnswer, Signature, password_fits
from idnode.wire.record_json import read_record
from idnode.wire.typed_values.hs_admin import AdminPermission, HsAdmin
from idnode.wire.typed_values.hs_pubkey import HsPubkey
from idnode.wire.typed_values.hs_vlist import HsVlist

ADMIN, VLIST, PUBKEY, SECKEY = "HS_ADMIN", "HS_VLIST", "HS_PUBKEY", "HS_SECKEY"
NO_RIGHTS = AdminPermission(0)
KEYS_TRIED_MAX = 16
"""Keys of one record that a proof is tried with, where the identity names none (index 0)."""
GROUP_DEPTH_MAX = 8
"""Groups within groups that are looked through for an identity."""
GROUP_MEMBERS_MAX = 1_000
"""Members of groups that are looked at for one question."""

FindMany = Callable[[Sequence[str]], Awaitable[Mapping[str, StoredRecord]]]
"""Records by folded identifier."""


class IdentityNotVerified(NotAuthenticated):
    """Nobody has proved to hold the key that was named."""

    code = "identity-not-verified"


class HandleIdentity(NamedTuple):
    """A key by its place; index 0 as long as it is not known which value of the record it is."""

    index: int  # type: ignore[assignment]  # the name of the specification; nobody looks for places in it
    handle: Identifier

    @property
    def text(self) -> str:
        """`index:handle`, as it is logged and shown."""
        return f"{self.index}:{self.handle.text}"

    @classmethod
    def parse(cls, text: str) -> "HandleIdentity":
        """`index:handle`; 0 is any index. Raises InvalidInput."""
        index, _, handle = text.partition(":")
        if not (index.isascii() and index.isdigit()) or len(index) > 10 or int(index) > VALUE_INDEX_MAX:
            detail = f"'{shown(text)}' is no identity such as 300:0.NA/88.118.8"
            raise InvalidInput(detail, violations=(Violation("id", "identity", detail, shown(text)),))
        return cls(int(index), handle_of(handle))


def handle_of(text: str) -> Identifier:
    """The identifier that a handle means (§1.5: without a slash it is a prefix's). Raises InvalidIdentifier."""
    return Identifier.parse(text if "/" in text else f"{RECORDS_OF_PREFIXES.text}/{text}")


def record_of_prefix(prefix: Prefix) -> Identifier:
    """The identifier of a prefix's own record."""
    return Identifier.parse(f"{RECORDS_OF_PREFIXES.text}/{prefix.text}")


@dataclass(frozen=True, slots=True, repr=False)
class Proof:
    """What somebody shows: it fits the data of a value of this type, or does not. `is_slow` takes milliseconds."""

    type: str
    fits: Callable[[bytes], bool]
    is_slow: bool = False

    @classmethod
    def by_password(cls, password: bytes) -> "Proof":
        """The secret itself."""
        return cls(SECKEY, lambda secret: password_fits(secret, password))

    @classmethod
    def by_secret(cls, answer: SecretAnswer, message: bytes) -> "Proof":
        """An answer that takes the secret to make."""
        is_slow = answer.algorithm is SecretAlgorithm.PBKDF2_HMAC_SHA1
        return cls(SECKEY, lambda secret: answer.fits(secret, message), is_slow)

    @classmethod
    def by_signature(cls, signature: Signature, message: bytes) -> "Proof":
        """A signature under the private key."""

        def fits(data: bytes) -> bool:
            try:
                return signature.fits(HsPubkey.decode(data), message)
            except MalformedMessage:
                return False

        return cls(PUBKEY, fits)


class HandleAdministrators:
    """Reads records for who may do what. Only records that are kept here, and active, count."""

    def __init__(self, find_many: FindMany) -> None:
        self._find_many = find_many

    async def verify(self, claimed: HandleIdentity, proof: Proof) -> HandleIdentity:
        """The identity with the index of the key that the proof fits. Raises IdentityNotVerified."""
        record = await self._active(claimed.handle)
        keys = () if record is None else tuple(_at(record, proof.type, claimed.index))
        for value in keys[:KEYS_TRIED_MAX]:
            # An empty secret is one that everybody has.
            if not value.data:
                continue
            if await asyncio.to_thread(proof.fits, value.data) if proof.is_slow else proof.fits(value.data):
                return HandleIdentity(value.index, claimed.handle)
        raise IdentityNotVerified("Identity not verified")

    async def rights_in(self, identity: HandleIdentity, record: Record) -> AdminPermission:
        """What it may do with a record; one that names no administrator is ruled by those of its prefix."""
        admins = admins_of(record.values)
        if not admins:
            return await self.rights_under(identity, ruled_by(record.identifier))
        return await self._rights(identity, admins)

    async def rights_under(self, identity: HandleIdentity, prefix: Prefix) -> AdminPermission:
        """What it may do by the record of a prefix."""
        record = await self._active(record_of_prefix(prefix))
        return NO_RIGHTS if record is None else await self._rights(identity, admins_of(record.values))

    async def _rights(self, identity: HandleIdentity, admins: Sequence[HsAdmin]) -> AdminPermission:
        rights = NO_RIGHTS
        for admin in admins:
            # What it could not add need not be looked for in groups.
            if admin.permissions & ~rights and await self._reaches(Reference(admin.handle, admin.index), identity):
                rights |= admin.permissions
        return rights

    async def _reaches(self, start: Reference, identity: HandleIdentity) -> bool:
        """Whether a reference names the identity, or a group that has it among its members, or among theirs."""
        seen: set[tuple[str, int]] = set()
        frontier = _fresh([start], seen)
        for _ in range(GROUP_DEPTH_MAX + 1):
            if any(_names(handle, index, identity) for handle, index in frontier):
                return True
            if not frontier or len(seen) > GROUP_MEMBERS_MAX:
                return False
            found = await self._find_many(sorted({handle for handle, _ in frontier}))
            members: list[Reference] = []
            for handle, index in frontier:
                stored = found.get(handle)
                if stored is not None and stored.state is State.ACTIVE:
                    members += _members(read_record(stored.document), index)
            frontier = _fresh(members, seen)
        return False

    async def _active(self, identifier: Identifier) -> Record | None:
        stored = (await self._find_many([identifier.folded])).get(identifier.folded)
        return read_record(stored.document) if stored is not None and stored.state is State.ACTIVE else None


def ruled_by(identifier: Identifier) -> Prefix:
    """The prefix whose administrators rule a record that names none: for a prefix's own record, that prefix's."""
    if identifier.prefix.folded != RECORDS_OF_PREFIXES.folded:
        return identifier.prefix
    return Prefix.parse(identifier.suffix)


def admins_of(values: Iterable[HandleValue]) -> tuple[HsAdmin, ...]:
    """The administrators that a record names; what is not readable names none."""
    admins = []
    for value in values:
        if fold(value.type) == ADMIN:
            try:
                admins.append(HsAdmin.decode(value.data))
            except MalformedMessage:
                continue
    return tuple(admins)


def _at(record: Record, value_type: str, index: int) -> Iterable[HandleValue]:
    """Values of a type at an index; index 0 is any (§1.5)."""
    return (value for value in record.values if fold(value.type) == value_type and index in (0, value.index))


def _names(handle: str, index: int, identity: HandleIdentity) -> bool:
    return handle == identity.handle.folded and index in (0, identity.index)


def _members(record: Record, index: int) -> list[Reference]:
    members: list[Reference] = []
    for value in _at(record, VLIST, index):
        try:
            members += HsVlist.decode(value.data).members
        except MalformedMessage:
            continue
    return members


def _fresh(references: Iterable[Reference], seen: set[tuple[str, int]]) -> list[tuple[str, int]]:
    """Those that were not looked at before, folded: groups may name each other in a ring."""
    fresh = []
    for reference in references:
        text = reference.handle if "/" in reference.handle else f"{RECORDS_OF_PREFIXES.text}/{reference.handle}"
        place = (fold(text), reference.index)
        if place not in seen and len(seen) <= GROUP_MEMBERS_MAX:
            seen.add(place)
            fresh.append(place)
    return fresh
