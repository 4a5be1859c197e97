"""A client of the native protocol, written down step by step: what it sends is in the tests, byte by byte."""

import asyncio
import hashlib
import hmac
from dataclasses import dataclass, field
from itertools import count

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from idnode.model.handle_value import Reference
from idnode.wire.cursor import Reader, Writer
from idnode.wire.messages.authentication import Challenge, ChallengeAnswer
from idnode.wire.messages.codes import OpCode, OpFlag, SessionMode
from idnode.wire.messages.credential import MAC, Credential, signed_bytes
from idnode.wire.messages.digests import read_digest
from idnode.wire.messages.envelope import ENVELOPE_BYTES, Envelope, Version
from idnode.wire.messages.header import Header
from idnode.wire.messages.message import Message, read_content, read_message, write_message
from idnode.wire.messages.proofs import signature_bytes
from idnode.wire.messages.sessions import SessionAnswer, SessionCipher, SessionSetup
from idnode.wire.session_crypto import OAKLEY_GROUP_2, agreed_key, decrypted, encrypted, mac_of, public_of
from idnode.wire.typed_values.hs_pubkey import DhPublicKey, HsPubkey

ANSWER_SECONDS_MAX = 10
REC_AND_CA = 0x18000000
EXPIRES = 1_900_000_000
_numbers = count(1)


def request(body: bytes, op_code: int, *, flags: int = REC_AND_CA, session_id: int = 0) -> bytes:
    """As clients send it to an address of which they know nothing, with a number of its own."""
    envelope = Envelope(Version(2, 3), Version(2, 11), False, False, session_id, next(_numbers), 0, 0)
    return write_message(envelope, Header(op_code, 0, flags, 0xFFFF, 0, EXPIRES, 0), body)


@dataclass(frozen=True)
class SecretKey:
    """An administrator with a secret."""

    identity: Reference
    secret: bytes

    def answers(self, challenge: Challenge) -> ChallengeAnswer:
        """By PBKDF2, as HANDLE.NET since 2.7."""
        key = hashlib.pbkdf2_hmac("sha1", self.secret, bytes(16), 10_000, 20)
        mac = hmac.digest(key, challenge.challenged, "sha1")
        answer = Writer().int1(0x22).octets(bytes(16)).int4(10_000).int4(160).octets(mac).written()
        return ChallengeAnswer("HS_SECKEY", self.identity, answer)

    def answers_plainly(self, challenge: Challenge, number: int) -> ChallengeAnswer:
        """In one of the other ways."""
        k, m = self.secret, challenge.challenged
        digests = {
            2: hashlib.sha1(k + m + k).digest(),  # noqa: S324  # the protocol's
            3: hashlib.sha256(k + m + k).digest(),
            0x12: hmac.digest(k, m, "sha1"),
            0x13: hmac.digest(k, m, "sha256"),
        }
        return ChallengeAnswer("HS_SECKEY", self.identity, bytes([number]) + digests[number])


@dataclass(frozen=True)
class PrivateKey:
    """An administrator with a pair of RSA keys."""

    identity: Reference
    key: RSAPrivateKey

    def answers(self, challenge: Challenge) -> ChallengeAnswer:
        """A signature with SHA-256."""
        signature = self.key.sign(challenge.challenged, padding.PKCS1v15(), hashes.SHA256())
        return ChallengeAnswer("HS_PUBKEY", self.identity, signature_bytes(signature))


Key = SecretKey | PrivateKey


@dataclass
class Session:
    """A session with its key, and the counter of its messages."""

    id: int
    key: bytes
    counter: int = 0

    def sealed(self, body: bytes, op_code: int, *, flags: int = REC_AND_CA, encrypts: bool = True) -> bytes:
        """A message of the session; CT is not asked for unless `flags` do."""
        self.counter += 1
        bare = request(body, op_code, flags=flags, session_id=self.id)
        return self.with_mac(bare, self.counter, encrypts=encrypts)

    def with_mac(self, bare: bytes, counter: int, *, encrypts: bool) -> bytes:
        """A message with its credential."""
        envelope, content = Envelope.decode(bare), bare[ENVELOPE_BYTES:-4]
        mac = Credential(counter, MAC, "HMAC-SHA256", mac_of(self.key, signed_bytes(envelope, counter, content)))
        octets = mac.encode()
        content += len(octets).to_bytes(4, "big") + octets
        if encrypts:
            content = encrypted(self.key, content, bytes(16))
        return envelope._replace(is_encrypted=encrypts, size=len(content)).encode() + content

    def opened(self, data: bytes) -> Message:
        """An answer within the session."""
        envelope = Envelope.decode(data)
        assert envelope.session_id == self.id
        content = data[ENVELOPE_BYTES:]
        return read_content(envelope, decrypted(self.key, content) if envelope.is_encrypted else content)


@dataclass
class NativeClient:
    """One connection to a port of this machine."""

    port: int
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = field(default=None, init=False)

    async def raw(self, data: bytes) -> bytes:
        """A message, and the next one that comes."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.port)
        self._streams[1].write(data)
        return await self.next()

    async def next(self) -> bytes:
        """The next message."""
        assert self._streams is not None
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            head = await self._streams[0].readexactly(ENVELOPE_BYTES)
            return head + await self._streams[0].readexactly(Envelope.decode(head).size)

    async def ask(self, body: bytes, op_code: int, *, flags: int = REC_AND_CA, session_id: int = 0) -> Message:
        """A request without a session, and its answer."""
        return read_message(await self.raw(request(body, op_code, flags=flags, session_id=session_id)))

    async def answer(self, challenged: Message, key: Key) -> Message:
        """What follows the proof."""
        body = key.answers(challenge_in(challenged)).encode()
        return await self.ask(body, OpCode.CHALLENGE_ANSWER, session_id=challenged.envelope.session_id)

    async def act(self, body: bytes, op_code: int, key: Key, *, flags: int = REC_AND_CA) -> Message:
        """A request that is challenged, and what follows the proof; an answer at once if there is no challenge."""
        challenged = await self.ask(body, op_code, flags=flags)
        return await self.answer(challenged, key) if challenged.header.response_code == 402 else challenged

    async def session(self, *, flags: int = REC_AND_CA | OpFlag.RETURN_DIGEST) -> Session:
        """By Diffie-Hellman, as HANDLE.NET's client."""
        secret = b"\x5a" * 64
        ours = HsPubkey(public_of(OAKLEY_GROUP_2, secret)).encode()
        setup = SessionSetup(SessionMode.DIFFIE_HELLMAN, 86_400, Reference("0.NA/88.118.8", 301), ours)
        answer = await self.ask(setup.encode(), OpCode.SESSION_SETUP, flags=flags)
        assert answer.header.response_code == 1, answer
        reader = Reader(answer.body)
        read_digest(reader)
        cipher = SessionCipher.decode(SessionAnswer.read(reader).data)
        assert cipher.cipher == 3
        theirs = HsPubkey.decode(cipher.public_key).key
        assert isinstance(theirs, DhPublicKey)
        return Session(answer.envelope.session_id, agreed_key(theirs, secret))

    async def within(
        self, session: Session, body: bytes, op_code: int, *, flags: int = REC_AND_CA, encrypts: bool = True
    ) -> Message:
        """A request of a session, and its answer."""
        return session.opened(await self.raw(session.sealed(body, op_code, flags=flags, encrypts=encrypts)))

    def close(self) -> None:
        """The connection ends."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def challenge_in(message: Message) -> Challenge:
    """The challenge that an answer holds, its flag told."""
    assert message.header.flags & OpFlag.RETURN_DIGEST
    return Challenge.decode(message.body)
