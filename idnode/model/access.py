"""API keys: role, scope, life, and the question whether a key reaches a prefix."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from idnode.model.errors import Forbidden, Violation
from idnode.model.identifier import Prefix


class Role(StrEnum):
    """Admin runs the node; reviewer decides on applications; enterprise writes its own prefixes; reader reads."""

    ADMIN = "admin"
    REVIEWER = "reviewer"
    ENTERPRISE = "enterprise"
    READER = "reader"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the node knows it, without its secret. No `prefixes` means every prefix (never for enterprise keys)."""

    id: UUID
    name: str
    role: Role
    prefixes: tuple[Prefix, ...]
    hint: str
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None
    replaces: UUID | None
    version: int

    def is_usable(self, now: datetime) -> bool:
        """Neither revoked nor expired at `now`."""
        return (self.revoked is None or now < self.revoked) and (self.expires is None or now < self.expires)

    def reaches(self, prefix: Prefix) -> bool:
        """Whether the scope holds this prefix."""
        return not self.prefixes or any(prefix.folded == own.folded for own in self.prefixes)

    def require_reach(self, prefix: Prefix) -> None:
        """Raises Forbidden, naming the prefix and the scope, unless the scope holds `prefix`."""
        if not self.reaches(prefix):
            scope = ", ".join(own.text for own in self.prefixes)
            detail = f"prefix {prefix.text} is outside this key's scope ({scope})"
            # The rule is about the key, whichever member or part of the path named the prefix: no pointer.
            raise Forbidden(detail, violations=(Violation("", "key-scope", detail, prefix.text, scope),))

    def require_role(self, roles: frozenset[Role]) -> None:
        """Raises Forbidden unless this key's role is one of `roles`."""
        if self.role not in roles:
            allowed = ", ".join(sorted(roles))
            raise Forbidden(f"role {self.role} may not do this; it takes {allowed}")
