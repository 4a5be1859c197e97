"""Orders of eviction that were considered for the answer cache, each as small as it can be, and the cache itself."""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Protocol

from idnode.resolver.cache import ENTRY_OVERHEAD_BYTES, AnswerCache, Entry

TALLY = 7
NEWCOMERS_DIVISOR = 10


class Order(Protocol):
    """A cache of a number of entries. `find` includes whatever a hit has to note."""

    def find(self, key: bytes) -> Entry | None:
        """The entry, if there."""

    def keep(self, key: bytes, rest: bytes) -> None:
        """Keep an entry that is not there."""


class Fifo:
    """First in, first out: a hit notes nothing."""

    def __init__(self, entries_max: int) -> None:
        self._entries: dict[bytes, Entry] = {}
        self._queue: deque[bytes] = deque()
        self._entries_max = entries_max

    def find(self, key: bytes) -> Entry | None:
        """The entry, if there."""
        return self._entries.get(key)

    def keep(self, key: bytes, rest: bytes) -> None:
        """Keep an entry that is not there."""
        if len(self._entries) >= self._entries_max:
            del self._entries[self._queue.popleft()]
        self._queue.append(key)
        self._entries[key] = (rest, TALLY, 0)


class Lru:
    """Least recently used: a hit moves the entry."""

    def __init__(self, entries_max: int) -> None:
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._entries_max = entries_max

    def find(self, key: bytes) -> Entry | None:
        """The entry, if there."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def keep(self, key: bytes, rest: bytes) -> None:
        """Keep an entry that is not there."""
        if len(self._entries) >= self._entries_max:
            self._entries.popitem(last=False)
        self._entries[key] = (rest, TALLY, 0)


class TwoGenerations:
    """A young and an old dictionary: a hit in the old one moves the entry, and the old one is forgotten at once."""

    def __init__(self, entries_max: int) -> None:
        self._young: dict[bytes, Entry] = {}
        self._old: dict[bytes, Entry] = {}
        self._half = entries_max // 2

    def find(self, key: bytes) -> Entry | None:
        """The entry, if there."""
        entry = self._young.get(key)
        if entry is None:
            entry = self._old.pop(key, None)
            if entry is not None:
                self._put(key, entry)
        return entry

    def keep(self, key: bytes, rest: bytes) -> None:
        """Keep an entry that is not there."""
        self._put(key, (rest, TALLY, 0))

    def _put(self, key: bytes, entry: Entry) -> None:
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[key] = entry


class _Slotted:
    """Entries by numbered slots with a byte each that a hit sets."""

    def __init__(self, entries_max: int) -> None:
        self._entries: dict[bytes, Entry] = {}
        self._referenced = bytearray(entries_max)
        self._keys = [b""] * entries_max
        self._entries_max = entries_max

    def find(self, key: bytes) -> Entry | None:
        """The entry, if there."""
        entry = self._entries.get(key)
        if entry is not None:
            self._referenced[entry[2]] = 1
        return entry

    def keep(self, key: bytes, rest: bytes) -> None:
        """Keep an entry that is not there."""
        slot = len(self._entries)
        if slot >= self._entries_max:
            slot = self._free_slot()
            del self._entries[self._keys[slot]]
        self._referenced[slot] = 0
        self._keys[slot] = key
        self._entries[key] = (rest, TALLY, slot)
        self._added(slot)

    def _free_slot(self) -> int:
        raise NotImplementedError

    def _added(self, slot: int) -> None:
        """Most orders are the order of the slots."""


class Clock(_Slotted):
    """A hand walks over the slots: what was asked for is spared once, and what is new takes the place of what goes."""

    _hand = 0

    def _free_slot(self) -> int:
        hand, referenced = self._hand, self._referenced
        while referenced[hand]:
            referenced[hand] = 0
            hand = hand + 1 if hand + 1 < self._entries_max else 0
        self._hand = hand + 1 if hand + 1 < self._entries_max else 0
        return hand


class Sieve(_Slotted):
    """The hand walks from old to new over a linked list, and what is new comes in front of the newest."""

    def __init__(self, entries_max: int) -> None:
        super().__init__(entries_max)
        # The last number is the end of the list in both directions.
        self._newer = [entries_max] * (entries_max + 1)
        self._older = [entries_max] * (entries_max + 1)
        self._hand = entries_max

    def _free_slot(self) -> int:
        end, newer, referenced = self._entries_max, self._newer, self._referenced
        hand = self._hand if self._hand != end else newer[end]
        while referenced[hand]:
            referenced[hand] = 0
            hand = newer[hand]
            if hand == end:
                hand = newer[end]
        self._hand = newer[hand]
        older = self._older[hand]
        self._older[newer[hand]], newer[older] = older, newer[hand]
        return hand

    def _added(self, slot: int) -> None:
        end = self._entries_max
        newest = self._older[end]
        self._newer[newest] = self._older[end] = slot
        self._older[slot], self._newer[slot] = newest, end


class S3Fifo(_Slotted):
    """A short queue for the new, a long one for what was asked for, exact ghosts of what left the short one."""

    def __init__(self, entries_max: int) -> None:
        super().__init__(entries_max)
        self._newcomers: deque[int] = deque()
        self._settled: deque[int] = deque()
        self._newcomers_max = entries_max // NEWCOMERS_DIVISOR
        self._ghosts: OrderedDict[int, None] = OrderedDict()

    def _free_slot(self) -> int:
        referenced, newcomers, settled = self._referenced, self._newcomers, self._settled
        while True:
            is_newcomer = len(newcomers) > self._newcomers_max or not settled
            slot = (newcomers if is_newcomer else settled).popleft()
            if referenced[slot]:
                referenced[slot] = 0
                settled.append(slot)
                continue
            if is_newcomer:
                self._ghosts[hash(self._keys[slot])] = None
                if len(self._ghosts) > self._entries_max:
                    self._ghosts.popitem(last=False)
            return slot

    def _added(self, slot: int) -> None:
        (self._settled if hash(self._keys[slot]) in self._ghosts else self._newcomers).append(slot)


class Production:
    """The answer cache as the node runs it: also bounded by bytes, with groups, marks and drops."""

    def __init__(self, entries_max: int, *, rest_bytes: int, key_bytes: int) -> None:
        size = rest_bytes + key_bytes + ENTRY_OVERHEAD_BYTES
        self._cache = AnswerCache(bytes_max=entries_max * size, negative_bytes_max=1 << 20)

    def find(self, key: bytes) -> Entry | None:
        """The entry, if there."""
        entry = self._cache.find(key)
        if entry is not None:
            self._cache.referenced[entry[2]] = 1
        return entry

    def keep(self, key: bytes, rest: bytes) -> None:
        """Keep an entry that is not there."""
        cache = self._cache
        # As in the node, the group is a string made for the purpose.
        cache.keep(key, key[17:].decode(), rest, TALLY, negative=False, since=cache.mark())


def orders(*, rest_bytes: int, key_bytes: int) -> dict[str, Callable[[int], Order]]:
    """By name; the last is the production class."""

    def production(entries_max: int) -> Order:
        return Production(entries_max, rest_bytes=rest_bytes, key_bytes=key_bytes)

    return {
        "FIFO": Fifo,
        "LRU": Lru,
        "CLOCK": Clock,
        "two generations": TwoGenerations,
        "SIEVE": Sieve,
        "S3-FIFO": S3Fifo,
        "AnswerCache": production,
    }
