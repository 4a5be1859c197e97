"""Templates: define, read, list, revise, retire."""

from dataclasses import replace

from idnode.frontends.bodies import parse_members
from idnode.frontends.v1.answers import answer_json, cursor_key, location_of, page_json
from idnode.frontends.v1.routes import EVERY_ROLE, WRITERS, Call, Route, WriteQuery
from idnode.frontends.v1.schemas.identifiers import TemplateNameIn
from idnode.frontends.v1.schemas.templates import (
    TemplateIn,
    TemplateOut,
    TemplatePage,
    TemplatePatch,
    TemplateQuery,
)
from idnode.model.access import ApiKey
from idnode.model.errors import InvalidInput, Violation
from idnode.model.identifier import Prefix
from idnode.model.template import RecordCheck, Template, TemplateName
from idnode.registry.templates import TemplateRegistry
from idnode.storage.idempotency import KeptAnswer
from idnode.wire.directory_json import template_document

TOPIC = "templates"
_BETWEEN = "\n"
"""Joins the two halves of a template's key in a cursor; it can be in neither."""


class TemplatesApi:
    """Handlers of the template routes. The node's own templates are everyone's to read and use."""

    def __init__(self, templates: TemplateRegistry, *, own: Prefix) -> None:
        self._templates = templates
        self._own = own

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/v1/templates/{prefix}/{version}"
        return (
            Route("POST", "/v1/templates", "define_template", "Define a template", self.define,
                  WRITERS, TemplateOut, 201, TemplateIn, query=WriteQuery, topic=TOPIC),
            Route("GET", "/v1/templates", "list_templates", "List templates: the node's and those in the key's scope",
                  self.page, EVERY_ROLE, TemplatePage, query=TemplateQuery, topic=TOPIC),
            Route("GET", one, "read_template", "Read a template", self.read,
                  EVERY_ROLE, TemplateOut, topic=TOPIC),
            Route("PATCH", one, "revise_template", "Add, widen or disable items; none is ever removed", self.revise,
                  WRITERS, TemplateOut, body=TemplatePatch, query=WriteQuery, topic=TOPIC),
            Route("DELETE", one, "retire_template", "Retire: it makes no new records", self.retire,
                  WRITERS, TemplateOut, query=WriteQuery, topic=TOPIC),
        )  # fmt: skip

    async def define(self, call: Call) -> KeptAnswer:
        """POST /v1/templates."""
        template = call.body_as(TemplateIn).template(now=call.asked.trace.at)
        return await self._templates.define(template, call.asked, _defined)

    async def page(self, call: Call) -> KeptAnswer:
        """GET /v1/templates."""
        query = call.query_as(TemplateQuery)
        owners = self._readable(call.reader)
        if query.prefix is not None:
            wanted = Prefix.parse(query.prefix)
            self._require_readable(call.reader, wanted)
            owners = [wanted]
        prefix, _, version = cursor_key(query.cursor).partition(_BETWEEN)
        found = await self._templates.page(after=(prefix, version), owners=owners, state=query.state, limit=query.limit)
        documents = [template_document(each) for each in found]
        return page_json(documents, limit=query.limit, cursors=[_BETWEEN.join(each.name.key) for each in found])

    async def read(self, call: Call) -> KeptAnswer:
        """GET /v1/templates/{prefix}/{version}."""
        name = _name(call)
        self._require_readable(call.reader, name.prefix)
        return _shown(await self._templates.find(name))

    async def revise(self, call: Call) -> KeptAnswer:
        """PATCH /v1/templates/{prefix}/{version}."""
        name, patch = _name(call), call.body_as(TemplatePatch)
        try:
            return await self._templates.revise(name, lambda current: _patched(current, patch), call.asked, _shown)
        except InvalidInput as refusal:
            raise _as_sent(refusal, patch, await self._templates.find(name)) from None

    async def retire(self, call: Call) -> KeptAnswer:
        """DELETE /v1/templates/{prefix}/{version}."""
        return await self._templates.retire(_name(call), call.asked, _shown)

    def _readable(self, key: ApiKey) -> list[Prefix] | None:
        return [*key.prefixes, self._own] if key.prefixes else None

    def _require_readable(self, key: ApiKey, prefix: Prefix) -> None:
        if prefix.folded != self._own.folded:
            key.require_reach(prefix)


def _name(call: Call) -> TemplateName:
    name = parse_members(TemplateNameIn, {**call.path})
    return TemplateName(Prefix.parse(name.prefix), name.version)


def _patched(current: Template, patch: TemplatePatch) -> Template:
    sent = {item.index: item.item() for item in patch.items}
    kept = tuple(sent.pop(item.index, item) for item in current.items)
    members = patch.model_fields_set
    return replace(
        current,
        title=current.title if patch.title is None else patch.title,
        description=patch.description if "description" in members else current.description,
        items=(*kept, *sent.values()),
        checks=current.checks if patch.checks is None else _checks(patch),
    )


def _as_sent(refusal: InvalidInput, patch: TemplatePatch, current: Template) -> InvalidInput:
    """The refusal with pointers into the patch; the registry's lead into the whole template that it would make."""
    items = _patched(current, patch).items
    sent = {item.index: position for position, item in enumerate(patch.items)}

    def moved(violation: Violation) -> Violation:
        _, member, *steps = violation.pointer.split("/", 3)
        if member != "items" or not steps:
            return violation
        position = sent.get(items[int(steps[0])].index)
        pointer = "/items" if position is None else "/".join(("/items", str(position), *steps[1:]))
        return replace(violation, pointer=pointer)

    return InvalidInput.of([moved(violation) for violation in refusal.violations], unlisted=refusal.unlisted)


def _checks(patch: TemplatePatch) -> tuple[RecordCheck, ...]:
    return tuple(RecordCheck(check.check, tuple(check.items)) for check in patch.checks or ())


def _defined(template: Template) -> KeptAnswer:
    location = location_of("templates", template.name.prefix.text, template.name.version)
    return answer_json(template_document(template), status=201, version=1, location=location)


def _shown(template: Template) -> KeptAnswer:
    return answer_json(template_document(template), version=template.revision)
