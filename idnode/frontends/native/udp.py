"""Datagrams: what is known goes out at once, what is not is asked for; long messages come and go in pieces (§1.4)."""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import cast

from idnode.frontends.native.front import NativeFront, one_spelling
from idnode.frontends.native.metrics import KEPT_CODE_AT
from idnode.frontends.native.resolving import key_of
from idnode.resolver.tally import Source
from idnode.wire.cursor import MalformedMessage
from idnode.wire.messages.envelope import ENVELOPE_BYTES, Envelope
from idnode.wire.messages.packets import PACKET_BYTES_MAX, Assembler, packets_of

Address = tuple[str, int] | tuple[str, int, int, int]
Send = Callable[[bytes, Address], None]

_KEPT_BYTES_MAX = PACKET_BYTES_MAX - 8
"""An answer without request id and expiration that is one packet."""


class Datagrams(asyncio.DatagramProtocol):
    """One socket. Duplicates are answered again, which for a resolution is the same."""

    def __init__(self, front: NativeFront) -> None:
        self._front = front
        self._cache = front.cache
        self._turn = front.turn
        self._source = front.usage.source
        self._counters = front.counters
        self._hits = front.counters.udp.hits
        self._assembler = Assembler()
        self._under_way = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ready."""
        # uvloop's transports have the interface without the base class.
        self._transport = cast("asyncio.DatagramTransport", transport)
        self._send: Send = self._transport.sendto
        self._send_usually: Send = self._send
        if transport.get_extra_info("socket").family == socket.AF_INET6:
            self._source = self._source_of_either_family

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
        self._hits[kept[KEPT_CODE_AT]] += 1
        answer = kept[:8] + data[8:12] + kept[8:32] + self._front.expiration + kept[32:]
        if len(kept) <= _KEPT_BYTES_MAX:
            self._send(answer, addr)
        else:
            self._send_in_packets(addr, answer)

    def error_received(self, exc: Exception) -> None:  # noqa: ARG002  # the interface has it
        """The system did not take a datagram; its client asks again."""
        self._counters.unsent += 1

    def pause_writing(self) -> None:
        """The system takes nothing now: what cannot be sent is dropped and does not pile up."""
        self._send = self._drop

    def resume_writing(self) -> None:
        """It takes datagrams again."""
        self._send = self._send_usually

    def leave(self, sender: socket.socket) -> None:
        """Read nothing more; what is under way is answered through `sender`, the same socket by another descriptor."""

        def send(packet: bytes, addr: Address) -> None:
            try:
                sender.sendto(packet, addr)
            except OSError as error:
                self.error_received(error)

        self._send = self._send_usually = send
        self._transport.close()

    @property
    def owed(self) -> int:
        """Requests that are being answered."""
        return self._under_way

    @property
    def assemblies(self) -> int:
        """Messages of which parts are missing."""
        return len(self._assembler)

    @property
    def assembly_bytes(self) -> int:
        """What is held of them, bytes."""
        return self._assembler.bytes_held

    def _take(self, data: bytes, addr: Address) -> None:
        try:
            envelope = Envelope.decode(data)
        except MalformedMessage:
            self._tell(addr, self._front.unreadable(None))
            return
        if envelope.is_truncated:
            self._counters.pieces += 1
            whole = self._assembler.take(addr, data, envelope, self._front.monotonic())
            if whole is None:
                return
            self._counters.assembled += 1
            data = whole
        elif envelope.size != len(data) - ENVELOPE_BYTES:
            self._tell(addr, self._front.unreadable(envelope))
            return
        self._under_way += 1
        self._front.take(data, envelope, self._source(addr[0]), partial(self._told, addr))

    def _told(self, addr: Address, *messages: bytes) -> None:
        self._under_way -= 1
        if messages:
            self._tell(addr, *messages)

    def _tell(self, addr: Address, *messages: bytes) -> None:
        self._counters.udp.count(messages[-1])
        for message in messages:
            self._send_in_packets(addr, message)

    def _send_in_packets(self, addr: Address, message: bytes) -> None:
        for packet in packets_of(message, tells_truncation=False):
            self._send(packet, addr)

    def _drop(self, packet: bytes, addr: Address) -> None:  # noqa: ARG002  # as the transport's
        self._counters.unsent += 1

    def _source_of_either_family(self, address: str) -> Source:
        return self._front.usage.source(one_spelling(address))


class LimitedDatagrams(Datagrams):
    """One socket, where clients have a limit: what is known has it, too."""

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """As far as the limit goes."""
        if self._cache.find(key_of(data)) is not None:
            told = partial(self._tell, addr)
            if self._front.turned_away(data, self._source(addr[0]), told):
                return
        super().datagram_received(data, addr)
