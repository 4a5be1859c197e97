"""From a command to the record that shall stand: the directory says what the pure plan needs to know."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol
from uuid import UUID

from idnode.model.errors import (
    AlreadyRegistered,
    Conflict,
    Forbidden,
    IdnodeError,
    InvalidInput,
    NotFound,
    Unavailable,
    VersionMoved,
    Violation,
)
from idnode.model.identifier import Identifier, Prefix
from idnode.model.limits import RECORD_BYTES_MAX
from idnode.model.prefix_registration import Hosting, PrefixRegistration, PrefixState
from idnode.model.record import UNBORN, Operation, Record, State
from idnode.model.template import Template, TemplateName
from idnode.registry.commands import Asked, Content, Deletion, Patch, Revision
from idnode.registry.plan import (
    Moment,
    plan_activate,
    plan_delete,
    plan_patch,
    plan_register,
    plan_release,
    plan_replace,
    plan_reserve,
    plan_restore,
    plan_state,
)
from idnode.registry.quick_plan import quick_register
from idnode.registry.rules.moments import node_day
from idnode.storage.directory import Directory
from idnode.storage.identifiers import StoredRecord
from idnode.wire.record_json import read_record, render_record

RESTORE_DAYS = 30
"""As IDNODE_RESTORE_DAYS is unless it is set."""
MOMENTS_REMEMBERED_MAX = 256

_ON_RESERVED = {Operation.REPLACE: Operation.ACTIVATE, Operation.DELETE: Operation.RELEASE}


class Signing(Protocol):
    """Signs the records of prefixes that have a key with the node."""

    async def signed(
        self, prefix: Prefix, place: int, records: Sequence[StoredRecord], at: datetime
    ) -> list[StoredRecord | IdnodeError]:
        """Each with its signature, or why it cannot have one; `place` is that of the prefix's key."""


class RecordPlanner:
    """Plans single records; what it awaits is the directory, which is in memory but for the first time.

    Records of a prefix that has a signing key are signed, or refused without `signing`; all others pay nothing.
    """

    def __init__(
        self, directory: Directory, *, restore_days: int = RESTORE_DAYS, signing: Signing | None = None
    ) -> None:
        self._directory = directory
        self._grace = timedelta(days=restore_days)
        self._signing = signing

    async def register(self, identifier: Identifier, content: Content, asked: Asked) -> StoredRecord:
        """The first version of a record. Raises InvalidInput, Forbidden, NotFound, Conflict."""
        registration = await self.require_writable(identifier.prefix, asked)
        template = await self.usable_template(content.template, asked)
        record = first_version(identifier, content, template, moment_of(asked.trace.at))
        return record if registration.signing_index is None else await self._signed(registration, record, asked)

    async def activate(self, found: StoredRecord, content: Content, asked: Asked) -> StoredRecord:
        """What a registration makes of a name that was reserved: version and history go on.

        Raises AlreadyRegistered when it is more than reserved, InvalidInput, Forbidden, NotFound, Conflict.
        """
        current = read_record(found.document)
        if found.state not in UNBORN:
            raise already_registered(current.identifier)
        registration = await self.require_writable(current.identifier.prefix, asked, holder=current.holder)
        template = await self.usable_template(content.template, asked)
        record = stored(plan_activate(current, content, template, moment_of(asked.trace.at)))
        return record if registration.signing_index is None else await self._signed(registration, record, asked)

    async def reserve(self, identifier: Identifier, found: StoredRecord | None, asked: Asked) -> StoredRecord:
        """A name kept free for its owner. Raises AlreadyRegistered, Forbidden, NotFound, Conflict, VersionMoved."""
        current = None if found is None else read_record(found.document)
        await self.require_writable(identifier.prefix, asked, holder=None if current is None else current.holder)
        if found is None and asked.expected_version is not None:
            raise VersionMoved(f"If-Match names version {asked.expected_version}, and there is none yet")
        if found is not None:
            asked.require_version(found.version)
        if current is not None and current.state is not State.RELEASED:
            raise already_registered(identifier)
        return stored(plan_reserve(identifier, current, moment_of(asked.trace.at)))

    async def revise(self, found: StoredRecord | None, revision: Revision, asked: Asked) -> StoredRecord:
        """The version after `found`. Raises NotFound, Deleted, Conflict, VersionMoved, InvalidInput, Forbidden.

        Whether `asked` may write is decided first, by the record's holder or else its prefix: nobody else is told
        anything. A revision of a reserved name comes as `fitted` made it.
        """
        current = None if found is None or found.state is State.RELEASED else read_record(found.document)
        identifier = revision.identifier
        holder = None if current is None else current.holder
        registration = await self.require_writable(identifier.prefix, asked, holder=holder)
        if current is None:
            raise NotFound(f"{identifier.text} is not registered")
        expected = revision.expected_version
        if expected is not None and expected != current.version:
            raise VersionMoved(f"version {expected} was expected, the present one is {current.version}")
        asked.require_version(current.version)
        record = await self._next(current, revision, asked)
        # A signature is over values: what only changes the state leaves it as it is.
        if registration.signing_index is None or not isinstance(revision.body, Content | Patch):
            return record
        return await self._signed(registration, record, asked)

    async def signed(
        self, prefix: Prefix, place: int, records: Sequence[StoredRecord], asked: Asked
    ) -> list[StoredRecord | IdnodeError]:
        """What rows of a batch store, signed with the key at this place. Raises Unavailable without `signing`."""
        if self._signing is None:
            raise Unavailable(f"records of prefix {prefix.text} are signed, and this process has no keys")
        return await self._signing.signed(prefix, place, records, asked.trace.at)

    async def _signed(self, registration: PrefixRegistration, record: StoredRecord, asked: Asked) -> StoredRecord:
        place = registration.signing_index or 0
        (signed,) = await self.signed(registration.prefix, place, [record], asked)
        if isinstance(signed, IdnodeError):
            raise signed
        return signed

    async def _next(self, current: Record, revision: Revision, asked: Asked) -> StoredRecord:
        moment = moment_of(asked.trace.at)
        match revision.body:
            case Content() as content:
                template = await self.usable_template(content.template, asked)
                plan = plan_activate if revision.operation is Operation.ACTIVATE else plan_replace
                return stored(plan(current, content, template, moment))
            case Patch() as patch:
                return stored(plan_patch(current, patch, await self._template(current.template), moment))
            case Deletion(successor=successor):
                return stored(plan_delete(current, successor, moment))
            case None if revision.operation is Operation.RESTORE:
                return stored(plan_restore(current, moment, grace=self._grace))
            case None if revision.operation is Operation.RELEASE:
                return stored(plan_release(current, moment))
            case None:
                return stored(plan_state(current, revision.operation, moment))

    async def require_writable(self, prefix: Prefix, asked: Asked, *, holder: UUID | None = None) -> PrefixRegistration:
        """Raises Forbidden, NotFound, Conflict unless `asked` may write records under `prefix`, and these are here.

        What was transferred to an enterprise (`holder`) is written by its keys, and no longer by those of the prefix.
        """
        if holder is None:
            asked.key.require_reach(prefix)
        elif not await self._directory.acts_for(asked.key, holder):
            # Who does not even reach the prefix hears what it would hear of any identifier there.
            asked.key.require_reach(prefix)
            raise Forbidden("the identifier was transferred to another enterprise; the keys of that one write it")
        is_known, registration = self._directory.known_prefix(prefix)
        if not is_known:
            registration = await self._directory.prefix(prefix)
        if registration is None:
            detail = f"prefix {prefix.text} is not registered at this node"
            raise NotFound(detail, violations=(Violation("/identifier", "foreign-prefix", detail, prefix.text),))
        if registration.hosting is Hosting.SELF:
            raise Conflict(f"prefix {prefix.text} is hosted by its enterprise; its identifiers are not kept here")
        if registration.state is not PrefixState.ACTIVE:
            raise Conflict(f"prefix {prefix.text} is {registration.state}; it takes no writes")
        return registration

    async def usable_template(self, name: TemplateName | None, asked: Asked) -> Template | None:
        """The node's own templates are everyone's to use; those of an enterprise are for who may read them.

        Raises Forbidden, and InvalidInput when there is none of this name.
        """
        if name is not None:
            owner = await self._directory.prefix(name.prefix)
            if owner is not None and owner.enterprise is not None:
                asked.key.require_reach(name.prefix)
        return await self._template(name)

    async def _template(self, name: TemplateName | None) -> Template | None:
        if name is None:
            return None
        template = await self._directory.template(name)
        if template is None:
            shown = f"{name.prefix.text} {name.version}"
            detail = f"there is no template {shown}"
            raise InvalidInput.of([Violation("/template", "unknown-template", detail, shown)])
        return template


def fitted(revision: Revision, found: StoredRecord | None) -> Revision:
    """The revision as what stands calls for it: replacing a reserved name activates it, deleting gives it back."""
    if found is None or found.state is not State.RESERVED:
        return revision
    return replace(revision, operation=_ON_RESERVED.get(revision.operation, revision.operation))


def already_registered(identifier: Identifier) -> AlreadyRegistered:
    """The refusal of a registration whose identifier is taken."""
    return AlreadyRegistered(f"{identifier.text} is registered already (letters compare without case)")


def stored(record: Record) -> StoredRecord:
    """The record in the form in which it is stored. Raises InvalidInput when it is too large."""
    document = render_record(record)
    size = len(document.json)
    if size > RECORD_BYTES_MAX:
        detail = f"the record takes {size} bytes as JSON, the limit is {RECORD_BYTES_MAX}"
        raise InvalidInput.of([Violation("", "max-bytes", detail, str(size), f"{RECORD_BYTES_MAX} bytes")])
    return StoredRecord(
        record.identifier.folded, record.version, record.state, record.is_public, document.values_at, document.json
    )


def first_version(identifier: Identifier, content: Content, template: Template | None, moment: Moment) -> StoredRecord:
    """What a registration stores, the quick way where nothing can be wrong. Raises InvalidInput, Conflict."""
    quick = quick_register(identifier, content, template, moment)
    return stored(plan_register(identifier, content, template, moment)) if quick is None else quick


@lru_cache(maxsize=MOMENTS_REMEMBERED_MAX)  # the rows of a batch share their moment
def moment_of(at: datetime) -> Moment:
    """The record bears the instant of its change row."""
    return Moment(at, node_day(at))
