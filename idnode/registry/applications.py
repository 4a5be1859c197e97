"""Applications of the node and of its enterprises: register, revise, retire."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from idnode.model.application import Application, ApplicationKind, ApplicationState
from idnode.model.change import Subject
from idnode.model.errors import Conflict, NotFound
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWrite, DirectoryWriter
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.storage.applications import ApplicationStore
from idnode.storage.idempotency import KeptAnswer
from idnode.wire.reporting_json import application_document

Answer = Callable[[Application], KeptAnswer]


@dataclass(frozen=True, slots=True)
class ApplicationForm:
    """What is said of an application; `enterprise` None means that it is the node's own."""

    enterprise: UUID | None
    name: str
    kind: ApplicationKind
    description: str | None
    users: str | None
    recursive_node: str | None
    developed_by: str | None


class ApplicationRegistry:
    """The applications that the top node is told of each month."""

    def __init__(self, store: ApplicationStore, enterprises: EnterpriseRegistry, writer: DirectoryWriter) -> None:
        self._store = store
        self._enterprises = enterprises
        self._writer = writer

    async def find(self, id: UUID) -> Application:
        """Raises NotFound."""
        application = await self._store.find(id)
        if application is None:
            raise NotFound(f"there is no application {id}")
        return application

    async def page(
        self, *, after: UUID | None, enterprise: UUID | None, state: ApplicationState | None, limit: int
    ) -> list[Application]:
        """A page in order of registration."""
        return await self._store.page(after=after, enterprise=enterprise, state=state, limit=limit)

    async def register(self, form: ApplicationForm, asked: Asked, answer: Answer) -> KeptAnswer:
        """A new application. Raises NotFound when its enterprise does not exist."""
        await self._require_enterprise(form)
        now = self._writer.now()
        application = Application(
            id=self._writer.new_id(),
            enterprise=form.enterprise,
            name=form.name,
            kind=form.kind,
            description=form.description,
            users=form.users,
            recursive_node=form.recursive_node,
            developed_by=form.developed_by,
            state=ApplicationState.ACTIVE,
            version=1,
            created=now,
            updated=now,
        )
        document = application_document(application)
        write = DirectoryWrite(Subject.APPLICATION, str(application.id), 1, "register", None, document)
        return await self._writer.commit(
            write, asked, answer(application), lambda session: self._store.insert(session, application)
        )

    async def revise(
        self, id: UUID, revised: Callable[[Application], ApplicationForm], asked: Asked, answer: Answer
    ) -> KeptAnswer:
        """Change what is said of an application. Raises NotFound, VersionMoved."""
        current = await self.find(id)
        asked.require_version(current.version)
        form = revised(current)
        await self._require_enterprise(form)
        changed = replace(
            current,
            enterprise=form.enterprise,
            name=form.name,
            kind=form.kind,
            description=form.description,
            users=form.users,
            recursive_node=form.recursive_node,
            developed_by=form.developed_by,
        )
        return await self._update(current, changed, "revise", asked, answer)

    async def retire(self, id: UUID, asked: Asked, answer: Answer) -> KeptAnswer:
        """It is not reported any more. Raises NotFound, VersionMoved, Conflict."""
        current = await self.find(id)
        asked.require_version(current.version)
        if current.state is ApplicationState.RETIRED:
            raise Conflict(f"application {id} is retired already")
        return await self._update(current, replace(current, state=ApplicationState.RETIRED), "retire", asked, answer)

    async def _require_enterprise(self, form: ApplicationForm) -> None:
        if form.enterprise is not None:
            await self._enterprises.find(form.enterprise)

    async def _update(
        self, current: Application, changed: Application, operation: str, asked: Asked, answer: Answer
    ) -> KeptAnswer:
        following = replace(changed, version=current.version + 1, updated=self._writer.now())
        write = DirectoryWrite(
            Subject.APPLICATION,
            str(current.id),
            following.version,
            operation,
            application_document(current),
            application_document(following),
        )
        return await self._writer.commit(
            write, asked, answer(following), lambda session: self._store.update(session, following)
        )
