"""Enterprises: register, revise, retire."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

from idnode.model.change import Subject
from idnode.model.enterprise import Enterprise, EnterpriseState
from idnode.model.errors import Conflict, NotFound
from idnode.registry.commands import Asked, EnterpriseForm
from idnode.registry.directory_writes import DirectoryWrite, DirectoryWriter
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.idempotency import KeptAnswer
from idnode.wire.directory_json import enterprise_document

Answer = Callable[[Enterprise], KeptAnswer]


class EnterpriseRegistry:
    """The enterprises of the node."""

    def __init__(self, store: EnterpriseStore, writer: DirectoryWriter) -> None:
        self._store = store
        self._writer = writer

    async def find(self, id: UUID) -> Enterprise:
        """Raises NotFound."""
        enterprise = await self._store.find(id)
        if enterprise is None:
            raise NotFound(f"there is no enterprise {id}")
        return enterprise

    async def page(
        self, *, after: UUID | None, among: Sequence[UUID] | None, state: EnterpriseState | None, limit: int
    ) -> list[Enterprise]:
        """A page in order of registration."""
        return await self._store.page(after=after, among=among, state=state, limit=limit)

    async def register(self, form: EnterpriseForm, asked: Asked, answer: Answer) -> KeptAnswer:
        """A new enterprise. Raises AlreadyRegistered when the USCC is taken."""
        now = self._writer.now()
        enterprise = Enterprise(
            id=self._writer.new_id(),
            name=form.name,
            uscc=form.uscc,
            industry=form.industry,
            contact=form.contact,
            website=form.website,
            address=form.address,
            state=EnterpriseState.ACTIVE,
            version=1,
            created=now,
            updated=now,
        )
        write = DirectoryWrite(
            Subject.ENTERPRISE, str(enterprise.id), 1, "register", None, enterprise_document(enterprise)
        )
        return await self._writer.commit(
            write, asked, answer(enterprise), lambda session: self._store.insert(session, enterprise)
        )

    async def revise(
        self,
        id: UUID,
        revised: Callable[[Enterprise], EnterpriseForm],
        asked: Asked,
        answer: Answer,
    ) -> KeptAnswer:
        """Change what an enterprise says of itself. Raises NotFound, VersionMoved, AlreadyRegistered."""
        current = await self.find(id)
        asked.require_version(current.version)
        form = revised(current)
        changed = replace(
            current,
            name=form.name,
            uscc=form.uscc,
            industry=form.industry,
            contact=form.contact,
            website=form.website,
            address=form.address,
        )
        return await self._update(current, changed, "revise", asked, answer)

    async def retire(self, id: UUID, asked: Asked, answer: Answer) -> KeptAnswer:
        """It gets no more prefixes; those it has are stopped one by one by the operator. Raises NotFound, Conflict."""
        current = await self.find(id)
        asked.require_version(current.version)
        if current.state is EnterpriseState.RETIRED:
            raise Conflict(f"enterprise {id} is retired already")
        return await self._update(current, replace(current, state=EnterpriseState.RETIRED), "retire", asked, answer)

    async def _update(
        self, current: Enterprise, changed: Enterprise, operation: str, asked: Asked, answer: Answer
    ) -> KeptAnswer:
        following = replace(changed, version=current.version + 1, updated=self._writer.now())
        write = DirectoryWrite(
            Subject.ENTERPRISE,
            str(current.id),
            following.version,
            operation,
            enterprise_document(current),
            enterprise_document(following),
        )
        return await self._writer.commit(
            write, asked, answer(following), lambda session: self._store.update(session, following)
        )
