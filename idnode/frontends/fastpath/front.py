"""What the connections of a worker share: who may connect, how answers begin, and the look at everyone each second."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from idnode.frontends.answer import Answer, HttpDate, beginning_of, bytes_of
from idnode.frontends.client_address import ClientAddress
from idnode.frontends.fastpath.questions import Question
from idnode.frontends.limiting import Limiting
from idnode.frontends.problems import problem_answer
from idnode.model.errors import Unavailable
from idnode.resolver.cache import AnswerCache
from idnode.resolver.tally import Source, Tally, Turn
from idnode.resolver.usage import Usage

LOOK_SECONDS = 1.0
"""Between two looks at all connections; limits of idle time and header time are exact to this."""


class Spoken(NamedTuple):
    """An answer in the pieces in which it is sent; `more` are headers of this one answer, `tally` what it counts as."""

    beginning: bytes
    more: bytes
    rest: bytes
    tally: Tally | None = None


Told = Callable[[Spoken], None]
Ask = Callable[[bytes, Question, Told], bool]
"""Begin to find the answer of a question, as `Misses.ask`: False when it is not to be had without waiting."""


class Asker(Protocol):
    """A connection that waits for its answer."""

    def told_plainly(self, rest: bytes, number: int) -> None:
        """The answer without its first lines, and the number of the tally that tells those; counted elsewhere."""


AskPlainly = Callable[[bytes, Asker, Source, Told], bool]
"""The same for the commonest question, from the vetted key alone, as `PlainMisses.ask`."""

Call = Callable[[bytes, int, str, Told], int | None]
"""Begin to serve a request to /v1, as `Calls.begin`."""


class Guest(Protocol):
    """A connection, as the front sees it."""

    def look(self, now: float) -> None:
        """Close it if it is idle or too slow."""

    def leave(self) -> None:
        """The next answer is the last one."""

    def close(self) -> None:
        """At once."""

    @property
    def is_owed(self) -> bool:
        """An answer has to be found or sent."""


class Beginnings:
    """The first lines of answers; they hold the Date and are renewed every second. `tallies` are those of the usage."""

    def __init__(self, date: HttpDate, tallies: Sequence[Tally]) -> None:
        self._date = date
        self._tallies = tallies
        self.of_tallies: list[bytes] = []
        """By the number of the tally; the list stays the same."""

    def of(self, status: int) -> bytes:
        """Of an answer that is not kept."""
        return beginning_of(status, self._date.text())

    def cover(self) -> None:
        """Tallies may have been added."""
        if len(self.of_tallies) < len(self._tallies):
            self.of_tallies += [self.of(tally.status) for tally in self._tallies[len(self.of_tallies) :]]

    def renew(self) -> None:
        """A second has begun."""
        by_status = {status: self.of(status) for status in {tally.status for tally in self._tallies}}
        self.of_tallies[:] = [by_status[tally.status] for tally in self._tallies]

    def spoken(self, answer: Answer, tally: Tally | None = None) -> Spoken:
        """An answer that is not kept."""
        return Spoken(self.of(answer.status), b"", bytes_of(answer), tally)


@dataclass(frozen=True, slots=True)
class FrontLimits:
    """What a client may take: connections of a worker, seconds for a header, seconds of silence."""

    connections_max: int
    header_seconds: float
    idle_seconds: float


@dataclass(slots=True)
class FrontCounters:
    """Of this process."""

    connections_open: int = 0
    connections_refused: int = 0
    """Since the process began."""


class Front:
    """Shared by all connections of a worker. `handler` makes aiohttp's handlers of them, `monotonic` gives seconds."""

    def __init__(
        self,
        handler: Callable[[], asyncio.Protocol],
        *,
        cache: AnswerCache,
        usage: Usage,
        turn: Turn,
        beginnings: Beginnings,
        ask: Ask,
        ask_plainly: AskPlainly,
        call: Call,
        client_address: ClientAddress,
        limiting: Limiting,
        limits: FrontLimits,
        counters: FrontCounters,
        monotonic: Callable[[], float],
    ) -> None:
        self.handler = handler
        self.cache = cache
        self.usage = usage
        self.turn = turn
        self.ask = ask
        self.ask_plainly = ask_plainly
        self.call = call
        self.client_address = client_address
        self.limits = limits
        self.is_draining = False
        self.is_limiting = limiting.is_on
        self.may_remember = not limiting.is_on
        """A vetted header may stand for the next request of its connection: nothing else has to be looked at."""
        self._counters = counters
        self.beginnings = beginnings
        self._limiting = limiting
        self._monotonic = monotonic
        self._guests: set[Guest] = set()

    @property
    def connections(self) -> int:
        """Connections now."""
        return len(self._guests)

    def admit(self, guest: Guest) -> Spoken | None:
        """Take a connection in, or say why not."""
        if len(self._guests) >= self.limits.connections_max:
            self._counters.connections_refused += 1
            error = Unavailable(f"{self.limits.connections_max} connections are open already; try again shortly")
            return self.beginnings.spoken(problem_answer(error, headers=(("Connection", "close"),)))
        self._guests.add(guest)
        self._counters.connections_open += 1
        return None

    def forget(self, guest: Guest) -> None:
        """A connection is gone."""
        if guest in self._guests:
            self._guests.remove(guest)
            self._counters.connections_open -= 1

    def limited(self, source: Source) -> Spoken | None:
        """The refusal of a client that asks too often; None lets the request pass."""
        refusal = self._limiting.refusal(source.address)
        return None if refusal is None else self.beginnings.spoken(refusal)

    async def run(self) -> None:
        """Renew the dates and look at every connection, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.beginnings.renew()
            now = self._monotonic()
            for guest in tuple(self._guests):
                guest.look(now)

    def leave(self) -> None:
        """The node is going down: whoever asks again gets his last answer."""
        self.is_draining, self.may_remember = True, False
        for guest in tuple(self._guests):
            guest.leave()

    def close(self) -> None:
        """Send everyone away."""
        for guest in tuple(self._guests):
            guest.close()

    @property
    def owed(self) -> int:
        """Connections to which something is owed that is not aiohttp's to send."""
        return sum(guest.is_owed for guest in self._guests)
