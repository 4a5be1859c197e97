"""Datagrams: what is known goes out at once, what is not is asked for; long messages come and go in pieces (§1.4)."""

import asyncio
from functools import partial
from typing import cast

from idnode.frontends.native.front import NativeFront
from idnode.wire.cursor import MalformedMessage
from idnode.wire.messages.envelope import ENVELOPE_BYTES, Envelope
from idnode.wire.messages.packets import PACKET_BYTES_MAX, Assembler, packets_of

Address = tuple[str, int] | tuple[str, int, int, int]

_KEPT_BYTES_MAX = PACKET_BYTES_MAX - 8
"""An answer without request id and expiration that is one packet."""


class Datagrams(asyncio.DatagramProtocol):
    """One socket. Duplicates are answered again, which for a resolution is the same."""

    def __init__(self, front: NativeFront) -> None:
        self._front = front
        self._cache = front.cache
        self._turn = front.turn
        self._source = front.usage.source
        self._assembler = Assembler()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ready."""
        # uvloop's transports have the interface without the base class.
        self._transport = cast("asyncio.DatagramTransport", transport)
        self._send = self._transport.sendto

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """The hot path."""
        entry = self._cache.find(data[:8] + data[12:36] + data[40:])
        if entry is None:
            self._take(data, addr)
            return
        kept = entry[0]
        self._cache.referenced[entry[2]] = 1
        source = self._source(addr[0])
        pending = source.pending
        if not pending:
            self._turn.begin(source)
        pending.append(entry[1])
        answer = kept[:8] + data[8:12] + kept[8:32] + self._front.expiration + kept[32:]
        if len(kept) <= _KEPT_BYTES_MAX:
            self._send(answer, addr)
        else:
            self._told(addr, answer)

    def _take(self, data: bytes, addr: Address) -> None:
        try:
            envelope = Envelope.decode(data)
        except MalformedMessage:
            self._send(self._front.unreadable(None), addr)
            return
        if envelope.is_truncated:
            whole = self._assembler.take(addr, data, envelope, self._front.monotonic())
            if whole is None:
                return
            data = whole
        elif envelope.size != len(data) - ENVELOPE_BYTES:
            self._send(self._front.unreadable(envelope), addr)
            return
        self._front.take(data, envelope, self._source(addr[0]), partial(self._told, addr))

    def _told(self, addr: Address, *messages: bytes) -> None:
        if self._transport.is_closing():
            return
        for message in messages:
            for packet in packets_of(message, tells_truncation=False):
                self._send(packet, addr)
