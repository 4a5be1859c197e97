"""Everything that reads bytes of the native protocol: each takes any bytes, and returns or raises IdnodeError."""

from collections.abc import Callable

from idnode.model.errors import IdnodeError
from idnode.wire.cursor import Reader
from idnode.wire.messages.authentication import Challenge, ChallengeAnswer, Verification, read_identity
from idnode.wire.messages.bodies import (
    HandleIndexes,
    HandleValues,
    Referral,
    ResolutionRequest,
    read_handles_body,
    read_text_body,
)
from idnode.wire.messages.credential import Credential
from idnode.wire.messages.digests import read_digest
from idnode.wire.messages.envelope import ENVELOPE_BYTES, Envelope
from idnode.wire.messages.header import HEADER_BYTES, Header
from idnode.wire.messages.message import read_message, write_message
from idnode.wire.messages.proofs import read_secret_answer, read_signature
from idnode.wire.messages.sessions import SessionAnswer, SessionCipher, SessionSetup
from idnode.wire.messages.stream import MessageStream
from idnode.wire.messages.values import read_values
from idnode.wire.session_crypto import agreed_key, decrypted
from idnode.wire.signed_values import SignedText
from idnode.wire.typed_values.catalogue import TYPED_VALUES
from idnode.wire.typed_values.hs_pubkey import DhPublicKey, HsPubkey
from loadtest.native_fuzz.inputs import SESSION_KEY

Decode = Callable[[bytes], object]
BODY_AT = ENVELOPE_BYTES + HEADER_BYTES


def _written_again(data: bytes) -> None:
    message = read_message(data)
    write_message(message.envelope, message.header, message.body, message.credential)


def _agreed(data: bytes) -> None:
    key = HsPubkey.decode(data).key
    if isinstance(key, DhPublicKey):
        agreed_key(key, SESSION_KEY)


def _stream(data: bytes) -> None:
    stream = MessageStream()
    for at in range(0, len(data), 97):
        stream.feed(data[at : at + 97])
        while stream.next_message() is not None:
            pass


def _read_again(kind: type) -> Decode:
    """What is read can be written."""
    return lambda data: kind.decode(data).encode()  # type: ignore[attr-defined]  # all that come here have both


def _body(kind: type) -> Decode:
    """The body where it is in a message; the bytes from the start are tried by whoever reads values."""
    read = _read_again(kind)
    return lambda data: read(data[BODY_AT:-4])


DECODERS: dict[str, Decode] = {
    "Envelope": _read_again(Envelope),
    "Header": _read_again(Header),
    "message": _written_again,
    "stream": _stream,
    **{
        kind.__name__: _body(kind)
        for kind in (
            ResolutionRequest,
            HandleValues,
            HandleIndexes,
            Referral,
            Challenge,
            ChallengeAnswer,
            Verification,
            SessionSetup,
        )
    },
    "text": lambda data: read_text_body(data[BODY_AT:-4]),
    "handles": lambda data: read_handles_body(data[BODY_AT:-4]),
    "identity": lambda data: read_identity(data[BODY_AT:-4]),
    "SessionAnswer": lambda data: SessionAnswer.read(Reader(data[BODY_AT:-4])),
    "SessionCipher": _read_again(SessionCipher),
    "digest": lambda data: read_digest(Reader(data)),
    "Credential": _read_again(Credential),
    "secret answer": read_secret_answer,
    "signature": read_signature,
    "values": lambda data: read_values(Reader(data)),
    "agreement": _agreed,
    "decryption": lambda data: decrypted(SESSION_KEY, data),
    "JWS": SignedText.of,
    **{kind.__name__: _read_again(kind) for kind in TYPED_VALUES.values()},
}


def attempt(decode: Decode, data: bytes) -> bool:
    """True: the bytes were taken; False: refused. Any other exception is the finding."""
    try:
        decode(data)
    except IdnodeError:
        return False
    return True
