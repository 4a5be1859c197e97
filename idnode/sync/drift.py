"""What of a day the two sides do not hold alike: digests first, then lines; pure."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from hashlib import sha256

from idnode.model.beijing import BEIJING
from idnode.model.reporting import Digest

RECONCILED_DAYS = 3
"""The finished day and the two before it: verdicts come later than deliveries."""
RECONCILED_FROM_HOUR = 3
"""Beijing time: what a day is owed has been sent by then."""


class LinesDigest:
    """What wire.top_node.digests.digest_of says of lines, for lines that come one by one in the order of their ids."""

    def __init__(self) -> None:
        self.records = 0
        self._hash = sha256()

    def add(self, id: str, data_sha256: str) -> None:
        """The next line."""
        self.records += 1
        self._hash.update(f"{id} {data_sha256}\n".encode())

    def hexdigest(self) -> str:
        """Of the lines so far."""
        return self._hash.hexdigest()


class Comparison:
    """Our lines of a prefix against theirs. `missing` and `changed` hold numbers of our records."""

    def __init__(self, theirs: Mapping[str, str]) -> None:
        self._unmatched = dict(theirs)
        self.missing: list[int] = []
        self.changed: list[int] = []

    def add(self, id: str, number: int, data_sha256: str) -> None:
        """One of our records, which they have accepted before their lines were asked for."""
        held = self._unmatched.pop(id, None)
        if held is None:
            self.missing.append(number)
        elif held != data_sha256:
            self.changed.append(number)

    @property
    def unmatched(self) -> list[str]:
        """Ids that they hold and that were not among ours."""
        return list(self._unmatched)


def differing(ours: Mapping[str, LinesDigest], theirs: Iterable[Digest]) -> list[str]:
    """Prefixes of which the two sides do not hold the same, in their order."""
    held = {digest.prefix: digest.sha256 for digest in theirs}
    ours_told = {prefix: lines.hexdigest() for prefix, lines in ours.items()}
    return sorted(prefix for prefix in held.keys() | ours_told.keys() if held.get(prefix) != ours_told.get(prefix))


def prefix_of(subject: str) -> str:
    """The prefix of a folded identifier."""
    return subject.partition("/")[0]


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """The beginning of a day in Beijing and that of the next one."""
    first = datetime.combine(day, time(), BEIJING)
    return first, first + timedelta(days=1)


def due_days(now: datetime) -> tuple[date, ...]:
    """The days to be compared on the day of `now`; none before the hour for it."""
    here = now.astimezone(BEIJING)
    if here.hour < RECONCILED_FROM_HOUR:
        return ()
    return tuple(here.date() - timedelta(days=back) for back in range(1, RECONCILED_DAYS + 1))
