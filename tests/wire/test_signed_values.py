"""Signed values: digests by hand from bytes, signatures to the letter, and nothing else that is taken for one."""

import hashlib
from datetime import UTC, datetime

import orjson
import pytest
from signed import ISSUER, NOW, SPAN, certificate, private, public, signature

from idnode.model.handle_value import HandleValue, Permission, Reference, TimeToLive
from idnode.wire.encoded_bytes import base64url_of, from_base64url
from idnode.wire.signed_values import (
    CertificateClaims,
    SignatureClaims,
    SignedText,
    UnreadableSignature,
    digests_of,
    place_of,
    place_text,
    signed_text,
    value_digest,
)
from idnode.wire.typed_values.hs_pubkey import DsaPublicKey, HsPubkey, RsaPublicKey

MOMENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
URL = HandleValue(1, "URL", b"https://example.com/item/1", MOMENT)
# §1.10, the reply, from the ttl type on: what comes before are index and timestamp.
URL_BYTES = bytes.fromhex(
    "00 00015180 0e 00000003 55524c 0000001a 68747470733a2f2f6578616d706c652e636f6d2f6974656d2f31 00000000"
)


def test_a_digest_is_over_the_bytes_of_a_value_without_index_and_timestamp() -> None:
    later = URL._replace(index=7, timestamp=datetime(2026, 1, 1, tzinfo=UTC))

    assert value_digest(URL) == hashlib.sha256(URL_BYTES).digest()
    assert value_digest(URL).hex() == "085261153d6dd02056a5b6820e063d7a6e598f9575b30c42976afad063d469fd"
    assert value_digest(later) == value_digest(URL)


@pytest.mark.parametrize(
    "tampered",
    [
        URL._replace(type="EMAIL"),
        URL._replace(data=b"https://example.com/item/2"),
        URL._replace(ttl=TimeToLive(86_401)),
        URL._replace(ttl=TimeToLive(86_400, is_absolute=True)),
        URL._replace(permissions=Permission.ADMIN_READ | Permission.ADMIN_WRITE),
        URL._replace(references=(Reference("88.118.8/A", 1),)),
    ],
)
def test_every_other_part_of_a_value_changes_its_digest(tampered: HandleValue) -> None:
    assert value_digest(tampered) != value_digest(URL)


def test_a_signature_says_its_claims_as_the_sheet_has_them() -> None:
    chain = (Reference("88.118/ADMIN", 400), Reference("88.111.1/0.0", 401))
    header, claims, _ = signature(digests_of([URL]), chain=chain).split(b".")

    assert orjson.loads(from_base64url(header.decode()) or b"") == {"alg": "RS256", "typ": "JWT"}
    assert orjson.loads(from_base64url(claims.decode()) or b"") == {
        "sub": "88.118.8/JX-1",
        "iss": "500:0.NA/88.118.8",
        "iat": 1_800_000_000,
        "nbf": 1_799_999_900,
        "exp": 1_800_000_100,
        "digests": {
            "alg": "SHA-256",
            "digests": [{"index": 1, "digest": "CFJhFT1t0CBWpbaCDgY9em5Zj5V1swxCl2r60GPUaf0="}],
        },
        "chain": ["400:88.118/ADMIN", "401:88.111.1/0.0"],
    }


def test_what_was_signed_is_read_back_and_fits_its_key_only() -> None:
    text = SignedText.of(signature(digests_of([URL])))

    assert SignatureClaims.of(text.claims) == SignatureClaims(
        "88.118.8/JX-1", ISSUER, NOW, SPAN, {1: hashlib.sha256(URL_BYTES).digest()}
    )
    assert (text.fits(public("issuer")), text.fits(public("other"))) == (True, False)
    other = SignedText(text.signed.replace(b"e", b"f", 1), text.signature, text.claims)
    assert not other.fits(public("issuer"))


def test_a_certificate_is_read_back_and_what_the_chinese_guide_adds_is_read_over() -> None:
    data = certificate((ISSUER, "issuer"), (Reference("88.118/A", 300), "middle"), ("0.NA/88.118.8", "everything"))
    claims = CertificateClaims.of({**SignedText.of(data).claims, "org": "示例", "sn": "JX", "exts": []})

    assert (claims.subject, claims.public_key) == (ISSUER, public("issuer"))
    assert [(each.handle, each.kind) for each in claims.permissions] == [("0.NA/88.118.8", "everything")]


def compact(header: dict[str, object]) -> bytes:
    return f"{base64url_of(orjson.dumps(header))}.{base64url_of(b'{}')}.AA".encode()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "three parts"),
        (b"a.b", "three parts"),
        (b"\xff.e30.AA", "base64url"),
        (b"e30=.e30.AA", "base64url"),
        (b"W10.e30.AA", "JSON objects"),
        (compact({"alg": "none"}), "alg RS256"),
        (compact({"alg": "HS256"}), "alg RS256"),
        (compact({"alg": "RS256", "crit": ["exp"]}), "critical"),
        (b"a" * 65_537, "has 65537 bytes, the limit is 65536"),
    ],
)
def test_what_is_no_jws_of_ours_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableSignature, match=why):
        SignedText.of(data)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"sub": 7}, "claim sub"),
        ({"exp": "tomorrow"}, "claim exp"),
        ({"nbf": -1}, "claim nbf is no unix second"),
        ({"iat": True}, "claim iat"),
        ({"digests": {"alg": "SHA-1", "digests": []}}, "must be SHA-256"),
        ({"digests": {"alg": "SHA-256", "digests": [{"index": 1, "digest": "AAAA"}]}}, "32 bytes in base64"),
        ({"chain": ["1:a"] * 17}, "17 elements, the limit is 16"),
        ({"iss": "4294967296:0.NA/88.118"}, "above 2147483647"),
    ],
)
def test_claims_that_say_something_else_are_refused(change: dict[str, object], why: str) -> None:
    claims = dict(SignedText.of(signature(digests_of([URL]))).claims)

    with pytest.raises(UnreadableSignature, match=why):
        SignatureClaims.of({**claims, **change})


def test_places_are_written_as_they_are_read() -> None:
    assert place_text(place_of("300:88.118.8/ADMIN")) == "300:88.118.8/ADMIN"
    assert place_of("88.111.1/0.0") == Reference("88.111.1/0.0", 0)


def test_a_key_that_is_not_rsa_or_no_key_at_all_verifies_nothing() -> None:
    text = SignedText.of(signed_text({}, private("issuer")))

    assert not text.fits(HsPubkey(RsaPublicKey(1, 4)))
    assert not text.fits(HsPubkey(DsaPublicKey(1, 2, 3, 4)))
