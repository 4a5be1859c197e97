"""Which kept answer goes first: S3-FIFO (Yang et al., SOSP 2023) over numbered slots, without an object per entry.

Newcomers pass through a short queue. Only those asked for again while they are in it, or soon after they left, reach
the long one, so that a walk over all identifiers, each asked for once, pushes out nothing but itself. When the cache is
full, a key that was not asked for lately is not even a newcomer: it is remembered as a ghost, and kept when it is asked
for again, which costs half a percent of the hits and saves two thirds of the time of a miss. A hit sets one byte and
moves nothing. Of the orders that `python -m loadtest.eviction` compares, this one keeps the most hits on every load,
with and without such walks, at the price of a dictionary probe and one byte set per hit. Ghosts (what left as a
newcomer, or was turned away) are hashes in a table of fixed size, because an exact list of them costs more memory than
it wins hits.
"""

from array import array

NEWCOMERS_DIVISOR = 10
"""Newcomers may take a tenth of the bytes."""
ENTRY_DIVISOR = 16
"""An entry that would take more than this part of its bound is not kept."""
SECOND_CHANCES_MAX = 64
"""Entries that one eviction may spare because they were asked for: no miss pays for the hits of a whole hour."""
GHOSTS_MIN = 1 << 10


class Slots:
    """Numbers for entries, linked into queues. The numbers below `queues` are the queues' own ends.

    `referenced` holds 1 for a slot that was asked for since it was last looked at; whoever finds its entry sets it.
    """

    def __init__(self, *, queues: int) -> None:
        self._ends = queues
        self.referenced = bytearray(queues)
        self.keys = [b""] * queues
        self.sizes = array("I", [0] * queues)
        self.queue_of = bytearray(range(queues))
        # Both ways around each queue, through its end: 'newer' of the end is the oldest slot.
        self._newer = array("I", range(queues))
        self._older = array("I", range(queues))
        # Free slots hang on each other by `_newer`, up to 0, which is never free.
        self._free = 0

    def take(self, key: bytes, size: int, queue: int) -> int:
        """A slot for this entry, not asked for yet, at the newest end of a queue."""
        slot = self._free
        if slot:
            self._free = self._newer[slot]
            self.keys[slot] = key
            self.sizes[slot] = size
            self.referenced[slot] = 0
        else:
            slot = len(self.keys)
            self.keys.append(key)
            self.sizes.append(size)
            self.referenced.append(0)
            self.queue_of.append(queue)
            self._newer.append(0)
            self._older.append(0)
        self._link(slot, queue)
        return slot

    def move(self, slot: int, queue: int) -> None:
        """Put a slot at the newest end of a queue."""
        self._unlink(slot)
        self._link(slot, queue)

    def give_back(self, slot: int) -> None:
        """The slot may be taken again."""
        self._unlink(slot)
        self.keys[slot] = b""
        self._newer[slot] = self._free
        self._free = slot

    def oldest(self, queue: int) -> int:
        """The slot that is longest in a queue; the number of the queue itself when there is none."""
        return self._newer[queue]

    def clear(self) -> None:
        """Forget every slot; the queues are empty."""
        ends = self._ends
        for column in (self._newer, self._older, self.sizes, self.keys, self.queue_of, self.referenced):
            del column[ends:]
        self._newer[:] = self._older[:] = array("I", range(ends))
        self._free = 0

    def _link(self, slot: int, queue: int) -> None:
        newer, older = self._newer, self._older
        newest = older[queue]
        newer[newest] = older[queue] = slot
        older[slot] = newest
        newer[slot] = queue
        self.queue_of[slot] = queue

    def _unlink(self, slot: int) -> None:
        older, newer = self._older[slot], self._newer[slot]
        self._newer[older] = newer
        self._older[newer] = older


class Ghosts:
    """Which keys left a short while ago: 32 bits of each key's hash, the newer in the place of the older."""

    def __init__(self, *, places_min: int) -> None:
        places = 1 << (max(places_min, GHOSTS_MIN) - 1).bit_length()
        self._mask = places - 1
        self._tags = array("I", bytes(4 * places))

    def add(self, key: bytes) -> None:
        """Remember that this key left."""
        number = hash(key)
        self._tags[number & self._mask] = (number >> 32) & 0xFFFF_FFFF

    def __contains__(self, key: bytes) -> bool:
        number = hash(key)
        return self._tags[number & self._mask] == (number >> 32) & 0xFFFF_FFFF


class Shelf:
    """The slots under one bound of bytes, and the order in which they leave."""

    def __init__(self, slots: Slots, ghosts: Ghosts, *, newcomers: int, settled: int, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.entry_bytes_max = bytes_max // ENTRY_DIVISOR
        self.entries = 0
        self.bytes = 0
        self._slots = slots
        self._ghosts = ghosts
        self._newcomers = newcomers
        self._settled = settled
        self._newcomer_bytes = 0
        self._newcomer_bytes_max = bytes_max // NEWCOMERS_DIVISOR

    def add(self, key: bytes, size: int, *, was_proven: bool) -> int:
        """A slot for an entry. A newcomer is what was not proven before, as `is_proven` told, and has not just left."""
        self.entries += 1
        self.bytes += size
        if was_proven or key in self._ghosts:
            return self._slots.take(key, size, self._settled)
        self._newcomer_bytes += size
        return self._slots.take(key, size, self._newcomers)

    def turns_away(self, key: bytes, size: int) -> bool:
        """Whether an entry would only push out others: the shelf is full, and nobody asked for it lately."""
        if self.bytes + size <= self.bytes_max or key in self._ghosts:
            return False
        self._ghosts.add(key)
        return True

    def remove(self, slot: int) -> None:
        """Take a slot out and give it back."""
        slots = self._slots
        size = slots.sizes[slot]
        self.entries -= 1
        self.bytes -= size
        if slots.queue_of[slot] == self._newcomers:
            self._newcomer_bytes -= size
        slots.give_back(slot)

    def is_proven(self, slot: int) -> bool:
        """Whether a slot is no newcomer any more, or has been asked for as one."""
        return self._slots.queue_of[slot] == self._settled or bool(self._slots.referenced[slot])

    def leaving(self) -> int:
        """The slot that goes first, to be removed now; there must be one."""
        slots, referenced = self._slots, self._slots.referenced
        slot = self._first()
        for _ in range(SECOND_CHANCES_MAX):
            if not referenced[slot]:
                break
            referenced[slot] = 0
            if slots.queue_of[slot] == self._newcomers:
                self._newcomer_bytes -= slots.sizes[slot]
            slots.move(slot, self._settled)
            slot = self._first()
        if slots.queue_of[slot] == self._newcomers:
            self._ghosts.add(slots.keys[slot])
        return slot

    def clear(self) -> None:
        """After the slots were cleared."""
        self.entries = self.bytes = self._newcomer_bytes = 0

    def _first(self) -> int:
        slot = self._slots.oldest(self._settled)
        if self._newcomer_bytes > self._newcomer_bytes_max or slot == self._settled:
            return self._slots.oldest(self._newcomers)
        return slot
