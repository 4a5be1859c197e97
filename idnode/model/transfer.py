"""The transfer of a prefix, or of some identifiers, from one enterprise to another: its states as a table."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from idnode.model.identifier import Identifier, Prefix

TRANSFER_IDENTIFIERS_MAX = 2_000
NOTE_CHARACTERS_MAX = 1_024


class TransferState(StrEnum):
    """Requested: waits for the receiver. Accepted: waits for the node's word too. The others are the end of it."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Act(StrEnum):
    """What moves a transfer: accepting is the receiver's yes, confirming the node's (a reviewer, an admin)."""

    REQUEST = "request"
    ACCEPT = "accept"
    CONFIRM = "confirm"
    REJECT = "reject"
    CANCEL = "cancel"
    EXPIRE = "expire"


class Kind(StrEnum):
    """What is transferred."""

    PREFIX = "prefix"
    IDENTIFIERS = "identifiers"


OPEN = frozenset({TransferState.REQUESTED, TransferState.ACCEPTED})

_ENDS = {
    Act.REJECT: TransferState.REJECTED,
    Act.CANCEL: TransferState.CANCELLED,
    Act.EXPIRE: TransferState.EXPIRED,
}
STATE_AFTER: dict[tuple[Kind, TransferState, Act], TransferState] = {
    (Kind.IDENTIFIERS, TransferState.REQUESTED, Act.ACCEPT): TransferState.APPROVED,
    (Kind.IDENTIFIERS, TransferState.REQUESTED, Act.CONFIRM): TransferState.APPROVED,
    # A prefix takes the node's word besides the receiver's: what hangs on it is more than two enterprises' affair. An
    # enterprise without a prefix has no key of its own; there the node speaks for it.
    (Kind.PREFIX, TransferState.REQUESTED, Act.ACCEPT): TransferState.ACCEPTED,
    (Kind.PREFIX, TransferState.REQUESTED, Act.CONFIRM): TransferState.APPROVED,
    (Kind.PREFIX, TransferState.ACCEPTED, Act.CONFIRM): TransferState.APPROVED,
    **{(kind, state, act): after for kind in Kind for state in OPEN for act, after in _ENDS.items()},
}
"""A triple that is absent is refused."""


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a transfer's history; `actor` is a key's id, `role` what it acted as."""

    act: Act
    at: datetime
    actor: str
    role: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Transfer:
    """A prefix or some identifiers, on their way from `giver` to `receiver`."""

    id: UUID
    prefix: Prefix | None
    identifiers: tuple[Identifier, ...]
    giver: UUID
    receiver: UUID
    state: TransferState
    steps: tuple[Step, ...]
    expires: datetime
    version: int
    created: datetime
    updated: datetime

    @property
    def kind(self) -> Kind:
        """Which of the two it is."""
        return Kind.IDENTIFIERS if self.prefix is None else Kind.PREFIX

    @property
    def names(self) -> tuple[str, ...]:
        """What is on its way, folded."""
        if self.prefix is not None:
            return (self.prefix.folded,)
        return tuple(identifier.folded for identifier in self.identifiers)

    def has_expired(self, now: datetime) -> bool:
        """Nobody has answered in time, whether or not that has been written down."""
        return self.state in OPEN and now >= self.expires
