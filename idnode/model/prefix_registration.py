"""A prefix given to an enterprise: its state and where its identifiers are answered."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from idnode.model.identifier import Prefix


class PrefixState(StrEnum):
    """States of snms-api.md; `snms_status` is their number there."""

    STOPPED = "stopped"
    ACTIVE = "active"
    TO_DELETE = "to_delete"
    REJECTED = "rejected"
    WAITING = "waiting"
    IN_REVIEW = "in_review"

    @property
    def snms_status(self) -> int:
        """The number that GET /snms/api/prefix/query shows."""
        return list(PrefixState).index(self)


PREFIX_TRANSITIONS: dict[PrefixState, frozenset[PrefixState]] = {
    PrefixState.WAITING: frozenset({PrefixState.IN_REVIEW, PrefixState.ACTIVE, PrefixState.REJECTED}),
    PrefixState.IN_REVIEW: frozenset({PrefixState.ACTIVE, PrefixState.REJECTED}),
    PrefixState.REJECTED: frozenset({PrefixState.WAITING}),
    PrefixState.ACTIVE: frozenset({PrefixState.STOPPED, PrefixState.TO_DELETE}),
    PrefixState.STOPPED: frozenset({PrefixState.ACTIVE, PrefixState.TO_DELETE}),
    PrefixState.TO_DELETE: frozenset({PrefixState.STOPPED}),
}
"""Which state may follow which; a pair that is absent is refused."""

APPLIED_FOR = frozenset({PrefixState.WAITING, PrefixState.IN_REVIEW})
"""Not given out yet: waiting for the node's own review, or, its answer being yes, for the top node's."""


class Hosting(StrEnum):
    """Who answers for the identifiers: this node (hosted 托管) or the enterprise itself (non-hosted 非托管)."""

    HOSTED = "hosted"
    SELF = "self"


@dataclass(frozen=True, slots=True)
class SiteEndpoint:
    """Where a self-hosting enterprise answers: an address with at least one port (snms-api.md, ent/config)."""

    ip: str
    tcp_port: int | None
    udp_port: int | None
    http_port: int | None


@dataclass(frozen=True, slots=True)
class PrefixRegistration:
    """One prefix under the node's own. `enterprise` is None only for the node's own prefix.

    `review_note` is why it was rejected; None in every other state, and where nobody gave a reason.
    """

    prefix: Prefix
    enterprise: UUID | None
    state: PrefixState
    hosting: Hosting
    site: SiteEndpoint | None
    version: int
    created: datetime
    updated: datetime
    review_note: str | None = None

    @property
    def is_answered_here(self) -> bool:
        """The node resolves identifiers under it: hosted, and neither stopped nor still applied for."""
        return self.hosting is Hosting.HOSTED and self.state in (PrefixState.ACTIVE, PrefixState.TO_DELETE)
