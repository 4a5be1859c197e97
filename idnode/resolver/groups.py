"""Which slots answer for one identifier, and which for one prefix: a hash table in arrays, a few bytes per slot."""

from array import array

CHAINS_MIN = 1 << 10
HASH_MASK = 0xFFFF_FFFF


class Groups:
    """Slots by the hash of their identifier (the group) and of its prefix.

    Two names whose hashes agree in 32 bits count as the same: something more is dropped, which does no harm.
    """

    def __init__(self, *, chains_min: int) -> None:
        chains = 1 << (max(chains_min, CHAINS_MIN) - 1).bit_length()
        self._mask = chains - 1
        # Slots of groups whose hashes end alike, newest first; 0 ends a chain and is no slot.
        self._heads = array("I", bytes(4 * chains))
        self._next = array("I")
        self._groups = array("I")
        self._prefixes = array("I")

    def add(self, slot: int, group: str, prefix: str) -> None:
        """This slot answers for this identifier, and for this prefix of it."""
        if slot >= len(self._next):
            for column in (self._next, self._groups, self._prefixes):
                column.frombytes(bytes(4 * (slot + 1 - len(column))))
        number = hash(group) & HASH_MASK
        chain = number & self._mask
        self._groups[slot] = number
        self._prefixes[slot] = hash(prefix) & HASH_MASK or 1
        self._next[slot] = self._heads[chain]
        self._heads[chain] = slot

    def remove(self, slot: int) -> None:
        """This slot answers for nothing any more."""
        following, chain = self._next, self._groups[slot] & self._mask
        at = self._heads[chain]
        self._prefixes[slot] = 0
        if at == slot:
            self._heads[chain] = following[slot]
            return
        while following[at] != slot:
            at = following[at]
        following[at] = following[slot]

    def of(self, group: str) -> list[int]:
        """The slots of one identifier, the newest first."""
        found, number = [], hash(group) & HASH_MASK
        slot = self._heads[number & self._mask]
        while slot:
            if self._groups[slot] == number:
                found.append(slot)
            slot = self._next[slot]
        return found

    def below(self, prefix: str) -> list[int]:
        """The slots of every identifier below a prefix; looks at all slots."""
        # A slot that answers for nothing has 0.
        number = hash(prefix) & HASH_MASK or 1
        return [slot for slot, other in enumerate(self._prefixes) if other == number]

    def clear(self) -> None:
        """No slot answers for anything."""
        self._heads = array("I", bytes(4 * len(self._heads)))
        del self._next[:], self._groups[:], self._prefixes[:]
