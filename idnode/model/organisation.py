"""What the operator of the node and its enterprises say of themselves for the top node (contract tables T1, T2, T6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Operator:
    """The fields of T1, and those of T2 for each address, as far as they are known. Version 0: nothing was said yet."""

    organisation: Mapping[str, object]
    resolution: tuple[Mapping[str, object], ...]
    version: int
    updated: datetime | None


NO_OPERATOR = Operator({}, (), 0, None)


@dataclass(frozen=True, slots=True)
class EnterpriseProfile:
    """The fields of T6 that the enterprise's own row does not hold. Version 0: nothing was said yet."""

    enterprise: UUID
    organisation: Mapping[str, object]
    version: int
    updated: datetime | None
