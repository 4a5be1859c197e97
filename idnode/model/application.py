"""An application that identifiers are used in: the node's own (contract table T5) or an enterprise's (T10)."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID


class ApplicationKind(IntEnum):
    """The contract's numbers."""

    APP = 1
    MINI_PROGRAM = 2
    WEB_PAGE = 3
    PC_CLIENT = 4
    OTHER = 5


class ApplicationState(StrEnum):
    """A retired application is not reported any more."""

    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Application:
    """What the application is and who uses it; `enterprise` None means that it is the node's own."""

    id: UUID
    enterprise: UUID | None
    name: str
    kind: ApplicationKind
    description: str | None
    users: str | None
    recursive_node: str | None
    developed_by: str | None
    state: ApplicationState
    version: int
    created: datetime
    updated: datetime
