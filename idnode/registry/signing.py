"""Records signed at registration: an HS_SIGNATURE over all other values, made with the key of their prefix (§4)."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_der_private_key

from idnode.model.errors import IdnodeError, InvalidInput, VersionMoved, Violation
from idnode.model.handle_value import HandleValue, Reference
from idnode.model.identifier import Prefix, fold
from idnode.model.limits import RESERVED_INDEXES, VALUE_DATA_BYTES_MAX
from idnode.model.record import Record
from idnode.registry.handle_admin import record_of_prefix
from idnode.registry.planning import stored
from idnode.storage.identifiers import StoredRecord
from idnode.storage.signing_keys import SigningKeyStore
from idnode.wire.record_json import read_record
from idnode.wire.signed_values import (
    SIGNATURE,
    SignatureClaims,
    SignedText,
    Span,
    UnreadableSignature,
    digests_of,
    place_of,
    signed_text,
)

SIGNATURE_INDEX_MIN = 400
"""A signature stands at the first index that is free from here on (§4)."""
SIGNATURE_SECONDS = 10 * 366 * 86_400
"""Ten years: nothing signs anew what is not changed."""
RECORDS_AT_ONCE = 50
"""Signed in one go in a thread: about 80 ms."""
SIGNERS_REMEMBERED_MAX = 1_000
NONCE_BYTES = 12


class UnreadableSigningKey(IdnodeError):
    """A signing key was sealed under another key than the node's present one."""

    code = "unreadable-signing-key"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: the place of the public key, the private key, and the certificates that lead up to the root."""

    issuer: Reference
    key: RSAPrivateKey = field(repr=False)
    chain: tuple[Reference, ...] = ()


class KeySealing:
    """Seals private keys with AES-256-GCM under the node's key, each bound to the place of its public half.

    `node_key` gives 32 bytes and is asked when they are needed first; `random_bytes` gives fresh random bytes.
    """

    def __init__(self, node_key: Callable[[], bytes], random_bytes: Callable[[int], bytes]) -> None:
        self._node_key = node_key
        self._random_bytes = random_bytes

    def seal(self, place: str, private: bytes) -> bytes:
        """What is stored; the nonce stands in front."""
        nonce = self._random_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._node_key()).encrypt(nonce, private, place.encode())

    def unseal(self, place: str, sealed: bytes) -> bytes:
        """The private key. Raises UnreadableSigningKey."""
        nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return AESGCM(self._node_key()).decrypt(nonce, text, place.encode())
        except InvalidTag as error:
            raise UnreadableSigningKey(f"the signing key {place} was sealed under another node key") from error


class Signatures:
    """Signs records, in threads; remembers the keys that it has used."""

    def __init__(self, keys: SigningKeyStore, sealing: KeySealing) -> None:
        self._keys = keys
        self._sealing = sealing
        self._signers: dict[tuple[str, int], Signer] = {}

    async def signed(
        self, prefix: Prefix, place: int, records: Sequence[StoredRecord], at: datetime
    ) -> list[StoredRecord | IdnodeError]:
        """Each with its signature, or why it cannot have one; `place` is that of the prefix's key.

        Raises VersionMoved when the key was retired meanwhile, UnreadableSigningKey.
        """
        signer = self._signers.get((prefix.folded, place)) or await self._signer(prefix, place)
        signed: list[StoredRecord | IdnodeError] = []
        for first in range(0, len(records), RECORDS_AT_ONCE):
            signed += await asyncio.to_thread(_sign, signer, records[first : first + RECORDS_AT_ONCE], at)
        return signed

    async def _signer(self, prefix: Prefix, place: int) -> Signer:
        key = await self._keys.in_force(prefix, place)
        if key is None or key.sealed is None:
            raise VersionMoved(f"the signing key of prefix {prefix.text} was changed meanwhile; ask again")
        issuer = issuer_of(prefix, place)
        private = load_der_private_key(self._sealing.unseal(issuer_text(prefix, place), key.sealed), password=None)
        if not isinstance(private, RSAPrivateKey):
            raise UnreadableSigningKey(f"the signing key {issuer_text(prefix, place)} is no RSA key")
        if len(self._signers) >= SIGNERS_REMEMBERED_MAX:
            self._signers.clear()
        signer = Signer(issuer, private, tuple(place_of(text) for text in key.chain))
        self._signers[prefix.folded, place] = signer
        return signer


def issuer_of(prefix: Prefix, place: int) -> Reference:
    """Where the public key of a prefix's signatures lies."""
    return Reference(record_of_prefix(prefix).text, place)


def issuer_text(prefix: Prefix, place: int) -> str:
    """The same as text, one for all spellings: what a private key is bound to."""
    return f"{place}:{record_of_prefix(prefix).folded}"


def with_signature(record: Record, signer: Signer, at: datetime) -> Record:
    """The record with a signature over its other values, in the place of the one that it had of the same prefix.

    Raises InvalidInput when the signature of so many values is too long for a value.
    """
    values = tuple(value for value in record.values if not _is_own(value, signer))
    taken = {value.index for value in values} | RESERVED_INDEXES
    index = next(
        index for index in range(SIGNATURE_INDEX_MIN, SIGNATURE_INDEX_MIN + len(taken) + 1) if index not in taken
    )
    second = int(at.timestamp())
    claims = SignatureClaims(
        record.identifier.text,
        signer.issuer,
        second,
        Span(second, second + SIGNATURE_SECONDS),
        digests_of(values),
        signer.chain,
    )
    data = signed_text(claims.document(), signer.key)
    if len(data) > VALUE_DATA_BYTES_MAX:
        detail = f"the signature of {len(values)} values takes {len(data)} bytes, the limit is {VALUE_DATA_BYTES_MAX}"
        raise InvalidInput.of([Violation("/values", "signature-bytes", detail, str(len(values)))])
    made = HandleValue(index, SIGNATURE, data, at.replace(microsecond=0))
    return replace(record, values=tuple(sorted((*values, made), key=lambda value: value.index)))


def _sign(signer: Signer, records: Sequence[StoredRecord], at: datetime) -> list[StoredRecord | IdnodeError]:
    signed: list[StoredRecord | IdnodeError] = []
    for each in records:
        try:
            signed.append(stored(with_signature(read_record(each.document), signer, at)))
        except InvalidInput as refusal:
            signed.append(refusal)
    return signed


def _is_own(value: HandleValue, signer: Signer) -> bool:
    """Made by this node for the same prefix, with this key or one before it."""
    if fold(value.type) != SIGNATURE:
        return False
    try:
        issuer = place_of(SignedText.of(value.data).claims.get("iss"))
    except UnreadableSignature:
        return False
    return fold(issuer.handle) == fold(signer.issuer.handle)
