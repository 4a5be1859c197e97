"""A whole message: envelope, header, body, credential (RFC 3652 §2; handle-protocol.md §1)."""

from typing import NamedTuple

from idnode.wire.cursor import MalformedMessage, Reader
from idnode.wire.messages.codes import OpFlag
from idnode.wire.messages.envelope import ENVELOPE_BYTES, OWN_VERSION, Envelope, spoken
from idnode.wire.messages.header import HEADER_BYTES, Header

CREDENTIAL_BYTES_MAX = 65_536
NO_CREDENTIAL = bytes(4)


class Message(NamedTuple):
    """`credential` is empty when there is none; digests and signatures are over `header_and_body`."""

    envelope: Envelope
    header: Header
    body: bytes
    credential: bytes
    header_and_body: bytes


def read_message(data: bytes) -> Message:
    """An unencrypted message that is there whole. Raises MalformedMessage."""
    envelope = Envelope.decode(data)
    return read_content(envelope, data[ENVELOPE_BYTES:])


def read_content(envelope: Envelope, content: bytes) -> Message:
    """What follows an envelope, decrypted if need be. Raises MalformedMessage."""
    header = Header.decode(content)
    end = HEADER_BYTES + header.body_size
    if end > len(content):
        raise MalformedMessage(f"need {header.body_size} bytes of body, have {len(content) - HEADER_BYTES}", offset=20)
    reader = Reader(content, start=end)
    # Some clients leave the length of the credential away where there is none.
    credential = reader.octets(bytes_max=CREDENTIAL_BYTES_MAX) if reader.remaining else b""
    reader.finish()
    return Message(envelope, header, content[HEADER_BYTES:end], credential, content[:end])


def write_message(envelope: Envelope, header: Header, body: bytes, credential: bytes = b"") -> bytes:
    """The bytes of a message; the sizes in envelope and header are set here."""
    sized = header._replace(body_size=len(body))
    content = sized.encode() + body + len(credential).to_bytes(4, "big") + credential
    return envelope._replace(size=len(content)).encode() + content


def reply_envelope(request: Envelope, *, session_id: int = 0) -> Envelope:
    """Of an answer: the request's id, in the version that both speak."""
    return Envelope(spoken(request), OWN_VERSION, False, False, session_id, request.request_id, 0, 0)


def reply_header(request: Header, response_code: int, *, serial: int, expiration: int) -> Header:
    """Of an answer: the request's operation and flags, and that it is authoritative."""
    flags = request.flags | OpFlag.AUTHORITATIVE
    return Header(request.op_code, response_code, flags, serial, request.recursion_count, expiration, 0)
