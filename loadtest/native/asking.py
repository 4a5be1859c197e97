"""What the generator asks: one resolution for each of the synthetic records, and junk."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from struct import Struct

from idnode.wire.messages.bodies import ResolutionRequest
from idnode.wire.messages.codes import REQUEST_FLAGS_DEFAULT, OpCode
from idnode.wire.messages.envelope import OWN_VERSION, VERSION_UNASKED, Envelope
from idnode.wire.messages.header import SERIAL_UNKNOWN, Header
from idnode.wire.messages.message import write_message

REQUEST_ID_AT = 8
EXPIRATION = 2_000_000_000
REMEMBERED_MAX = 200_000
"""Requests that are made beforehand; of more records each is made when it is its turn."""
SUCCESS = 1
ID_AND_CODE = Struct(">8xI12xI")
"""Of an answer: whose it is, and how it ended."""
NUMBER = Struct(">I")
JUNK_KINDS = 6


@dataclass(slots=True)
class Seen:
    """What a run saw; latencies in seconds, `busy_seconds` of the processor time of this process."""

    answers: int = 0
    refused: int = 0
    lost: int = 0
    junk: int = 0
    received: int = 0
    busy_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    def report(self, seconds: float) -> dict[str, int]:
        """As `loadtest.bench` reads it."""
        ordered = sorted(self.latencies) or [0.0]
        return {
            "requests": self.answers,
            "refused": self.refused,
            "lost": self.lost,
            "junk": self.junk,
            "bytes": self.received,
            "microseconds": int(seconds * 1e6),
            "busy_microseconds": int(self.busy_seconds * 1e6),
            "p50_microseconds": int(ordered[len(ordered) // 2] * 1e6),
            "p99_microseconds": int(ordered[int(len(ordered) * 0.99)] * 1e6),
        }


def request(handle: str, request_id: int = 0) -> bytes:
    """As real clients ask an address that they know nothing of."""
    envelope = Envelope(VERSION_UNASKED, OWN_VERSION, False, False, 0, request_id, 0, 0)
    header = Header(OpCode.RESOLUTION, 0, REQUEST_FLAGS_DEFAULT, SERIAL_UNKNOWN, 0, EXPIRATION, 0)
    return write_message(envelope, header, ResolutionRequest(handle, (), ()).encode())


def requests(stem: str, first: int, keys: int, random: Random) -> Iterator[bytes]:
    """Without end: every record once while few of them fit into memory, then at random."""
    if keys <= REMEMBERED_MAX:
        made = [request(f"{stem}{number}") for number in range(first, first + keys)]
        order = [made[random.randrange(keys)] for _ in range(1 << 17)]
        while True:
            yield from order
    template = request(f"{stem}{first}")
    at = template.index(str(first).encode())
    before, after = template[:at], template[at + len(str(first)) :]
    while True:
        yield before + str(first + random.randrange(keys)).encode() + after


def every(stem: str, first: int, keys: int) -> Iterator[bytes]:
    """Each record once."""
    return (request(f"{stem}{number}") for number in range(first, first + keys))


def junk(good: bytes, random: Random) -> bytes:
    """One malformed datagram: random bytes, a message cut short, lengths that lie, bits turned, lonely pieces."""
    match random.randrange(JUNK_KINDS):
        case 0:
            return random.randbytes(random.randrange(1, 512))
        case 1:
            return good[: random.randrange(1, len(good))]
        case 2:
            at = random.randrange(16, len(good) - 4)
            return good[:at] + random.randbytes(4) + good[at + 4 :]
        case 3:
            octets = bytearray(good)
            for _ in range(random.randrange(1, 8)):
                octets[random.randrange(len(octets))] ^= 1 << random.randrange(8)
            # Whatever became of it, it is not to be taken for one of ours.
            return bytes(octets[:REQUEST_ID_AT]) + b"\x7f\xff\xff\xff" + bytes(octets[REQUEST_ID_AT + 4 :])
        case 4:
            # One piece of a long message whose other pieces never come.
            sizes = NUMBER.pack(random.randrange(492, 262_144))
            head = good[:2] + bytes([good[2] | 0x20]) + good[3:8] + random.randbytes(4) + bytes(4) + sizes
            return head + random.randbytes(492)
        case _:
            return good + random.randbytes(random.randrange(1, 64))
