"""Answers to challenges: read and written to the byte; what nobody should answer with is refused."""

import pytest

from idnode.wire.cursor import MalformedMessage
from idnode.wire.handle_secrets import Derivation, SecretAlgorithm, SecretAnswer, Signature, SignatureAlgorithm
from idnode.wire.messages.proofs import read_secret_answer, read_signature, secret_answer_bytes, signature_bytes

MAC = bytes(range(20))
PBKDF2 = bytes.fromhex("22 00000010") + bytes(16) + bytes.fromhex("00002710 000000a0 00000014") + MAC


def test_an_answer_by_pbkdf2_is_read_and_written() -> None:
    answer = read_secret_answer(PBKDF2)

    assert answer == SecretAnswer(SecretAlgorithm.PBKDF2_HMAC_SHA1, MAC, Derivation(bytes(16), 10_000, 160))
    assert secret_answer_bytes(answer) == PBKDF2


@pytest.mark.parametrize(
    ("number", "algorithm"),
    [
        ("02", SecretAlgorithm.SHA1),
        ("03", SecretAlgorithm.SHA256),
        ("12", SecretAlgorithm.HMAC_SHA1),
        ("13", SecretAlgorithm.HMAC_SHA256),
    ],
)
def test_other_answers_are_read_and_written(number: str, algorithm: SecretAlgorithm) -> None:
    data = bytes.fromhex(number) + MAC

    assert read_secret_answer(data) == SecretAnswer(algorithm, MAC)
    assert secret_answer_bytes(SecretAnswer(algorithm, MAC)) == data


@pytest.mark.parametrize("data", [b"", b"\x01" + MAC, b"\x7f" + MAC, PBKDF2[:-1], PBKDF2 + b"x"])
def test_answers_in_other_ways_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_secret_answer(data)


def test_a_signature_is_read_and_written() -> None:
    data = bytes.fromhex("00000007 5348412d323536 00000014") + MAC

    assert read_signature(data) == Signature(SignatureAlgorithm.SHA256, MAC)
    assert signature_bytes(MAC) == data


def test_a_signature_over_an_unknown_digest_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="known are SHA-256 and SHA-1"):
        read_signature(bytes.fromhex("00000003 4d4435 00000001 00"))
