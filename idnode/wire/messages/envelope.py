"""The envelope, 20 bytes in front of every packet (RFC 3652 §2.1; handle-protocol.md §1.1)."""

from struct import Struct
from typing import NamedTuple

from idnode.wire.cursor import MalformedMessage

ENVELOPE_BYTES = 20
MESSAGE_BYTES_MAX = 262_144
"""Everything after the envelope, of a whole message."""
UNKNOWN_REQUEST = 0xFFFF_FFFF
"""The request id of an answer to what could not be read."""

_LAYOUT = Struct(">BBBBIIII")
_ENCRYPTED = 0x40
_TRUNCATED = 0x20
_SUGGESTED_MAJOR = 0x03


class Version(NamedTuple):
    """Of the protocol, in order of age."""

    major: int
    minor: int


OWN_VERSION = Version(2, 11)
VERSION_UNASKED = Version(2, 3)
"""In which clients speak to an address of which they know nothing."""


class Envelope(NamedTuple):
    """`sequence` is the packet's number from 0, `size` the length of the whole message after the envelope, bytes."""

    version: Version
    suggested: Version
    is_encrypted: bool
    is_truncated: bool
    session_id: int
    request_id: int
    sequence: int
    size: int

    @classmethod
    def decode(cls, data: bytes) -> "Envelope":
        """The first 20 bytes of `data`. Raises MalformedMessage, also when the message would be too large."""
        if len(data) < ENVELOPE_BYTES:
            raise MalformedMessage(f"need {ENVELOPE_BYTES} bytes of envelope, have {len(data)}", offset=0)
        major, minor, flags, suggested_minor, session_id, request_id, sequence, size = _LAYOUT.unpack_from(data)
        if size > MESSAGE_BYTES_MAX:
            raise MalformedMessage(f"{size} bytes of message, the limit is {MESSAGE_BYTES_MAX}", offset=16)
        version, suggested_major = Version(major, minor), flags & _SUGGESTED_MAJOR
        return cls(
            version,
            Version(suggested_major, suggested_minor) if suggested_major else version,
            bool(flags & _ENCRYPTED),
            bool(flags & _TRUNCATED),
            session_id,
            request_id,
            sequence,
            size,
        )

    def encode(self) -> bytes:
        """As `decode` reads it."""
        flags = self.suggested.major & _SUGGESTED_MAJOR
        flags |= _ENCRYPTED if self.is_encrypted else 0
        flags |= _TRUNCATED if self.is_truncated else 0
        return _LAYOUT.pack(
            self.version.major,
            self.version.minor,
            flags,
            self.suggested.minor,
            self.session_id,
            self.request_id,
            self.sequence,
            self.size,
        )


def spoken(envelope: Envelope) -> Version:
    """The version in which to answer: what the client suggests, as far as this node speaks it."""
    return min(envelope.suggested, OWN_VERSION)
