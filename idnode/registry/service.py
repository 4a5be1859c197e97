"""The one write path for records: load, plan, group commit."""

from collections.abc import Callable

from idnode.model.errors import AlreadyRegistered, Conflict, InvalidInput, NotFound, VersionMoved, Violation
from idnode.model.identifier import Identifier, Prefix
from idnode.model.limits import RECORD_BYTES_MAX
from idnode.model.prefix_registration import Hosting, PrefixState
from idnode.model.record import Operation, Record
from idnode.model.template import Template, TemplateName
from idnode.registry.commands import Asked, Content, Patch, Revision
from idnode.registry.group_commit import GroupCommit
from idnode.registry.metrics import RegistryCounters
from idnode.registry.plan import Moment, plan_patch, plan_register, plan_replace, plan_state
from idnode.registry.rules.moments import node_day
from idnode.storage.directory import Directory
from idnode.storage.idempotency import ClaimTaken, KeptAnswer, KeptClaim
from idnode.storage.identifiers import IdentifierStore, RecordWrite, StoredRecord, WriteOutcome
from idnode.wire.record_json import read_record, render_record

REPLANS_MAX = 8

Answer = Callable[[Identifier, StoredRecord], KeptAnswer]
"""How a front-end answers a write: from the identifier as registered and the record that stands afterwards."""


Registered = Callable[[str, int], None]
"""Hears of a registration that was committed: its prefix, folded, and how long it took, nanoseconds."""


class RegistryService:
    """Registers and revises records; what is written bears the instant at which it was asked."""

    def __init__(
        self,
        identifiers: IdentifierStore,
        directory: Directory,
        group_commit: GroupCommit,
        counters: RegistryCounters,
        *,
        registered: Registered = lambda _prefix, _nanoseconds: None,
        nanoseconds: Callable[[], int] = lambda: 0,
    ) -> None:
        self._identifiers = identifiers
        self._directory = directory
        self._group_commit = group_commit
        self._counters = counters
        self._registered = registered
        self._nanoseconds = nanoseconds

    async def register(self, identifier: Identifier, content: Content, asked: Asked, answer: Answer) -> KeptAnswer:
        """A new record. Raises AlreadyRegistered, InvalidInput, Forbidden, NotFound, Conflict."""
        begun = self._nanoseconds()
        await self._require_writable(identifier.prefix, asked)
        template = await self._usable_template(content.template, asked)
        record = plan_register(identifier, content, template, _moment(asked))
        if asked.dry_run:
            if await self._identifiers.find(identifier.folded) is not None:
                raise _exists(identifier)
            return answer(identifier, _stored(record))
        outcome, kept = await self._commit(record, Operation.REGISTER, asked, answer)
        if outcome is WriteOutcome.EXISTS:
            raise _exists(identifier)
        self._registered(identifier.prefix.folded, self._nanoseconds() - begun)
        return kept

    async def revise(self, revision: Revision, asked: Asked, answer: Answer) -> KeptAnswer:
        """The next version of a record. Raises NotFound, Deleted, Conflict, VersionMoved, InvalidInput, Forbidden."""
        await self._require_writable(revision.identifier.prefix, asked)
        for _ in range(REPLANS_MAX):
            current = await self._current(revision.identifier, asked)
            record = await self._plan(current, revision, asked)
            if asked.dry_run:
                return answer(record.identifier, _stored(record))
            outcome, kept = await self._commit(record, revision.operation, asked, answer)
            if outcome is WriteOutcome.COMMITTED:
                return kept
            if asked.expected_version is not None:
                break
        raise VersionMoved(f"{revision.identifier.text} was changed by someone else meanwhile")

    async def _current(self, identifier: Identifier, asked: Asked) -> Record:
        stored = await self._identifiers.find(identifier.folded)
        if stored is None:
            raise NotFound(f"{identifier.text} is not registered")
        asked.require_version(stored.version)
        return read_record(stored.document)

    async def _plan(self, current: Record, revision: Revision, asked: Asked) -> Record:
        match revision.body:
            case Content() as content:
                template = await self._usable_template(content.template, asked)
                return plan_replace(current, content, template, _moment(asked))
            case Patch() as patch:
                template = await self._template(current.template)
                return plan_patch(current, patch, template, _moment(asked))
            case None:
                return plan_state(current, revision.operation, _moment(asked))

    async def _commit(
        self, record: Record, operation: Operation, asked: Asked, answer: Answer
    ) -> tuple[WriteOutcome, KeptAnswer]:
        stored = _stored(record)
        kept = answer(record.identifier, stored)
        claim = None if asked.claim is None else KeptClaim(asked.claim, kept, asked.trace.at)
        outcome = await self._group_commit.submit(RecordWrite(stored, operation, asked.trace, claim))
        if outcome is WriteOutcome.CLAIM_TAKEN:
            raise ClaimTaken
        if outcome is WriteOutcome.COMMITTED:
            self._counters.count_written(operation)
        return outcome, kept

    async def _require_writable(self, prefix: Prefix, asked: Asked) -> None:
        asked.key.require_reach(prefix)
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

    async def _usable_template(self, name: TemplateName | None, asked: Asked) -> Template | None:
        """The node's own templates are everyone's to use; those of an enterprise are for who may read them."""
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


def _moment(asked: Asked) -> Moment:
    """The record bears the instant of its change row."""
    at = asked.trace.at
    return Moment(at, node_day(at))


def _exists(identifier: Identifier) -> AlreadyRegistered:
    return AlreadyRegistered(f"{identifier.text} is registered already (letters compare without case)")


def _stored(record: Record) -> StoredRecord:
    document = render_record(record)
    size = len(document.json)
    if size > RECORD_BYTES_MAX:
        detail = f"the record takes {size} bytes as JSON, the limit is {RECORD_BYTES_MAX}"
        raise InvalidInput.of([Violation("", "max-bytes", detail, str(size), f"{RECORD_BYTES_MAX} bytes")])
    return StoredRecord(
        record.identifier.folded, record.version, record.state, record.is_public, document.values_at, document.json
    )
