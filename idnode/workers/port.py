"""Addresses for several workers: a socket each, between which the kernel spreads connections, or senders of datagrams.

The supervisor keeps every socket open, so that who waits in the queue of one waits there for the worker's successor.
"""

import ctypes
import socket
import struct
import sys
from typing import Self

from idnode.lifecycle import (
    address_family,
    allow_both_families,
    enlarge_receive_buffer,
    listening_socket,
    receiving_socket,
)

SO_ATTACH_FILTER = 26
"""Linux; Python has no name for it."""
_NO_SYN = (
    struct.pack("=HBBI", 0x30, 0, 0, 13)  # load the byte of the TCP header that holds the flags
    + struct.pack("=HBBI", 0x45, 0, 1, 0x02)  # SYN?
    + struct.pack("=HBBI", 0x06, 0, 0, 0)  # then drop
    + struct.pack("=HBBI", 0x06, 0, 0, 0xFFFFFFFF)  # else pass
)
"""A classic BPF program (socket-filter, Linux Documentation/networking/filter.rst)."""
_INSTRUCTION_BYTES = 8


class Port:
    """The sockets by slot. Nobody else can have the port as long as one of them is open.

    `beside` are further ports of the same workers.
    """

    def __init__(self, first: socket.socket, *, beside: "tuple[Port, ...]" = ()) -> None:
        self._sockets = {0: first}
        self._beside = beside

    @classmethod
    def take(cls, host: str, port: int, *, beside: "tuple[Port, ...]" = (), setting: str = "IDNODE_HTTP_PORT") -> Self:
        """Listen, or raise CannotStart. The port is shared with others of our own only when it is known to be ours."""
        first = listening_socket(host, port, setting=setting)
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return cls(first, beside=beside)

    @classmethod
    def take_datagrams(cls, host: str, port: int, *, setting: str) -> Self:
        """The same for UDP. All datagrams of a sender come to the same socket as long as their number stays."""
        first = receiving_socket(host, port, setting=setting)
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return cls(first)

    def sockets_of(self, slot: int) -> tuple[socket.socket, ...]:
        """Those of a slot at every port, this one's first."""
        return (self.socket_of(slot), *(each.socket_of(slot) for each in self._beside))

    def socket_of(self, slot: int) -> socket.socket:
        """The socket of a slot. A new one gets connections only from when its worker listens on it."""
        if slot not in self._sockets:
            self._sockets[slot] = self._further()
        return self._sockets[slot]

    def close(self, slot: int) -> None:
        """Let go of one slot's sockets; a worker that has them keeps them."""
        for each in self._beside:
            each.close(slot)
        if slot in self._sockets:
            self._sockets.pop(slot).close()

    def close_all(self) -> None:
        """Let go of the port."""
        for each in self._beside:
            each.close_all()
        for slot in tuple(self._sockets):
            self.close(slot)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_all()

    def _further(self) -> socket.socket:
        first = next(iter(self._sockets.values()))
        address = first.getsockname()
        further = socket.socket(address_family(address[0]), first.type)
        try:
            if first.type is socket.SOCK_STREAM:
                further.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            else:
                enlarge_receive_buffer(further)
            further.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            allow_both_families(further, address[0])
            further.bind(address)
        except OSError:
            further.close()
            raise
        further.setblocking(False)
        return further


def begin_no_more(listener: socket.socket) -> None:
    """From now on a client that wants to connect here gets no answer, and tries again a second later.

    Whose connection has begun is let in. When the socket is closed then, nobody is dropped from its queue: after the
    time that a handshake takes, nobody is in it. Linux only; elsewhere nothing happens, and nothing to sockets of UDP.
    """
    if sys.platform != "linux" or listener.type is not socket.SOCK_STREAM:
        return
    code = ctypes.create_string_buffer(_NO_SYN, len(_NO_SYN))
    program = struct.pack("@HP", len(_NO_SYN) // _INSTRUCTION_BYTES, ctypes.addressof(code))
    listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
