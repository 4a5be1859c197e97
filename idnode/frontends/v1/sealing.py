"""Seals answers that hold a secret, so that they can be given again without the node knowing the secret.

The sealing key is derived from the caller's API key and Idempotency-Key, of which the node stores only the SHA-256.
The API key alone has 256 random bits: who reads the database cannot open the answer, not even by guessing
Idempotency-Keys, which clients often make from order numbers; who repeats the request can.
"""

import os
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idnode.model.errors import IdempotencyMisused

NONCE_BYTES = 12
_PURPOSE = b"idnode sealed answer, "


@dataclass(frozen=True, slots=True, repr=False)
class Sealing:
    """How the answers of one request are sealed: by the secret of the API key `owner`, and the Idempotency-Key."""

    secret: str
    owner: UUID
    idempotency_key: str

    def seal(self, body: bytes) -> bytes:
        """AES-256-GCM under a key derived by HKDF; the nonce stands in front."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, body, None)

    def unseal(self, sealed: bytes) -> bytes:
        """The inverse. Raises IdempotencyMisused when it was sealed under other keys."""
        nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._cipher().decrypt(nonce, text, None)
        except InvalidTag as error:
            raise IdempotencyMisused("the kept answer cannot be opened with this Idempotency-Key") from error

    def _cipher(self) -> AESGCM:
        info = _PURPOSE + self.idempotency_key.encode()
        return AESGCM(HKDF(SHA256(), length=32, salt=self.owner.bytes, info=info).derive(self.secret.encode()))
