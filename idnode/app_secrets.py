"""The node's own keys: read from their files, or made at first use where no file was named."""

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from idnode.config import Settings
from idnode.lifecycle import CannotStart, ensure_home
from idnode.registry.signing import KeySealing, Signatures
from idnode.storage.database import Database
from idnode.storage.signing_keys import SigningKeyStore
from idnode.wire.encoded_bytes import from_hex
from idnode.wire.typed_values.hs_pubkey import HsPubkey, RsaPublicKey

SECRET_FILE = "secret.key"  # noqa: S105  # its name, not its content
KEY_BYTES = 32
SIGNING_FILE = "native.key"
SIGNING_KEY_BITS = 2_048
_PUBLIC_EXPONENT = 65_537


def node_key(settings: Settings) -> Callable[[], bytes]:
    """Gives the key of IDNODE_SECRET_FILE, which is read at once; else that of `secret.key` in IDNODE_HOME.

    Raises CannotStart, or what it returns does, when there is no key in the file.
    """
    if settings.secret_file is not None:
        key = _read(settings.secret_file)
        return lambda: key
    return lambda: _of_home(settings.home)


class NodeSignature:
    """The RSA key that certifies answers of the native protocol: `native.key` in IDNODE_HOME, PEM, read at first use.

    Both raise CannotStart when there is no such key in the file.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._key: RSAPrivateKey | None = None

    def sign(self, signed: bytes) -> bytes:
        """SHA-256, PKCS #1 v1.5 (handle-protocol.md §1.7)."""
        return self._found().sign(signed, padding.PKCS1v15(), SHA256())

    def public_key(self) -> HsPubkey:
        """As clients find it in HS_SITE."""
        numbers = self._found().public_key().public_numbers()
        return HsPubkey(RsaPublicKey(numbers.e, numbers.n))

    def _found(self) -> RSAPrivateKey:
        if self._key is None:
            path = ensure_home(self._home) / SIGNING_FILE
            if not path.exists():
                made = new_signing_key()
                _make(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii"))
            self._key = _read_signing_key(path)
        return self._key


def new_signing_key() -> RSAPrivateKey:
    """A fresh RSA key; takes some tenths of a second."""
    return generate_private_key(_PUBLIC_EXPONENT, SIGNING_KEY_BITS)


def compose_signatures(settings: Settings, database: Database) -> Signatures:
    """What signs records: for the planners of workers and of import processes."""
    return Signatures(SigningKeyStore(database), KeySealing(node_key(settings), os.urandom))


def _read_signing_key(path: Path) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CannotStart(f"cannot read the signing key from {path}: {error}") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < SIGNING_KEY_BITS:
        raise CannotStart(f"{path} must hold an RSA key of at least {SIGNING_KEY_BITS} bits, as PEM")
    return key


def _of_home(home: Path) -> bytes:
    path = ensure_home(home) / SECRET_FILE
    if not path.exists():
        _make(path, os.urandom(KEY_BYTES).hex() + "\n")
    return _read(path)


def _make(path: Path, content: str) -> None:
    """A fresh key, for its owner only; where two processes make one, the first one's stands."""
    draft = path.with_suffix(f".{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link, unlike a rename, takes the place of nothing.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CannotStart(f"cannot read the node's key from {path}: {error.strerror}") from error
    if len(content) == KEY_BYTES:
        return content
    key = from_hex(content.decode("ascii", "replace").strip())
    if key is None or len(key) != KEY_BYTES:
        found = f"{len(content)} bytes that are neither"
        raise CannotStart(f"{path} must hold {KEY_BYTES} bytes or {2 * KEY_BYTES} hexadecimal digits, it holds {found}")
    return key
