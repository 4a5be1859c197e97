"""Connections: kept open, many requests on each, answered in the order in which the answers are found (§1.4, §3)."""

import asyncio
from typing import cast

from idnode.frontends.native.callers import Connection
from idnode.frontends.native.front import NativeFront, one_spelling
from idnode.frontends.native.metrics import KEPT_CODE_AT
from idnode.frontends.native.resolving import key_of
from idnode.wire.cursor import MalformedMessage
from idnode.wire.messages.envelope import ENVELOPE_BYTES, Envelope
from idnode.wire.messages.stream import MessageStream

UNDER_WAY_MAX = 1_024
"""Requests of one connection that are being answered; then it is not read from."""


class NativeConnection(asyncio.Protocol):
    """One client."""

    __slots__ = (
        "_answered", "_begun", "_cache", "_connection", "_front", "_hits", "_is_active", "_is_behind", "_is_leaving",
        "_is_paused", "_since", "_source", "_stream", "_transport", "_turn", "_under_way", "_write",
    )  # fmt: skip

    def __init__(self, front: NativeFront) -> None:
        self._front = front
        self._cache = front.cache
        self._turn = front.turn
        self._connection = Connection()
        self._answered = front.counters.tcp
        self._hits = front.counters.tcp.hits
        self._stream = MessageStream()
        self._source = front.usage.source("")
        self._under_way = 0
        self._since = 0.0
        self._is_active = True
        self._begun: float | None = None
        self._is_leaving = False
        self._is_paused = False
        self._is_behind = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        # uvloop's transports have the interface without the base class.
        self._transport = cast("asyncio.Transport", transport)
        self._write = self._transport.write
        peer = transport.get_extra_info("peername")
        self._source = self._front.usage.source(one_spelling(peer[0]) if peer else "")
        if not self._front.admit(self):
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """The hot path: one whole message whose answer is known."""
        self._is_active = True
        is_whole = not self._stream.bytes_held and int.from_bytes(data[16:20], "big") + ENVELOPE_BYTES == len(data)
        if is_whole and self._answer_known(data):
            if self._is_leaving:
                self._end_when_done()
            return
        self._stream.feed(data)
        self._take_on()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the interface has it
        """The client has gone, or was sent away."""
        self._front.forget(self)

    def pause_writing(self) -> None:
        """The client reads too slowly: nothing more is read from it until it has caught up."""
        self._is_behind = True
        self._pause()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._is_behind = False
        self._go_on()

    def look(self, now: float) -> None:
        """Called every second: whoever is silent, or takes too long over one message, or to read, is sent away."""
        if self._is_active or self._under_way:
            self._is_active, self._since = False, now
        elif now - self._since > self._front.limits.idle_seconds:
            self.close()
        if not self._stream.bytes_held or self._under_way:
            self._begun = None
        elif self._begun is None:
            self._begun = now
        elif now - self._begun > self._front.limits.header_seconds:
            self.close()

    def leave(self) -> None:
        """Who is idle may still ask; the next answer is the last one, if nothing else is owed then."""
        self._is_leaving = True

    def close(self) -> None:
        """At once, also when the client does not take what was sent."""
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()

    @property
    def is_owed(self) -> bool:
        """An answer has to be found or sent."""
        return self._under_way > 0 or self._transport.get_write_buffer_size() > 0

    def _answer_known(self, data: bytes) -> bool:
        entry = self._cache.find(data[:8] + data[12:36] + data[40:])
        if entry is None:
            return False
        kept = entry[0]
        self._cache.referenced[entry[2]] = 1
        pending = self._source.pending
        if not pending:
            self._turn.begin(self._source)
        pending.append(entry[1])
        self._hits[kept[KEPT_CODE_AT]] += 1
        self._write(kept[:8] + data[8:12] + kept[8:32] + self._front.expiration + kept[32:])
        return True

    def _take_on(self) -> None:
        while self._under_way < UNDER_WAY_MAX and not self._is_behind:
            try:
                data = self._stream.next_message()
            except MalformedMessage:
                # Nobody can tell where the next message would begin.
                self._tell(self._front.unreadable(None))
                self._transport.close()
                return
            if data is None:
                break
            # It has come whole; when the next one began is seen at the next look.
            self._begun = None
            if not self._answer_known(data):
                self._under_way += 1
                self._front.take(data, Envelope.decode(data), self._source, self._told, self._connection)
        else:
            self._pause()
        if self._is_leaving:
            self._end_when_done()

    def _told(self, *messages: bytes) -> None:
        self._under_way -= 1
        if self._transport.is_closing():
            return
        if messages:
            self._tell(*messages)
        if self._under_way < UNDER_WAY_MAX // 2:
            self._go_on()
        if self._is_leaving:
            self._end_when_done()

    def _tell(self, *messages: bytes) -> None:
        self._answered.count(messages[-1])
        self._write(b"".join(messages))

    def _end_when_done(self) -> None:
        if not self._under_way and not self._stream.bytes_held:
            self._transport.close()

    def _pause(self) -> None:
        if not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def _go_on(self) -> None:
        if self._is_paused and not self._is_behind and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()
            self._take_on()


class LimitedConnection(NativeConnection):
    """One client, where clients have a limit: what is known has it, too."""

    __slots__ = ()

    def _answer_known(self, data: bytes) -> bool:
        is_known = self._cache.find(key_of(data)) is not None
        if is_known and self._front.turned_away(data, self._source, self._tell):
            return True
        return super()._answer_known(data)
