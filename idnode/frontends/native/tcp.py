"""Connections: kept open, many requests on each, answered in the order in which the answers are found (§1.4, §3)."""

import asyncio
from typing import cast

from idnode.frontends.native.front import NativeFront
from idnode.wire.cursor import MalformedMessage
from idnode.wire.messages.envelope import ENVELOPE_BYTES, Envelope
from idnode.wire.messages.stream import MessageStream

UNDER_WAY_MAX = 1_024
"""Requests of one connection that are being answered; then it is not read from."""


class NativeConnection(asyncio.Protocol):
    """One client."""

    __slots__ = (
        "_cache", "_front", "_is_active", "_is_leaving", "_is_paused", "_peer", "_since", "_source", "_stream",
        "_transport", "_turn", "_under_way", "_write",
    )  # fmt: skip

    def __init__(self, front: NativeFront) -> None:
        self._front = front
        self._cache = front.cache
        self._turn = front.turn
        self._stream = MessageStream()
        self._source = front.usage.source("")
        self._under_way = 0
        self._since = 0.0
        self._is_active = True
        self._is_leaving = False
        self._is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        # uvloop's transports have the interface without the base class.
        self._transport = cast("asyncio.Transport", transport)
        self._write = self._transport.write
        peer = transport.get_extra_info("peername")
        self._source = self._front.usage.source(peer[0] if peer else "")
        if not self._front.admit(self):
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """The hot path: one whole message whose answer is known."""
        self._is_active = True
        if not self._stream.bytes_held and int.from_bytes(data[16:20], "big") + ENVELOPE_BYTES == len(data):
            entry = self._cache.find(data[:8] + data[12:36] + data[40:])
            if entry is not None:
                kept = entry[0]
                self._cache.referenced[entry[2]] = 1
                pending = self._source.pending
                if not pending:
                    self._turn.begin(self._source)
                pending.append(entry[1])
                self._write(kept[:8] + data[8:12] + kept[8:32] + self._front.expiration + kept[32:])
                return
        self._stream.feed(data)
        self._take_on()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the interface has it
        """The client has gone, or was sent away."""
        self._front.forget(self)

    def pause_writing(self) -> None:
        """The client reads too slowly: nothing more is read from it until it has caught up."""
        self._pause()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._go_on()

    def look(self, now: float) -> None:
        """Called every second: whoever has been silent for too long is sent away."""
        if self._is_active or self._under_way:
            self._is_active, self._since = False, now
        elif now - self._since > self._front.limits.idle_seconds:
            self._transport.close()

    def leave(self) -> None:
        """Nothing more is taken; what is under way is answered."""
        self._is_leaving = True
        if not self._under_way:
            self._transport.close()

    def _take_on(self) -> None:
        while not self._is_leaving and self._under_way < UNDER_WAY_MAX:
            try:
                data = self._stream.next_message()
            except MalformedMessage:
                # Nobody can tell where the next message would begin.
                self._write(self._front.unreadable(None))
                self._transport.close()
                return
            if data is None:
                return
            self._under_way += 1
            self._front.take(data, Envelope.decode(data), self._source, self._told)
        self._pause()

    def _told(self, *messages: bytes) -> None:
        self._under_way -= 1
        if self._transport.is_closing():
            return
        self._write(b"".join(messages))
        if self._is_leaving and not self._under_way:
            self._transport.close()
        elif self._is_paused and self._under_way < UNDER_WAY_MAX // 2:
            self._go_on()

    def _pause(self) -> None:
        if not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def _go_on(self) -> None:
        if self._is_paused and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()
            self._take_on()
