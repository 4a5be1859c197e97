"""Signatures of manifests: Ed25519, or RSA-PSS with SHA-256, by whichever key the PEM file holds."""

from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from idnode.sync.deposit.errors import DepositMisconfigured, DepositRefused

RSA_BITS_MIN = 2_048


class ManifestSigner:
    """Signs with a private key."""

    def __init__(self, key: Ed25519PrivateKey | RSAPrivateKey) -> None:
        self._key = key

    @classmethod
    def read(cls, path: Path) -> "ManifestSigner":
        """From a PEM file without a password. Raises DepositMisconfigured."""
        try:
            key = load_pem_private_key(_octets(path), None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise DepositMisconfigured(f"{path} is no private key in PEM without a password") from error
        if not isinstance(key, Ed25519PrivateKey | RSAPrivateKey):
            raise DepositMisconfigured(f"{path} is neither an Ed25519 nor an RSA key")
        _require_bits(key, path)
        return cls(key)

    def sign(self, document: bytes) -> bytes:
        """The signature's bytes."""
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(document)
        return self._key.sign(document, _padding(), SHA256())

    @property
    def verifier(self) -> "ManifestVerifier":
        """What verifies these signatures."""
        return ManifestVerifier(self._key.public_key())


class ManifestVerifier:
    """Verifies with the public key."""

    def __init__(self, key: Ed25519PublicKey | RSAPublicKey) -> None:
        self._key = key

    @classmethod
    def read(cls, path: Path) -> "ManifestVerifier":
        """From a PEM file of the public or the private key. Raises DepositMisconfigured."""
        octets = _octets(path)
        if b"PRIVATE KEY" in octets:
            return ManifestSigner.read(path).verifier
        try:
            key = load_pem_public_key(octets)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise DepositMisconfigured(f"{path} is no public key in PEM") from error
        if not isinstance(key, Ed25519PublicKey | RSAPublicKey):
            raise DepositMisconfigured(f"{path} is neither an Ed25519 nor an RSA key")
        _require_bits(key, path)
        return cls(key)

    def verify(self, document: bytes, signature: bytes) -> None:
        """Raises DepositRefused."""
        try:
            if isinstance(self._key, Ed25519PublicKey):
                self._key.verify(signature, document)
            else:
                self._key.verify(signature, document, _padding(), SHA256())
        except InvalidSignature:
            raise DepositRefused("the manifest was altered, or signed with another key") from None


def _padding() -> PSS:
    return PSS(MGF1(SHA256()), PSS.DIGEST_LENGTH)


def _octets(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DepositMisconfigured(f"cannot read {path}: {error.strerror}") from error


def _require_bits(key: object, path: Path) -> None:
    if isinstance(key, RSAPrivateKey | RSAPublicKey) and key.key_size < RSA_BITS_MIN:
        raise DepositMisconfigured(f"{path} has {key.key_size} bits, at least {RSA_BITS_MIN} are required")
