"""Templates: read, define, revise, retire; v3 and v5 differ in what they say of items that are disabled."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from idnode.frontends.snms.boundary import Reads, SnmsCall, SnmsRoute
from idnode.frontends.snms.envelope import SnmsRefusal, ok
from idnode.frontends.snms.template_documents import (
    PREFIX_CHARACTERS_MAX,
    sent_template,
    template_detail,
    template_name,
)
from idnode.frontends.v1.routes import WRITERS
from idnode.model.errors import AlreadyRegistered, Conflict, NotFound
from idnode.model.identifier import Prefix
from idnode.model.limits import TEMPLATE_VERSION_CHARACTERS_MAX
from idnode.model.template import Template, TemplateState
from idnode.registry.templates import TemplateRegistry
from idnode.storage.idempotency import KeptAnswer

NOT_THERE = "模板不存在"
EXISTS = "模板已存在"

T = TypeVar("T")


class TemplatesApi:
    """Handlers of the template routes. The node's own templates (of prefix `own`) are everyone's to read."""

    def __init__(self, templates: TemplateRegistry, *, own: Prefix) -> None:
        self._templates = templates
        self._own = own

    def routes(self) -> tuple[SnmsRoute, ...]:
        """The rows of the route table."""
        v3, v5, json = "/snms/api/v3/template", "/snms/api/v5/template", Reads.JSON
        return (
            SnmsRoute("GET", v3, "snms_template", partial(self.read, has_states=False)),
            SnmsRoute("GET", v5, "snms_template", partial(self.read, has_states=True)),
            SnmsRoute("POST", v3, "snms_define_template", self.define, WRITERS, json, is_write=True),
            SnmsRoute("POST", v5, "snms_define_template", self.define, WRITERS, json, is_write=True),
            SnmsRoute("PUT", v5, "snms_revise_template", self.revise, WRITERS, json, is_write=True),
            SnmsRoute("DELETE", v3, "snms_retire_template", self.retire, WRITERS, Reads.OPTIONAL_JSON, is_write=True),
            SnmsRoute("DELETE", v5, "snms_retire_template", self.retire, WRITERS, Reads.OPTIONAL_JSON, is_write=True),
        )

    async def read(self, call: SnmsCall, *, has_states: bool) -> KeptAnswer:
        """GET. One that was deleted is not there, though its records still know it."""
        name = template_name(_query(call))
        if name.prefix.folded != self._own.folded:
            call.key.require_reach(name.prefix)
        template = await _found(lambda: self._templates.find(name))
        if template.state is TemplateState.RETIRED:
            raise SnmsRefusal(NOT_THERE)
        return ok(template_detail(template, has_states=has_states))

    async def define(self, call: SnmsCall) -> KeptAnswer:
        """POST."""
        template = sent_template(call.members()).template(call.asked.trace.at)
        try:
            return await self._templates.define(template, call.asked, _done)
        except AlreadyRegistered:
            raise SnmsRefusal(EXISTS) from None

    async def revise(self, call: SnmsCall) -> KeptAnswer:
        """PUT: incremental; items are matched by idIndex and idType, and never deleted."""
        sent = sent_template(call.members())
        return await _found(lambda: self._templates.revise(sent.name, sent.revised, call.asked, _done))

    async def retire(self, call: SnmsCall) -> KeptAnswer:
        """DELETE; prefix and version from the query, or from a body."""
        name = template_name(call.members() if call.body is not None else _query(call))
        try:
            return await _found(lambda: self._templates.retire(name, call.asked, _done))
        except Conflict:
            raise SnmsRefusal(NOT_THERE) from None


def _query(call: SnmsCall) -> dict[str, object]:
    return {
        "prefix": call.parameter("prefix", characters_max=PREFIX_CHARACTERS_MAX),
        "version": call.parameter("version", characters_max=TEMPLATE_VERSION_CHARACTERS_MAX),
    }


async def _found(act: Callable[[], Awaitable[T]]) -> T:
    try:
        return await act()
    except NotFound:
        raise SnmsRefusal(NOT_THERE) from None


def _done(_: Template) -> KeptAnswer:
    return ok(True)
