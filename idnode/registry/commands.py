"""What can be asked of the registry: parsed, typed, not yet judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from idnode.model.access import ApiKey, Role
from idnode.model.change import Trace
from idnode.model.enterprise import Contact
from idnode.model.errors import VersionMoved
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier, Prefix
from idnode.model.industry import Industry
from idnode.model.prefix_registration import Hosting, PrefixState, SiteEndpoint
from idnode.model.record import Operation
from idnode.model.template import TemplateName
from idnode.storage.idempotency import Claim


class Asked(NamedTuple):
    """The circumstances of a write: by which key, under which trace, only to be tried, under which Idempotency-Key.

    `expected_version` comes from If-Match; None means any.
    """

    key: ApiKey
    trace: Trace
    dry_run: bool = False
    claim: Claim | None = None
    expected_version: int | None = None

    def require_version(self, version: int) -> None:
        """Raises VersionMoved when If-Match names another version than the present one."""
        if self.expected_version is not None and self.expected_version != version:
            raise VersionMoved(f"If-Match names version {self.expected_version}, the present one is {version}")


class Content(NamedTuple):
    """What a record is to hold: Handle values, or typed attributes of a template, or both."""

    template: TemplateName | None
    attributes: Mapping[str, object]
    values: tuple[HandleValue, ...]


@dataclass(frozen=True, slots=True)
class Patch:
    """Changes to a record: values by index, indexes to remove, attributes by name (None removes)."""

    values: tuple[HandleValue, ...] = ()
    removed_indexes: frozenset[int] = frozenset()
    attributes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion that says with which identifier to go on."""

    successor: Identifier


@dataclass(frozen=True, slots=True)
class Revision:
    """A change to a registered identifier; `body` fits the operation: Content, Patch, Deletion, or None for a change
    of state.

    `expected_version` is a row's own, in a batch; None means any.
    """

    identifier: Identifier
    operation: Operation
    body: Content | Patch | Deletion | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class EnterpriseForm:
    """What an enterprise says of itself."""

    name: str
    uscc: str
    industry: Industry
    contact: Contact
    website: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class PrefixForm:
    """A prefix for an enterprise. `site` is there exactly when hosting is `self`."""

    prefix: Prefix
    enterprise: UUID
    hosting: Hosting
    site: SiteEndpoint | None
    state: PrefixState


@dataclass(frozen=True, slots=True)
class KeyForm:
    """A key to be made."""

    name: str
    role: Role
    prefixes: tuple[Prefix, ...]
    expires: datetime | None
