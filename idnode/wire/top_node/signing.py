"""Signatures of requests: HMAC-SHA-256 with a shared secret, or RSA-PSS with SHA-256 and a private key.

Signed are six lines: method, target (path and query as in the request line), app id, timestamp, nonce, and the SHA-256
of the body (before any Content-Encoding), in hex. Who verifies must also look at the clock and at repetitions: refuse a
timestamp more than TIMESTAMP_SECONDS_OFF_MAX off, and a nonce that came before in that window. Neither is done here.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from idnode.model.errors import InvalidInput, MalformedInput, Violation, shown
from idnode.wire.encoded_bytes import base64_of, from_base64

APP_ID = "X-Idnode-App-Id"
TIMESTAMP = "X-Idnode-Timestamp"
NONCE = "X-Idnode-Nonce"
SIGNATURE = "X-Idnode-Signature"
HMAC_SHA256 = "hmac-sha256"
RSA_PSS_SHA256 = "rsa-pss-sha256"

TIMESTAMP_SECONDS_OFF_MAX = 300
TIMESTAMP_DIGITS_MAX = 11
HEADER_CHARACTERS_MAX = 128
RSA_BITS_MIN = 2_048

_SALT_BYTES = 32


class Signer(Protocol):
    """Signs requests in the name of one application id."""

    @property
    def app_id(self) -> str:
        """Under which the top node knows the node."""

    def headers(self, method: str, target: str, body: bytes, *, at: int, nonce: str) -> dict[str, str]:
        """The four headers of a request; `at` in seconds since 1970, `nonce` never the same twice."""


@dataclass(frozen=True, slots=True, repr=False)
class HmacSigner:
    """Signs with a secret that the top node knows too."""

    app_id: str
    secret: str

    def headers(self, method: str, target: str, body: bytes, *, at: int, nonce: str) -> dict[str, str]:
        """The four headers of a request."""
        signature = _hmac(self.secret, signed_bytes(method, target, self.app_id, at, nonce, body))
        return _headers(self.app_id, at, nonce, HMAC_SHA256, signature)


class RsaSigner:
    """Signs with an RSA private key (PEM, not encrypted) of at least 2,048 bits. Raises InvalidInput for another."""

    def __init__(self, app_id: str, private_key_pem: bytes) -> None:
        self._app_id = app_id
        self._key = _private_key(private_key_pem)

    @property
    def app_id(self) -> str:
        """Under which the top node knows the node."""
        return self._app_id

    def headers(self, method: str, target: str, body: bytes, *, at: int, nonce: str) -> dict[str, str]:
        """The four headers of a request."""
        told = signed_bytes(method, target, self._app_id, at, nonce, body)
        signature = self._key.sign(told, PSS(MGF1(hashes.SHA256()), _SALT_BYTES), hashes.SHA256())
        return _headers(self._app_id, at, nonce, RSA_PSS_SHA256, signature)


@dataclass(frozen=True, slots=True)
class Signature:
    """The headers of a signed request. `at` and `nonce` are what the sender says: see the module's first lines."""

    app_id: str
    at: int
    nonce: str
    scheme: str
    octets: bytes


def read_signature(headers: Mapping[str, str]) -> Signature:
    """Raises MalformedInput for headers that are missing or broken. `headers` should not care about case."""
    found: list[Violation] = []
    app_id, nonce = _printable(headers, APP_ID, found), _printable(headers, NONCE, found)
    at = headers.get(TIMESTAMP, "")
    if not (at.isascii() and at.isdecimal() and len(at) <= TIMESTAMP_DIGITS_MAX):
        found.append(Violation(TIMESTAMP, "timestamp", "must be seconds since 1970", shown(at)))
    scheme, _, encoded = headers.get(SIGNATURE, "").partition(" ")
    octets = from_base64(encoded)
    if scheme not in (HMAC_SHA256, RSA_PSS_SHA256) or not octets:
        detail = f"must be {HMAC_SHA256} or {RSA_PSS_SHA256}, a space, and the signature in base64"
        found.append(Violation(SIGNATURE, "signature", detail))
    if found:
        raise MalformedInput.of(found)
    return Signature(app_id, int(at), nonce, scheme, octets or b"")


def verify_hmac(signature: Signature, secret: str, method: str, target: str, body: bytes) -> bool:
    """Whether the request was signed with `secret`; takes the same time wherever the two differ."""
    if signature.scheme != HMAC_SHA256:
        return False
    told = signed_bytes(method, target, signature.app_id, signature.at, signature.nonce, body)
    return hmac.compare_digest(_hmac(secret, told), signature.octets)


def verify_rsa(signature: Signature, public_key_pem: bytes, method: str, target: str, body: bytes) -> bool:
    """Whether the request was signed with the private half of the key. Raises InvalidInput for what is no RSA key."""
    if signature.scheme != RSA_PSS_SHA256:
        return False
    told = signed_bytes(method, target, signature.app_id, signature.at, signature.nonce, body)
    try:
        _public_key(public_key_pem).verify(
            signature.octets, told, PSS(MGF1(hashes.SHA256()), _SALT_BYTES), hashes.SHA256()
        )
    except InvalidSignature:
        return False
    return True


def signed_bytes(method: str, target: str, app_id: str, at: int, nonce: str, body: bytes) -> bytes:
    """What is signed."""
    return f"{method}\n{target}\n{app_id}\n{at}\n{nonce}\n{sha256(body).hexdigest()}".encode()


def _hmac(secret: str, told: bytes) -> bytes:
    return hmac.digest(secret.encode(), told, "sha256")


def _headers(app_id: str, at: int, nonce: str, scheme: str, signature: bytes) -> dict[str, str]:
    told = f"{scheme} {base64_of(signature)}"
    return {APP_ID: app_id, TIMESTAMP: str(at), NONCE: nonce, SIGNATURE: told}


def _printable(headers: Mapping[str, str], name: str, found: list[Violation]) -> str:
    text = headers.get(name, "")
    if not (text.isascii() and text.isprintable() and 0 < len(text) <= HEADER_CHARACTERS_MAX):
        limit = f"{HEADER_CHARACTERS_MAX} characters"
        detail = f"must be 1 to {HEADER_CHARACTERS_MAX} printable characters of ASCII"
        found.append(Violation(name, "header", detail, shown(text), limit))
    return text


def _private_key(pem: bytes) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidInput("the private key is no unencrypted key in PEM") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < RSA_BITS_MIN:
        raise InvalidInput(f"the private key is no RSA key of at least {RSA_BITS_MIN} bits")
    return key


@lru_cache(maxsize=64)  # reading a key takes longer than verifying with it
def _public_key(pem: bytes) -> RSAPublicKey:
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput("the public key is no key in PEM") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < RSA_BITS_MIN:
        raise InvalidInput(f"the public key is no RSA key of at least {RSA_BITS_MIN} bits")
    return key
