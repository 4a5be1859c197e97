"""What was found out, until it is too old or there is too much of it; time is an argument."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class BoundedCache(Generic[Kept]):
    """`entries_max` entries, of which the one goes first that was put in first; `monotonic` in seconds."""

    def __init__(self, entries_max: int, monotonic: Callable[[], float]) -> None:
        self._entries_max = entries_max
        self._monotonic = monotonic
        self._entries: OrderedDict[str, tuple[float, Kept]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: str) -> Kept | None:
        """What is kept and still good."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        until, kept = entry
        if until <= self._monotonic():
            del self._entries[key]
            return None
        return kept

    def keep(self, key: str, value: Kept, seconds: float) -> None:
        """Remember it for a while; not at all for 0 seconds."""
        self.forget(key)
        if seconds <= 0:
            return
        while len(self._entries) >= self._entries_max:
            self._entries.popitem(last=False)
        self._entries[key] = (self._monotonic() + seconds, value)

    def forget(self, key: str) -> None:
        """It is not to be found any more."""
        self._entries.pop(key, None)
