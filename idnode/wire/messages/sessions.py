"""Bodies of session setup (handle-protocol.md §1.3, §1.9)."""

from typing import NamedTuple

from idnode.model.handle_value import Reference
from idnode.wire.cursor import Reader, Writer
from idnode.wire.messages.codes import SessionMode
from idnode.wire.reference import read_reference, write_reference

SESSION_KEY_BYTES_MAX = 16_384
TRAILING_BYTES = 2
"""HANDLE.NET counts the mode as four bytes and writes two: that many zero bytes trail its bodies."""

_BY_PUBLIC_KEY = frozenset({SessionMode.CLIENT_KEY, SessionMode.DIFFIE_HELLMAN})


class SessionSetup(NamedTuple):
    """`timeout` in seconds; `public_key` is the data of an HS_PUBKEY, `key_at` where such a one stands (mode 3)."""

    mode: int
    timeout: int
    identity: Reference
    public_key: bytes = b""
    key_at: Reference | None = None

    @classmethod
    def decode(cls, body: bytes) -> "SessionSetup":
        """Raises MalformedMessage; modes without a name are read as far as they go alike."""
        reader = Reader(body)
        mode, timeout, identity = reader.int2(), reader.int4(), read_reference(reader)
        public_key, key_at = b"", None
        if mode in _BY_PUBLIC_KEY:
            public_key = reader.octets(bytes_max=SESSION_KEY_BYTES_MAX)
        elif mode == SessionMode.KEY_IN_HANDLE:
            key_at = read_reference(reader)
        reader.finish(padding_bytes=TRAILING_BYTES)
        return cls(mode, timeout, identity, public_key, key_at)

    def encode(self) -> bytes:
        """As HANDLE.NET writes it, the trailing bytes included."""
        writer = Writer().int2(self.mode).int4(self.timeout)
        write_reference(writer, self.identity)
        if self.mode in _BY_PUBLIC_KEY:
            writer.octets(self.public_key)
        elif self.key_at is not None:
            write_reference(writer, self.key_at)
        return writer.raw(bytes(TRAILING_BYTES)).written()


class SessionAnswer(NamedTuple):
    """What the client needs to have the session's key; it stands after the digest of the request."""

    mode: int
    data: bytes

    @classmethod
    def read(cls, reader: Reader) -> "SessionAnswer":
        """To the end of the body. Raises MalformedMessage."""
        answer = cls(reader.int2(), reader.octets(bytes_max=SESSION_KEY_BYTES_MAX))
        reader.finish(padding_bytes=TRAILING_BYTES)
        return answer

    def encode(self) -> bytes:
        """As `read` reads it."""
        return Writer().int2(self.mode).octets(self.data).raw(bytes(TRAILING_BYTES)).written()


class SessionCipher(NamedTuple):
    """The data of an answer to Diffie-Hellman since version 2.4: which cipher, and the server's DH key."""

    cipher: int
    public_key: bytes

    @classmethod
    def decode(cls, data: bytes) -> "SessionCipher":
        """Int4 cipher · HS_PUBKEY data. Raises MalformedMessage."""
        reader = Reader(data)
        return cls(reader.int4(), reader.rest())

    def encode(self) -> bytes:
        """As `decode` reads it."""
        return self.cipher.to_bytes(4, "big") + self.public_key
