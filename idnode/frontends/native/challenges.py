"""Challenges: whoever asks for more than everybody may proves who it is, then gets what was asked (§1.8)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from idnode.frontends.native.callers import Caller, Login
from idnode.frontends.native.sessions import session_id_of
from idnode.model.errors import IdnodeError, Unavailable
from idnode.model.handle_value import Reference
from idnode.registry.handle_admin import HandleAdministrators, HandleIdentity, IdentityNotVerified, Proof, handle_of
from idnode.storage.native_sessions import NativeSessionStore, StoredChallenge
from idnode.wire.cursor import MalformedMessage
from idnode.wire.messages.authentication import (
    NONCE_BYTES,
    PUBLIC_KEY,
    SECRET_KEY,
    Challenge,
    ChallengeAnswer,
    Verification,
    read_identity,
)
from idnode.wire.messages.digests import request_digest
from idnode.wire.messages.envelope import spoken
from idnode.wire.messages.message import Message, read_message, write_message
from idnode.wire.messages.proofs import read_secret_answer, read_signature

ANSWER_SECONDS_MAX = 60
"""From the challenge to its answer."""


class Issued(NamedTuple):
    """A challenge on its way; `session_id` names it."""

    session_id: int
    nonce: bytes


class Answered(NamedTuple):
    """The message that was challenged, and who proved to have sent it."""

    original: Message
    identity: HandleIdentity


class Challenges:
    """`now` is the clock, `random` gives random bytes."""

    def __init__(
        self,
        store: NativeSessionStore,
        administrators: HandleAdministrators,
        *,
        now: Callable[[], datetime],
        random: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._administrators = administrators
        self._now = now
        self._random = random

    async def issue(self, message: Message, caller: Caller) -> Issued:
        """Keep the message until who sent it has proved to be somebody. Raises Unavailable when too many wait."""
        now, session = self._now(), caller.session
        id = session_id_of(self._random(4)) if session is None else session.id
        request = write_message(message.envelope, message.header, message.body)
        challenge = StoredChallenge(id, self._random(NONCE_BYTES), session is not None, caller.address, request)
        if not await self._store.open_challenge(challenge, expires=now + timedelta(seconds=ANSWER_SECONDS_MAX)):
            raise Unavailable("too many requests wait for a proof of who sent them; try again shortly")
        return Issued(id, challenge.nonce)

    def issue_login(self, message: Message, caller: Caller) -> Issued | None:
        """The same for a login, which is its connection's; None without one. Raises MalformedMessage."""
        claimed = identity_of(read_identity(message.body))
        if caller.connection is None:
            return None
        id, nonce = session_id_of(self._random(4)), self._random(NONCE_BYTES)
        caller.connection.login = Login(message, claimed, id, nonce)
        return Issued(id, nonce)

    async def answered(self, message: Message, caller: Caller) -> Answered | None:
        """What was challenged, once; None when nothing waits for this answer.

        Raises IdentityNotVerified, MalformedMessage, Unavailable.
        """
        answer, session, now = ChallengeAnswer.decode(message.body), caller.session, self._now()
        id = message.envelope.session_id if session is None else session.id
        pending = await self._store.challenges(id, in_session=session is not None, at=now)
        refused: IdnodeError | None = None
        for challenge in pending:
            original = read_message(challenge.request)
            try:
                identity = await self._verify(answer, original, challenge.nonce)
            except IdentityNotVerified as error:
                refused = error
                continue
            return Answered(original, identity) if await self._store.take_challenge(id, challenge.nonce, now) else None
        if refused is not None:
            if session is None:
                await self._store.take_challenge(id, pending[0].nonce, now)
            raise refused
        return await self._logged_in(answer, caller)

    async def _logged_in(self, answer: ChallengeAnswer, caller: Caller) -> Answered | None:
        # Clients that choose the number of their session do not repeat ours (§3): the connection tells enough.
        connection = caller.connection
        if connection is None or connection.login is None:
            return None
        login, connection.login = connection.login, None
        identity = await self._verify(answer, login.request, login.nonce)
        claimed = login.claimed
        if identity.handle.folded != claimed.handle.folded or claimed.index not in (0, identity.index):
            raise IdentityNotVerified(f"the answer is that of {identity.text}, the login that of {claimed.text}")
        connection.identity = identity
        return Answered(login.request, identity)

    async def _verify(self, answer: ChallengeAnswer, original: Message, nonce: bytes) -> HandleIdentity:
        digest = request_digest(spoken(original.envelope), original.header_and_body)
        proof = _proof(answer.kind, answer.answer, Challenge(digest, nonce).challenged)
        return await self._administrators.verify(identity_of(answer.identity), proof)

    async def is_right(self, verification: Verification) -> bool:
        """Whether an answer that another server was given is that of a secret kept here. Raises MalformedMessage."""
        challenged = Challenge(verification.digest, verification.nonce).challenged
        proof = Proof.by_secret(read_secret_answer(verification.answer), challenged)
        try:
            await self._administrators.verify(identity_of(verification.identity), proof)
        except IdentityNotVerified:
            return False
        return True


def identity_of(reference: Reference) -> HandleIdentity:
    """Raises InvalidIdentifier."""
    return HandleIdentity(reference.index, handle_of(reference.handle))


def _proof(kind: str, answer: bytes, challenged: bytes) -> Proof:
    match kind.upper():
        case "HS_PUBKEY":
            return Proof.by_signature(read_signature(answer), challenged)
        case "HS_SECKEY":
            return Proof.by_secret(read_secret_answer(answer), challenged)
        case _:
            raise MalformedMessage(f"an answer by {kind!r}; known are {PUBLIC_KEY} and {SECRET_KEY}", offset=0)
