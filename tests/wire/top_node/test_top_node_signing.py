"""Signatures: what is signed, who can have signed it, and that any change is noticed."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from idnode.model.errors import InvalidInput
from idnode.wire.top_node.signing import (
    HmacSigner,
    RsaSigner,
    Signature,
    read_signature,
    signed_bytes,
    verify_hmac,
    verify_rsa,
)

TARGET = "/v1/digests?day=2026-11-24"
HEADERS = {
    "X-Idnode-App-Id": "app-1",
    "X-Idnode-Timestamp": "1795500000",
    "X-Idnode-Nonce": "n-1",
    # printf 'GET\n/v1/digests?day=2026-11-24\napp-1\n1795500000\nn-1\n%s' $(printf '' | sha256sum | cut -d' ' -f1) |
    #   openssl dgst -sha256 -hmac 'a fictitious secret' -binary | base64
    "X-Idnode-Signature": "hmac-sha256 gsZ3Cvp8yt6QnglLs9IgLYIQdvjUZ8y+mi1ns+ysM+E=",
}

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def private_pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key: Key) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """A key of the shortest length that is taken."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def test_six_lines_are_signed() -> None:
    told = signed_bytes("POST", "/v1/batches", "app-1", 1795500000, "n-1", b"{}")

    # printf '{}' | sha256sum
    digest = b"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert told == b"POST\n/v1/batches\napp-1\n1795500000\nn-1\n" + digest


def test_an_hmac_signature_is_what_openssl_makes() -> None:
    headers = HmacSigner("app-1", "a fictitious secret").headers("GET", TARGET, b"", at=1795500000, nonce="n-1")

    assert headers == HEADERS


def test_a_secret_does_not_show_when_its_signer_is_printed() -> None:
    assert "fictitious" not in repr(HmacSigner("app-1", "a fictitious secret"))


def test_the_right_secret_verifies() -> None:
    assert verify_hmac(read_signature(HEADERS), "a fictitious secret", "GET", TARGET, b"")


def test_a_wrong_secret_does_not_verify() -> None:
    assert not verify_hmac(read_signature(HEADERS), "another secret", "GET", TARGET, b"")


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [("POST", TARGET, b""), ("GET", "/v1/digests?day=2026-11-25", b""), ("GET", TARGET, b" ")],
)
def test_another_request_does_not_verify(method: str, target: str, body: bytes) -> None:
    assert not verify_hmac(read_signature(HEADERS), "a fictitious secret", method, target, body)


@pytest.mark.parametrize(
    ("header", "value"),
    [("X-Idnode-App-Id", "app-2"), ("X-Idnode-Timestamp", "1795500001"), ("X-Idnode-Nonce", "n-2")],
)
def test_changed_headers_do_not_verify(header: str, value: str) -> None:
    assert not verify_hmac(read_signature(HEADERS | {header: value}), "a fictitious secret", "GET", TARGET, b"")


def test_an_rsa_signature_verifies_with_the_public_half_only(key: rsa.RSAPrivateKey) -> None:
    other = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    signer = RsaSigner("app-1", private_pem(key))
    signature = read_signature(signer.headers("POST", "/v1/batches", b"{}", at=1795500000, nonce="n-1"))

    assert (signature.app_id, signature.at, signature.nonce) == ("app-1", 1795500000, "n-1")
    assert verify_rsa(signature, public_pem(key), "POST", "/v1/batches", b"{}")
    assert not verify_rsa(signature, public_pem(key), "POST", "/v1/batches", b"{ }")
    assert not verify_rsa(signature, public_pem(other), "POST", "/v1/batches", b"{}")


def test_a_signature_of_one_kind_is_none_of_the_other(key: rsa.RSAPrivateKey) -> None:
    signer = RsaSigner("app-1", private_pem(key))
    rsa_signature = read_signature(signer.headers("GET", TARGET, b"", at=1795500000, nonce="n-1"))

    assert not verify_hmac(rsa_signature, "a fictitious secret", "GET", TARGET, b"")
    assert not verify_rsa(read_signature(HEADERS), public_pem(key), "GET", TARGET, b"")


def test_the_name_of_the_kind_must_be_right_too() -> None:
    named = HEADERS | {"X-Idnode-Signature": HEADERS["X-Idnode-Signature"].replace("hmac-sha256", "rsa-pss-sha256")}

    assert not verify_hmac(read_signature(named), "a fictitious secret", "GET", TARGET, b"")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Idnode-App-Id", ""),
        ("X-Idnode-App-Id", "a" * 129),
        ("X-Idnode-App-Id", "应用"),
        ("X-Idnode-Timestamp", "-1"),
        ("X-Idnode-Timestamp", "1" * 12),
        ("X-Idnode-Timestamp", "①"),
        ("X-Idnode-Nonce", "a\nb"),
        ("X-Idnode-Signature", "hmac-sha256"),
        ("X-Idnode-Signature", "hmac-sha256 ==="),
        ("X-Idnode-Signature", "md5 AAAA"),
    ],
)
def test_broken_headers_are_named(header: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_signature(HEADERS | {header: value})

    assert [each.pointer for each in refused.value.violations] == [header]


def test_missing_headers_are_all_named() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_signature({})

    assert [each.pointer for each in refused.value.violations] == [
        "X-Idnode-App-Id",
        "X-Idnode-Nonce",
        "X-Idnode-Timestamp",
        "X-Idnode-Signature",
    ]


def test_keys_that_will_not_do_are_refused() -> None:
    short = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)  # noqa: S505  # refused, as it should be
    curve = ec.generate_private_key(ec.SECP256R1())
    signature = Signature("app-1", 1, "n", "rsa-pss-sha256", b"x")

    for pem in (private_pem(short), private_pem(curve), b"no key"):
        with pytest.raises(InvalidInput, match="the private key is no"):
            RsaSigner("app-1", pem)
    for pem in (public_pem(short), public_pem(curve), b"no key"):
        with pytest.raises(InvalidInput, match="the public key is no"):
            verify_rsa(signature, pem, "GET", "/", b"")
