"""HS_PUBKEY: RSA, DSA and Diffie-Hellman in bytes, RSA and DSA as JSON Web Keys."""

import pytest

from idnode.model.errors import InvalidInput
from idnode.wire.cursor import MalformedMessage
from idnode.wire.json_reader import JsonReader
from idnode.wire.typed_values.hs_pubkey import DhPublicKey, DsaPublicKey, HsPubkey, RsaPublicKey, key_to_json

RSA_UNPADDED = bytes.fromhex("0000000b 5253415f5055425f4b4559 0000 00000003 010001 00000005 00c5a1b2c3")
RSA = RSA_UNPADDED + bytes(4)
RSA_KEY = HsPubkey(RsaPublicKey(e=65_537, n=0xC5A1B2C3))
DSA = bytes.fromhex("0000000b 4453415f5055425f4b4559 0000 00000002 00ff 00000002 0101 00000001 02 00000003 010000")
DSA_KEY = HsPubkey(DsaPublicKey(q=255, p=257, g=2, y=65_536))
DH = bytes.fromhex("0000000a 44485f5055425f4b4559 0000 00000001 07 00000002 00fb 00000001 02")
DH_KEY = HsPubkey(DhPublicKey(y=7, p=251, g=2))


def test_an_rsa_key_is_read_with_and_without_the_four_unused_bytes() -> None:
    assert HsPubkey.decode(RSA) == RSA_KEY
    assert HsPubkey.decode(RSA_UNPADDED) == RSA_KEY


def test_an_rsa_key_is_written_with_the_four_unused_bytes() -> None:
    assert RSA_KEY.encode() == RSA


def test_an_rsa_2048_key_has_289_bytes() -> None:
    assert len(HsPubkey(RsaPublicKey(e=65_537, n=2**2048 - 1)).encode()) == 289


def test_dsa_and_diffie_hellman_keys_are_read_and_written() -> None:
    assert HsPubkey.decode(DSA) == DSA_KEY
    assert DSA_KEY.encode() == DSA
    assert HsPubkey.decode(DH) == DH_KEY
    assert DH_KEY.encode() == DH


def test_the_reserved_flags_are_read_over() -> None:
    assert HsPubkey.decode(RSA.replace(b"KEY\0\0", b"KEY\0\1")) == RSA_KEY


@pytest.mark.parametrize("leftover", ["00", "00000001", "0000000000"])
def test_other_leftovers_are_refused(leftover: str) -> None:
    with pytest.raises(MalformedMessage, match="left over at byte 33"):
        HsPubkey.decode(RSA_UNPADDED + bytes.fromhex(leftover))


def test_a_key_type_without_known_layout_is_refused() -> None:
    with pytest.raises(MalformedMessage, match=r"^unknown key type 'SM2_PUB_KEY' at byte 0$"):
        HsPubkey.decode(bytes.fromhex("0000000b 534d325f5055425f4b4559 0000"))


def test_an_integer_of_no_bytes_is_refused() -> None:
    with pytest.raises(MalformedMessage, match=r"^a public key holds no 0 at byte 17$"):
        HsPubkey.decode(bytes.fromhex("0000000b 5253415f5055425f4b4559 0000 00000000 00000001 05"))


def test_an_rsa_key_is_a_json_web_key() -> None:
    document = {"kty": "RSA", "e": "AQAB", "n": "xaGyww"}

    assert RSA_KEY.to_json() == document
    assert HsPubkey.from_json(JsonReader(document)) == RSA_KEY


def test_a_dsa_key_is_a_json_web_key() -> None:
    document = {"kty": "DSA", "q": "_w", "p": "AQE", "g": "Ag", "y": "AQAA"}

    assert DSA_KEY.to_json() == document
    assert HsPubkey.from_json(JsonReader(document)) == DSA_KEY


def test_a_key_that_would_not_come_back_byte_for_byte_has_no_json_web_key() -> None:
    assert key_to_json(RSA) == {"kty": "RSA", "e": "AQAB", "n": "xaGyww"}
    assert key_to_json(RSA_UNPADDED) is None
    assert key_to_json(DH) is None
    assert key_to_json(b"junk") is None


def test_a_private_key_is_refused_without_repeating_it() -> None:
    reader = JsonReader({"kty": "RSA", "e": "AQAB", "n": "xaGyww", "d": "c2VjcmV0"})
    HsPubkey.from_json(reader)

    with pytest.raises(InvalidInput) as caught:
        reader.raise_refusals()
    assert [(v.pointer, v.rule, v.value) for v in caught.value.violations] == [("/d", "known-member", None)]


@pytest.mark.parametrize(
    ("document", "faults"),
    [
        ({"kty": "EC", "crv": "SM2", "x": "AQ"}, [("/kty", "one-of")]),
        ({}, [("/kty", "required")]),
        ([], [("", "object")]),
        ({"kty": "RSA", "n": "AA"}, [("/e", "required"), ("/n", "range")]),
        ({"kty": "RSA", "n": "", "e": "AQ=="}, [("/e", "base64url"), ("/n", "range")]),
        ({"kty": "RSA", "n": "a+b/", "e": 3}, [("/e", "string"), ("/n", "base64url")]),
    ],
)
def test_every_fault_of_a_json_web_key_is_named(document: object, faults: list[tuple[str, str]]) -> None:
    reader = JsonReader(document)
    HsPubkey.from_json(reader)

    with pytest.raises(InvalidInput) as caught:
        reader.raise_refusals()
    assert [(v.pointer, v.rule) for v in caught.value.violations] == faults
