"""The cryptography of sessions: agreement on a key, encryption and MAC under it (handle-protocol.md §1.9). Pure.

Where randomness is needed it is an argument.
"""

import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from idnode.wire.cursor import MalformedMessage
from idnode.wire.typed_values.hs_pubkey import DhPublicKey

AES = 3
"""The number of the cipher that this node uses; 1 is DES and 2 3DES."""
MAC_ALGORITHM = "HMAC-SHA256"
DH_BITS_MIN = 1_024
DH_BITS_MAX = 4_096
SECRET_BYTES = 64
"""Of a private exponent: twice the strength of what is made of it, and the group has no short subgroup to fear more."""
KEY_BYTES = 32
IV_BYTES = 16
COUNTERS_WINDOW = 200
"""How far behind the highest counter of a session a message may be."""

_CIPHER_KEY_BYTES = 16
_BLOCK_BITS = 128

OAKLEY_GROUP_2 = DhPublicKey(
    y=1,
    p=int(
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B"
        "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"
        "49286651ECE65381FFFFFFFFFFFFFFFF",
        16,
    ),
    g=2,
)
"""The 1,024-bit group of RFC 2409 §6.2, which clients propose; `y` stands for nothing."""


def public_of(group: DhPublicKey, secret: bytes) -> DhPublicKey:
    """The public key in this group for a private exponent of SECRET_BYTES random bytes. Raises MalformedMessage."""
    _require_sound(group)
    return DhPublicKey(pow(group.g, int.from_bytes(secret, "big"), group.p), group.p, group.g)


def agreed_key(theirs: DhPublicKey, secret: bytes) -> bytes:
    """The session's key: the shared secret without leading zero bytes, its first 32 bytes. Raises MalformedMessage."""
    _require_sound(theirs)
    if not 1 < theirs.y < theirs.p - 1:
        raise MalformedMessage("the public value is none of the group", offset=0)
    shared = pow(theirs.y, int.from_bytes(secret, "big"), theirs.p)
    return shared.to_bytes((shared.bit_length() + 7) // 8, "big")[:KEY_BYTES]


def encrypted(key: bytes, content: bytes, iv: bytes) -> bytes:
    """What follows an envelope, AES-128-CBC: the IV, then the ciphertext."""
    padder = PKCS7(_BLOCK_BITS).padder()
    padded = padder.update(content) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key[:_CIPHER_KEY_BYTES]), modes.CBC(iv)).encryptor()
    return iv + encryptor.update(padded) + encryptor.finalize()


def decrypted(key: bytes, data: bytes) -> bytes:
    """The inverse. Raises MalformedMessage."""
    if len(data) < 2 * IV_BYTES or len(data) % IV_BYTES:
        raise MalformedMessage(f"{len(data)} bytes are no encrypted message", offset=0)
    decryptor = Cipher(algorithms.AES(key[:_CIPHER_KEY_BYTES]), modes.CBC(data[:IV_BYTES])).decryptor()
    padded = decryptor.update(data[IV_BYTES:]) + decryptor.finalize()
    unpadder = PKCS7(_BLOCK_BITS).unpadder()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise MalformedMessage("the message was encrypted under another key", offset=0) from error


def mac_of(key: bytes, signed: bytes) -> bytes:
    """HMAC-SHA-256 under the whole key."""
    return hmac.digest(key, signed, "sha256")


def mac_fits(key: bytes, signed: bytes, mac: bytes) -> bool:
    """In constant time."""
    return hmac.compare_digest(mac_of(key, signed), mac)


def _require_sound(group: DhPublicKey) -> None:
    bits = group.p.bit_length()
    if not DH_BITS_MIN <= bits <= DH_BITS_MAX or group.p % 2 == 0 or not 1 < group.g < group.p - 1:
        detail = f"a Diffie-Hellman group of {bits} bits; it takes {DH_BITS_MIN} to {DH_BITS_MAX}, odd, and a generator"
        raise MalformedMessage(detail, offset=0)
