"""A prefix given to an enterprise: its state and where its identifiers are answered."""

from dataclasses import dataclass
from datetime import UTC, datetime
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

    `review_note` is why it was rejected; None in every other state, and where nobody gave a reason. `signing_index` is
    where the public half of the key lies that its records are signed with (signed values); None: they are not.
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
    signing_index: int | None = None

    @property
    def is_answered_here(self) -> bool:
        """The node resolves identifiers under it: hosted, and neither stopped nor still applied for."""
        return self.hosting is Hosting.HOSTED and self.state in (PrefixState.ACTIVE, PrefixState.TO_DELETE)

    @property
    def is_given_out(self) -> bool:
        """Its identifiers are answered, by whoever it is: neither stopped nor still applied for."""
        return self.state in (PrefixState.ACTIVE, PrefixState.TO_DELETE)


_EVER = datetime(1970, 1, 1, tzinfo=UTC)

RECORDS_OF_PREFIXES = Prefix("0.NA", "0.NA")
"""Below it lie the records of prefixes themselves: `0.NA/88.118.8` names who administers 88.118.8 (handle-protocol.md
§1.5). It is the node's own, in no table, and given to nobody."""


def records_of_prefixes() -> PrefixRegistration:
    """As what the directory knows it."""
    return PrefixRegistration(RECORDS_OF_PREFIXES, None, PrefixState.ACTIVE, Hosting.HOSTED, None, 1, _EVER, _EVER)
