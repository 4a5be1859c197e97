"""The header, 24 bytes in front of every body (RFC 3652 §2.2.1; handle-protocol.md §1.2)."""

from struct import Struct
from typing import NamedTuple

from idnode.wire.cursor import MalformedMessage

HEADER_BYTES = 24
SERIAL_UNKNOWN = 0xFFFF
EXPIRY_SECONDS_DEFAULT = 43_200
"""How long a message is good for; clients refuse answers that have expired already."""

_LAYOUT = Struct(">IIIHBxII")


class Header(NamedTuple):
    """`op_code` and `response_code` are numbers: unknown ones are to be answered, not to be refused in reading.

    `expiration` is a unix second, `body_size` in bytes.
    """

    op_code: int
    response_code: int
    flags: int
    serial: int
    recursion_count: int
    expiration: int
    body_size: int

    @classmethod
    def decode(cls, data: bytes, offset: int = 0) -> "Header":
        """24 bytes from `offset`. Raises MalformedMessage."""
        if len(data) - offset < HEADER_BYTES:
            raise MalformedMessage(f"need {HEADER_BYTES} bytes of header, have {len(data) - offset}", offset=offset)
        return cls(*_LAYOUT.unpack_from(data, offset))

    def encode(self) -> bytes:
        """As `decode` reads it."""
        return _LAYOUT.pack(*self)
