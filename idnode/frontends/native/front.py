"""What connections and datagrams of the native protocol share: who may connect, what is asked of whom, the clocks."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

from idnode.frontends.fastpath.front import LOOK_SECONDS, FrontLimits
from idnode.frontends.limiting import Limiting
from idnode.frontends.native.plain_reads import PlainReads
from idnode.frontends.native.replies import Outcome, reply, unreadable_reply
from idnode.frontends.native.resolving import NativeResolving, Told, key_of
from idnode.resolver.cache import AnswerCache
from idnode.resolver.tally import Source, Turn
from idnode.resolver.usage import Usage
from idnode.wire.cursor import MalformedMessage
from idnode.wire.messages.bodies import text_body
from idnode.wire.messages.codes import OpCode, ResponseCode
from idnode.wire.messages.envelope import Envelope
from idnode.wire.messages.header import EXPIRY_SECONDS_DEFAULT
from idnode.wire.messages.message import Message, read_message


class Guest(Protocol):
    """A connection, as the front sees it."""

    def look(self, now: float) -> None:
        """Close it if it is idle."""

    def leave(self) -> None:
        """Close it as soon as nothing is owed to it."""


Administer = Callable[[Message, str, Told], bool]
"""Begin an operation that is no resolution; False: it is none that this node knows."""


class NativeFront:
    """Shared by everything that speaks the protocol in a worker. `monotonic` and `seconds` are clocks."""

    def __init__(
        self,
        resolving: NativeResolving,
        plain_reads: PlainReads,
        administer: Administer,
        limits: FrontLimits,
        *,
        site: bytes,
        cache: AnswerCache,
        usage: Usage,
        turn: Turn,
        limiting: Limiting,
        monotonic: Callable[[], float],
        seconds: Callable[[], float],
    ) -> None:
        self.cache = cache
        self.usage = usage
        self.turn = turn
        self.limits = limits
        self.monotonic = monotonic
        self.expiration = b""
        """When answers that are made now expire, as a header has it."""
        self.is_draining = False
        self._resolving = resolving
        self._ask_plainly = plain_reads.ask
        self._administer = administer
        self._site = site
        self._limiting = limiting
        self._seconds = seconds
        self._guests: set[Guest] = set()
        self._renew()

    def admit(self, guest: Guest) -> bool:
        """Take a connection in, unless there are too many."""
        if self.is_draining or len(self._guests) >= self.limits.connections_max:
            return False
        self._guests.add(guest)
        return True

    def forget(self, guest: Guest) -> None:
        """A connection is gone."""
        self._guests.discard(guest)

    async def run(self) -> None:
        """Renew the clock and look at every connection, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._renew()
            now = self.monotonic()
            for guest in tuple(self._guests):
                guest.look(now)

    def leave(self) -> None:
        """The node is going down."""
        self.is_draining = True
        for guest in tuple(self._guests):
            guest.leave()

    def take(self, data: bytes, envelope: Envelope, source: Source, told: Told) -> None:
        """Begin to answer a whole message. What is an answer itself is dropped: two servers would never end."""
        if not self._limiting.is_on and self._ask_plainly(
            data, key_of(data), source, told, partial(self._take, data, envelope, source, told)
        ):
            return
        self._take(data, envelope, source, told)

    def _take(self, data: bytes, envelope: Envelope, source: Source, told: Told) -> None:
        try:
            message = read_message(data)
        except MalformedMessage:
            told(unreadable_reply(envelope, now=self._now()))
            return
        if message.header.response_code:
            return
        if self._limiting.is_on and self._limiting.refusal(source.address) is not None:
            self._tell(message, ResponseCode.BUSY, text_body("too many requests; try again in a second"), told)
            return
        match message.header.op_code:
            case OpCode.RESOLUTION:
                self._resolving.ask(message, data, source, told)
            case OpCode.GET_SITE:
                self._tell(message, ResponseCode.SUCCESS, self._site, told)
            case _ if not self._administer(message, source.address, told):
                self._tell(message, ResponseCode.NOT_SUPPORTED, text_body("operation not supported"), told)

    def unreadable(self, envelope: Envelope | None) -> bytes:
        """The answer to what is no message."""
        return unreadable_reply(envelope, now=self._now())

    def _tell(self, message: Message, code: ResponseCode, body: bytes, told: Told) -> None:
        told(reply(message, Outcome(code, body), now=self._now()))

    def _now(self) -> int:
        return int(self._seconds())

    def _renew(self) -> None:
        self.expiration = (self._now() + EXPIRY_SECONDS_DEFAULT).to_bytes(4, "big")
