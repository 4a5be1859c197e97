"""The server's side without sockets: the protocol objects of UDP and TCP on transports that write nothing anywhere."""

import asyncio
import time
from collections.abc import Callable
from random import Random
from typing import Any, cast
from uuid import UUID

from idnode.frontends.fastpath.front import FrontLimits
from idnode.frontends.limiting import Limiting
from idnode.frontends.native.callers import Caller
from idnode.frontends.native.front import NativeFront
from idnode.frontends.native.metrics import NativeCounters
from idnode.frontends.native.operations import OPERATIONS, Operations
from idnode.frontends.native.plain_reads import PlainReads
from idnode.frontends.native.replies import reply, write_refusal
from idnode.frontends.native.resolving import NativeResolving, Told
from idnode.frontends.native.tcp import NativeConnection
from idnode.frontends.native.udp import Address, Datagrams
from idnode.frontends.token_bucket import TokenBuckets
from idnode.lifecycle import now
from idnode.model.errors import IdnodeError, NotResponsible
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier, Prefix
from idnode.model.record import Record, State
from idnode.registry.rules.moments import node_day
from idnode.resolver.cache import AnswerCache
from idnode.resolver.metrics import ResolverCounters
from idnode.resolver.service import ResolverService
from idnode.resolver.tally import Turn
from idnode.resolver.usage import Usage
from idnode.storage.identifiers import StoredRecord
from idnode.wire.messages.message import Message
from idnode.wire.record_json import render_record
from loadtest.native_fuzz.inputs import HANDLE, MOMENT

CACHE_BYTES = 8 << 20
SOURCES = 64
SPLITS_MAX = 4


class PlayedResolver:
    """Knows one record of one prefix, and answers at once."""

    def __init__(self) -> None:
        value = HandleValue(1, "URL", b"https://example.com/", MOMENT)
        record = Record(Identifier.parse(HANDLE), 1, State.ACTIVE, None, {}, (value,), MOMENT, MOMENT)
        rendered = render_record(record)
        self._record = StoredRecord(HANDLE, 1, State.ACTIVE, True, rendered.values_at, rendered.json)

    def ask(self, prefix: Prefix, folded: str, told: Callable[[StoredRecord | None, IdnodeError | None], None]) -> bool:
        """As ResolverService."""
        if prefix.folded != HANDLE.partition("/")[0]:
            raise NotResponsible("That prefix doesn't live here")
        told(self._record if folded == HANDLE else None, None)
        return True

    def found(self, identifier: Identifier, stored: StoredRecord | None) -> StoredRecord:
        """As ResolverService."""
        return ResolverService.found(cast("ResolverService", self), identifier, stored)

    _counters = ResolverCounters()


class Server:
    """A front; what it wrote is counted. `monotonic` is the clock of assemblies."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.counters = NativeCounters()
        cache = AnswerCache(bytes_max=CACHE_BYTES, negative_bytes_max=CACHE_BYTES)
        self.usage = usage = Usage(nanoseconds=time.perf_counter_ns, time_ns=time.time_ns, node_day=node_day)
        resolver = cast("ResolverService", PlayedResolver())
        turn = Turn(usage, nanoseconds=time.perf_counter_ns, call_soon=asyncio.get_running_loop().call_soon)
        # What an operation would be done with; here they are only read.
        nothing = cast("Any", None)
        self._operations = Operations(
            nothing, nothing, nothing, own=Prefix.parse("88.118"), now=now, new_suffix=lambda: UUID(int=0)
        )
        self.front = NativeFront(
            NativeResolving(resolver, cache, usage, seconds=time.time),
            PlainReads(resolver, ResolverCounters(), cache, usage, seconds=time.time),
            self._administer,
            FrontLimits(1_000, 10, 60),
            site=b"",
            cache=cache,
            usage=usage,
            turn=turn,
            limiting=Limiting(TokenBuckets(0, 1, 2, monotonic)),
            counters=self.counters,
            monotonic=monotonic,
            seconds=time.time,
        )

    def _administer(self, message: Message, caller: Caller, told: Told) -> bool:  # noqa: ARG002  # as the front has it
        if message.header.op_code not in OPERATIONS:
            return False
        try:
            self._operations.read(message)
        except IdnodeError as error:
            told(reply(message, write_refusal(error), now=0))
        else:
            told(reply(message, write_refusal(NotResponsible("nothing is done here")), now=0))
        return True


class Transport:
    """Keeps what was written last, and the number of writes."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_closed = False
        self.is_paused = False

    def get_extra_info(self, name: str) -> Any:
        """Of a client on this machine."""
        return self if name == "socket" else ("127.0.0.1", 40_000)

    family = 2
    """AF_INET."""

    def sendto(self, data: bytes, addr: Address) -> None:  # noqa: ARG002  # as a datagram transport
        """Send to nobody."""
        self.written.append(data)

    def write(self, data: bytes) -> None:
        """The same."""
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        """Nobody is slow here."""
        return 0

    def pause_reading(self) -> None:
        """Read no more."""
        self.is_paused = True

    def resume_reading(self) -> None:
        """Read on."""
        self.is_paused = False

    def close(self) -> None:
        """Of the server's own will."""
        self.is_closed = True

    abort = close

    def is_closing(self) -> bool:
        """As transports say it."""
        return self.is_closed

    def taken(self) -> list[bytes]:
        """What was written since the last look."""
        written, self.written = self.written, []
        return written


class Speaking:
    """Both ways into a server."""

    def __init__(self, server: Server, chance: Random) -> None:
        self._server = server
        self._chance = chance
        self._packets = Transport()
        self.datagrams = Datagrams(server.front)
        self.datagrams.connection_made(cast("asyncio.BaseTransport", self._packets))
        self.connections = 0
        self._connect()

    def by_datagram(self, data: bytes) -> list[bytes]:
        """What comes back."""
        address = ("127.0.0.1", 40_000 + self._chance.randrange(SOURCES))
        self.datagrams.datagram_received(data, address)
        return self._packets.taken()

    def by_connection(self, data: bytes) -> list[bytes]:
        """What comes back over the connection that is open, to bytes that come in some pieces."""
        for piece in self._pieces(data):
            if self._stream.is_closed:
                break
            self._connection.data_received(piece)
        written = self._stream.taken()
        if self._stream.is_closed or self._stream.is_paused:
            self.renew()
        return written

    def renew(self) -> None:
        """The client goes; another one comes."""
        self._connection.connection_lost(None)
        self._connect()

    def _connect(self) -> None:
        self.connections += 1
        self._stream = Transport()
        self._connection = NativeConnection(self._server.front)
        self._connection.connection_made(cast("asyncio.BaseTransport", self._stream))

    def _pieces(self, data: bytes) -> list[bytes]:
        cuts = sorted(self._chance.randrange(len(data) + 1) for _ in range(self._chance.randrange(SPLITS_MAX)))
        return [piece for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True) if (piece := data[start:end])]
