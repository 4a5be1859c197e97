"""What comes of an approved application: enterprise, profile, prefix and user, within one transaction."""

from dataclasses import replace
from uuid import UUID

from idnode.model.change import Subject
from idnode.model.enterprise import Enterprise, EnterpriseState
from idnode.model.enterprise_application import EnterpriseApplication
from idnode.model.errors import Conflict
from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import Hosting, PrefixState
from idnode.model.snms_user import SnmsUser
from idnode.registry.commands import Asked, EnterpriseForm, PrefixForm
from idnode.registry.directory_writes import DirectoryWrite, DirectoryWriter
from idnode.registry.enterprise_mapping import enterprise_form, profile_fields
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.registry.organisations import OrganisationRegistry
from idnode.registry.prefixes import PrefixRegistry
from idnode.registry.snms_users import PasswordSealing, SnmsUserForm, SnmsUserRegistry, user_document
from idnode.storage.database import Database, Session
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.organisations import OrganisationStore
from idnode.storage.prefixes import PrefixStore
from idnode.storage.snms_users import SnmsUserStore, UserTaken

_SILENT = KeptAnswer(204, "", None, None, b"")


class Admission:
    """The registries of one transaction. Every step finds what stands, and writes what differs from the application."""

    def __init__(
        self,
        database: Database,
        writer: DirectoryWriter,
        sealing: PasswordSealing,
        asked: Asked,
        *,
        own: Prefix,
        is_judged_above: bool,
    ) -> None:
        self._enterprise_store, self._prefix_store = EnterpriseStore(database), PrefixStore(database)
        self._user_store = SnmsUserStore(database)
        self._writer = writer
        self._sealing = sealing
        self._asked = asked._replace(dry_run=False, claim=None, expected_version=None)
        self._is_judged_above = is_judged_above
        self._enterprises = EnterpriseRegistry(self._enterprise_store, writer)
        self._prefixes = PrefixRegistry(
            self._prefix_store, self._enterprises, writer, own=own, is_judged_above=is_judged_above
        )
        self._organisations = OrganisationRegistry(
            OrganisationStore(database), self._enterprises, self._prefix_store, writer
        )
        self._users = SnmsUserRegistry(self._user_store, self._enterprises, writer, sealing)

    async def admit(self, application: EnterpriseApplication) -> tuple[UUID, PrefixState, tuple[str, ...]]:
        """The enterprise, the state of its prefix, and the fields of T6 that were left out.

        Raises Conflict, AlreadyRegistered, UserTaken, InvalidInput, Forbidden: the message says which step it was.
        """
        enterprise = await self._admit_enterprise(application)
        left_out = await self._describe(application, enterprise)
        state = await self._admit_prefix(application, enterprise)
        await self._admit_user(application, enterprise)
        return enterprise, state, left_out

    async def _admit_enterprise(self, application: EnterpriseApplication) -> UUID:
        form = enterprise_form(application.content)
        known = await self._known_enterprise(application)
        if known is None:
            made: list[UUID] = []

            def answer(enterprise: Enterprise) -> KeptAnswer:
                made.append(enterprise.id)
                return _SILENT

            await self._enterprises.register(form, self._asked, answer)
            return made[0]
        if known.state is EnterpriseState.RETIRED:
            raise Conflict(f"enterprise {known.id} is retired; its application cannot be approved")
        if form != _form_of(known):
            await self._enterprises.revise(known.id, lambda _: form, self._asked, _silent)
        return known.id

    async def _known_enterprise(self, application: EnterpriseApplication) -> Enterprise | None:
        if application.enterprise is not None:
            return await self._enterprises.find(application.enterprise)
        return await self._enterprise_store.find_by_uscc(application.certificate_code)

    async def _describe(self, application: EnterpriseApplication, enterprise: UUID) -> tuple[str, ...]:
        """What the profile says besides, from elsewhere, stays."""
        fields, left_out = profile_fields(application.content)
        _, current = await self._organisations.profile(enterprise)
        following = {**current.organisation, **fields}
        if following != current.organisation:
            await self._organisations.describe_profile(enterprise, following, self._asked, lambda *_: _SILENT)
        return left_out

    async def _admit_prefix(self, application: EnterpriseApplication, enterprise: UUID) -> PrefixState:
        prefix = application.prefix
        registered = await self._prefix_store.find(prefix)
        if registered is None:
            form = PrefixForm(prefix, enterprise, Hosting.HOSTED, None, PrefixState.WAITING)
            await self._prefixes.register(form, self._asked, _silent)
            state = PrefixState.WAITING
        elif registered.enterprise != enterprise:
            raise Conflict(f"prefix {prefix.text} belongs to another enterprise")
        else:
            state = registered.state
        for before, after in self._steps():
            if state is before:
                await self._prefixes.move(prefix, after, self._asked, _silent)
                state = after
        return state

    def _steps(self) -> tuple[tuple[PrefixState, PrefixState], ...]:
        """The top node has the last word where there is one; what it rejected is asked of it once more."""
        decided = PrefixState.IN_REVIEW if self._is_judged_above else PrefixState.ACTIVE
        return ((PrefixState.REJECTED, PrefixState.WAITING), (PrefixState.WAITING, decided))

    async def _admit_user(self, application: EnterpriseApplication, enterprise: UUID) -> None:
        """The user of the application; who applied for their own enterprise becomes its user."""
        form = application.content.get("sysUser")
        if not isinstance(form, dict):
            return
        found = await self._user_store.find_by_name(form["userName"])
        if found is not None:
            await self._join(found[0], application, enterprise)
        elif application.sealed_password is not None:
            digest = self._sealing.unseal(application.id, application.sealed_password)
            made = SnmsUserForm(
                form["userName"], digest, form["email"], form["mobile"], form.get("remarks"), enterprise=enterprise
            )
            await self._users.register(made, self._asked, _silent)

    async def _join(self, user: SnmsUser, application: EnterpriseApplication, enterprise: UUID) -> None:
        if user.enterprise == enterprise:
            return
        if str(user.id) != application.applicant or user.enterprise is not None or user.is_admin:
            raise UserTaken(f"another SNMS user has the userName {user.name}", member="userName")
        following = replace(user, enterprise=enterprise, version=user.version + 1, updated=self._writer.now())
        old, new = user_document(user), user_document(following)
        write = DirectoryWrite(Subject.SNMS_USER, str(user.id), following.version, "join", old, new)

        async def act(session: Session) -> None:
            await self._user_store.update(session, following)

        await self._writer.commit(write, self._asked, _SILENT, act)


def _form_of(enterprise: Enterprise) -> EnterpriseForm:
    return EnterpriseForm(
        enterprise.name,
        enterprise.uscc,
        enterprise.industry,
        enterprise.contact,
        enterprise.website,
        enterprise.address,
    )


def _silent(_: object) -> KeptAnswer:
    return _SILENT
