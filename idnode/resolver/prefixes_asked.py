"""What is the same for all identifiers of a prefix, kept for the shortest ways of answering them."""

from collections.abc import Callable
from dataclasses import dataclass

from idnode.model.identifier import Prefix
from idnode.resolver.tally import Outcome, Tally
from idnode.resolver.usage import Usage

PREFIXES_REMEMBERED_MAX = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """As what answers below a prefix count: those that were read, and those that are kept."""

    missed: Tally
    hit_number: int


@dataclass(slots=True, eq=False)
class Below:
    """A prefix that was asked for; `top` is how its identifiers begin, folded."""

    prefix: Prefix
    top: str
    counted: Counted | None = None


class PrefixesAsked:
    """Prefixes by their bytes. `added` is called when there are new tallies."""

    def __init__(self, usage: Usage, route: str, *, added: Callable[[], None] = lambda: None) -> None:
        self._usage = usage
        self._route = route
        self._added = added
        self._below: dict[bytes, Below] = {}

    def of(self, text: bytes) -> Below:
        """The prefix with these bytes, which are ASCII. Raises InvalidPrefix."""
        below = self._below.get(text)
        if below is None:
            if len(self._below) >= PREFIXES_REMEMBERED_MAX:
                self._below.clear()
            prefix = Prefix.parse(text.decode("ascii"))
            below = self._below[text] = Below(prefix, prefix.folded + "/")
        return below

    def counted(self, below: Below) -> Counted:
        """To be asked for when something was found: who asks for prefixes that nobody has makes no tallies."""
        counted = below.counted
        if counted is None:
            missed = self._usage.tally(below.prefix.folded, self._route, 200, Outcome.MISS)
            hit = self._usage.tally(below.prefix.folded, self._route, 200, Outcome.HIT)
            self._added()
            counted = below.counted = Counted(missed, hit.number)
        return counted
