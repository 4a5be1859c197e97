"""Prefixes under the node's own: give out, move through their states, change the hosting."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

from idnode.model.access import ApiKey, Role
from idnode.model.change import Subject
from idnode.model.enterprise import EnterpriseState
from idnode.model.errors import Conflict, Forbidden, InvalidPrefix, NotFound, VersionMoved, Violation
from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import (
    APPLIED_FOR,
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
    """The prefixes of the node; `own` is the node's.

    With `is_judged_above` the top node has the last word on applications, and only an admin may anticipate it.
    """

    def __init__(
        self,
        store: PrefixStore,
        enterprises: EnterpriseRegistry,
        writer: DirectoryWriter,
        *,
        own: Prefix,
        is_judged_above: bool = False,
    ) -> None:
        self._store = store
        self._enterprises = enterprises
        self._writer = writer
        self._own = own
        self._is_judged_above = is_judged_above

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

    async def find_for(self, key: ApiKey, prefix: Prefix) -> PrefixRegistration:
        """For a reader: in the key's scope or, for an enterprise, what it applied for. Raises NotFound, Forbidden."""
        if not key.reaches(prefix):
            registration = await self._store.find(prefix)
            holders = await self.enterprises_of(key.prefixes) if key.role is Role.ENTERPRISE else []
            if registration is None or registration.enterprise not in holders:
                key.require_reach(prefix)
        return await self.find(prefix)

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
        """Give a prefix to an enterprise. Raises InvalidPrefix, NotFound, Conflict, AlreadyRegistered, Forbidden."""
        if asked.key.role is Role.ENTERPRISE:
            await self._require_own_application(form, asked)
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

    async def move(
        self, prefix: Prefix, state: PrefixState, asked: Asked, answer: Answer, *, note: str | None = None
    ) -> KeptAnswer:
        """Into another state; `note` says why it is rejected.

        Raises Conflict when the table of states has no such step, Forbidden when it is the top node's to make.
        """
        current = await self.find(prefix)
        asked.require_version(current.version)
        if self._is_judged_above and current.state in APPLIED_FOR and state is PrefixState.ACTIVE:
            _require_admin(asked, f"prefix {prefix.text} becomes active when the top node has said yes")
        if state not in PREFIX_TRANSITIONS[current.state]:
            steps = ", ".join(sorted(PREFIX_TRANSITIONS[current.state]))
            raise Conflict(f"prefix {prefix.text} is {current.state}; from there it can become {steps}, not {state}")
        return await self._update(current, replace(current, state=state, review_note=note), state, asked, answer)

    async def conclude(
        self, prefix: Prefix, version: int, state: PrefixState, note: str | None, asked: Asked, answer: Answer
    ) -> bool:
        """Write the top node's answer to the application as it stood at `version`.

        False, and nothing is written, when the prefix was changed since: the answer was heard before, or is to
        something that nobody asks any more.
        """
        current = await self._store.find(prefix)
        if current is None or current.version != version or current.state is not PrefixState.IN_REVIEW:
            return False
        concluded = replace(current, state=state, review_note=note)
        try:
            await self._update(current, concluded, state, asked, answer)
        except VersionMoved:
            return False
        return True

    async def rehost(
        self, prefix: Prefix, hosting: Hosting, site: SiteEndpoint | None, asked: Asked, answer: Answer
    ) -> KeptAnswer:
        """Let the node answer for it (hosted) or its enterprise (self, at `site`)."""
        current = await self.find(prefix)
        asked.require_version(current.version)
        if current.enterprise is None:
            raise Conflict(f"{prefix.text} is the node's own prefix; it is always hosted")
        return await self._update(current, replace(current, hosting=hosting, site=site), "rehost", asked, answer)

    async def _require_own_application(self, form: PrefixForm, asked: Asked) -> None:
        """An enterprise may apply, in its own name. Raises Forbidden."""
        if form.state is not PrefixState.WAITING:
            raise Forbidden("role enterprise may apply for a prefix (state waiting), not give one out; it takes admin")
        if form.enterprise not in await self.enterprises_of(asked.key.prefixes):
            raise Forbidden(f"enterprise {form.enterprise} holds none of this key's prefixes")

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


def _require_admin(asked: Asked, why: str) -> None:
    if asked.key.role is not Role.ADMIN:
        raise Forbidden(f"{why}; role {asked.key.role} may not anticipate it, it takes admin")
