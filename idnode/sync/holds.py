"""Subjects whose record was refused wait a while, and their later records with them; pure, time is an argument."""

from idnode.model.reporting import Report
from idnode.storage.ledger import Claimed
from idnode.sync.breaker import wait_seconds

HOLDS_MAX = 100_000


class Holds:
    """A refused record keeps its place: nothing of its report and subject passes it until it is delivered or dead.

    What is known here is known to one lane. It is lost with the lead, and then everything is tried again at once.
    """

    def __init__(self) -> None:
        self._until: dict[tuple[Report, str], float] = {}

    def hold(self, record: Claimed, *, now: float, jitter: float) -> None:
        """It was refused for the `attempts`-th time and once more."""
        if len(self._until) >= HOLDS_MAX:
            # The oldest is let go: it is refused once more, sooner than it need have been.
            del self._until[next(iter(self._until))]
        self._until[record.report, record.subject] = now + wait_seconds(record.attempts + 1, jitter=jitter)

    def let_go(self, record: Claimed) -> None:
        """It is dead: the next of its subject may be sent."""
        self._until.pop((record.report, record.subject), None)

    def end(self, *, now: float) -> None:
        """Forget the holds whose time is over. Not while records are out that others of their subject come after."""
        self._until = {key: until for key, until in self._until.items() if until > now}

    def has(self, record: Claimed) -> bool:
        """It has to wait."""
        return (record.report, record.subject) in self._until
