"""The credential after a body: a signature, or the MAC of a session (handle-protocol.md §1.7)."""

from typing import NamedTuple

from idnode.wire.cursor import Reader, Writer
from idnode.wire.messages.envelope import Envelope, Version

SIGNED = "HS_SIGNED"
MAC = "HS_MAC"
SIGNATURE_BYTES_MAX = 8_192

_NAME_BYTES_MAX = 64
_SINCE_WHOLE_ENVELOPE = Version(2, 8)
_SINCE_ENVELOPE = Version(2, 5)


class Credential(NamedTuple):
    """`counter` rises within a session; `type` is HS_SIGNED or HS_MAC."""

    counter: int
    type: str
    algorithm: str
    signature: bytes

    @classmethod
    def decode(cls, data: bytes) -> "Credential":
        """Raises MalformedMessage."""
        reader = Reader(data)
        reader.take(4)  # version, reserved, flags
        reader.octets(bytes_max=_NAME_BYTES_MAX)
        counter = reader.int4()
        name = reader.text(bytes_max=_NAME_BYTES_MAX)
        section = reader.part(reader.int4())
        reader.finish()
        algorithm = section.text(bytes_max=_NAME_BYTES_MAX)
        signature = section.octets(bytes_max=SIGNATURE_BYTES_MAX)
        section.finish()
        return cls(counter, name, algorithm, signature)

    def encode(self) -> bytes:
        """As `decode` reads it."""
        section = Writer().text(self.algorithm).octets(self.signature).written()
        return Writer().int4(0).octets(b"").int4(self.counter).text(self.type).octets(section).written()


def signed_bytes(envelope: Envelope, counter: int, header_and_body: bytes) -> bytes:
    """What is signed; which fields of the envelope belong to it depends on the version."""
    version = envelope.version
    if version < _SINCE_ENVELOPE:
        return header_and_body
    writer = Writer().int1(version.major).int1(version.minor)
    if version >= _SINCE_WHOLE_ENVELOPE:
        writer.int1(envelope.suggested.major).int1(envelope.suggested.minor)
    writer.int4(envelope.session_id).int4(envelope.request_id).int4(counter)
    return writer.raw(header_and_body).written()
