"""Keys that the records of a prefix are signed with: the node makes them and keeps their private halves sealed."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from idnode.model.access import ApiKey, Role
from idnode.model.change import Subject
from idnode.model.errors import Conflict, NotFound, VersionMoved
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier, Prefix
from idnode.model.prefix_registration import Hosting
from idnode.model.record import Operation, Record, State
from idnode.registry.batches import BatchWriter, Registration, Verdict
from idnode.registry.commands import Asked, Content, Patch, Revision
from idnode.registry.directory_writes import DirectoryWrite, DirectoryWriter
from idnode.registry.handle_admin import PUBKEY, record_of_prefix
from idnode.registry.signing import KeySealing, issuer_text
from idnode.storage.database import Session
from idnode.storage.directory import Directory
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.identifiers import IdentifierStore
from idnode.storage.signing_keys import SigningKey, SigningKeyStore
from idnode.wire.instants import instant_text
from idnode.wire.record_json import read_record
from idnode.wire.typed_values.hs_pubkey import HsPubkey, RsaPublicKey

SIGNING_INDEX_MIN = 500
"""Public halves lie from here on in 0.NA/{prefix}, apart from the keys of administrators (300 to 399)."""

Answer = Callable[[SigningKey], KeptAnswer]


class SigningKeys:
    """One key in force for each prefix. `new_key` makes a private key."""

    def __init__(
        self,
        store: SigningKeyStore,
        identifiers: IdentifierStore,
        batches: BatchWriter,
        directory: Directory,
        writer: DirectoryWriter,
        sealing: KeySealing,
        *,
        new_key: Callable[[], RSAPrivateKey],
    ) -> None:
        self._store = store
        self._identifiers = identifiers
        self._batches = batches
        self._directory = directory
        self._writer = writer
        self._sealing = sealing
        self._new_key = new_key

    async def find(self, prefix: Prefix, key: ApiKey) -> SigningKey:
        """The key in force. Raises NotFound, Forbidden."""
        await self._require_prefix(prefix, key)
        return _in_force(await self._store.all_of(prefix), prefix)

    async def give(self, prefix: Prefix, chain: tuple[str, ...], asked: Asked, answer: Answer) -> KeptAnswer:
        """Make a key and sign with it; the one before signs no more. Raises NotFound, Forbidden, Conflict."""
        await self._require_prefix(prefix, asked.key)
        known = await self._store.all_of(prefix)
        _require_version(known, asked)
        handle = record_of_prefix(prefix)
        record = await self._record(handle)
        place = _free_place(record, known)
        private = await asyncio.to_thread(self._new_key)
        numbers = private.public_key().public_numbers()
        public = HsPubkey(RsaPublicKey(numbers.e, numbers.n)).encode()
        sealed = self._sealing.seal(issuer_text(prefix, place), _bytes_of(private))
        made = SigningKey(place, public, sealed, chain, 1, asked.trace.at, asked.trace.at)
        write = DirectoryWrite(
            Subject.SIGNING_KEY, issuer_text(prefix, place), 1, "give", None, key_document(prefix, made)
        )
        kept = answer(made)

        async def along(session: Session, verdicts: list[Verdict]) -> None:
            # First of all, so that an equal request that was faster is heard, and not only that it was.
            await self._writer.keep(session, asked, kept)
            refusal = verdicts[0].refusal
            if refusal is not None:
                raise VersionMoved(f"{handle.text} was changed by someone else meanwhile") from refusal
            await self._retire(session, prefix, asked)
            await self._store.insert(session, prefix, made)
            await self._writer.log(session, write, asked)

        # What is signed with a key can be checked from the moment on in which the key is in force.
        await self._batches.write(
            [_publication(handle, record, made, asked)], _unbound(asked), is_atomic=True, along=along
        )
        if not asked.dry_run:
            self._writer.tell(write)
        return kept

    async def take_away(self, prefix: Prefix, asked: Asked, answer: Answer) -> KeptAnswer:
        """Sign no more; what was signed can still be checked. Raises NotFound, Forbidden."""
        await self._require_prefix(prefix, asked.key)
        known = await self._store.all_of(prefix)
        _require_version(known, asked)
        before = _in_force(known, prefix)
        after = replace(before, sealed=None, version=before.version + 1, updated=asked.trace.at)

        async def act(session: Session) -> None:
            if await self._store.retire(session, prefix, asked.trace.at) is None:
                raise NotFound(f"prefix {prefix.text} has no signing key")

        return await self._writer.commit(retirement(prefix, before, after), asked, answer(after), act)

    async def _retire(self, session: Session, prefix: Prefix, asked: Asked) -> None:
        after = await self._store.retire(session, prefix, asked.trace.at)
        if after is not None:
            before = replace(after, version=after.version - 1)
            await self._writer.log(session, retirement(prefix, before, after), asked)

    async def _record(self, handle: Identifier) -> Record | None:
        found = await self._identifiers.find(handle.folded)
        return None if found is None else read_record(found.document)

    async def _require_prefix(self, prefix: Prefix, key: ApiKey) -> None:
        key.require_reach(prefix)
        registration = await self._directory.prefix(prefix)
        if registration is None or prefix.folded == "0.NA":
            raise NotFound(f"prefix {prefix.text} is not registered at this node")
        if registration.hosting is Hosting.SELF:
            raise Conflict(f"prefix {prefix.text} is hosted by its enterprise; the node has no records of it to sign")


def _publication(handle: Identifier, record: Record | None, made: SigningKey, asked: Asked) -> Registration | Revision:
    """What puts the public half into the record of the prefix. Raises Conflict when that is deleted or suspended."""
    value = HandleValue(made.place, PUBKEY, made.public, asked.trace.at.replace(microsecond=0))
    if record is None:
        return Registration(handle, Content(None, {}, (value,)))
    if record.state is not State.ACTIVE:
        raise Conflict(f"{handle.text}, where the public key is to lie, is {record.state}; restore it first")
    return Revision(handle, Operation.PATCH, Patch(values=(value,)), record.version)


def _unbound(asked: Asked) -> Asked:
    """The record lies below 0.NA, which is in nobody's scope: the scope was looked at for the prefix."""
    at = asked.trace.at
    key = ApiKey(UUID(int=0), asked.trace.actor, Role.ADMIN, (), "", at, None, None, None, None, 1)
    return Asked(key, asked.trace, asked.dry_run)


def key_document(prefix: Prefix, key: SigningKey) -> dict[str, object]:
    """A key without its private half."""
    return {
        "prefix": prefix.text,
        "issuer": f"{key.place}:{record_of_prefix(prefix).text}",
        "index": key.place,
        "key": HsPubkey.decode(key.public).to_json(),
        "chain": list(key.chain),
        "in_force": key.sealed is not None,
        "created": instant_text(key.created),
        "version": key.version,
    }


def retirement(prefix: Prefix, before: SigningKey, after: SigningKey) -> DirectoryWrite:
    """The change row of a key that signs no more."""
    old, new = key_document(prefix, replace(before, sealed=before.sealed or b"sealed")), key_document(prefix, after)
    return DirectoryWrite(Subject.SIGNING_KEY, issuer_text(prefix, after.place), after.version, "retire", old, new)


def _in_force(known: list[SigningKey], prefix: Prefix) -> SigningKey:
    for key in known:
        if key.sealed is not None:
            return key
    raise NotFound(f"prefix {prefix.text} has no signing key")


def _require_version(known: list[SigningKey], asked: Asked) -> None:
    asked.require_version(next((key.version for key in known if key.sealed is not None), 0))


def _free_place(record: Record | None, known: list[SigningKey]) -> int:
    taken = {key.place for key in known} | {value.index for value in (record.values if record else ())}
    return next(place for place in range(SIGNING_INDEX_MIN, SIGNING_INDEX_MIN + len(taken) + 1) if place not in taken)


def _bytes_of(private: RSAPrivateKey) -> bytes:
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
