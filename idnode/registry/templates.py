"""Templates: define, widen, retire."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from idnode.model.change import Subject
from idnode.model.errors import Conflict, InvalidInput, NotFound
from idnode.model.identifier import Prefix
from idnode.model.template import Template, TemplateName, TemplateState
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWrite, DirectoryWriter
from idnode.registry.rules.template_definition import check_template, check_template_change
from idnode.storage.directory import Directory
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.templates import TemplateStore
from idnode.wire.directory_json import template_document

Answer = Callable[[Template], KeptAnswer]


class TemplateRegistry:
    """The templates of the node and of its enterprises."""

    def __init__(self, store: TemplateStore, directory: Directory, writer: DirectoryWriter) -> None:
        self._store = store
        self._directory = directory
        self._writer = writer

    async def find(self, name: TemplateName) -> Template:
        """Raises NotFound."""
        template = await self._store.find(name)
        if template is None:
            raise NotFound(f"prefix {name.prefix.text} has no template version {name.version}")
        return template

    async def page(
        self, *, after: tuple[str, str], owners: Sequence[Prefix] | None, state: TemplateState | None, limit: int
    ) -> list[Template]:
        """A page in order of prefix and version."""
        return await self._store.page(after=after, owners=owners, state=state, limit=limit)

    async def define(self, template: Template, asked: Asked, answer: Answer) -> KeptAnswer:
        """A new template. Raises Forbidden, NotFound, InvalidInput, AlreadyRegistered."""
        asked.key.require_reach(template.name.prefix)
        if await self._directory.prefix(template.name.prefix) is None:
            raise NotFound(f"prefix {template.name.prefix.text} is not registered at this node")
        InvalidInput.refuse_any(check_template(template))
        write = DirectoryWrite(Subject.TEMPLATE, _log_name(template), 1, "define", None, template_document(template))
        return await self._writer.commit(
            write, asked, answer(template), lambda session: self._store.insert(session, template)
        )

    async def revise(
        self, name: TemplateName, revised: Callable[[Template], Template], asked: Asked, answer: Answer
    ) -> KeptAnswer:
        """Add, widen or disable items; none is ever removed (snms-api.md, PUT template). Raises as `define` does."""
        asked.key.require_reach(name.prefix)
        current = await self.find(name)
        asked.require_version(current.revision)
        changed = revised(current)
        InvalidInput.refuse_any((*check_template(changed), *check_template_change(current, changed)))
        return await self._update(current, changed, "revise", asked, answer)

    async def retire(self, name: TemplateName, asked: Asked, answer: Answer) -> KeptAnswer:
        """It makes no new records; those it made keep it. Raises NotFound, Conflict, Forbidden."""
        asked.key.require_reach(name.prefix)
        current = await self.find(name)
        asked.require_version(current.revision)
        if current.state is TemplateState.RETIRED:
            raise Conflict(f"template {name.version} is retired already")
        return await self._update(current, replace(current, state=TemplateState.RETIRED), "retire", asked, answer)

    async def _update(
        self, current: Template, changed: Template, operation: str, asked: Asked, answer: Answer
    ) -> KeptAnswer:
        following = replace(changed, revision=current.revision + 1, updated=self._writer.now())
        write = DirectoryWrite(
            Subject.TEMPLATE,
            _log_name(current),
            following.revision,
            operation,
            template_document(current),
            template_document(following),
        )
        return await self._writer.commit(
            write, asked, answer(following), lambda session: self._store.update(session, following)
        )


def _log_name(template: Template) -> str:
    return "/".join(template.name.key)
