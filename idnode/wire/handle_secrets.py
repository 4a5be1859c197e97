"""Proofs of holding an administrator's key: answers of HS_SECKEY, signatures of HS_PUBKEY. Pure (§1.8, §2).

A proof is about a message: what the server chose (nonce) followed by what the client chose or asked.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.dsa import DSAParameterNumbers, DSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from idnode.wire.typed_values.hs_pubkey import DhPublicKey, DsaPublicKey, HsPubkey, RsaPublicKey

ITERATIONS_MAX = 100_000
"""Of PBKDF2: ten times what clients use; more would let anybody keep a processor busy."""
KEY_BITS_MAX = 512
SALT_BYTES_MAX = 64


class SecretAlgorithm(StrEnum):
    """How an answer is made of secret `k` and message `m`."""

    SHA1 = "SHA1"
    """SHA-1(k m k)."""
    SHA256 = "SHA256"
    """SHA-256(k m k)."""
    HMAC_SHA1 = "HMACSHA1"
    HMAC_SHA256 = "HMACSHA256"
    PBKDF2_HMAC_SHA1 = "PBKDF2HMACSHA1"
    """HMAC-SHA-1 under a key that PBKDF2-HMAC-SHA-1 derives from the secret."""


class SignatureAlgorithm(StrEnum):
    """What a signature is made over: a digest of the message."""

    SHA1 = "SHA1"
    SHA256 = "SHA256"


_HASHES: dict[SignatureAlgorithm, Callable[[], hashes.HashAlgorithm]] = {
    SignatureAlgorithm.SHA1: hashes.SHA1,  # what clients before 2.7 sign with
    SignatureAlgorithm.SHA256: hashes.SHA256,
}


@dataclass(frozen=True, slots=True)
class Derivation:
    """The parameters of PBKDF2; `bits` is the length of the derived key."""

    salt: bytes
    iterations: int
    bits: int

    @property
    def problem(self) -> str | None:
        """Why it is not computed, naming the limit; None when it is."""
        if not 1 <= self.iterations <= ITERATIONS_MAX:
            return f"iterations must be 1 to {ITERATIONS_MAX}, not {self.iterations}"
        if not 8 <= self.bits <= KEY_BITS_MAX or self.bits % 8:
            return f"length must be whole bytes of at most {KEY_BITS_MAX} bits, not {self.bits}"
        if len(self.salt) > SALT_BYTES_MAX:
            return f"salt has {len(self.salt)} bytes, the limit is {SALT_BYTES_MAX}"
        return None


@dataclass(frozen=True, slots=True, repr=False)
class SecretAnswer:
    """What a client answers who holds a secret; `derivation` is there exactly with PBKDF2."""

    algorithm: SecretAlgorithm
    answer: bytes
    derivation: Derivation | None = None

    def fits(self, secret: bytes, message: bytes) -> bool:
        """Whether it was made of this secret and this message."""
        expected = self._expected(secret, message)
        return expected is not None and hmac.compare_digest(expected, self.answer)

    def _expected(self, k: bytes, m: bytes) -> bytes | None:
        match self.algorithm:
            case SecretAlgorithm.SHA1:
                return hashlib.sha1(k + m + k).digest()  # noqa: S324  # the protocol's
            case SecretAlgorithm.SHA256:
                return hashlib.sha256(k + m + k).digest()
            case SecretAlgorithm.HMAC_SHA1:
                return hmac.digest(k, m, "sha1")
            case SecretAlgorithm.HMAC_SHA256:
                return hmac.digest(k, m, "sha256")
            case SecretAlgorithm.PBKDF2_HMAC_SHA1:
                how = self.derivation
                if how is None or how.problem is not None:
                    return None
                return hmac.digest(hashlib.pbkdf2_hmac("sha1", k, how.salt, how.iterations, how.bits // 8), m, "sha1")


@dataclass(frozen=True, slots=True, repr=False)
class Signature:
    """What a client answers who holds a private key."""

    algorithm: SignatureAlgorithm
    signature: bytes

    def fits(self, key: HsPubkey, message: bytes) -> bool:
        """Whether this key's holder signed this message (RSA: PKCS #1 v1.5). False for a key that signs nothing."""
        digest = _HASHES[self.algorithm]()
        try:
            match key.key:
                case RsaPublicKey(e=e, n=n):
                    rsa = RSAPublicNumbers(e, n).public_key()
                    rsa.verify(self.signature, message, padding.PKCS1v15(), digest)
                case DsaPublicKey(q=q, p=p, g=g, y=y):
                    dsa = DSAPublicNumbers(y, DSAParameterNumbers(p, q, g)).public_key()
                    dsa.verify(self.signature, message, digest)
                case DhPublicKey():
                    return False
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
            return False
        return True


def password_fits(secret: bytes, password: bytes) -> bool:
    """Whether a password is the secret; some tools store its SHA-1 in lower-case hexadecimal instead (§1.5)."""
    hashed = hashlib.sha1(password).hexdigest().encode()  # noqa: S324  # what those tools store
    return hmac.compare_digest(secret, password) | hmac.compare_digest(secret, hashed)
