"""One client's connection: what is known goes out at once, what is not is read, and the rest is aiohttp's.

A client repeats its headers to the byte: they are vetted once and compared afterwards. At the first request that is not
a plain read of an identifier the exchange is aiohttp's (`relay`), and the connection comes back when it is complete.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from time import perf_counter_ns
from typing import cast

from idnode.frontends.fastpath.front import Front, Spoken
from idnode.frontends.fastpath.proxy_protocol import MalformedProxyHeader, ProxyHeader
from idnode.frontends.fastpath.questions import Question, question_of
from idnode.frontends.fastpath.relay import Relay
from idnode.frontends.fastpath.stages import Served, Stage
from idnode.frontends.fastpath.vetting import PLAIN, Vetted, vet
from idnode.frontends.request_ids import HEADER
from idnode.resolver.cache import Entry

LINE_END = b" HTTP/1.1\r\n"
HEAD_END = b"\r\n\r\n"
HEAD_BYTES_MAX = 65_536
"""What is longer and has no end is aiohttp's to refuse; its own limits for a line and a field are far lower."""
WAITING_BYTES_MAX = 262_144
"""Bytes that a client may send ahead while one of its requests is being answered; then it is not read from."""

_NOTHING = b"\x00"
"""Ends no request, so that nothing is taken for one that is vetted."""
_METHODS = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ", b"OPTIONS ")
_CLOSE = b"Connection: close\r\n"
_REQUEST_ID = HEADER.encode() + b": "


class Connection(asyncio.Protocol):
    """Bytes in, bytes out."""

    __slots__ = (
        "_beginnings", "_block", "_block_size", "_buffer", "_cache", "_front", "_is_active", "_is_between",
        "_peer", "_proxy_header", "_relay", "_since", "_source", "_stage", "_transport", "_turn", "_unsent", "_write",
    )  # fmt: skip

    def __init__(self, front: Front) -> None:
        self._front = front
        self._cache = front.cache
        self._beginnings = front.beginnings.of_tallies
        self._turn = front.turn
        self._block = _NOTHING
        self._block_size = 1
        self._buffer = b""
        self._stage = Stage.OPENING
        self._is_between = False
        self._is_active = True
        self._since = 0.0
        self._unsent = 0
        self._peer = ""
        self._source = front.usage.source("")
        self._relay: Relay | None = None
        self._proxy_header: ProxyHeader | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        # uvloop's transports have the interface without the base class.
        self._transport = cast("asyncio.Transport", transport)
        self._write: Callable[[bytes], None] = self._transport.write
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if peer else ""
        refusal = self._front.admit(self)
        if refusal is not None:
            self._stage = Stage.CLOSED
            self._write(refusal.beginning + refusal.rest)
            self._transport.close()
            return
        self._source = self._front.usage.source(self._front.client_address.of(self._peer, None))
        if self._front.client_address.speaks_proxy_protocol(self._peer):
            self._proxy_header = ProxyHeader()
        else:
            self._begin_reading()

    def data_received(self, data: bytes) -> None:
        """The hot path; whatever is not a vetted request with a known answer goes the longer way."""
        if self._is_between and data.endswith(self._block):
            entry = self._cache.find(data[: -self._block_size])
            if entry is not None:
                self._cache.referenced[entry[2]] = 1
                pending = self._source.pending
                if not pending:
                    self._turn.begin(self._source)
                pending.append(entry[1])
                self._is_active = True
                self._write(self._beginnings[entry[1]] + entry[0])
                return
            if self._ask_plainly(data[: -self._block_size]):
                return
        self._take(data)

    def pause_writing(self) -> None:
        """The client reads too slowly: it is answered no further until it has caught up."""
        if self._relay is not None:
            self._relay.pause_writing()
        if self._stage is not Stage.GIVEN_AWAY:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._relay is not None:
            self._relay.resume_writing()
        if self._stage is not Stage.GIVEN_AWAY:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone, or was sent away."""
        self._stage = Stage.CLOSED
        self._is_between = False
        self._front.forget(self)
        if self._relay is not None:
            self._relay.lost(exc)

    def look(self, now: float) -> None:
        """Called every second: whoever is idle, or takes too long for a header, is sent away. `now` is monotonic."""
        unsent = self._transport.get_write_buffer_size()
        if self._is_active or unsent < self._unsent:
            self._is_active, self._since = False, now
        self._unsent = unsent
        silence = now - self._since
        if unsent:
            if silence > self._front.limits.idle_seconds:
                self._transport.abort()
        elif self._stage in (Stage.OPENING, Stage.READING):
            has_begun = self._buffer or self._stage is Stage.OPENING
            if silence > (self._front.limits.header_seconds if has_begun else self._front.limits.idle_seconds):
                self._transport.close()
        else:
            # Somebody else's deadline holds: the database's, or aiohttp's.
            self._since = now

    def leave(self) -> None:
        """The node is going down: the next answer is the last one."""
        self._block = _NOTHING
        self._block_size = 1

    @property
    def is_owed(self) -> bool:
        """An answer has to be found, or to be sent to its last byte."""
        return self._stage in (Stage.ASKING, Stage.RELAYING) or self._transport.get_write_buffer_size() > 0

    def close(self) -> None:
        """Send it away."""
        self._transport.close()

    # What the relay calls.

    def come_back(self) -> None:
        """An exchange of aiohttp's is complete."""
        if self._stage is Stage.RELAYING:
            self._stage = Stage.READING
            self._read_on()

    def relay_left(self) -> None:
        """aiohttp's handler was tired of waiting for a further exchange."""
        self._relay = None

    def give_away(self) -> None:
        """aiohttp keeps the connection."""
        if self._stage is not Stage.CLOSED:
            self._stage = Stage.GIVEN_AWAY
            self._is_between = False
            self._transport.resume_reading()

    # The longer way.

    def _take(self, data: bytes) -> None:
        if self._stage is Stage.GIVEN_AWAY and self._relay is not None:
            self._relay.feed(data)
            return
        if not self._buffer:
            self._is_active = True
        self._buffer = self._buffer + data if self._buffer else data
        match self._stage:
            case Stage.READING:
                self._read()
            case Stage.RELAYING:
                self._feed_relay()
            case Stage.OPENING:
                self._open()
            case _:
                self._hold_back()

    def _hold_back(self) -> None:
        self._is_between = False
        if len(self._buffer) > WAITING_BYTES_MAX:
            self._transport.pause_reading()

    def _begin_reading(self) -> None:
        self._stage = Stage.READING
        self._is_between = not self._buffer

    def _read_on(self) -> None:
        if self._transport.is_closing():
            return
        self._transport.resume_reading()
        self._begin_reading()
        if self._buffer:
            self._read()

    def _open(self) -> None:
        if self._proxy_header is None:
            return
        data, self._buffer = self._buffer, b""
        try:
            opened = self._proxy_header.feed(data)
        except MalformedProxyHeader:
            self._transport.close()
            return
        if opened is None:
            return
        self._proxy_header = None
        if opened.address is not None:
            self._peer = opened.address
            self._source = self._front.usage.source(self._peer)
        self._buffer = opened.rest
        self._read_on()

    def _read(self) -> None:
        """Answer what the buffer holds, in order, until something has to be waited for."""
        buffer, at, out = self._buffer, 0, list[bytes]()
        size = len(buffer)
        while at < size:
            at = self._read_known(buffer, at, out)
            line_end, head_end = buffer.find(LINE_END, at), buffer.find(HEAD_END, at)
            if head_end < 0:
                break
            head_end += len(HEAD_END)
            match self._serve(buffer[at:line_end], buffer[max(line_end, 0) : head_end], out):
                case Served.ANSWERED:
                    at = head_end
                case Served.WAITS:
                    self._buffer = buffer[head_end:]
                    return
                case Served.NOT_HERE:
                    self._flush(out)
                    self._buffer = buffer[at:]
                    if not self._call(head_end - at):
                        self._hand_over(head_end - at)
                    return
        self._flush(out)
        self._buffer = buffer[at:]
        self._is_between = not self._buffer
        if self._buffer and self._is_none_of_ours():
            self._hand_over(0)

    def _read_known(self, buffer: bytes, at: int, out: list[bytes]) -> int:
        """Answer requests from `at` on that have the vetted header and a known answer; tells where another begins."""
        # In a few steps for all of them, not for each: who pipelines does so for the sake of speed.
        keys = (buffer[at:] if at else buffer).split(self._block)[:-1]
        found = list(map(self._cache.find, keys))
        entries = cast("list[Entry]", found if all(found) else found[: found.index(None)])
        if not entries:
            return at
        bodies, tallies, slots = zip(*entries, strict=True)
        referenced, pending = self._cache.referenced, self._source.pending
        for slot in slots:
            referenced[slot] = 1
        if not pending:
            self._turn.begin(self._source)
        pending.extend(tallies)
        beginnings = self._beginnings
        if tallies.count(tallies[0]) == len(tallies):
            out += (beginnings[tallies[0]], beginnings[tallies[0]].join(bodies))
        else:
            out.extend([piece for entry in entries for piece in (beginnings[entry[1]], entry[0])])
        return at + len(entries) * self._block_size + sum(map(len, keys[: len(entries)]))

    def _serve(self, key: bytes, block: bytes, out: list[bytes]) -> Served:
        """One request: `key` is what stands before the first ` HTTP/1.1`, `block` what follows it."""
        vetted = vet(block) if key.startswith(b"GET /") else None
        if vetted is None:
            return Served.NOT_HERE
        front = self._front
        if vetted.forwarded is not None:
            self._source = front.usage.source(front.client_address.of(self._peer, vetted.forwarded))
        entry = self._cache.find(key)
        question = question_of(key[4:]) if entry is None else None
        # The limit is asked once: aiohttp's way asks it, too.
        is_ours = entry is not None or question is not None
        if is_ours and front.is_limiting and (refusal := front.limited(self._source)) is not None:
            out += self._worded(vetted, refusal)
            return Served.ANSWERED
        may_remember = vetted.request_id is None and front.may_remember
        if may_remember:
            self._block, self._block_size = block, len(block)
        if entry is None:
            self._flush(out)
            return Served.NOT_HERE if question is None else self._ask(key, question, vetted)
        self._cache.referenced[entry[2]] = 1
        pending = self._source.pending
        if not pending:
            self._turn.begin(self._source)
        pending.append(entry[1])
        if not may_remember:
            out += self._worded(vetted, Spoken(self._beginnings[entry[1]], b"", entry[0]))
            return self._last(out) if front.is_draining else Served.ANSWERED
        out.append(self._beginnings[entry[1]])
        out.append(entry[0])
        return Served.ANSWERED

    def _ask(self, key: bytes, question: Question, vetted: Vetted) -> Served:
        if not self._front.ask(key, question, partial(self._tell_counted, vetted, perf_counter_ns())):
            return Served.NOT_HERE
        self._is_between = False
        self._stage = Stage.ASKING
        return Served.WAITS

    def _ask_plainly(self, key: bytes) -> bool:
        """Begin the read of a vetted request that is not known; False when it takes the longer way."""
        if not self._front.ask_plainly(key, self, self._source, partial(self._tell_counted, PLAIN, perf_counter_ns())):
            return False
        self._is_between = False
        self._is_active = True
        self._stage = Stage.ASKING
        return True

    def told_plainly(self, rest: bytes, number: int) -> None:
        """The answer to what was asked so."""
        if self._front.is_draining or self._buffer or self._stage is not Stage.ASKING:
            self._tell(PLAIN, Spoken(self._beginnings[number], b"", rest))
            return
        self._stage = Stage.READING
        self._write(self._beginnings[number] + rest)
        self._is_active = self._is_between = True

    def _tell_counted(self, vetted: Vetted, asked_ns: int, spoken: Spoken) -> None:
        if spoken.tally is not None:
            self._front.usage.count(self._source, spoken.tally, perf_counter_ns() - asked_ns)
        self._tell(vetted, spoken)

    def _call(self, head_size: int) -> bool:
        """Begin a request to /v1 that is served here; False when it is aiohttp's."""
        size = self._front.call(self._buffer, head_size, self._peer, partial(self._tell, PLAIN))
        if size is None:
            return False
        self._buffer = self._buffer[size:]
        self._is_between = False
        self._stage = Stage.ASKING
        return True

    def _tell(self, vetted: Vetted, spoken: Spoken) -> None:
        """The answer that was waited for."""
        if self._stage is not Stage.ASKING:
            return
        self._stage = Stage.READING
        out = list(self._worded(vetted, spoken))
        if self._front.is_draining:
            self._last(out)
            return
        self._flush(out)
        self._read_on()

    def _worded(self, vetted: Vetted, spoken: Spoken) -> tuple[bytes, ...]:
        request_id = b"" if vetted.request_id is None else b"%b%b\r\n" % (_REQUEST_ID, vetted.request_id)
        close = _CLOSE if self._front.is_draining else b""
        return spoken.beginning, request_id, close, spoken.more, spoken.rest

    def _flush(self, out: list[bytes]) -> None:
        if out:
            self._write(b"".join(out))
            out.clear()
            # Not for what is merely read: a header that trickles is not to gain time with every byte.
            self._is_active = True

    def _last(self, out: list[bytes]) -> Served:
        self._flush(out)
        self._transport.close()
        return Served.WAITS

    def _is_none_of_ours(self) -> bool:
        """What has begun is no request that could still be answered here."""
        return len(self._buffer) > HEAD_BYTES_MAX or not any(
            self._buffer.startswith(method[: len(self._buffer)]) for method in _METHODS
        )

    def _hand_over(self, head_size: int) -> None:
        self._is_between = False
        self._stage = Stage.RELAYING
        if self._relay is None:
            self._relay = Relay(self, self._transport, self._front.handler(), self._peer)
        self._relay.begin(self._buffer[:head_size])
        self._feed_relay()

    def _feed_relay(self) -> None:
        relay = self._relay
        if relay is None:
            return
        size = len(self._buffer) if relay.owed is None else relay.owed
        piece, self._buffer = self._buffer[:size], self._buffer[size:]
        if self._buffer:
            self._hold_back()
        if piece:
            relay.feed(piece)
