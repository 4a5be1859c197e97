"""What is minted from: a prefix's pattern with its rules, and a range of its numbers reserved for a printing line."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from idnode.model.identifier import Prefix
from idnode.model.minting import Restart, SuffixPattern

MINT_ROWS_MAX = 2_000
"""Identifiers that one request mints."""
RANGE_NUMBERS_MAX = 1_000_000
"""Numbers that one range reserves."""


class PatternState(StrEnum):
    """A retired pattern mints nothing more; its name stays taken."""

    ACTIVE = "active"
    RETIRED = "retired"


class RangeState(StrEnum):
    """A closed range says how many of its numbers were used. Open or closed, nobody else ever gets one of them."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class MintPattern:
    """A pattern under a prefix. Gapless: each number is used before the next is given; otherwise only never twice."""

    id: UUID
    prefix: Prefix
    name: str
    pattern: SuffixPattern
    is_gapless: bool
    restart: Restart
    first: int
    state: PatternState
    version: int
    created: datetime
    updated: datetime

    def period(self, day: date) -> str:
        """What the sequence is counted in on a day."""
        return self.pattern.period(self.restart, day)


@dataclass(frozen=True, slots=True)
class MintRange:
    """Numbers `first` to `last` of a pattern as of `day`, reserved for `line`."""

    id: UUID
    pattern: MintPattern
    day: date
    first: int
    size: int
    line: str | None
    state: RangeState
    used: int | None
    version: int
    created: datetime
    updated: datetime

    @property
    def last(self) -> int:
        """Its last number."""
        return self.first + self.size - 1

    def suffix(self, place: int) -> str:
        """The suffix at a place, from 0."""
        return self.pattern.pattern.suffix(self.first + place, self.day)
