"""What an approved transfer does: a prefix or identifiers change hands in one transaction, all of it or nothing."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from idnode.model.access import ApiKey
from idnode.model.change import Subject
from idnode.model.errors import Conflict, InvalidInput, VersionMoved, Violation
from idnode.model.identifier import Identifier, Prefix
from idnode.model.limits import VIOLATIONS_MAX
from idnode.model.prefix_registration import PrefixRegistration, PrefixState
from idnode.model.record import STATE_AFTER, Operation, State
from idnode.model.transfer import Transfer
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWrite, DirectoryWriter
from idnode.registry.former_administrators import FormerAdministrators
from idnode.registry.handle_admin import record_of_prefix
from idnode.registry.planning import stored
from idnode.registry.prefixes import PrefixRegistry
from idnode.storage.database import Session
from idnode.storage.feed import ChangedThing
from idnode.storage.idempotency import KeptAnswer, KeptClaim, keep_answers
from idnode.storage.identifiers import IdentifierStore, RecordWrite, StoredRecord, WriteOutcome
from idnode.storage.keys import KeyStore
from idnode.storage.prefixes import PrefixStore
from idnode.storage.signing_keys import SigningKeyStore
from idnode.storage.transfers import TransferStore
from idnode.wire.directory_json import key_document, prefix_document
from idnode.wire.record_json import read_record

REPLANS_MAX = 8
RECORDS_BETWEEN_PAUSES = 100
"""The event loop serves others in between."""
MOVABLE = frozenset({PrefixState.ACTIVE, PrefixState.STOPPED})
"""Nothing is decided any more about a prefix in these states, and it is not on its way out."""

Committed = Callable[[Sequence[ChangedThing]], None]
Written = Callable[[Iterable[str]], None]
Owners = Mapping[str, UUID | None]
"""Who holds a prefix, by its folded form."""


class TransferMover:
    """Carries transfers out. `committed` and `written` hear what changed before the caller does."""

    def __init__(
        self,
        store: TransferStore,
        prefixes: PrefixRegistry,
        prefix_store: PrefixStore,
        key_store: KeyStore,
        identifiers: IdentifierStore,
        writer: DirectoryWriter,
        *,
        committed: Committed,
        written: Written,
    ) -> None:
        self._store = store
        self._prefixes = prefixes
        self._prefix_store = prefix_store
        self._key_store = key_store
        self._identifiers = identifiers
        self._writer = writer
        self._former = FormerAdministrators(store, SigningKeyStore(writer.database), writer)
        self._committed = committed
        self._written = written

    async def owners(self, identifiers: Iterable[Identifier]) -> Owners:
        """Who holds the prefixes of these identifiers. Raises NotFound."""
        distinct = {identifier.prefix.folded: identifier.prefix for identifier in identifiers}
        return {folded: (await self._prefixes.find(prefix)).enterprise for folded, prefix in distinct.items()}

    async def carry_out(
        self, following: Transfer, write: DirectoryWrite, asked: Asked, answer: KeptAnswer
    ) -> KeptAnswer:
        """Move what `following` is about, and write it as approved.

        Raises Conflict with everything that stands against it, VersionMoved when others changed some of it meanwhile.
        """
        if following.prefix is not None:
            return await self._move_prefix(following.prefix, following, write, asked, answer)
        return await self._move_identifiers(following, write, asked, answer)

    async def _move_prefix(
        self, prefix: Prefix, following: Transfer, write: DirectoryWrite, asked: Asked, answer: KeptAnswer
    ) -> KeptAnswer:
        now = following.updated
        registration = await self._prefixes.find(prefix)
        if registration.enterprise != following.giver:
            raise Conflict(f"prefix {prefix.text} does not belong to enterprise {following.giver} any more")
        require_movable(registration)
        moved = replace(registration, enterprise=following.receiver, version=registration.version + 1, updated=now)
        listed = await self._store.keys_now(prefix, now)
        changed = await self._keys_changed(listed, prefix, following.receiver, now)

        async def act(session: Session) -> None:
            await self._require_receiver(session, following)
            if await self._store.keys_of(session, prefix, now) != listed:
                raise VersionMoved(f"the keys of prefix {prefix.text} were changed by someone else meanwhile")
            await self._prefix_store.update(session, moved)
            old, new = prefix_document(registration), prefix_document(moved)
            log = DirectoryWrite(Subject.PREFIX, prefix.folded, moved.version, "transfer", old, new)
            await self._writer.log(session, log, asked)
            for before, after in changed:
                await self._key_store.update(session, after)
                await self._writer.log(session, _key_write(before, after), asked)
            await self._former.take_away(session, prefix, asked)
            await self._store.update(session, following)

        kept = await self._writer.commit(write, asked, answer, act)
        if not asked.dry_run:
            self._written([record_of_prefix(prefix).folded])
            self._committed([ChangedThing(Subject.PREFIX, prefix.folded, "transfer")])
        return kept

    async def _keys_changed(
        self, listed: Sequence[tuple[UUID, int]], prefix: Prefix, receiver: UUID, now: datetime
    ) -> list[tuple[ApiKey, ApiKey]]:
        """Keys lose the prefix from their scope, those that have no other one their life.

        A key whose other prefixes are all the receiver's was made for the receiver, and keeps it.
        """
        changed = []
        for id, _ in listed:
            key = await self._key_store.find(id)
            if key is None:
                continue
            others = tuple(own for own in key.prefixes if own.folded != prefix.folded)
            if others and await self._holds_all(receiver, others):
                continue
            if others:
                changed.append((key, replace(key, prefixes=others, version=key.version + 1)))
            else:
                changed.append((key, replace(key, revoked=now, version=key.version + 1)))
        return changed

    async def _holds_all(self, enterprise: UUID, prefixes: Iterable[Prefix]) -> bool:
        for prefix in prefixes:
            registration = await self._prefix_store.find(prefix)
            if registration is None or registration.enterprise != enterprise:
                return False
        return True

    async def _move_identifiers(
        self, following: Transfer, write: DirectoryWrite, asked: Asked, answer: KeptAnswer
    ) -> KeptAnswer:
        for _ in range(REPLANS_MAX):
            owners = await self.owners(following.identifiers)
            found = await self._identifiers.find_many(following.names)
            writes = await _planned(following, found, owners, asked)
            if asked.dry_run:
                return answer

            async def also(session: Session, _: object, owners: Owners = owners) -> None:
                await self._require_receiver(session, following)
                if await self._store.holders(session, list(owners)) != owners:
                    raise VersionMoved("a prefix of these identifiers changed hands meanwhile; ask again")
                await self._store.update(session, following)
                await self._writer.log(session, write, asked)
                if asked.claim is not None:
                    await keep_answers(session, [KeptClaim(asked.claim, answer, asked.trace.at)])

            outcomes = await self._identifiers.commit_batch(writes, is_atomic=True, also=also)
            if all(outcome is WriteOutcome.COMMITTED for outcome in outcomes):
                self._written(following.names)
                return answer
        raise VersionMoved("some of these identifiers are being changed by others; ask again")

    async def _require_receiver(self, session: Session, following: Transfer) -> None:
        if not await self._store.is_active(session, following.receiver):
            raise Conflict(f"enterprise {following.receiver} is retired; nothing can be transferred to it")


def require_movable(registration: PrefixRegistration) -> None:
    """Raises Conflict for a prefix that is still applied for, was rejected, or is to be deleted."""
    if registration.state not in MOVABLE:
        states = ", ".join(sorted(MOVABLE))
        text = registration.prefix.text
        raise Conflict(f"prefix {text} is {registration.state}; it can be transferred while it is {states}")


def refuse_unfit(
    identifiers: Sequence[Identifier], found: Mapping[str, StoredRecord], owners: Owners, giver: UUID | None
) -> UUID:
    """Who holds all of these, `giver` if that is given. Raises Conflict with everything that stands against it."""
    violations = []
    for place, identifier in enumerate(identifiers):
        held = found.get(identifier.folded)
        # To everybody a name that was given back is as if it had never been there.
        if held is None or held.state is State.RELEASED:
            violations.append(_unfit(place, identifier, "registered", "is not registered"))
            continue
        record = read_record(held.document)
        if (record.state, Operation.TRANSFER) not in STATE_AFTER:
            violations.append(_unfit(place, identifier, "state", f"is {record.state}"))
            continue
        holder = record.holder or owners[identifier.prefix.folded]
        if holder is None:
            violations.append(_unfit(place, identifier, "holder", "is held by the node, not by an enterprise"))
        elif giver is not None and holder != giver:
            violations.append(_unfit(place, identifier, "holder", f"is held by enterprise {holder}, not by {giver}"))
        else:
            giver = holder
    if violations or giver is None:
        detail = f"{len(violations)} of {len(identifiers)} identifiers cannot be transferred: {violations[0].detail}"
        raise Conflict(detail, violations=tuple(violations[:VIOLATIONS_MAX]))
    return giver


async def _planned(
    following: Transfer, found: Mapping[str, StoredRecord], owners: Owners, asked: Asked
) -> list[RecordWrite]:
    """The next version of each record, with its new holder. Raises Conflict."""
    refuse_unfit(following.identifiers, found, owners, following.giver)
    writes = []
    for place, identifier in enumerate(following.identifiers):
        if place % RECORDS_BETWEEN_PAUSES == 0:
            await asyncio.sleep(0)
        current = read_record(found[identifier.folded].document)
        # What comes back to the enterprise of its prefix is an identifier like any other again.
        is_back = owners[identifier.prefix.folded] == following.receiver
        record = replace(
            current,
            holder=None if is_back else following.receiver,
            state=STATE_AFTER[current.state, Operation.TRANSFER],
            version=current.version + 1,
            updated=asked.trace.at,
        )
        try:
            writes.append(RecordWrite(stored(record), Operation.TRANSFER, asked.trace))
        except InvalidInput as error:
            raise Conflict(f"{identifier.text} cannot be transferred: {error.detail}") from None
    return writes


def _unfit(place: int, identifier: Identifier, rule: str, why: str) -> Violation:
    return Violation(f"/identifiers/{place}", rule, f"{identifier.text} {why}", identifier.text)


def _key_write(before: ApiKey, after: ApiKey) -> DirectoryWrite:
    operation = "revoke" if after.revoked != before.revoked else "narrow"
    old, new = key_document(before), key_document(after)
    return DirectoryWrite(Subject.KEY, str(after.id), after.version, operation, old, new)
