"""Many datagrams in one system call: sendmmsg and recvmmsg of Linux, which Python does not have."""

import ctypes
import os
import socket

SLOT_BYTES = 2_048
"""Of one datagram at most, either way."""
WAIT_FOR_ONE = 0x10000
"""MSG_WAITFORONE: take what is there, and wait only while there is nothing."""


class _Piece(ctypes.Structure):
    """Struct iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class _Head(ctypes.Structure):
    """Struct msghdr."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_size", ctypes.c_uint),
        ("pieces", ctypes.POINTER(_Piece)),
        ("pieces_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Datagram(ctypes.Structure):
    """Struct mmsghdr."""

    _fields_ = (("head", _Head), ("size", ctypes.c_uint))


class Batch:
    """Room for `count` datagrams at multiples of SLOT_BYTES in `octets`, on a connected socket that blocks."""

    def __init__(self, sock: socket.socket, count: int) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = sock.fileno()
        self._count = count
        self.octets = bytearray(count * SLOT_BYTES)
        start = ctypes.addressof((ctypes.c_char * len(self.octets)).from_buffer(self.octets))
        self._pieces = (_Piece * count)()
        self._datagrams = (_Datagram * count)()
        for number in range(count):
            self._pieces[number].base = start + number * SLOT_BYTES
            self._pieces[number].size = SLOT_BYTES
            self._datagrams[number].head.pieces = ctypes.pointer(self._pieces[number])
            self._datagrams[number].head.pieces_count = 1

    def put(self, number: int, data: bytes) -> None:
        """What is to be sent as datagram `number`."""
        at = number * SLOT_BYTES
        self.octets[at : at + len(data)] = data
        self._pieces[number].size = len(data)

    def send(self, count: int) -> None:
        """The first `count`. Raises OSError."""
        sent = 0
        while sent < count:
            first = ctypes.byref(self._datagrams, sent * ctypes.sizeof(_Datagram))
            done = self._libc.sendmmsg(self._descriptor, first, count - sent, 0)
            if done < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            sent += done

    def receive(self) -> int:
        """How many came; 0 when none did before the socket's time was over. Raises OSError."""
        got: int = self._libc.recvmmsg(self._descriptor, self._datagrams, self._count, WAIT_FOR_ONE, None)
        if got < 0:
            number = ctypes.get_errno()
            if number in (socket.EAGAIN, socket.EWOULDBLOCK):
                return 0
            raise OSError(number, os.strerror(number))
        return got

    def size(self, number: int) -> int:
        """Of a datagram that came."""
        return int(self._datagrams[number].size)
