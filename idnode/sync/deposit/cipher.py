"""Ciphers that seal a deposit: authenticated encryption of one chunk. AES-256-GCM, and SM4-GCM where OpenSSL has it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher as Encryption
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idnode.sync.deposit.errors import DepositMisconfigured, DepositRefused
from idnode.wire.encoded_bytes import from_hex

KEY_BYTES = 32
TAG_BYTES = 16
NONCE_BYTES = 12
KEY_ID_CHARACTERS = 16


class Cipher(Protocol):
    """Seals chunks so that any change of them, of their nonce or of `associated` is noticed."""

    key_bytes: int

    def seal(self, key: bytes, nonce: bytes, chunk: bytes, associated: bytes) -> bytes:
        """The chunk encrypted, TAG_BYTES longer."""

    def open(self, key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        """The inverse. Raises DepositRefused."""


class AesGcm:
    """AES-256-GCM (NIST SP 800-38D)."""

    key_bytes = 32

    def seal(self, key: bytes, nonce: bytes, chunk: bytes, associated: bytes) -> bytes:
        """The chunk encrypted, its tag at the end."""
        return AESGCM(key).encrypt(nonce, chunk, associated)

    def open(self, key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        """The inverse. Raises DepositRefused."""
        try:
            return AESGCM(key).decrypt(nonce, sealed, associated)
        except InvalidTag:
            raise _forged() from None


class Sm4Gcm:
    """SM4-GCM (GB/T 32907-2016 with RFC 8998's use of GCM)."""

    key_bytes = 16

    def seal(self, key: bytes, nonce: bytes, chunk: bytes, associated: bytes) -> bytes:
        """The chunk encrypted, its tag at the end. Raises DepositMisconfigured where OpenSSL lacks SM4."""
        try:
            encryptor = Encryption(SM4(key), GCM(nonce)).encryptor()
        except UnsupportedAlgorithm as error:
            raise DepositMisconfigured("this machine's OpenSSL has no SM4-GCM; use aes-256-gcm") from error
        encryptor.authenticate_additional_data(associated)
        return encryptor.update(chunk) + encryptor.finalize() + encryptor.tag

    def open(self, key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        """The inverse. Raises DepositRefused, and DepositMisconfigured where OpenSSL lacks SM4."""
        try:
            decryptor = Encryption(SM4(key), GCM(nonce, sealed[-TAG_BYTES:])).decryptor()
        except UnsupportedAlgorithm as error:
            raise DepositMisconfigured(
                "this machine's OpenSSL has no SM4-GCM, with which the deposit is sealed"
            ) from error
        decryptor.authenticate_additional_data(associated)
        try:
            return decryptor.update(sealed[:-TAG_BYTES]) + decryptor.finalize()
        except InvalidTag:
            raise _forged() from None


CIPHERS: Mapping[str, Cipher] = {"aes-256-gcm": AesGcm(), "sm4-gcm": Sm4Gcm()}
"""By the name that stands in the deposit. A further one is a further row."""


@dataclass(frozen=True, slots=True)
class DepositKey:
    """The key that deposits are sealed with; `id` names it without telling anything of it."""

    secret: bytes

    def __repr__(self) -> str:
        """For tracebacks and logs."""
        return f"DepositKey(id='{self.id}')"

    @classmethod
    def read(cls, path: Path) -> "DepositKey":
        """From a file of 32 bytes, or of 64 hexadecimal digits. Raises DepositMisconfigured."""
        try:
            octets = path.read_bytes()
        except OSError as error:
            raise DepositMisconfigured(f"cannot read the deposit key {path}: {error.strerror}") from error
        if len(octets) != KEY_BYTES:
            octets = from_hex(octets.decode("ascii", "replace").strip()) or octets
        if len(octets) != KEY_BYTES:
            raise DepositMisconfigured(f"the deposit key {path} has {len(octets)} bytes, expected {KEY_BYTES}")
        return cls(octets)

    @property
    def id(self) -> str:
        """The same for the same key."""
        return hashlib.sha256(b"idnode deposit key id" + self.secret).hexdigest()[:KEY_ID_CHARACTERS]

    def derive(self, cipher: Cipher, salt: bytes) -> bytes:
        """The key of one deposit: each has its own, so that nonces may be counted (RFC 5869)."""
        return HKDF(SHA256(), cipher.key_bytes, salt, b"idnode deposit").derive(self.secret)


def _forged() -> DepositRefused:
    return DepositRefused("a chunk of the deposit was altered, moved, or sealed with another key")
