"""Keys that an administrator proves itself with: a secret, or a private RSA key (handle-protocol.md §1.8)."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from idnode.model.handle_value import Reference
from idnode.wire.handle_secrets import Derivation, SecretAlgorithm, SecretAnswer
from idnode.wire.messages.authentication import PUBLIC_KEY, SECRET_KEY, ChallengeAnswer
from idnode.wire.messages.proofs import secret_answer_bytes, signature_bytes

SALT_BYTES = 16
ITERATIONS = 10_000
DERIVED_BITS = 160
"""As clients since 2.7 have them."""


@dataclass(frozen=True, slots=True)
class SecretKey:
    """An HS_SECKEY: where it lies, and the secret."""

    identity: Reference
    secret: bytes = field(repr=False)

    def answer(self, challenged: bytes, random: Callable[[int], bytes]) -> ChallengeAnswer:
        """HMAC-SHA-1 under a key that PBKDF2 derives from the secret."""
        derivation = Derivation(random(SALT_BYTES), ITERATIONS, DERIVED_BITS)
        key = hashlib.pbkdf2_hmac("sha1", self.secret, derivation.salt, ITERATIONS, DERIVED_BITS // 8)
        mac = hmac.digest(key, challenged, "sha1")
        proof = SecretAnswer(SecretAlgorithm.PBKDF2_HMAC_SHA1, mac, derivation)
        return ChallengeAnswer(SECRET_KEY, self.identity, secret_answer_bytes(proof))


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """The private side of an HS_PUBKEY: where the public one lies, and the key."""

    identity: Reference
    key: RSAPrivateKey = field(repr=False)

    def answer(self, challenged: bytes, random: Callable[[int], bytes]) -> ChallengeAnswer:  # noqa: ARG002  # as above
        """Its signature, SHA-256 and PKCS #1 v1.5."""
        return ChallengeAnswer(
            PUBLIC_KEY, self.identity, signature_bytes(self.key.sign(challenged, PKCS1v15(), SHA256()))
        )


Key = SecretKey | PrivateKey
