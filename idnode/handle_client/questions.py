"""One request and what its answer has to be like; pure (handle-protocol.md §1.1, §1.2)."""

from collections.abc import Callable
from typing import NamedTuple

from idnode.handle_client.errors import ServerRefused, WrongAnswer
from idnode.model.identifier import fold
from idnode.wire.cursor import MalformedMessage, Reader
from idnode.wire.handle_secrets import Signature, SignatureAlgorithm
from idnode.wire.messages.bodies import read_text_body
from idnode.wire.messages.codes import REQUEST_FLAGS_DEFAULT, OpCode, OpFlag, ResponseCode
from idnode.wire.messages.credential import SIGNED, Credential, signed_bytes
from idnode.wire.messages.digests import MD5, SHA1, SHA256, read_digest, request_digest
from idnode.wire.messages.envelope import OWN_VERSION, Envelope, Version
from idnode.wire.messages.header import EXPIRY_SECONDS_DEFAULT, SERIAL_UNKNOWN, Header
from idnode.wire.messages.message import Message
from idnode.wire.typed_values.hs_pubkey import HsPubkey

_SPEAKING = {MD5: Version(2, 0), SHA1: Version(2, 1), SHA256: Version(2, 7)}
_READABLE = frozenset({ResponseCode.SUCCESS, ResponseCode.SERVICE_REFERRAL, ResponseCode.PREFIX_REFERRAL})


class Question(NamedTuple):
    """What is asked. `session_id` names a session, or the challenge that is answered."""

    op_code: int
    body: bytes
    flags: int = REQUEST_FLAGS_DEFAULT
    session_id: int = 0
    recursion_count: int = 0


class Answer(NamedTuple):
    """What came back: the code, the body without the request's digest, and the whole message it came in.

    `asked` is header and body of the request: an answer to a later one may carry its digest.
    """

    code: int
    body: bytes
    message: Message
    asked: bytes

    def require_success(self) -> "Answer":
        """Raises ServerRefused."""
        if self.code != ResponseCode.SUCCESS:
            raise ServerRefused(self.code, self.text)
        return self

    @property
    def text(self) -> str:
        """What a refusal says; "" where its body is something else."""
        if self.code in _READABLE:
            return ""
        try:
            return read_text_body(self.body)
        except MalformedMessage:
            return ""


def request_parts(question: Question, *, version: Version, request_id: int, now: int) -> tuple[Envelope, Header]:
    """Envelope and header; the size in the header is right, that in the envelope is set when it is written."""
    envelope = Envelope(version, OWN_VERSION, False, False, question.session_id, request_id, 0, 0)
    header = Header(
        question.op_code,
        0,
        question.flags,
        SERIAL_UNKNOWN,
        question.recursion_count,
        now + EXPIRY_SECONDS_DEFAULT,
        len(question.body),
    )
    return envelope, header


def checked_answer(message: Message, *, op_code: int, sent: tuple[bytes, ...], now: int) -> Answer:
    """`sent`: header and body of the request, and of the one that was challenged before. Raises WrongAnswer."""
    header = message.header
    if not header.response_code:
        raise WrongAnswer("a request came instead of an answer")
    is_refusal = header.response_code != ResponseCode.SUCCESS
    is_unread = is_refusal and header.op_code == OpCode.NONE
    # The proof that a challenge wants is refused by itself, or the operation that it was for is.
    is_of_proof = is_refusal and header.op_code == OpCode.CHALLENGE_ANSWER
    if header.op_code != op_code and not is_unread and not is_of_proof:
        raise WrongAnswer(f"the answer is to operation {header.op_code}, asked was {op_code}")
    if header.expiration < now:
        raise WrongAnswer(f"the answer expired {now - header.expiration} seconds ago")
    body = message.body
    if header.flags & OpFlag.RETURN_DIGEST and not is_unread:
        body = _without_digest(body, sent)
    return Answer(header.response_code, body, message, sent[0])


def require_signed(message: Message, key: HsPubkey) -> None:
    """That the answer carries the signature of the server that has this key (§1.7). Raises WrongAnswer."""
    if not message.credential:
        raise WrongAnswer("the answer is not signed")
    credential = Credential.decode(message.credential)
    if credential.type != SIGNED or credential.algorithm not in ("SHA-256", "SHA256"):
        raise WrongAnswer(f"the answer is signed as {credential.type} with {credential.algorithm}")
    signed = signed_bytes(message.envelope, credential.counter, message.header_and_body)
    if not Signature(SignatureAlgorithm.SHA256, credential.signature).fits(key, signed):
        raise WrongAnswer("the signature of the answer is not that of the server's key")


def require_about(handle: str, asked: str) -> None:
    """Case does not tell handles apart. Raises WrongAnswer."""
    if fold(handle) != fold(asked):
        raise WrongAnswer(f"the answer is about '{handle}', asked was '{asked}'")


def new_request_id(random: Callable[[int], bytes]) -> int:
    """1 to 2^31 - 1, which peers that count in signed numbers take, too."""
    return int.from_bytes(random(4), "big") % 0x7FFF_FFFF + 1


def _without_digest(body: bytes, sent: tuple[bytes, ...]) -> bytes:
    reader = Reader(body)
    digest = read_digest(reader)
    version = _SPEAKING[digest.algorithm]
    if all(request_digest(version, each) != digest for each in sent):
        raise WrongAnswer("the answer carries the digest of another request")
    return reader.rest()
