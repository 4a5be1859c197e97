"""Seals answers that hold a secret, so that they can be given again without the node knowing the secret.

The key is derived from the client's Idempotency-Key, of which the node stores only the SHA-256: who reads the database
cannot open the answer, who repeats the request can.
"""

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idnode.model.errors import IdempotencyMisused

NONCE_BYTES = 12


def seal(body: bytes, *, idempotency_key: str, owner: UUID) -> bytes:
    """AES-256-GCM under a key derived by HKDF from the Idempotency-Key; the nonce stands in front."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(idempotency_key, owner).encrypt(nonce, body, None)


def unseal(sealed: bytes, *, idempotency_key: str, owner: UUID) -> bytes:
    """The inverse. Raises IdempotencyMisused when the key is not the one that sealed."""
    nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return _cipher(idempotency_key, owner).decrypt(nonce, text, None)
    except InvalidTag as error:
        raise IdempotencyMisused("the kept answer cannot be opened with this Idempotency-Key") from error


def _cipher(idempotency_key: str, owner: UUID) -> AESGCM:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=owner.bytes, info=b"idnode sealed answer")
    return AESGCM(derivation.derive(idempotency_key.encode()))
