"""What takes to know who asks: challenges and answers, logins, sessions, and the operations behind them (§1.6–§1.9)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial

import structlog

from idnode.frontends.native.callers import Caller
from idnode.frontends.native.challenges import Challenges, Issued
from idnode.frontends.native.front import Serve
from idnode.frontends.native.operations import OPERATIONS, Operation, Operations, Performed
from idnode.frontends.native.repeats import Repeats
from idnode.frontends.native.replies import FAULT_TEXT, Outcome, reply, sealed_refusal, write_refusal
from idnode.frontends.native.resolving import Told
from idnode.frontends.native.sealing import SessionSeal, Sign, Signing
from idnode.frontends.native.sessions import ENDED, NativeSessions
from idnode.model.errors import IdnodeError
from idnode.registry.handle_admin import HandleIdentity
from idnode.registry.handle_records import Circumstances
from idnode.wire.cursor import Writer
from idnode.wire.messages.authentication import Verification
from idnode.wire.messages.bodies import text_body
from idnode.wire.messages.codes import OpCode, OpFlag, ResponseCode
from idnode.wire.messages.envelope import Envelope
from idnode.wire.messages.message import Message

UNDER_WAY_MAX = 256
"""Of one worker; each has deadlines of its own."""
FORGETTING_SECONDS = 30.0
"""Between two looks for what has expired."""

BUSY = Outcome(ResponseCode.BUSY, text_body(f"{UNDER_WAY_MAX} requests are under way; try again in a second"))
FAULT = Outcome(ResponseCode.ERROR, text_body(FAULT_TEXT))
NOTHING_WAITS = Outcome(
    ResponseCode.AUTHENTICATION_TIMEOUT, text_body("no request waits for this answer; ask again to be challenged anew")
)
NO_PASSWORDS = Outcome(
    ResponseCode.NOT_SUPPORTED, text_body("logins by password are not taken; log in by key (operation 2001)")
)
NO_CONNECTION = Outcome(ResponseCode.NOT_SUPPORTED, text_body("a login is its connection's; log in over TCP"))
NO_HOMING = Outcome(ResponseCode.NOT_SUPPORTED, text_body("prefixes are given out by POST /v1/prefixes"))
NO_KEY_EXCHANGE = Outcome(
    ResponseCode.INVALID_SESSION_SETUP, text_body("sessions are made by Diffie-Hellman, with operation 400")
)
LOGGED_IN = Outcome(ResponseCode.SUCCESS, b"")
REFUSED: dict[int, Outcome] = {
    OpCode.HOME_PREFIX: NO_HOMING,
    OpCode.UNHOME_PREFIX: NO_HOMING,
    OpCode.LOGIN_BY_PASSWORD: NO_PASSWORDS,
    OpCode.SESSION_KEY_EXCHANGE: NO_KEY_EXCHANGE,
}

Forget = Callable[[], Awaitable[None]]
"""Drop what has expired."""
Act = Callable[[Message, Caller, Told], Awaitable[None]]
Refuse = Callable[[Outcome], None]

log = structlog.get_logger("idnode.native")


class Administration:
    """`administer` and `unseal` never wait. `sign` is the node's signature, `seconds` the clock of the world."""

    def __init__(
        self,
        operations: Operations,
        challenges: Challenges,
        sessions: NativeSessions,
        repeats: Repeats,
        *,
        sign: Sign,
        forget: Forget,
        random: Callable[[int], bytes],
        seconds: Callable[[], float],
        new_request_id: Callable[[], str],
    ) -> None:
        self._operations = operations
        self._challenges = challenges
        self._sessions = sessions
        self._repeats = repeats
        self._sign = sign
        self._forget = forget
        self._random = random
        self._seconds = seconds
        self._new_request_id = new_request_id
        self._tasks: asyncio.TaskGroup | None = None
        self._under_way = 0
        self._acts: dict[int, Act] = {
            OpCode.CHALLENGE_ANSWER: self._answer,
            OpCode.VERIFY_CHALLENGE: self._verify,
            OpCode.SESSION_SETUP: self._set_up,
            OpCode.SESSION_TERMINATE: self._terminate,
            OpCode.LOGIN_BY_KEY: self._log_in,
        }

    async def run(self) -> None:
        """Serve until cancelled; without it everybody is told that the node is busy."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                while True:
                    await asyncio.sleep(FORGETTING_SECONDS)
                    await self._forget_expired()
            finally:
                self._tasks = None

    def administer(self, message: Message, caller: Caller, told: Told) -> bool:
        """As the front's Administer."""
        op_code = message.header.op_code
        if op_code in REFUSED:
            self._tell(message, told, REFUSED[op_code])
            return True
        act = self._acts.get(op_code)
        if act is None and op_code not in OPERATIONS:
            return False
        first: Told | None = told
        if caller.connection is None and caller.session is None:
            whole = message.envelope.encode() + message.header_and_body
            first = self._repeats.first(caller.address, whole, told)
        if first is not None:
            self._begin(partial(act or self._operate, message, caller, first), partial(self._tell, message, first))
        return True

    def unseal(
        self, data: bytes, envelope: Envelope, message: Message | None, caller: Caller, told: Told, serve: Serve
    ) -> bool:
        """As the front's Unseal."""
        if message is not None and not message.credential:
            serve(message, data, caller, Signing(told, self._sign))
            return True
        first = told if caller.connection is not None else self._repeats.first(caller.address, data, told)
        if first is not None:
            refuse = partial(self._tell_closed, envelope, first)
            if message is not None:
                refuse = partial(self._tell, message, first)
            self._begin(partial(self._open, data, envelope, message, caller, first, serve, refuse), refuse)
        return True

    def _begin(self, act: Callable[[], Awaitable[None]], refuse: Refuse) -> None:
        if self._tasks is None or self._under_way >= UNDER_WAY_MAX:
            refuse(BUSY)
            return
        self._under_way += 1
        self._tasks.create_task(self._guarded(act, refuse))

    async def _guarded(self, act: Callable[[], Awaitable[None]], refuse: Refuse) -> None:
        try:
            await act()
        except IdnodeError as error:
            outcome = write_refusal(error)
            if outcome.code is ResponseCode.ERROR:
                log.warning("request_failed", code=error.code, detail=error.detail)
            refuse(outcome)
        except Exception:  # the error boundary of the native protocol, as the one of HTTP (STYLE.md, 8)
            log.exception("request_failed", code="internal")
            refuse(FAULT)
        finally:
            self._under_way -= 1

    async def _open(
        self,
        data: bytes,
        envelope: Envelope,
        message: Message | None,
        caller: Caller,
        told: Told,
        serve: Serve,
        refuse: Refuse,
    ) -> None:
        opened = await self._sessions.open(data, envelope, message)
        if isinstance(opened, Outcome):
            refuse(opened)
        elif opened.message.header.response_code:
            told()
        elif opened.session is None:
            serve(opened.message, opened.data, caller, Signing(told, self._sign))
        else:
            encrypts = message is None
            seal = SessionSeal(told, opened.session, opened.counter, encrypts=encrypts, random=self._random)
            serve(opened.message, opened.data, replace(caller, session=opened.session), seal)

    async def _operate(self, message: Message, caller: Caller, told: Told) -> None:
        operation = self._operations.read(message)
        await operation.require_possible()
        if caller.identity is None:
            self._tell_challenge(message, told, await self._challenges.issue(message, caller))
        else:
            await self._perform(operation, message, caller.identity, caller, told)

    async def _perform(
        self, operation: Operation, message: Message, identity: HandleIdentity, caller: Caller, told: Told
    ) -> None:
        request_id = self._new_request_id()
        try:
            performed = await operation.perform(Circumstances(identity, request_id))
        except IdnodeError as error:
            outcome = write_refusal(error)
            self._tell(message, told, outcome)
            code = outcome.code
        else:
            told(*self._replies(message, performed))
            code = performed.code
        log.info(
            "native_request",
            operation=int(message.header.op_code),
            code=int(code),
            actor=identity.text,
            remote=caller.address,
            request_id=request_id,
        )

    def _replies(self, message: Message, performed: Performed) -> Iterator[bytes]:
        flags = message.header.flags & ~(performed.cleared | OpFlag.CONTINUOUS)
        more = _with_flags(message, flags | OpFlag.CONTINUOUS)
        for body in performed.bodies[:-1]:
            yield self._reply(more, Outcome(performed.code, body))
        yield self._reply(_with_flags(message, flags), Outcome(performed.code, performed.bodies[-1]))

    async def _answer(self, message: Message, caller: Caller, told: Told) -> None:
        answered = await self._challenges.answered(message, caller)
        if answered is None:
            self._tell(message, told, NOTHING_WAITS)
            return
        if caller.session is not None:
            await self._sessions.prove(caller.session, answered.identity)
        # §1.8: the operation and the flags of what was challenged, the request id of the answer.
        own = answered.original
        original = own._replace(envelope=own.envelope._replace(request_id=message.envelope.request_id))
        if original.header.op_code == OpCode.LOGIN_BY_KEY:
            told(self._reply(original, LOGGED_IN, session_id=own.envelope.session_id))
            return
        await self._perform(self._operations.read(original), original, answered.identity, caller, told)

    async def _log_in(self, message: Message, caller: Caller, told: Told) -> None:
        issued = self._challenges.issue_login(message, caller)
        if issued is None:
            self._tell(message, told, NO_CONNECTION)
        else:
            self._tell_challenge(message, told, issued)

    async def _verify(self, message: Message, caller: Caller, told: Told) -> None:  # noqa: ARG002  # whoever asks
        is_right = await self._challenges.is_right(Verification.decode(message.body))
        self._tell(message, told, Outcome(ResponseCode.SUCCESS, bytes([is_right])))

    async def _set_up(self, message: Message, caller: Caller, told: Told) -> None:
        if caller.session is not None:
            self._tell(message, told, NO_KEY_EXCHANGE)
            return
        outcome, session_id = await self._sessions.set_up(message, caller.address)
        told(self._reply(message, outcome, session_id=session_id))

    async def _terminate(self, message: Message, caller: Caller, told: Told) -> None:
        if caller.session is None:
            self._tell(message, told, ENDED)
            return
        await self._sessions.end(caller.session)
        self._tell(message, told, Outcome(ResponseCode.SUCCESS, b""))

    async def _forget_expired(self) -> None:
        try:
            await self._forget()
        except IdnodeError as error:
            log.warning("forgetting_postponed", code=error.code, detail=error.detail)

    def _tell_challenge(self, message: Message, told: Told, issued: Issued) -> None:
        # A challenge always carries the digest of what it challenges (§1.2).
        challenged = _with_flags(message, message.header.flags | OpFlag.RETURN_DIGEST)
        outcome = Outcome(ResponseCode.AUTHENTICATION_NEEDED, Writer().octets(issued.nonce).written())
        told(self._reply(challenged, outcome, session_id=issued.session_id))

    def _tell(self, message: Message, told: Told, outcome: Outcome) -> None:
        told(self._reply(message, outcome))

    def _tell_closed(self, envelope: Envelope, told: Told, outcome: Outcome) -> None:
        told(sealed_refusal(envelope, outcome, now=int(self._seconds())))

    def _reply(self, message: Message, outcome: Outcome, *, session_id: int = 0) -> bytes:
        return reply(message, outcome, now=int(self._seconds()), session_id=session_id)


def _with_flags(message: Message, flags: int) -> Message:
    """For an answer that has others than its request; the digest stays that of the request as it came."""
    return message._replace(header=message.header._replace(flags=flags))
