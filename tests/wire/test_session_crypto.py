"""Sessions: both sides come to the same key; what one encrypts the other reads; groups that leak are refused."""

import pytest

from idnode.wire.cursor import MalformedMessage
from idnode.wire.session_crypto import (
    OAKLEY_GROUP_2,
    SECRET_BYTES,
    agreed_key,
    decrypted,
    encrypted,
    mac_fits,
    mac_of,
    public_of,
)
from idnode.wire.typed_values.hs_pubkey import DhPublicKey

OURS, THEIRS = bytes(range(SECRET_BYTES)), bytes(range(100, 100 + SECRET_BYTES))
KEY = bytes(range(32))


def test_both_sides_come_to_the_same_key() -> None:
    client, server = public_of(OAKLEY_GROUP_2, THEIRS), public_of(OAKLEY_GROUP_2, OURS)

    assert agreed_key(client, OURS) == agreed_key(server, THEIRS)
    assert len(agreed_key(client, OURS)) == 32


def test_leading_zeros_of_the_shared_secret_are_stripped() -> None:
    group = DhPublicKey(2, OAKLEY_GROUP_2.p, 2)

    assert agreed_key(group, (8).to_bytes(SECRET_BYTES, "big")) == bytes.fromhex("0100")


@pytest.mark.parametrize("y", [0, 1, OAKLEY_GROUP_2.p - 1, OAKLEY_GROUP_2.p, OAKLEY_GROUP_2.p + 5])
def test_a_public_value_that_fixes_the_key_is_refused(y: int) -> None:
    with pytest.raises(MalformedMessage, match="none of the group"):
        agreed_key(DhPublicKey(y, OAKLEY_GROUP_2.p, 2), OURS)


@pytest.mark.parametrize(
    "group", [DhPublicKey(3, 23, 5), DhPublicKey(3, 1 << 1_024, 5), DhPublicKey(3, 1 << 5_000 | 1, 5)]
)
def test_groups_that_are_too_small_too_large_or_even_are_refused(group: DhPublicKey) -> None:
    with pytest.raises(MalformedMessage, match="it takes 1024 to 4096, odd"):
        public_of(group, OURS)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1_000])
def test_what_is_encrypted_is_read(size: int) -> None:
    data = encrypted(KEY, b"x" * size, bytes(16))

    assert decrypted(KEY, data) == b"x" * size
    assert (len(data) - 16) % 16 == 0


def test_encryption_is_aes_128_cbc_under_the_first_half_of_the_key() -> None:
    # NIST SP 800-38A, F.2.1: the first block of CBC-AES128.
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c") + bytes(16)
    iv = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
    block = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")

    assert encrypted(key, block, iv)[16:32].hex() == "7649abac8119b246cee98e9b12e9197d"


@pytest.mark.parametrize("data", [b"", bytes(16), bytes(33), encrypted(bytes(32), b"other", bytes(16))])
def test_what_is_not_encrypted_under_this_key_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decrypted(KEY, data)


def test_a_mac_is_hmac_sha_256_under_the_whole_key() -> None:
    # RFC 4231, test case 1, whose key is shorter than ours may be.
    key = bytes.fromhex("0b" * 20)

    assert mac_of(key, b"Hi There").hex() == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    assert mac_fits(key, b"Hi There", mac_of(key, b"Hi There"))
    assert not mac_fits(key, b"Hi there", mac_of(key, b"Hi There"))
