"""Which names were dropped lately: a read that began before its name was dropped may have seen what stood before."""

RECENT_DROPS_MAX = 16_384
"""Names that are remembered. At 100,000 changes per second half of them are 80 ms, longer than a good read takes."""


class RecentDrops:
    """Counts drops; `mark` is the count. What has been forgotten counts as dropped: in doubt, an answer is not kept."""

    def __init__(self) -> None:
        self._count = 0
        # Two generations, so that the older half is forgotten at once and not name by name.
        self._recent: dict[str, int] = {}
        self._earlier: dict[str, int] = {}
        self._recent_since = 0
        self._known_since = 0

    def mark(self) -> int:
        """Where the count stands: to be taken before a read begins."""
        return self._count

    def add(self, name: str) -> None:
        """This name was dropped."""
        if len(self._recent) >= RECENT_DROPS_MAX // 2:
            self._earlier, self._recent = self._recent, {}
            self._known_since, self._recent_since = self._recent_since, self._count
        self._count += 1
        self._recent[name] = self._count

    def add_everything(self) -> None:
        """Every name was dropped."""
        self._count += 1
        self._recent, self._earlier = {}, {}
        self._known_since = self._recent_since = self._count

    def has_dropped(self, *names: str, since: int) -> bool:
        """Whether one of these names was, or may have been, dropped after that mark."""
        if since == self._count:
            return False
        if since < self._known_since:
            return True
        recent, earlier = self._recent, self._earlier
        return any(recent.get(name, 0) > since or earlier.get(name, 0) > since for name in names)
