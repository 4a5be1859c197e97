"""Proofs of an administrator's key: answers and signatures against values computed by other means."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, padding, rsa

from idnode.wire.handle_secrets import (
    Derivation,
    SecretAlgorithm,
    SecretAnswer,
    Signature,
    SignatureAlgorithm,
    password_fits,
)
from idnode.wire.typed_values.hs_pubkey import DhPublicKey, DsaPublicKey, HsPubkey, RsaPublicKey

SECRET = b"a key of a test"
MESSAGE = bytes(range(32))
DERIVATION = Derivation(salt=b"0123456789abcdef", iterations=10_000, bits=160)
ANSWERS = {
    SecretAlgorithm.SHA1: "aa90127ec80dc9e2db1c97aca2cdcfd9006fbd9c",
    SecretAlgorithm.SHA256: "1de2359f552e2b55c827317a4019056fa7f752ea38afb5a767851003e7eb0871",
    SecretAlgorithm.HMAC_SHA1: "088bde3ab4d50f7097ef464f340db93eb77bb764",
    SecretAlgorithm.HMAC_SHA256: "d83cfd1b1899bc8beaa9194290df1356a3795d3beca60e90d0338627f335b37f",
    SecretAlgorithm.PBKDF2_HMAC_SHA1: "182388fc7197c94a4fd51a746a5fe935606736bd",
}


@pytest.mark.parametrize("algorithm", list(SecretAlgorithm))
def test_an_answer_fits_its_secret_and_its_message_and_no_other(algorithm: SecretAlgorithm) -> None:
    derivation = DERIVATION if algorithm is SecretAlgorithm.PBKDF2_HMAC_SHA1 else None
    answer = SecretAnswer(algorithm, bytes.fromhex(ANSWERS[algorithm]), derivation)

    assert answer.fits(SECRET, MESSAGE)
    assert not answer.fits(SECRET + b"x", MESSAGE)
    assert not answer.fits(SECRET, MESSAGE + b"x")


def test_an_empty_answer_fits_nothing() -> None:
    too_long = Derivation(salt=b"", iterations=100_001, bits=160)

    assert not SecretAnswer(SecretAlgorithm.SHA256, b"").fits(SECRET, MESSAGE)
    assert not SecretAnswer(SecretAlgorithm.PBKDF2_HMAC_SHA1, b"").fits(SECRET, MESSAGE)
    assert not SecretAnswer(SecretAlgorithm.PBKDF2_HMAC_SHA1, b"", too_long).fits(SECRET, MESSAGE)


@pytest.mark.parametrize(
    ("derivation", "problem"),
    [
        (DERIVATION, None),
        (Derivation(b"", 0, 160), "iterations must be 1 to 100000, not 0"),
        (Derivation(b"", 100_001, 160), "iterations must be 1 to 100000, not 100001"),
        (Derivation(b"", 1, 161), "length must be whole bytes of at most 512 bits, not 161"),
        (Derivation(b"", 1, 520), "length must be whole bytes of at most 512 bits, not 520"),
        (Derivation(b"", 1, 0), "length must be whole bytes of at most 512 bits, not 0"),
        (Derivation(bytes(65), 1, 160), "salt has 65 bytes, the limit is 64"),
    ],
)
def test_a_derivation_that_costs_too_much_says_so(derivation: Derivation, problem: str | None) -> None:
    assert derivation.problem == problem


def test_a_password_is_the_secret_or_what_its_sha_1_stands_for() -> None:
    stored = b"a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"  # SHA-1 of "test"

    assert password_fits(SECRET, SECRET)
    assert password_fits(stored, b"test")
    assert not password_fits(SECRET, b"a key of a tes")
    assert not password_fits(b"", b"x")


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [(SignatureAlgorithm.SHA1, hashes.SHA1()), (SignatureAlgorithm.SHA256, hashes.SHA256())],  # noqa: S303
)
def test_an_rsa_signature_fits_its_key_and_its_message(
    algorithm: SignatureAlgorithm, digest: hashes.HashAlgorithm
) -> None:
    private = rsa.generate_private_key(65_537, 2_048)
    numbers = private.public_key().public_numbers()
    key = HsPubkey(RsaPublicKey(numbers.e, numbers.n))
    signature = Signature(algorithm, private.sign(MESSAGE, padding.PKCS1v15(), digest))

    assert signature.fits(key, MESSAGE)
    assert not signature.fits(key, MESSAGE + b"x")
    assert not Signature(algorithm, b"").fits(key, MESSAGE)
    assert not signature.fits(HsPubkey(RsaPublicKey(numbers.e, numbers.n + 2)), MESSAGE)


def test_a_dsa_signature_fits_its_key() -> None:
    private = dsa.generate_private_key(1_024)  # noqa: S505  # small, because making a larger one takes seconds
    numbers = private.public_key().public_numbers()
    parameters = numbers.parameter_numbers
    key = HsPubkey(DsaPublicKey(parameters.q, parameters.p, parameters.g, numbers.y))
    signature = Signature(SignatureAlgorithm.SHA256, private.sign(MESSAGE, hashes.SHA256()))

    assert signature.fits(key, MESSAGE)
    assert not signature.fits(key, MESSAGE + b"x")


@pytest.mark.parametrize(
    "key", [DhPublicKey(5, 7, 2), RsaPublicKey(1, 1), RsaPublicKey(4, 15), DsaPublicKey(1, 1, 1, 1)]
)
def test_a_key_that_can_sign_nothing_fits_nothing(key: DhPublicKey | RsaPublicKey | DsaPublicKey) -> None:
    assert not Signature(SignatureAlgorithm.SHA256, b"x" * 256).fits(HsPubkey(key), MESSAGE)
