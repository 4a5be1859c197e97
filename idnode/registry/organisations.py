"""What the operator and the enterprises say of themselves for the top node: read, replaced as a whole."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from idnode.model.change import Subject
from idnode.model.enterprise import Enterprise
from idnode.model.errors import InvalidInput, Violation
from idnode.model.limits import PAGE_ITEMS_MAX
from idnode.model.organisation import EnterpriseProfile, Operator
from idnode.model.prefix_registration import PrefixRegistration
from idnode.model.reporting import Report
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWrite, DirectoryWriter
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.storage.database import Session
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.organisations import OrganisationStore
from idnode.storage.prefixes import PrefixStore
from idnode.wire.reporting_json import (
    CERTIFICATE_TYPE,
    OF_THE_ENTERPRISE,
    operator_document,
    profile_document,
    routes_of,
    wrong_fields,
)

Fields = Mapping[str, object]
OperatorAnswer = Callable[[Operator], KeptAnswer]
ProfileAnswer = Callable[[Enterprise, EnterpriseProfile], KeptAnswer]


class OrganisationRegistry:
    """The operator and the profiles. What is said may be incomplete, never wrong."""

    def __init__(
        self,
        store: OrganisationStore,
        enterprises: EnterpriseRegistry,
        prefixes: PrefixStore,
        writer: DirectoryWriter,
    ) -> None:
        self._store = store
        self._enterprises = enterprises
        self._prefixes = prefixes
        self._writer = writer

    async def operator(self) -> Operator:
        """The operator; version 0 before anything was said of it."""
        return await self._store.operator()

    async def describe_operator(
        self, organisation: Fields, resolution: Sequence[Fields], asked: Asked, answer: OperatorAnswer
    ) -> KeptAnswer:
        """Replace what is said of the operator. Raises InvalidInput with every fault, VersionMoved.

        The node's addresses are the routes of the prefixes that it hosts: when they change, so do these.
        """
        faults = [*wrong_fields(Report.T1, organisation, "/organisation")]
        faults += (_in_resolution(fault) for fault in wrong_fields(Report.T2, routes_of(list(resolution)), ""))
        InvalidInput.refuse_any(faults)
        current = await self._store.operator()
        asked.require_version(current.version)
        following = Operator(organisation, tuple(resolution), current.version + 1, self._writer.now())
        write = DirectoryWrite(
            Subject.OPERATOR,
            "",
            following.version,
            "describe",
            operator_document(current) if current.version else None,
            operator_document(following),
        )
        rerouted = await self._hosted() if following.resolution != current.resolution else []

        async def act(session: Session) -> None:
            await self._store.write_operator(session, following)
            if rerouted:
                await self._store.reroute(session, rerouted, asked.trace)

        return await self._writer.commit(write, asked, answer(following), act)

    async def profile(self, enterprise: UUID) -> tuple[Enterprise, EnterpriseProfile]:
        """An enterprise and its profile, version 0 before anything was said. Raises NotFound."""
        found = await self._enterprises.find(enterprise)
        return found, await self._store.profile(enterprise)

    async def describe_profile(
        self, enterprise: UUID, organisation: Fields, asked: Asked, answer: ProfileAnswer
    ) -> KeptAnswer:
        """Replace an enterprise's profile. Raises NotFound, InvalidInput with every fault, VersionMoved."""
        owner, current = await self.profile(enterprise)
        faults = [*wrong_fields(Report.T6, organisation, "/organisation")]
        for name in sorted({CERTIFICATE_TYPE, *OF_THE_ENTERPRISE} & organisation.keys()):
            detail = f"belongs to the enterprise itself: PATCH /v1/enterprises/{enterprise}"
            faults.append(Violation(f"/organisation/{name}", "elsewhere", detail))
        InvalidInput.refuse_any(faults)
        asked.require_version(current.version)
        following = EnterpriseProfile(enterprise, organisation, current.version + 1, self._writer.now())
        write = DirectoryWrite(
            Subject.PROFILE,
            str(enterprise),
            following.version,
            "describe",
            profile_document(current) if current.version else None,
            profile_document(following),
        )
        return await self._writer.commit(
            write, asked, answer(owner, following), lambda session: self._store.write_profile(session, following)
        )

    async def _hosted(self) -> list[PrefixRegistration]:
        """The enterprise prefixes that are resolved here."""
        found: list[PrefixRegistration] = []
        after = ""
        while page := await self._prefixes.page(
            after=after, among=None, enterprise=None, state=None, limit=PAGE_ITEMS_MAX
        ):
            found += (each for each in page if each.enterprise is not None and each.is_answered_here)
            after = page[-1].prefix.folded
        return found


def _in_resolution(fault: Violation) -> Violation:
    """A fault of T2's data where the body has it."""
    return replace(fault, pointer="/resolution" + fault.pointer.removeprefix("/routes"))
