"""A Handle value: index, type, data, ttl, permissions, timestamp, references (RFC 3651 §3.1)."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag
from typing import NamedTuple

from idnode.model.limits import TTL_SECONDS_DEFAULT


class Permission(IntFlag):
    """Who may do what with one value; the bits of handle-protocol.md §1.3."""

    PUBLIC_WRITE = 1
    PUBLIC_READ = 2
    ADMIN_WRITE = 4
    ADMIN_READ = 8


PERMISSIONS_DEFAULT = Permission.ADMIN_READ | Permission.ADMIN_WRITE | Permission.PUBLIC_READ
"""0x0E, shown as "1110"."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A pointer to a value of another identifier; index 0 means the record as a whole."""

    handle: str
    index: int


@dataclass(frozen=True, slots=True)
class TimeToLive:
    """How long a value may be kept: `seconds` from the answer on, or until the absolute unix second `seconds`."""

    seconds: int = TTL_SECONDS_DEFAULT
    is_absolute: bool = False


TTL_DEFAULT = TimeToLive()


class HandleValue(NamedTuple):
    """One value of a record. `timestamp` is the second of its last change, UTC.

    A tuple, because a write makes many, and a frozen dataclass costs three times as much.
    """

    index: int  # type: ignore[assignment]  # the name of the specification; nobody looks for places in a value
    type: str
    data: bytes
    timestamp: datetime
    ttl: TimeToLive = TTL_DEFAULT
    permissions: Permission = PERMISSIONS_DEFAULT
    references: tuple[Reference, ...] = ()

    @property
    def is_public(self) -> bool:
        """Anyone may read it."""
        # As plain ints: a flag's own operators build a member of the enumeration each time.
        return bool(int(self.permissions) & 2)

    def same_but_for_time(self, other: "HandleValue") -> bool:
        """Whether only the timestamp differs."""
        return self._replace(timestamp=other.timestamp) == other
