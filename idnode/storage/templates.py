"""Templates: one JSON document for each version, with what is searched beside it."""

from collections.abc import Sequence

import orjson

from idnode.model.errors import AlreadyRegistered, VersionMoved
from idnode.model.identifier import Prefix
from idnode.model.template import Template, TemplateName, TemplateState
from idnode.storage.database import Database, Session
from idnode.storage.statements import statements
from idnode.wire.directory_json import read_template, template_document

SQL = statements("templates")


class TemplateStore:
    """Reads and writes of the template table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, name: TemplateName) -> Template | None:
        """One version of a template, retired or not."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_template"], *name.key)
        return None if row is None else read_template(orjson.loads(row["document"]))

    async def page(
        self, *, after: tuple[str, str], owners: Sequence[Prefix] | None, state: TemplateState | None, limit: int
    ) -> list[Template]:
        """A page in order of prefix and version; `owners` narrows to the templates of some prefixes."""
        folded = None if owners is None else [prefix.folded for prefix in owners]
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_templates"], *after, folded, state, limit)
        return [read_template(orjson.loads(row["document"])) for row in rows]

    async def insert(self, session: Session, template: Template) -> None:
        """Raises AlreadyRegistered when the prefix has this version."""
        if await session.row(SQL["insert_template"], *_columns(template)) is None:
            name = template.name
            raise AlreadyRegistered(f"prefix {name.prefix.text} has a template version {name.version}")

    async def update(self, session: Session, template: Template) -> None:
        """Replace the revision before. Raises VersionMoved."""
        if await session.row(SQL["update_template"], *_columns(template)) is None:
            raise VersionMoved(f"template {template.name.version} was changed by someone else meanwhile")


def _columns(template: Template) -> tuple[object, ...]:
    document = orjson.dumps(template_document(template))
    return (*template.name.key, template.state, template.revision, document)
