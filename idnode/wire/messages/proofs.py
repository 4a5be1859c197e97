"""Answers to challenges in bytes: of a secret key, of a private key (handle-protocol.md §1.8)."""

from idnode.wire.cursor import MalformedMessage, Reader, Writer
from idnode.wire.handle_secrets import Derivation, SecretAlgorithm, SecretAnswer, Signature, SignatureAlgorithm

_PROOF_BYTES_MAX = 8_192
_NAME_BYTES_MAX = 64
_PBKDF2 = 0x22
_MD5 = 1
_PLAIN = {
    2: SecretAlgorithm.SHA1,
    3: SecretAlgorithm.SHA256,
    0x12: SecretAlgorithm.HMAC_SHA1,
    0x13: SecretAlgorithm.HMAC_SHA256,
}
_NUMBER_OF = {algorithm: number for number, algorithm in _PLAIN.items()}
_SIGNATURES = {"SHA-256": SignatureAlgorithm.SHA256, "SHA-1": SignatureAlgorithm.SHA1, "SHA1": SignatureAlgorithm.SHA1}


def read_secret_answer(answer: bytes) -> SecretAnswer:
    """1 byte algorithm, then for PBKDF2 str salt · int4 iterations · int4 bits · str MAC, else the digest.

    Raises MalformedMessage, for MD5 as well: clients that know nothing better are older than the protocol's 2.1.
    """
    reader = Reader(answer)
    number = reader.int1()
    if number == _PBKDF2:
        salt = reader.octets(bytes_max=_PROOF_BYTES_MAX)
        derivation = Derivation(salt, reader.int4(), reader.int4())
        mac = reader.octets(bytes_max=_PROOF_BYTES_MAX)
        reader.finish()
        return SecretAnswer(SecretAlgorithm.PBKDF2_HMAC_SHA1, mac, derivation)
    algorithm = _PLAIN.get(number)
    if algorithm is None:
        known = "MD5 is not taken" if number == _MD5 else "known are 2, 3, 0x12, 0x13 and 0x22"
        raise MalformedMessage(f"algorithm {number:#04x} of an answer; {known}", offset=0)
    return SecretAnswer(algorithm, reader.rest())


def secret_answer_bytes(answer: SecretAnswer) -> bytes:
    """As `read_secret_answer` reads it."""
    if answer.derivation is None:
        return bytes([_NUMBER_OF[answer.algorithm]]) + answer.answer
    how = answer.derivation
    writer = Writer().int1(_PBKDF2).octets(how.salt).int4(how.iterations).int4(how.bits)
    return writer.octets(answer.answer).written()


def read_signature(answer: bytes) -> Signature:
    """Str algorithm · str signature. Raises MalformedMessage."""
    reader = Reader(answer)
    name = reader.text(bytes_max=_NAME_BYTES_MAX)
    signature = reader.octets(bytes_max=_PROOF_BYTES_MAX)
    reader.finish()
    algorithm = _SIGNATURES.get(name.upper())
    if algorithm is None:
        raise MalformedMessage(f"algorithm {name!r} of a signature; known are SHA-256 and SHA-1", offset=0)
    return Signature(algorithm, signature)


def signature_bytes(signature: bytes) -> bytes:
    """A signature with SHA-256, as `read_signature` reads it."""
    return Writer().text("SHA-256").octets(signature).written()
