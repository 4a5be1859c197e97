"""From a command to the record that shall stand: the directory says what the pure plan needs to know."""

from datetime import datetime

from idnode.model.errors import Conflict, InvalidInput, NotFound, VersionMoved, Violation
from idnode.model.identifier import Identifier, Prefix
from idnode.model.limits import RECORD_BYTES_MAX
from idnode.model.prefix_registration import Hosting, PrefixState
from idnode.model.record import Record
from idnode.model.template import Template, TemplateName
from idnode.registry.commands import Asked, Content, Patch, Revision
from idnode.registry.plan import Moment, plan_patch, plan_register, plan_replace, plan_state
from idnode.registry.rules.moments import node_day
from idnode.storage.directory import Directory
from idnode.storage.identifiers import StoredRecord
from idnode.wire.record_json import read_record, render_record


class RecordPlanner:
    """Plans single records; what it awaits is the directory, which is in memory but for the first time."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def register(self, identifier: Identifier, content: Content, asked: Asked) -> StoredRecord:
        """The first version of a record. Raises InvalidInput, Forbidden, NotFound, Conflict."""
        await self.require_writable(identifier.prefix, asked)
        template = await self._usable_template(content.template, asked)
        return stored(plan_register(identifier, content, template, _moment(asked.trace.at)))

    async def revise(self, found: StoredRecord | None, revision: Revision, asked: Asked) -> StoredRecord:
        """The version after `found`. Raises NotFound, Deleted, Conflict, VersionMoved, InvalidInput, Forbidden."""
        if found is None:
            raise NotFound(f"{revision.identifier.text} is not registered")
        expected = revision.expected_version
        if expected is not None and expected != found.version:
            raise VersionMoved(f"version {expected} was expected, the present one is {found.version}")
        asked.require_version(found.version)
        current, moment = read_record(found.document), _moment(asked.trace.at)
        match revision.body:
            case Content() as content:
                template = await self._usable_template(content.template, asked)
                return stored(plan_replace(current, content, template, moment))
            case Patch() as patch:
                return stored(plan_patch(current, patch, await self._template(current.template), moment))
            case None:
                return stored(plan_state(current, revision.operation, moment))

    async def require_writable(self, prefix: Prefix, asked: Asked) -> None:
        """Raises Forbidden, NotFound, Conflict unless `asked` may write records under `prefix`, and these are here."""
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


def _moment(at: datetime) -> Moment:
    """The record bears the instant of its change row."""
    return Moment(at, node_day(at))
