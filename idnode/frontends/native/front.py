"""What connections and datagrams of the native protocol share: who may connect, what is asked of whom, the clocks."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

from idnode.frontends.fastpath.front import LOOK_SECONDS, FrontLimits
from idnode.frontends.limiting import Limiting
from idnode.frontends.native.callers import Caller, Connection
from idnode.frontends.native.metrics import NativeCounters
from idnode.frontends.native.plain_reads import PlainReads
from idnode.frontends.native.replies import Outcome, reply, sealed_refusal, unreadable_reply
from idnode.frontends.native.resolving import NativeResolving, Told, key_of
from idnode.resolver.cache import AnswerCache
from idnode.resolver.tally import Source, Turn
from idnode.resolver.usage import Usage
from idnode.wire.cursor import MalformedMessage
from idnode.wire.messages.bodies import text_body
from idnode.wire.messages.codes import OpCode, OpFlag, ResponseCode
from idnode.wire.messages.envelope import Envelope
from idnode.wire.messages.header import EXPIRY_SECONDS_DEFAULT
from idnode.wire.messages.message import Message, read_message
from idnode.wire.sites import beginning_with
from idnode.wire.typed_values.hs_site import HsSite, InterfaceProtocol

TOO_MUCH = Outcome(ResponseCode.BUSY, text_body("too many requests; try again in a second"))
NOT_SUPPORTED = Outcome(ResponseCode.NOT_SUPPORTED, text_body("operation not supported"))
NEEDS_CREDENTIALS = Outcome(
    ResponseCode.AUTHENTICATION_NEEDED, text_body("a value is not public; reading it takes credentials")
)
NO_SITE = Outcome(ResponseCode.NOT_SUPPORTED, text_body("this node knows no address that it could tell"))


class Guest(Protocol):
    """A connection, as the front sees it."""

    def look(self, now: float) -> None:
        """Close it if it is idle."""

    def leave(self) -> None:
        """The next answer is the last one, if nothing else is owed to it then."""

    def close(self) -> None:
        """At once."""

    @property
    def is_owed(self) -> bool:
        """An answer has to be found or sent."""


class Door(Protocol):
    """A socket of UDP that is read, as /metrics shows it."""

    @property
    def assemblies(self) -> int:
        """Messages of which parts are missing."""

    @property
    def assembly_bytes(self) -> int:
        """What is held of them, bytes."""

    @property
    def overflowed(self) -> int:
        """Datagrams for which its queue had no room."""


Administer = Callable[[Message, Caller, Told], bool]
"""Begin an operation that takes to know who asks; False: it is none that this node knows."""
Serve = Callable[[Message, bytes, Caller, Told], None]
"""Answer a message that is open, with its bytes."""
Unseal = Callable[[bytes, Envelope, Message | None, Caller, Told, Serve], bool]
"""Begin with a message that is encrypted (then there is no Message yet), carries a credential or asks for one.

When it is open and proved to belong to its session it goes to Serve, with a Told that seals; False: nothing was begun.
"""


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
        counters: NativeCounters,
        monotonic: Callable[[], float],
        seconds: Callable[[], float],
        unseal: Unseal = lambda *_: False,
    ) -> None:
        self.cache = cache
        self.usage = usage
        self.turn = turn
        self.limits = limits
        self.counters = counters
        self.is_limiting = limiting.is_on
        self.monotonic = monotonic
        self.expiration = b""
        """When answers that are made now expire, as a header has it."""
        self.is_draining = False
        self.doors: list[Door] = []
        self._resolving = resolving
        self._ask_plainly = plain_reads.ask
        self._administer = administer
        self._unseal = unseal
        self._site = site
        # §3: ID-SDK goes on with the first interface of the answer, so that it has to be of the protocol asked.
        self._site_by_datagram = _datagrams_first(site)
        self._limiting = limiting
        self._seconds = seconds
        self._guests: set[Guest] = set()
        self._renew()

    def admit(self, guest: Guest) -> bool:
        """Take a connection in, unless there are too many; who comes when the node leaves is still served."""
        if len(self._guests) >= self.limits.connections_max:
            self.counters.connections_refused += 1
            return False
        self._guests.add(guest)
        self.counters.connections_open += 1
        if self.is_draining:
            guest.leave()
        return True

    def forget(self, guest: Guest) -> None:
        """A connection is gone."""
        if guest in self._guests:
            self._guests.remove(guest)
            self.counters.connections_open -= 1

    @property
    def connections(self) -> int:
        """Connections now."""
        return len(self._guests)

    @property
    def owed(self) -> int:
        """Connections to which something is owed."""
        return sum(guest.is_owed for guest in self._guests)

    async def run(self) -> None:
        """Renew the clock and look at every connection, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._renew()
            now = self.monotonic()
            for guest in tuple(self._guests):
                guest.look(now)

    def leave(self) -> None:
        """The node is going down: whoever asks again gets his last answer."""
        self.is_draining = True
        for guest in tuple(self._guests):
            guest.leave()

    def close(self) -> None:
        """Send everyone away."""
        for guest in tuple(self._guests):
            guest.close()

    def turned_away(self, data: bytes, source: Source, told: Told) -> bool:
        """Whether a request that could be answered from memory is refused, and told so: its client asks too often."""
        if not self._is_too_much(source):
            return False
        self._tell(read_message(data), TOO_MUCH, told)
        return True

    def take(
        self, data: bytes, envelope: Envelope, source: Source, told: Told, connection: Connection | None = None
    ) -> None:
        """Begin to answer a whole message. What is an answer itself is dropped: two servers would never end."""
        take_longer = partial(self._take, data, envelope, source, told, connection)
        if not self._limiting.is_on and self._ask_plainly(data, key_of(data), source, told, take_longer):
            return
        take_longer()

    def _take(self, data: bytes, envelope: Envelope, source: Source, told: Told, connection: Connection | None) -> None:
        caller = Caller(source, connection)
        if envelope.is_encrypted:
            self._take_encrypted(data, envelope, caller, told)
            return
        try:
            message = read_message(data)
        except MalformedMessage:
            told(unreadable_reply(envelope, now=self._now()))
            return
        if message.header.response_code:
            self.counters.answers_ignored += 1
            told()
            return
        if self._is_too_much(source):
            self._tell(message, TOO_MUCH, told)
            return
        takes_proof = message.credential or message.header.flags & OpFlag.CERTIFY
        if takes_proof and self._unseal(data, envelope, message, caller, told, self._serve):
            return
        self._serve(message, data, caller, told)

    def _take_encrypted(self, data: bytes, envelope: Envelope, caller: Caller, told: Told) -> None:
        if self._is_too_much(caller.source):
            told(sealed_refusal(envelope, TOO_MUCH, now=self._now()))
        elif not self._unseal(data, envelope, None, caller, told, self._serve):
            told(unreadable_reply(envelope, now=self._now()))

    def _serve(self, message: Message, data: bytes, caller: Caller, told: Told) -> None:
        match message.header.op_code:
            case OpCode.RESOLUTION if message.header.flags & OpFlag.PUBLIC_ONLY:
                self._resolving.ask(message, data, caller.source, told)
            case OpCode.RESOLUTION:
                self._resolving.ask(message, data, caller.source, told, partial(self._read, message, caller, told))
            case OpCode.GET_SITE:
                self._tell(message, self._own_site(caller), told)
            case _ if not self._administer(message, caller, told):
                self._tell(message, NOT_SUPPORTED, told)

    def _own_site(self, caller: Caller) -> Outcome:
        site = self._site_by_datagram if caller.connection is None else self._site
        return Outcome(ResponseCode.SUCCESS, site) if site else NO_SITE

    def _read(self, message: Message, caller: Caller, told: Told) -> None:
        if not self._administer(message, caller, told):
            self._tell(message, NEEDS_CREDENTIALS, told)

    def _is_too_much(self, source: Source) -> bool:
        return self._limiting.is_on and self._limiting.refusal(source.address) is not None

    def unreadable(self, envelope: Envelope | None) -> bytes:
        """The answer to what is no message."""
        return unreadable_reply(envelope, now=self._now())

    def _tell(self, message: Message, outcome: Outcome, told: Told) -> None:
        told(reply(message, outcome, now=self._now()))

    def _now(self) -> int:
        return int(self._seconds())

    def _renew(self) -> None:
        self.expiration = (self._now() + EXPIRY_SECONDS_DEFAULT).to_bytes(4, "big")


def _datagrams_first(site: bytes) -> bytes:
    return beginning_with(HsSite.decode(site), InterfaceProtocol.UDP).encode() if site else b""


def one_spelling(address: str) -> str:
    """An IPv4 address as itself, also where it comes to a socket of both families."""
    return address.removeprefix("::ffff:")
