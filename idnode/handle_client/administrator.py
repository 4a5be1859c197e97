"""Operations that take a key: each is challenged; in a session or after a login only the first (§1.6–§1.9, §3)."""

from collections.abc import Sequence

from idnode.handle_client.client import HandleClient, Resolved, resolved
from idnode.handle_client.errors import WrongAnswer
from idnode.handle_client.keys import Key
from idnode.handle_client.questions import Answer, Question
from idnode.handle_client.sessions import ClientSession
from idnode.model.handle_value import HandleValue
from idnode.wire.cursor import MalformedMessage, Reader
from idnode.wire.messages.authentication import Challenge, identity_body
from idnode.wire.messages.bodies import (
    HandleIndexes,
    HandleValues,
    ResolutionRequest,
    read_handles_body,
    read_text_body,
    text_body,
)
from idnode.wire.messages.codes import REQUEST_FLAGS_DEFAULT, OpCode, OpFlag, ResponseCode, SessionMode
from idnode.wire.messages.sessions import SessionAnswer, SessionCipher, SessionSetup
from idnode.wire.session_crypto import AES, OAKLEY_GROUP_2, SECRET_BYTES, agreed_key, public_of
from idnode.wire.typed_values.hs_pubkey import DhPublicKey, HsPubkey

SESSION_SECONDS = 86_400
LISTED_MAX = 1_000_000


class HandleAdministrator:
    """Whoever holds `key`, at one server. Everything raises ServerRefused, ServerUnreachable, WrongAnswer.

    Over a connection where the server has one: a repeated datagram would be a repeated write.
    """

    def __init__(self, client: HandleClient, key: Key) -> None:
        self._client = client
        self._key = key
        self._session: ClientSession | None = None

    async def create(
        self, handle: str, values: Sequence[HandleValue], *, overwrites: bool = False, mints: bool = False
    ) -> str:
        """The handle as the server has it: with `mints` the server chooses the suffix after `prefix/`."""
        flags = OpFlag.OVERWRITE * overwrites | OpFlag.MINT_SUFFIX * mints
        body = HandleValues(handle, tuple(values)).encode()
        answer = await self._do(OpCode.CREATE_HANDLE, body, flags=flags)
        # Older servers answer without a body.
        return (_read_text(answer) if answer.body else "") or handle

    async def delete(self, handle: str) -> None:
        """The handle with all its values."""
        await self._do(OpCode.DELETE_HANDLE, text_body(handle))

    async def add(self, handle: str, values: Sequence[HandleValue], *, overwrites: bool = False) -> None:
        """Values at indexes that are free, or with `overwrites` at any."""
        body = HandleValues(handle, tuple(values)).encode()
        await self._do(OpCode.ADD_VALUE, body, flags=OpFlag.OVERWRITE * overwrites)

    async def modify(self, handle: str, values: Sequence[HandleValue]) -> None:
        """Values at indexes that there are."""
        await self._do(OpCode.MODIFY_VALUE, HandleValues(handle, tuple(values)).encode())

    async def remove(self, handle: str, indexes: Sequence[int]) -> None:
        """Values; none of them where one index is unknown."""
        await self._do(OpCode.REMOVE_VALUE, HandleIndexes(handle, tuple(indexes)).encode())

    async def resolve(self, handle: str, *, indexes: tuple[int, ...] = (), types: tuple[str, ...] = ()) -> Resolved:
        """With the values that are not everyone's."""
        body = ResolutionRequest(handle, indexes, types).encode()
        answers = await self._perform(Question(OpCode.RESOLUTION, body, REQUEST_FLAGS_DEFAULT & ~OpFlag.PUBLIC_ONLY))
        return resolved(answers[-1], handle)

    async def list_handles(self, prefix: str) -> list[str]:
        """All handles of a prefix, LISTED_MAX at most."""
        return await self._list(OpCode.LIST_HANDLES, f"0.NA/{prefix}")

    async def list_prefixes(self, prefix: str) -> list[str]:
        """The prefixes below one that the server answers for."""
        return await self._list(OpCode.LIST_HOMED_PREFIXES, f"0.NA/{prefix}")

    async def open_session(self, *, encrypts: bool = True) -> None:
        """Agree on a key by Diffie-Hellman; every further message carries its MAC, and is encrypted if wanted."""
        random = self._client.world.random
        secret = random(SECRET_BYTES)
        own = HsPubkey(public_of(OAKLEY_GROUP_2, secret)).encode()
        setup = SessionSetup(SessionMode.DIFFIE_HELLMAN, SESSION_SECONDS, self._key.identity, own)
        flags = OpFlag.KEEP_CONNECTION | OpFlag.RETURN_DIGEST | REQUEST_FLAGS_DEFAULT
        question = Question(OpCode.SESSION_SETUP, setup.encode(), flags)
        answer = (await self._client.ask_for_all(question, over_connection=True))[-1].require_success()
        session_id = answer.message.envelope.session_id
        if not session_id:
            raise WrongAnswer("the server set a session up and did not say which")
        self._session = ClientSession(session_id, _key_of(answer, secret), encrypts)

    async def end_session(self) -> None:
        """Nobody speaks in it any more."""
        await self._do(OpCode.SESSION_TERMINATE, b"")
        self._session = None

    async def log_in(self) -> None:
        """The login of the Chinese clients (2001): from then on nothing on this connection is challenged."""
        question = Question(
            OpCode.LOGIN_BY_KEY, identity_body(self._key.identity), REQUEST_FLAGS_DEFAULT | OpFlag.RETURN_DIGEST
        )
        (await self._perform(question))[-1].require_success()

    async def _list(self, op_code: int, below: str) -> list[str]:
        listed: list[str] = []
        for answer in await self._perform(Question(op_code, text_body(below), _flags_of(op_code))):
            try:
                listed += read_handles_body(answer.require_success().body)
            except MalformedMessage as error:
                raise WrongAnswer(f"the list cannot be read: {error.detail}") from error
            if len(listed) > LISTED_MAX:
                raise WrongAnswer(f"the list has more than {LISTED_MAX:,} handles")
        return listed

    async def _do(self, op_code: int, body: bytes, *, flags: int = 0) -> Answer:
        answers = await self._perform(Question(op_code, body, _flags_of(op_code) | flags))
        return answers[-1].require_success()

    async def _perform(self, question: Question) -> list[Answer]:
        """All messages of the answer, after a challenge if there is one."""
        session = self._session
        if session is not None:
            flags = question.flags | OpFlag.CERTIFY | (OpFlag.ENCRYPT if session.encrypts else 0)
            question = question._replace(session_id=session.id, flags=flags)
        answers = await self._client.ask_for_all(question, session=session, over_connection=True)
        if answers[-1].code != ResponseCode.AUTHENTICATION_NEEDED:
            return answers
        return await self._prove(question, answers[-1])

    async def _prove(self, question: Question, challenged: Answer) -> list[Answer]:
        message = challenged.message
        try:
            challenge = Challenge.decode(message.body)
        except MalformedMessage:
            # No challenge, but the refusal of a session that the server does not know.
            challenged.require_success()
            raise
        proof = self._key.answer(challenge.challenged, self._client.world.random).encode()
        answer = question._replace(
            op_code=OpCode.CHALLENGE_ANSWER,
            body=proof,
            session_id=message.envelope.session_id,
            flags=question.flags & ~(OpFlag.OVERWRITE | OpFlag.MINT_SUFFIX),
        )
        return await self._client.ask_for_all(
            answer,
            before=(challenged.asked,),
            session=self._session,
            expects=question.op_code,
            over_connection=True,
        )


def _flags_of(op_code: int) -> int:
    return REQUEST_FLAGS_DEFAULT | (OpFlag.KEEP_CONNECTION if op_code == OpCode.LIST_HANDLES else 0)


def _read_text(answer: Answer) -> str:
    try:
        return read_text_body(answer.body)
    except MalformedMessage as error:
        raise WrongAnswer(f"the answer cannot be read: {error.detail}") from error


def _key_of(answer: Answer, secret: bytes) -> bytes:
    try:
        cipher = SessionCipher.decode(SessionAnswer.read(Reader(answer.body)).data)
        theirs = HsPubkey.decode(cipher.public_key).key
        if cipher.cipher != AES or not isinstance(theirs, DhPublicKey):
            raise WrongAnswer(f"the server wants cipher {cipher.cipher} with a {theirs.key_type}; AES is {AES}")
        if (theirs.p, theirs.g) != (OAKLEY_GROUP_2.p, OAKLEY_GROUP_2.g):
            raise WrongAnswer("the server's key is of another group than was proposed")
        return agreed_key(theirs, secret)
    except MalformedMessage as error:
        raise WrongAnswer(f"the server's session key cannot be read: {error.detail}") from error
