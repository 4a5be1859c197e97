"""Prefixes under the node's own: give out, move through their states, change the hosting."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

from idnode.model.change import Subject
from idnode.model.enterprise import EnterpriseState
from idnode.model.errors import Conflict, InvalidPrefix, NotFound, Violation
from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import (
    PREFIX_TRANSITIONS,
    Hosting,
    PrefixRegistration,
    PrefixState,
    SiteEndpoint,
)
from idnode.registry.commands import Asked, PrefixForm
from idnode.registry.directory_writes import DirectoryWrite, DirectoryWriter
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.prefixes import PrefixStore
from idnode.wire.directory_json import prefix_document

Answer = Callable[[PrefixRegistration], KeptAnswer]


class PrefixRegistry:
    """The prefixes of the node; `own` is the node's."""

    def __init__(
        self, store: PrefixStore, enterprises: EnterpriseRegistry, writer: DirectoryWriter, *, own: Prefix
    ) -> None:
        self._store = store
        self._enterprises = enterprises
        self._writer = writer
        self._own = own

    @property
    def own(self) -> Prefix:
        """The node's own prefix."""
        return self._own

    async def find(self, prefix: Prefix) -> PrefixRegistration:
        """Raises NotFound."""
        registration = await self._store.find(prefix)
        if registration is None:
            raise NotFound(f"prefix {prefix.text} is not registered at this node")
        return registration

    async def page(
        self,
        *,
        after: str,
        among: Sequence[Prefix] | None,
        enterprise: UUID | None,
        state: PrefixState | None,
        limit: int,
    ) -> list[PrefixRegistration]:
        """A page in key order."""
        return await self._store.page(after=after, among=among, enterprise=enterprise, state=state, limit=limit)

    async def enterprises_of(self, prefixes: Sequence[Prefix]) -> list[UUID]:
        """The enterprises that hold these prefixes."""
        return await self._store.enterprises_of(prefixes)

    async def register(self, form: PrefixForm, asked: Asked, answer: Answer) -> KeptAnswer:
        """Give a prefix to an enterprise. Raises InvalidPrefix, NotFound, Conflict, AlreadyRegistered."""
        problem = form.prefix.enterprise_label_problem(self._own)
        if problem is not None:
            violation = Violation(
                "/prefix", "under-node-prefix", problem, form.prefix.text, f"{self._own.text}.<digits>"
            )
            raise InvalidPrefix(f"prefix {form.prefix.text} {problem}", violations=(violation,))
        enterprise = await self._enterprises.find(form.enterprise)
        if enterprise.state is EnterpriseState.RETIRED:
            raise Conflict(f"enterprise {enterprise.id} is retired; it gets no more prefixes")
        now = self._writer.now()
        registration = PrefixRegistration(
            form.prefix, form.enterprise, form.state, form.hosting, form.site, 1, now, now
        )
        return await self._insert(registration, asked, answer)

    async def ensure_own(self, asked: Asked, answer: Answer) -> None:
        """The node's own prefix is a row like the others, so that templates and records under it need no exception."""
        if await self._store.find(self._own) is None:
            now = self._writer.now()
            registration = PrefixRegistration(self._own, None, PrefixState.ACTIVE, Hosting.HOSTED, None, 1, now, now)
            await self._insert(registration, asked, answer)

    async def move(self, prefix: Prefix, state: PrefixState, asked: Asked, answer: Answer) -> KeptAnswer:
        """Into another state. Raises Conflict when the table of states has no such step."""
        current = await self.find(prefix)
        asked.require_version(current.version)
        if state not in PREFIX_TRANSITIONS[current.state]:
            steps = ", ".join(sorted(PREFIX_TRANSITIONS[current.state]))
            raise Conflict(f"prefix {prefix.text} is {current.state}; from there it can become {steps}, not {state}")
        return await self._update(current, replace(current, state=state), state, asked, answer)

    async def rehost(
        self, prefix: Prefix, hosting: Hosting, site: SiteEndpoint | None, asked: Asked, answer: Answer
    ) -> KeptAnswer:
        """Let the node answer for it (hosted) or its enterprise (self, at `site`)."""
        current = await self.find(prefix)
        asked.require_version(current.version)
        if current.enterprise is None:
            raise Conflict(f"{prefix.text} is the node's own prefix; it is always hosted")
        return await self._update(current, replace(current, hosting=hosting, site=site), "rehost", asked, answer)

    async def _insert(self, registration: PrefixRegistration, asked: Asked, answer: Answer) -> KeptAnswer:
        write = DirectoryWrite(
            Subject.PREFIX, registration.prefix.folded, 1, "register", None, prefix_document(registration)
        )
        return await self._writer.commit(
            write, asked, answer(registration), lambda session: self._store.insert(session, registration)
        )

    async def _update(
        self, current: PrefixRegistration, changed: PrefixRegistration, operation: str, asked: Asked, answer: Answer
    ) -> KeptAnswer:
        following = replace(changed, version=current.version + 1, updated=self._writer.now())
        write = DirectoryWrite(
            Subject.PREFIX,
            current.prefix.folded,
            following.version,
            operation,
            prefix_document(current),
            prefix_document(following),
        )
        return await self._writer.commit(
            write, asked, answer(following), lambda session: self._store.update(session, following)
        )
