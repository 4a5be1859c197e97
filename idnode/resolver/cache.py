"""Ready answers in memory: entries are bytes, bounded by bytes; every view of one identifier is dropped together."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from idnode.resolver.eviction import Ghosts, Shelf, Slots
from idnode.resolver.groups import Groups
from idnode.resolver.recent_drops import RecentDrops

ENTRY_OVERHEAD_BYTES = 320
"""What an entry takes beside the text of its key and its rest: measured, see `python -m loadtest.eviction`."""
VIEWS_MAX = 8
"""Views of one identifier: nobody is to fill the cache with spellings of one."""
SLOTS_DROPPED_SINGLY_MAX = 50_000
"""Of one prefix; about 100 ms."""
ENTRY_BYTES_TYPICAL = 1_024
"""By which tables are sized that do not grow; smaller entries make them slower, not wrong."""

Entry = tuple[bytes, int, int]
"""The response without its first lines, the number of the tally that counts it, the slot.

Nothing in it is for the garbage collector to follow, for which a million tuples of other things are much to do.
"""

Find = Callable[[bytes], Entry | None]

_NEWCOMERS, _SETTLED, _NEGATIVE_NEWCOMERS, _NEGATIVE_SETTLED = range(4)


@dataclass(slots=True)
class CacheCounters:
    """Counted since the process began, in entries."""

    evictions: int = 0
    """Had to make room."""
    drops: int = 0
    """Dropped because of a change, or with everything."""
    late: int = 0
    """Not kept because the read began before a change."""
    oversized: int = 0
    """Not kept because of their size."""
    turned_away: int = 0
    """Not kept because the cache was full and they had not been asked for before."""


class AnswerCache:
    """The answers of one worker. `find` is for every request: a dictionary's own `get`, or nothing while it is closed.

    Whoever finds an entry sets `referenced[entry[2]]` to 1.
    """

    def __init__(self, *, bytes_max: int, negative_bytes_max: int) -> None:
        self.counters = CacheCounters()
        self._entries: dict[bytes, Entry] = {}
        self._drops = RecentDrops()
        self._slots = slots = Slots(queues=4)
        entries = (bytes_max + negative_bytes_max) // ENTRY_BYTES_TYPICAL
        self._groups = Groups(chains_min=entries)
        ghosts = Ghosts(places_min=entries)
        self._positive = Shelf(slots, ghosts, newcomers=_NEWCOMERS, settled=_SETTLED, bytes_max=bytes_max)
        self._negative = Shelf(
            slots, ghosts, newcomers=_NEGATIVE_NEWCOMERS, settled=_NEGATIVE_SETTLED, bytes_max=negative_bytes_max
        )
        self._shelves = (self._positive, self._positive, self._negative, self._negative)
        self.referenced = slots.referenced
        self.find_even_stale: Find = self._entries.get
        self.find: Find = self.find_even_stale

    @property
    def entries(self) -> int:
        """Positive entries."""
        return self._positive.entries

    @property
    def entry_bytes(self) -> int:
        """What positive entries take."""
        return self._positive.bytes

    @property
    def negative_entries(self) -> int:
        """Entries that say that there is nothing."""
        return self._negative.entries

    @property
    def negative_entry_bytes(self) -> int:
        """What negative entries take."""
        return self._negative.bytes

    def mark(self) -> int:
        """To be taken before a read begins, and handed to `keep` with what was read."""
        return self._drops.mark()

    def keep(
        self,
        key: bytes,
        group: str,
        rest: bytes,
        tally: int,
        *,
        negative: bool,
        since: int,
    ) -> None:
        """Keep an answer for an identifier (the group, folded), unless that was dropped since or it is too large.

        It takes the place of what the key had, or of the oldest of VIEWS_MAX views, or of what is to be evicted. Where
        something would have to be evicted, it is kept when it is asked for again.
        """
        top = _top(group)
        if self._drops.has_dropped(group, top, since=since):
            self.counters.late += 1
            return
        shelf = self._negative if negative else self._positive
        size = len(key) + len(rest) + ENTRY_OVERHEAD_BYTES
        is_known = key in self._entries
        was_proven = is_known and self._take_away(key)
        if size > shelf.entry_bytes_max:
            self.counters.oversized += 1
            return
        if not is_known and shelf.turns_away(key, size):
            self.counters.turned_away += 1
            return
        self._make_room(group, shelf, size)
        slot = shelf.add(key, size, was_proven=was_proven)
        self._groups.add(slot, group, top)
        self._entries[key] = (rest, tally, slot)

    def drop(self, group: str) -> None:
        """Forget every view of one identifier (folded)."""
        self._drops.add(group)
        self._drop(self._groups.of(group))

    def drop_prefix(self, prefix: str) -> None:
        """Forget every identifier below a prefix (folded).

        Looks at every slot: about 20 ns for each, and 2 µs for each that is dropped. Where that would hold up a worker
        for too long, everything is forgotten instead.
        """
        top = prefix + "/"
        self._drops.add(top)
        slots = self._groups.below(top)
        if len(slots) > SLOTS_DROPPED_SINGLY_MAX:
            self.clear()
        else:
            self._drop(slots)

    def clear(self) -> None:
        """Forget everything."""
        self._drops.add_everything()
        self.counters.drops += len(self._entries)
        self._entries.clear()
        self._slots.clear()
        self._groups.clear()
        self._positive.clear()
        self._negative.clear()

    def open_hot_path(self) -> None:
        """Let `find` find."""
        self.find = self.find_even_stale

    def close_hot_path(self) -> None:
        """Let `find` find nothing, while nobody knows what has changed."""
        self.find = _find_nothing

    def _take_away(self, key: bytes) -> bool:
        """Make way for another answer under this key; whether the first one had proved itself."""
        slot = self._entries[key][2]
        was_proven = self._shelf_of(slot).is_proven(slot)
        self._forget(slot)
        return was_proven

    def _make_room(self, group: str, shelf: Shelf, size: int) -> None:
        views = self._groups.of(group)
        if len(views) >= VIEWS_MAX:
            self.counters.evictions += 1
            self._forget(views[-1])
        while shelf.bytes + size > shelf.bytes_max:
            self.counters.evictions += 1
            self._forget(shelf.leaving())

    def _drop(self, slots: Iterable[int]) -> None:
        for slot in slots:
            self.counters.drops += 1
            self._forget(slot)

    def _forget(self, slot: int) -> None:
        del self._entries[self._slots.keys[slot]]
        self._groups.remove(slot)
        self._shelf_of(slot).remove(slot)

    def _shelf_of(self, slot: int) -> Shelf:
        return self._shelves[self._slots.queue_of[slot]]


def _find_nothing(_: bytes) -> None:
    return None


def _top(group: str) -> str:
    # With its slash a prefix is no identifier, so that both can stand among the names that were dropped.
    return group[: group.find("/") + 1]
