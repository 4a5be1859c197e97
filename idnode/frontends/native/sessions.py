"""Sessions: agreed upon by Diffie-Hellman; their messages are opened, and found to be theirs and new (§1.9)."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from idnode.frontends.native.callers import NativeSession
from idnode.frontends.native.replies import Outcome
from idnode.model.errors import Unavailable
from idnode.registry.handle_admin import HandleIdentity
from idnode.storage.native_sessions import NativeSessionStore, NewSession
from idnode.wire.cursor import MalformedMessage
from idnode.wire.messages.bodies import text_body
from idnode.wire.messages.codes import ResponseCode, SessionMode
from idnode.wire.messages.credential import MAC, Credential, signed_bytes
from idnode.wire.messages.envelope import ENVELOPE_BYTES, Envelope, Version, spoken
from idnode.wire.messages.message import Message, read_content
from idnode.wire.messages.sessions import SessionAnswer, SessionCipher, SessionSetup
from idnode.wire.session_crypto import AES, COUNTERS_WINDOW, SECRET_BYTES, agreed_key, decrypted, mac_fits, public_of
from idnode.wire.typed_values.hs_pubkey import DhPublicKey, HsPubkey

TIMEOUT_SECONDS_MIN = 60
TIMEOUT_SECONDS_MAX = 86_400
"""Without use; what clients ask for is brought within."""
UNPROVED_SECONDS_MAX = 600
"""From the key to the proof of who has it."""
UNPROVED_SESSIONS_MAX = 10_000
UNPROVED_SESSIONS_OF_ADDRESS_MAX = 256
KEYS_REMEMBERED_MAX = 10_000
"""Of sessions whose messages came to this worker."""

ENDED_TEXT = "Session information not available or time out, try again"
# Clients choose small numbers themselves (§3): ours are no such.
_SESSION_ID_MIN = 1 << 20
_SESSION_ID_MAX = (1 << 31) - 1
_SINCE_CIPHER = Version(2, 4)

ENDED = Outcome(ResponseCode.SESSION_TIMEOUT, text_body(ENDED_TEXT))
REPEATED = Outcome(ResponseCode.MESSAGE_REJECTED, text_body("a message with this counter was here before"))
# The same words for a padding and for a MAC that do not fit: whoever tries must not learn which it was.
NOT_GENUINE = Outcome(
    ResponseCode.INVALID_CREDENTIAL, text_body("the message does not carry the HS_MAC of its session")
)


class Opened(NamedTuple):
    """A message that can be read; without a session it claimed none that there is."""

    message: Message
    data: bytes
    session: NativeSession | None
    counter: int


def unsupported_setup(mode: int) -> Outcome:
    """Why a session is not made in this way."""
    detail = f"sessions are made by Diffie-Hellman (mode {SessionMode.DIFFIE_HELLMAN}), not in mode {mode}"
    return Outcome(ResponseCode.INVALID_SESSION_SETUP, text_body(detail))


class NativeSessions:
    """Sessions hold at every worker; keys are remembered here. `now` is the clock, `random` gives random bytes."""

    def __init__(
        self, store: NativeSessionStore, *, now: Callable[[], datetime], random: Callable[[int], bytes]
    ) -> None:
        self._store = store
        self._now = now
        self._random = random
        self._keys: OrderedDict[int, bytes] = OrderedDict()

    async def set_up(self, message: Message, address: str) -> tuple[Outcome, int]:
        """The answer to a session setup, and the session's id (0 without one). Raises MalformedMessage, Unavailable."""
        setup = SessionSetup.decode(message.body)
        if setup.mode != SessionMode.DIFFIE_HELLMAN:
            return unsupported_setup(setup.mode), 0
        if spoken(message.envelope) < _SINCE_CIPHER:
            # Older clients know DES only.
            detail = f"sessions take version {_SINCE_CIPHER.major}.{_SINCE_CIPHER.minor} of the protocol"
            return Outcome(ResponseCode.INVALID_SESSION_SETUP, text_body(detail)), 0
        theirs = HsPubkey.decode(setup.public_key).key
        if not isinstance(theirs, DhPublicKey):
            detail = f"a session key is agreed upon with {DhPublicKey.key_type}, not {theirs.key_type}"
            return Outcome(ResponseCode.INVALID_SESSION_KEY, text_body(detail)), 0
        await self._require_room(address)
        secret = self._random(SECRET_BYTES)
        key, ours = agreed_key(theirs, secret), HsPubkey(public_of(theirs, secret))
        session_id = await self._open(key, address, min(max(setup.timeout, TIMEOUT_SECONDS_MIN), TIMEOUT_SECONDS_MAX))
        answer = SessionAnswer(setup.mode, SessionCipher(AES, ours.encode()).encode())
        return Outcome(ResponseCode.SUCCESS, answer.encode()), session_id

    async def open(self, data: bytes, envelope: Envelope, message: Message | None) -> Opened | Outcome:
        """The message, or why it is none of its session. Raises Unavailable, MalformedMessage."""
        credential = None if message is None else _mac_in(message)
        if message is not None and credential is None:
            # Clients of China's system choose numbers of sessions themselves (§3).
            return Opened(message, data, None, 0)
        key = await self._key(envelope.session_id)
        if key is None:
            return ENDED if message is None else Opened(message, data, None, 0)
        if message is None:
            try:
                data = _plain(data, envelope, key)
                message = read_content(Envelope.decode(data), data[ENVELOPE_BYTES:])
            except MalformedMessage:
                return NOT_GENUINE
            credential = _mac_in(message)
        if credential is None or not mac_fits(
            key, signed_bytes(envelope, credential.counter, message.header_and_body), credential.signature
        ):
            return NOT_GENUINE
        return await self._used(Opened(message, data, None, credential.counter), key)

    async def prove(self, session: NativeSession, identity: HandleIdentity) -> None:
        """It has an identity now; a session that ended meanwhile is none that anything follows in."""
        await self._store.prove(session.id, identity.text, self._now())

    async def end(self, session: NativeSession) -> None:
        """Nobody speaks in it any more."""
        self._keys.pop(session.id, None)
        await self._store.end(session.id)

    async def _used(self, opened: Opened, key: bytes) -> Opened | Outcome:
        id = opened.message.envelope.session_id
        use = await self._store.use(id, opened.counter, self._now(), window=COUNTERS_WINDOW)
        if use is None:
            self._keys.pop(id, None)
            return REPEATED if await self._key(id) is not None else ENDED
        identity = None if use.identity is None else HandleIdentity.parse(use.identity)
        return opened._replace(session=NativeSession(id, key, identity))

    async def _key(self, id: int) -> bytes | None:
        key = self._keys.get(id)
        if key is None:
            key = await self._store.key(id, self._now())
            if key is not None:
                self._remember(id, key)
        return key

    def _remember(self, id: int, key: bytes) -> None:
        while len(self._keys) >= KEYS_REMEMBERED_MAX:
            self._keys.popitem(last=False)
        self._keys[id] = key

    async def _require_room(self, address: str) -> None:
        all_of_them, of_address = await self._store.count_unproved(address)
        if all_of_them >= UNPROVED_SESSIONS_MAX or of_address >= UNPROVED_SESSIONS_OF_ADDRESS_MAX:
            raise Unavailable("too many sessions wait for a proof of who has them; try again shortly")

    async def _open(self, key: bytes, address: str, idle_seconds: int) -> int:
        expires = self._now() + timedelta(seconds=min(idle_seconds, UNPROVED_SECONDS_MAX))
        for _ in range(3):
            id = session_id_of(self._random(4))
            if await self._store.open(NewSession(id, key, address, idle_seconds), expires=expires):
                self._remember(id, key)
                return id
        raise Unavailable("no number was free for the session; try again")


def session_id_of(octets: bytes) -> int:
    """A number for a session or a challenge out of four random bytes."""
    return _SESSION_ID_MIN + int.from_bytes(octets, "big") % (_SESSION_ID_MAX - _SESSION_ID_MIN)


def _plain(data: bytes, envelope: Envelope, key: bytes) -> bytes:
    content = decrypted(key, data[ENVELOPE_BYTES:])
    return envelope._replace(is_encrypted=False, is_truncated=False, size=len(content)).encode() + content


def _mac_in(message: Message) -> Credential | None:
    """The MAC that a message carries. Raises MalformedMessage."""
    if not message.credential:
        return None
    credential = Credential.decode(message.credential)
    return credential if credential.type == MAC else None
