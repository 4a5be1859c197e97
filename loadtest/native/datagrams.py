"""UDP: a window of requests in flight, sent and taken in batches; junk between them if wanted."""

import socket
import time
from collections.abc import Iterator
from random import Random
from struct import pack

from loadtest.native.asking import ID_AND_CODE, NUMBER, REQUEST_ID_AT, SUCCESS, Seen, junk
from loadtest.native.batches import SLOT_BYTES, Batch

LOST_SECONDS = 2
"""After which what was not answered is counted as lost."""
JUNK_SET = 20_000
"""Different malformed datagrams, which are sent again and again."""


def connected(port: int) -> socket.socket:
    """A socket that blocks, to a port of 127.0.0.1."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(("127.0.0.1", port))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, pack("ll", LOST_SECONDS, 0))
    return sock


def load(port: int, asked: Iterator[bytes], *, window: int, seconds: float) -> tuple[Seen, float]:
    """Keep `window` requests in flight for a while, or until all that is asked is answered."""
    seen = Seen()
    with connected(port) as sock:
        out, back = Batch(sock, window), Batch(sock, window)
        free, sent = list(range(1, window + 1)), [0.0] * (window + 1)
        begun = now = time.perf_counter()
        until = begun + seconds
        while now < until:
            count = 0
            for slot, data in zip(free, asked, strict=False):
                out.put(count, data)
                NUMBER.pack_into(out.octets, count * SLOT_BYTES + REQUEST_ID_AT, slot)
                sent[slot] = now
                count += 1
            out.send(count)
            if not count and len(free) == window:
                break
            free = free[count:]
            got = back.receive()
            now = time.perf_counter()
            if not got:
                seen.lost += window - len(free)
                break
            for number in range(got):
                slot, code = ID_AND_CODE.unpack_from(back.octets, number * SLOT_BYTES)
                seen.latencies.append(now - sent[slot])
                free.append(slot)
                seen.received += back.size(number)
                seen.refused += code != SUCCESS
            seen.answers += got
        return seen, time.perf_counter() - begun


def load_with_junk(
    port: int, asked: Iterator[bytes], *, window: int, junk_count: int, random: Random
) -> tuple[Seen, float]:
    """As many malformed datagrams as good ones, until `junk_count` are sent; answers to junk are not counted."""
    seen, good = Seen(), next(asked)
    spoilt = [junk(good, random) for _ in range(min(JUNK_SET, junk_count))]
    with connected(port) as sock:
        out, back = Batch(sock, window * 2), Batch(sock, window * 2)
        number = 0
        begun = time.perf_counter()
        while seen.junk < junk_count:
            waiting = {}
            sent = time.perf_counter()
            for at in range(window):
                number += 1
                waiting[number] = sent
                out.put(2 * at, next(asked))
                NUMBER.pack_into(out.octets, 2 * at * SLOT_BYTES + REQUEST_ID_AT, number)
                out.put(2 * at + 1, spoilt[number % len(spoilt)])
            out.send(2 * window)
            seen.junk += window
            while waiting:
                got = back.receive()
                if not got:
                    seen.lost += len(waiting)
                    break
                _take(back, got, waiting, seen)
        return seen, time.perf_counter() - begun


def _take(back: Batch, got: int, waiting: dict[int, float], seen: Seen) -> None:
    now = time.perf_counter()
    for number in range(got):
        slot, code = ID_AND_CODE.unpack_from(back.octets, number * SLOT_BYTES)
        sent = waiting.pop(slot, None)
        if sent is not None:
            seen.answers += 1
            seen.latencies.append(now - sent)
            seen.received += back.size(number)
            seen.refused += code != SUCCESS
