"""One server, asked over UDP first and TCP where that fails, as HANDLE.NET's client does (handle-protocol.md §1.4)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from idnode.handle_client.errors import ServerUnreachable, WrongAnswer
from idnode.handle_client.links import ConnectionLink, DatagramLink, Patience, ServerAddress
from idnode.handle_client.questions import (
    Answer,
    Question,
    checked_answer,
    new_request_id,
    request_parts,
    require_about,
    require_signed,
)
from idnode.handle_client.sessions import ClientSession
from idnode.model.handle_value import HandleValue
from idnode.wire.cursor import MalformedMessage
from idnode.wire.messages.bodies import HandleValues, Referral, ResolutionRequest, text_body
from idnode.wire.messages.codes import REQUEST_FLAGS_DEFAULT, OpCode, OpFlag, ResponseCode
from idnode.wire.messages.envelope import OWN_VERSION, VERSION_UNASKED, Version
from idnode.wire.messages.message import Message, read_message, write_message
from idnode.wire.typed_values.hs_pubkey import HsPubkey
from idnode.wire.typed_values.hs_site import HsSite

_REFERRALS = frozenset({ResponseCode.SERVICE_REFERRAL, ResponseCode.PREFIX_REFERRAL})


@dataclass(frozen=True, slots=True)
class World:
    """What is not pure, as arguments: the unix second, a clock that does not jump, random bytes."""

    now: Callable[[], float]
    monotonic: Callable[[], float]
    random: Callable[[int], bytes]


class Resolved(NamedTuple):
    """What a server says of a handle: its values, or with `referral` where to go on."""

    code: int
    values: tuple[HandleValue, ...]
    referral: Referral | None = None


class HandleClient:
    """Asks one server; to be used in `connected`. Everything raises ServerUnreachable and WrongAnswer."""

    def __init__(self, address: ServerAddress, world: World, patience: Patience) -> None:
        self.address = address
        self.world = world
        self._patience = patience
        self._version = VERSION_UNASKED
        self._datagrams: DatagramLink | None = None
        self._connection: ConnectionLink | None = None

    @classmethod
    @asynccontextmanager
    async def connected(
        cls, address: ServerAddress, world: World, patience: Patience | None = None
    ) -> "AsyncIterator[HandleClient]":
        """A client for the length of a block; sockets are opened when they are needed."""
        client = cls(address, world, patience or Patience())
        try:
            yield client
        finally:
            client.close()

    def close(self) -> None:
        """Give up what is under way."""
        for link in (self._datagrams, self._connection):
            if link is not None:
                link.close()
        self._datagrams = self._connection = None

    async def resolve(
        self,
        handle: str,
        *,
        indexes: tuple[int, ...] = (),
        types: tuple[str, ...] = (),
        flags: int = REQUEST_FLAGS_DEFAULT,
        key: HsPubkey | None = None,
        recursion_count: int = 0,
    ) -> Resolved:
        """The values that everyone may read. With `key`, the server's, the answer has to carry its signature.

        Raises ServerRefused, but for referrals and where none of the values are meant (200).
        """
        body = ResolutionRequest(handle, indexes, types).encode()
        signed = flags if key is None else flags | OpFlag.CERTIFY
        answer = await self.ask(Question(OpCode.RESOLUTION, body, signed, 0, recursion_count))
        if key is not None:
            require_signed(answer.message, key)
        return resolved(answer, handle)

    async def site(self) -> HsSite:
        """What the server says of itself; from then on it is spoken to in its own version."""
        answer = await self.ask(Question(OpCode.GET_SITE, text_body("/")))
        site = HsSite.decode(answer.require_success().body)
        self._version = min(Version(*site.protocol_version), OWN_VERSION)
        return site

    async def ask(self, question: Question, *, before: tuple[bytes, ...] = ()) -> Answer:
        """One message for one message. `before`: header and body of what was challenged."""
        return (await self.ask_for_all(question, before=before))[-1]

    async def ask_for_all(
        self,
        question: Question,
        *,
        before: tuple[bytes, ...] = (),
        session: ClientSession | None = None,
        expects: int | None = None,
        over_connection: bool = False,
    ) -> list[Answer]:
        """All messages of an answer; `expects`: the operation it is to, where that is not the one of the request."""
        random, now = self.world.random, int(self.world.now())
        envelope, header = request_parts(question, version=self._version, request_id=new_request_id(random), now=now)
        if session is None:
            data = write_message(envelope, header, question.body)
        else:
            data = session.sealed(envelope, header, question.body, random)
        messages = await self._exchange(
            data,
            envelope.request_id,
            read_message if session is None else session.opened,
            over_connection=over_connection,
        )
        sent = (header.encode() + question.body, *before)
        op_code = question.op_code if expects is None else expects
        answers = [
            checked_answer(message, op_code=op_code, sent=sent, now=int(self.world.now())) for message in messages
        ]
        # What it answers in is what it speaks.
        self._version = min(messages[-1].envelope.version, OWN_VERSION)
        return answers

    async def _exchange(
        self, data: bytes, request_id: int, opens: Callable[[bytes], Message], *, over_connection: bool
    ) -> list[Message]:
        try:
            if self.address.udp_port is not None and not (over_connection and self.address.tcp_port is not None):
                try:
                    return await (await self._datagram_link()).ask(data, request_id, opens)
                except ServerUnreachable:
                    if self.address.tcp_port is None:
                        raise
            return await self._ask_over_connection(data, request_id, opens)
        except MalformedMessage as error:
            raise WrongAnswer(f"the answer cannot be read: {error.detail}") from error

    async def _ask_over_connection(
        self, data: bytes, request_id: int, opens: Callable[[bytes], Message]
    ) -> list[Message]:
        kept = self._connection
        if kept is not None and kept.is_open:
            try:
                return await kept.ask(data, request_id, opens)
            except ServerUnreachable:
                # HANDLE.NET closes after each answer, and we may have asked before we saw it. To ask again does not
                # do a thing twice: operations wait for the answer to their challenge, which is taken once.
                if kept.is_open:
                    raise
        return await (await self._connection_link()).ask(data, request_id, opens)

    async def _datagram_link(self) -> DatagramLink:
        if self._datagrams is None:
            self._datagrams = await DatagramLink.open(self.address, self._patience, self.world.monotonic)
        return self._datagrams

    async def _connection_link(self) -> ConnectionLink:
        if self._connection is None or not self._connection.is_open:
            self._connection = await ConnectionLink.open(self.address, self._patience)
        return self._connection


def resolved(answer: Answer, handle: str) -> Resolved:
    """What an answer to a resolution says. Raises ServerRefused, WrongAnswer."""
    try:
        if answer.code == ResponseCode.VALUES_NOT_FOUND:
            return Resolved(answer.code, ())
        if answer.code in _REFERRALS:
            return Resolved(answer.code, (), Referral.decode(answer.body))
        found = HandleValues.decode(answer.require_success().body)
    except MalformedMessage as error:
        raise WrongAnswer(f"the answer cannot be read: {error.detail}") from error
    require_about(found.handle, handle)
    return Resolved(answer.code, found.values)
