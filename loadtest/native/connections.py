"""TCP: connections that are kept open, one request under way on each."""

import select
import socket
import time
from collections.abc import Iterator

from loadtest.native.asking import ID_AND_CODE, NUMBER, REQUEST_ID_AT, SUCCESS, Seen

RECEIVED_BYTES_MAX = 65_536
ANSWER_SECONDS_MAX = 10.0
ENVELOPE_BYTES = 20
_SIZE_AT = 16


def load(port: int, asked: Iterator[bytes], *, connections: int, seconds: float) -> tuple[Seen, float]:
    """Ask on every connection again as soon as it was answered. Raises OSError."""
    seen, sent = Seen(), dict[int, float]()
    poll = select.epoll()
    sockets = [_connected(port) for _ in range(connections)]
    by_number = {sock.fileno(): sock for sock in sockets}
    try:
        for number, sock in by_number.items():
            poll.register(number, select.EPOLLIN)
            sock.send(_numbered(next(asked), number))
            sent[number] = time.perf_counter()
        begun = time.perf_counter()
        until = begun + seconds
        buffer = memoryview(bytearray(RECEIVED_BYTES_MAX))
        now = begun
        while now < until:
            ready = poll.poll(ANSWER_SECONDS_MAX)
            if not ready:
                seen.lost += connections
                break
            for number, _ in ready:
                sock = by_number[number]
                size = sock.recv_into(buffer)
                size = _whole(sock, buffer, size)
                request_id, code = ID_AND_CODE.unpack_from(buffer)
                now = time.perf_counter()
                seen.latencies.append(now - sent[number])
                seen.refused += code != SUCCESS or request_id != number
                seen.received += size
                sock.send(_numbered(next(asked), number))
                sent[number] = now
            seen.answers += len(ready)
        return seen, time.perf_counter() - begun
    finally:
        poll.close()
        for sock in sockets:
            sock.close()


def _whole(sock: socket.socket, buffer: memoryview, size: int) -> int:
    """Wait for the rest of an answer. Raises ConnectionError."""
    while size < ENVELOPE_BYTES or size < ENVELOPE_BYTES + int.from_bytes(buffer[_SIZE_AT : _SIZE_AT + 4], "big"):
        more = sock.recv_into(buffer[size:])
        if not more:
            raise ConnectionError("the server closed a connection")
        size += more
    return size


def _numbered(data: bytes, number: int) -> bytes:
    return data[:REQUEST_ID_AT] + NUMBER.pack(number) + data[REQUEST_ID_AT + 4 :]


def _connected(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS_MAX)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(ANSWER_SECONDS_MAX)
    return sock
