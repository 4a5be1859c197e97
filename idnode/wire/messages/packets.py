"""Messages in packets of UDP: cut into pieces and put together again (handle-protocol.md §1.4); time is an argument."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from idnode.wire.messages.envelope import ENVELOPE_BYTES, Envelope

PACKET_BYTES_MAX = 512
PIECE_BYTES_MAX = PACKET_BYTES_MAX - ENVELOPE_BYTES
ASSEMBLY_SECONDS_MAX = 5.0
ASSEMBLIES_MAX = 1_024
"""Under way at once; a further one drops the oldest."""
ASSEMBLIES_BYTES_MAX = 16 << 20


def packets_of(message: bytes, *, tells_truncation: bool) -> list[bytes]:
    """The packets that carry a message, as few as can be. Clients set the truncated flag, servers do not."""
    if len(message) <= PACKET_BYTES_MAX:
        return [message]
    envelope, content = Envelope.decode(message), message[ENVELOPE_BYTES:]
    return [
        envelope._replace(sequence=sequence, is_truncated=tells_truncation).encode()
        + content[at : at + PIECE_BYTES_MAX]
        for sequence, at in enumerate(range(0, len(content), PIECE_BYTES_MAX))
    ]


@dataclass(slots=True)
class _Assembly:
    until: float
    size: int
    pieces: dict[int, bytes] = field(default_factory=dict)
    held: int = 0


class Assembler:
    """Puts packets together, bounded in number, bytes and time."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, _Assembly] = {}
        self._held = 0

    def __len__(self) -> int:
        return len(self._under_way)

    @property
    def bytes_held(self) -> int:
        """Of pieces whose message is not complete."""
        return self._held

    def take(self, sender: Hashable, packet: bytes, envelope: Envelope, now: float) -> bytes | None:
        """The whole message when this packet was the last that it lacked, with the envelope of its first one.

        `sender` and the request id tell messages apart; `now` is in seconds of a clock that does not jump. Packets that
        fit nothing are dropped.
        """
        piece = packet[ENVELOPE_BYTES:]
        pieces_max = -(-envelope.size // PIECE_BYTES_MAX)
        if envelope.sequence >= pieces_max or len(piece) > PIECE_BYTES_MAX:
            return None
        self._forget_before(now)
        key = (sender, envelope.request_id)
        assembly = self._under_way.get(key)
        if assembly is None or assembly.size != envelope.size:
            self._drop(key)
            assembly = self._under_way[key] = _Assembly(now + ASSEMBLY_SECONDS_MAX, envelope.size)
        if envelope.sequence not in assembly.pieces:
            assembly.pieces[envelope.sequence] = piece
            assembly.held += len(piece)
            self._held += len(piece)
        if assembly.held < assembly.size:
            self._make_room()
            return None
        self._drop(key)
        content = b"".join(assembly.pieces[number] for number in sorted(assembly.pieces))
        if len(content) != assembly.size:
            return None
        return envelope._replace(sequence=0, is_truncated=False).encode() + content

    def _forget_before(self, now: float) -> None:
        # In the order in which they began, which is that of their ends.
        while self._under_way:
            key = next(iter(self._under_way))
            if self._under_way[key].until > now:
                return
            self._drop(key)

    def _make_room(self) -> None:
        while len(self._under_way) > ASSEMBLIES_MAX or self._held > ASSEMBLIES_BYTES_MAX:
            self._drop(next(iter(self._under_way)))

    def _drop(self, key: Hashable) -> None:
        assembly = self._under_way.pop(key, None)
        if assembly is not None:
            self._held -= assembly.held
