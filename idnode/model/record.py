"""The record of an identifier and the states it goes through."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from idnode.model.handle_value import PERMISSIONS_DEFAULT, HandleValue
from idnode.model.identifier import Identifier
from idnode.model.template import TemplateName


class State(StrEnum):
    """Active answers everyone; reserved and suspended answer their owner only; deleted is a tombstone.

    A released name was reserved, never active, and given back: to everybody it is as if it had never been there.
    """

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"
    RESERVED = "reserved"
    RELEASED = "released"


class Operation(StrEnum):
    """What a change did; T9 of the top node knows add, delete and modify."""

    RESERVE = "reserve"
    RELEASE = "release"
    ACTIVATE = "activate"
    REGISTER = "register"
    REPLACE = "replace"
    PATCH = "patch"
    SUSPEND = "suspend"
    RESTORE = "restore"
    DELETE = "delete"
    TRANSFER = "transfer"


UNBORN = frozenset({State.RESERVED, State.RELEASED})
"""Never active so far: not there to the public, not reported, not counted among the registered."""

STATE_AFTER: dict[tuple[State, Operation], State] = {
    (State.ACTIVE, Operation.REPLACE): State.ACTIVE,
    (State.ACTIVE, Operation.PATCH): State.ACTIVE,
    (State.ACTIVE, Operation.SUSPEND): State.SUSPENDED,
    (State.ACTIVE, Operation.DELETE): State.DELETED,
    (State.SUSPENDED, Operation.REPLACE): State.SUSPENDED,
    (State.SUSPENDED, Operation.PATCH): State.SUSPENDED,
    (State.SUSPENDED, Operation.RESTORE): State.ACTIVE,
    (State.SUSPENDED, Operation.DELETE): State.DELETED,
    (State.DELETED, Operation.RESTORE): State.ACTIVE,
    (State.RESERVED, Operation.ACTIVATE): State.ACTIVE,
    (State.RESERVED, Operation.RELEASE): State.RELEASED,
    (State.RELEASED, Operation.RESERVE): State.RESERVED,
    (State.RELEASED, Operation.ACTIVATE): State.ACTIVE,
    (State.ACTIVE, Operation.TRANSFER): State.ACTIVE,
    (State.SUSPENDED, Operation.TRANSFER): State.SUSPENDED,
    (State.RESERVED, Operation.TRANSFER): State.RESERVED,
}
"""The life of a record as a table: a pair that is absent is refused."""


@dataclass(frozen=True, slots=True)
class Record:
    """An identifier with its values in index order, and `attributes`: typed views onto the values of its template.

    `successor` stands in a tombstone: the identifier to go on with. `holder` is the enterprise that an identifier was
    transferred to; None: that of the prefix.
    """

    identifier: Identifier
    version: int
    state: State
    template: TemplateName | None
    attributes: Mapping[str, object]
    values: tuple[HandleValue, ...]
    created: datetime
    updated: datetime
    successor: str | None = None
    holder: UUID | None = None

    @property
    def is_public(self) -> bool:
        """Everyone may read every value."""
        # Most values have the very object, which needs no looking at.
        return all(value.permissions is PERMISSIONS_DEFAULT or value.is_public for value in self.values)
