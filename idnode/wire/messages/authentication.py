"""Bodies of authentication: challenges, their answers, checks of them, logins (handle-protocol.md §1.3, §1.8, §3)."""

from typing import NamedTuple

from idnode.model.handle_value import Reference
from idnode.wire.cursor import HANDLE_BYTES_MAX, Reader, Writer
from idnode.wire.messages.digests import RequestDigest, read_digest
from idnode.wire.reference import read_reference, write_reference

NONCE_BYTES = 16
PUBLIC_KEY = "HS_PUBKEY"
SECRET_KEY = "HS_SECKEY"  # noqa: S105  # the name of an algorithm

_KIND_BYTES_MAX = 64
_NONCE_BYTES_MAX = 64
_ANSWER_BYTES_MAX = 16_384


class Challenge(NamedTuple):
    """Prove who you are: an answer is over `nonce` and the digest of the request that is challenged."""

    digest: RequestDigest
    nonce: bytes

    @classmethod
    def decode(cls, body: bytes) -> "Challenge":
        """[Digest] · str nonce. Raises MalformedMessage."""
        reader = Reader(body)
        digest, nonce = read_digest(reader), reader.octets(bytes_max=_NONCE_BYTES_MAX)
        reader.finish()
        return cls(digest, nonce)

    def encode(self) -> bytes:
        """As `decode` reads it."""
        return self.digest.encode() + Writer().octets(self.nonce).written()

    @property
    def challenged(self) -> bytes:
        """What the answer is over: nonce ‖ digest, without the byte that names the algorithm."""
        return self.nonce + self.digest.octets


class ChallengeAnswer(NamedTuple):
    """Who answers, with the key in which value (index 0: any), in which way (HS_PUBKEY, HS_SECKEY), and the answer."""

    kind: str
    identity: Reference
    answer: bytes

    @classmethod
    def decode(cls, body: bytes) -> "ChallengeAnswer":
        """Str type · str identity · int4 index · str answer. Raises MalformedMessage."""
        reader = Reader(body)
        kind, identity = reader.text(bytes_max=_KIND_BYTES_MAX), read_reference(reader)
        answer = reader.octets(bytes_max=_ANSWER_BYTES_MAX)
        reader.finish()
        return cls(kind, identity, answer)

    def encode(self) -> bytes:
        """As `decode` reads it."""
        writer = Writer().text(self.kind)
        write_reference(writer, self.identity)
        return writer.octets(self.answer).written()


class Verification(NamedTuple):
    """A server that does not know a secret asks the one that does whether an answer is right."""

    identity: Reference
    nonce: bytes
    digest: RequestDigest
    answer: bytes

    @classmethod
    def decode(cls, body: bytes) -> "Verification":
        """Str handle · int4 index · str nonce · digest · str answer. Raises MalformedMessage."""
        reader = Reader(body)
        identity, nonce = read_reference(reader), reader.octets(bytes_max=_NONCE_BYTES_MAX)
        digest, answer = read_digest(reader), reader.octets(bytes_max=_ANSWER_BYTES_MAX)
        reader.finish()
        return cls(identity, nonce, digest, answer)

    def encode(self) -> bytes:
        """As `decode` reads it."""
        writer = Writer()
        write_reference(writer, self.identity)
        return writer.octets(self.nonce).raw(self.digest.encode()).octets(self.answer).written()


def read_identity(body: bytes) -> Reference:
    """The body of a login by key (2001): str identity · int4 index. Raises MalformedMessage."""
    reader = Reader(body)
    identity = Reference(reader.text(bytes_max=HANDLE_BYTES_MAX), reader.int4())
    reader.finish()
    return identity


def identity_body(identity: Reference) -> bytes:
    """As `read_identity` reads it."""
    writer = Writer()
    write_reference(writer, identity)
    return writer.written()
