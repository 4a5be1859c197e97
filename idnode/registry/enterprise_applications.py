"""Applications of enterprises: handed in, handed in again, approved or rejected by the node's reviewer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from idnode.model.access import ApiKey, Role
from idnode.model.change import Subject
from idnode.model.enterprise_application import (
    REVIEW_TRANSITIONS,
    CertificateType,
    EnterpriseApplication,
    FileReference,
    ReviewState,
    ReviewStep,
    UploadedFile,
)
from idnode.model.errors import AlreadyRegistered, Conflict, Forbidden, InvalidPrefix, NotFound, Violation
from idnode.model.identifier import Prefix
from idnode.model.limits import PREFIX_LABEL_DIGITS_MAX
from idnode.model.prefix_registration import PrefixState
from idnode.registry.admission import Admission
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWrite, DirectoryWriter
from idnode.registry.joint_writes import JointWriter
from idnode.registry.snms_users import PasswordSealing
from idnode.registry.uploads import UploadRegistry
from idnode.storage.database import Database, Session
from idnode.storage.enterprise_applications import ApplicationFilters, EnterpriseApplicationStore
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.prefixes import PrefixStore
from idnode.storage.snms_users import SnmsUserStore, UserTaken
from idnode.wire.review_json import review_document

Answer = Callable[[EnterpriseApplication], KeptAnswer]


@dataclass(frozen=True, slots=True)
class ApplicantForm:
    """The user that an application brings. `password_sha256` None is for one who is a user already."""

    name: str
    password_sha256: bytes | None
    email: str
    mobile: str
    remarks: str | None

    def document(self) -> dict[str, object]:
        """As the sheet writes it, without the password."""
        members: dict[str, object] = {"userName": self.name, "email": self.email, "mobile": self.mobile}
        return members if self.remarks is None else {**members, "remarks": self.remarks}


@dataclass(frozen=True, slots=True)
class SubmittedApplication:
    """The enterprise object, read and checked as far as it can be by itself."""

    certificate_type: CertificateType
    certificate_code: str
    organisation: str
    prefix: Prefix
    content: dict[str, object]
    files: tuple[FileReference, ...]
    warnings: tuple[str, ...]
    user: ApplicantForm | None


@dataclass(frozen=True, slots=True)
class ApplicationStores:
    """What is read before an application is written."""

    applications: EnterpriseApplicationStore
    enterprises: EnterpriseStore
    prefixes: PrefixStore
    users: SnmsUserStore

    @classmethod
    def of(cls, database: Database) -> "ApplicationStores":
        """Those of a database."""
        return cls(
            EnterpriseApplicationStore(database),
            EnterpriseStore(database),
            PrefixStore(database),
            SnmsUserStore(database),
        )


class EnterpriseApplicationRegistry:
    """The applications. `own` is the node's prefix; with `is_judged_above` the top node has the last word."""

    def __init__(
        self,
        stores: ApplicationStores,
        uploads: UploadRegistry,
        writer: DirectoryWriter,
        joint: JointWriter,
        sealing: PasswordSealing,
        *,
        own: Prefix,
        is_judged_above: bool,
    ) -> None:
        self._stores = stores
        self._uploads = uploads
        self._writer = writer
        self._joint = joint
        self._sealing = sealing
        self._own = own
        self._is_judged_above = is_judged_above

    async def find(self, id: UUID, key: ApiKey) -> EnterpriseApplication:
        """For a reviewer. Raises NotFound, Forbidden outside of the key's scope."""
        application = await self._stores.applications.find(id)
        if application is None:
            raise NotFound(f"there is no application {id}")
        key.require_reach(application.prefix)
        return application

    async def files(self, application: EnterpriseApplication) -> list[UploadedFile]:
        """The files that it has named."""
        return await self._uploads.of_application(application.id)

    async def reviews(
        self, *, after: int, among: Sequence[Prefix] | None, state: ReviewState | None, limit: int
    ) -> list[EnterpriseApplication]:
        """A page for reviewers, oldest first."""
        return await self._stores.applications.reviews(after=after, among=among, state=state, limit=limit)

    async def find_numbered(self, number: int, key: ApiKey) -> EnterpriseApplication:
        """For an SNMS user: an admin's is every one, others have their own. Raises NotFound."""
        application = await self._stores.applications.find_by_number(number)
        if application is None or not _is_of(application, key):
            raise NotFound(f"企业 {number}")
        return application

    async def page_of(
        self, filters: ApplicationFilters, *, offset: int, limit: int
    ) -> tuple[list[EnterpriseApplication], int]:
        """A page for an SNMS user, newest first, and how many there are in all."""
        return await self._stores.applications.page(filters, offset=offset, limit=limit)

    async def apply(self, form: SubmittedApplication, asked: Asked, answer: Answer) -> KeptAnswer:
        """A new enterprise. One that was rejected may be handed in so again by whom it is of.

        Raises AlreadyRegistered for a certificate or prefix that is taken, InvalidPrefix, InvalidInput, UserTaken.
        """
        current = await self._present(form)
        if current is not None:
            if current.status is not PrefixState.REJECTED or not _is_of(current, asked.key):
                raise AlreadyRegistered(f"单位证件号 {form.certificate_code} 已有申请，修改请用 upgrade-apply")
            return await self._resubmit(current, form, asked, answer)
        if await self._stores.enterprises.find_by_uscc(form.certificate_code) is not None:
            raise AlreadyRegistered(f"单位证件号 {form.certificate_code} 的企业，修改请用 upgrade-apply")
        return await self._submit(form, None, asked, answer)

    async def upgrade(self, form: SubmittedApplication, asked: Asked, answer: Answer) -> KeptAnswer:
        """What an enterprise that is known here says now; it holds when it is approved. Raises NotFound, as `apply`."""
        current = await self._present(form)
        if current is not None:
            if not _is_of(current, asked.key):
                raise Forbidden(f"单位证件号 {form.certificate_code} 的申请属于其他用户")
            return await self._resubmit(current, form, asked, answer)
        enterprise = await self._stores.enterprises.find_by_uscc(form.certificate_code)
        if enterprise is None:
            raise NotFound(f"单位证件号 {form.certificate_code} 的企业")
        if asked.key.role is not Role.ADMIN:
            holders = await self._stores.prefixes.enterprises_of(asked.key.prefixes)
            if enterprise.id not in holders:
                raise Forbidden(f"单位证件号 {form.certificate_code} 的企业属于其他用户")
        return await self._submit(form, enterprise.id, asked, answer)

    async def approve(self, id: UUID, asked: Asked, answer: Answer) -> KeptAnswer:
        """Enterprise, profile, prefix and user are made of it in one transaction, or nothing is.

        Raises NotFound, Forbidden, VersionMoved, Conflict, and what one of the steps refuses.
        """
        current = await self.find(id, asked.key)
        asked.require_version(current.version)
        state = _stepped(current, ReviewStep.APPROVE)

        async def act(database: Database, writer: DirectoryWriter) -> KeptAnswer:
            admission = Admission(
                database, writer, self._sealing, asked, own=self._own, is_judged_above=self._is_judged_above
            )
            enterprise, prefix_state, left_out = await admission.admit(current)
            told = tuple(f"T6: {name} 的值不符合对接要求，未写入" for name in left_out)
            following = replace(
                current,
                enterprise=enterprise,
                state=state,
                reason=None,
                decided_by=asked.trace.actor,
                sealed_password=None,
                warnings=tuple(dict.fromkeys((*current.warnings, *told))),
                prefix_state=prefix_state,
                prefix_note=None,
            )
            inner = asked._replace(dry_run=False)
            return await self._update(writer, current, following, ReviewStep.APPROVE, inner, answer, ())

        return await self._joint.run(asked, act)

    async def reject(self, id: UUID, reason: str, asked: Asked, answer: Answer) -> KeptAnswer:
        """It may be mended and handed in again. Raises NotFound, Forbidden, VersionMoved, Conflict."""
        current = await self.find(id, asked.key)
        asked.require_version(current.version)
        state = _stepped(current, ReviewStep.REJECT)
        following = replace(current, state=state, reason=reason, decided_by=asked.trace.actor)
        return await self._update(self._writer, current, following, ReviewStep.REJECT, asked, answer, ())

    async def _present(self, form: SubmittedApplication) -> EnterpriseApplication | None:
        return await self._stores.applications.find_by_certificate(form.certificate_type, form.certificate_code)

    async def _submit(
        self, form: SubmittedApplication, enterprise: UUID | None, asked: Asked, answer: Answer
    ) -> KeptAnswer:
        id, now = self._writer.new_id(), self._writer.now()
        await self._require_free(form, enterprise, asked, id)
        application = EnterpriseApplication(
            id=id,
            number=await self._stores.applications.next_number(),
            enterprise=enterprise,
            applicant=str(asked.key.id),
            certificate_type=form.certificate_type,
            certificate_code=form.certificate_code,
            organisation=form.organisation,
            prefix=form.prefix,
            state=ReviewState.WAITING,
            reason=None,
            decided_by=None,
            content=_content(form),
            sealed_password=self._sealed(id, form, None),
            warnings=form.warnings,
            version=1,
            created=now,
            updated=now,
        )
        write = DirectoryWrite(
            Subject.ENTERPRISE_APPLICATION, str(id), 1, ReviewStep.SUBMIT, None, review_document(application)
        )

        async def act(session: Session) -> None:
            await self._stores.applications.insert(session, application)
            await self._uploads.bind(session, form.files, id)

        return await self._writer.commit(write, asked, answer(application), act)

    async def _resubmit(
        self, current: EnterpriseApplication, form: SubmittedApplication, asked: Asked, answer: Answer
    ) -> KeptAnswer:
        """An enterprise keeps its prefix, unless the top node rejected it; without a user the one told before stays."""
        state = _stepped(current, ReviewStep.SUBMIT)
        if current.prefix_state not in (None, PrefixState.REJECTED) and form.prefix.folded != current.prefix.folded:
            raise Conflict(f"企业前缀是 {current.prefix.text}，不能改为 {form.prefix.text}")
        await self._require_free(form, current.enterprise, asked, current.id)
        content = _content(form)
        if form.user is None and "sysUser" in current.content:
            content["sysUser"] = current.content["sysUser"]
        following = replace(
            current,
            organisation=form.organisation,
            prefix=form.prefix,
            state=state,
            reason=None,
            content=content,
            sealed_password=self._sealed(current.id, form, current.sealed_password),
            warnings=form.warnings,
        )
        return await self._update(self._writer, current, following, ReviewStep.SUBMIT, asked, answer, form.files)

    async def _require_free(
        self, form: SubmittedApplication, enterprise: UUID | None, asked: Asked, application: UUID
    ) -> None:
        """Prefix, user and files can be had. What changes until the approval, the approval finds out."""
        if form.prefix.enterprise_label_problem(self._own) is not None:
            label = f"末级为 1 到 {PREFIX_LABEL_DIGITS_MAX} 位数字"
            detail = f"{form.prefix.text} 必须是本节点前缀 {self._own.text} 的下一级，{label}"
            place, limit = "entBasicInfo.entPrefix", f"{self._own.text}.<digits>"
            violation = Violation(
                "/" + place.replace(".", "/"), "under-node-prefix", detail, form.prefix.text, limit, place
            )
            raise InvalidPrefix(f"{place}: {detail}", violations=(violation,))
        registered = await self._stores.prefixes.find(form.prefix)
        if registered is not None and registered.enterprise != enterprise:
            raise AlreadyRegistered(f"企业前缀 {form.prefix.text} 属于其他企业")
        if form.user is not None:
            await self._require_user(form.user, enterprise, asked)
        await self._uploads.require_usable(form.files, asked.key, application)

    async def _require_user(self, user: ApplicantForm, enterprise: UUID | None, asked: Asked) -> None:
        found = await self._stores.users.find_by_name(user.name)
        if found is None:
            if user.password_sha256 is None:
                raise NotFound(f"sysUser.userName {user.name}（新用户需要 sysUser.password）")
            return
        is_theirs = enterprise is not None and found[0].enterprise == enterprise
        if not is_theirs and found[0].id != asked.key.id:
            raise UserTaken(f"sysUser.userName {user.name}", member="userName")

    def _sealed(self, id: UUID, form: SubmittedApplication, before: bytes | None) -> bytes | None:
        if form.user is None or form.user.password_sha256 is None:
            return before
        return self._sealing.seal(id, form.user.password_sha256)

    async def _update(
        self,
        writer: DirectoryWriter,
        current: EnterpriseApplication,
        changed: EnterpriseApplication,
        step: ReviewStep,
        asked: Asked,
        answer: Answer,
        files: Sequence[FileReference],
    ) -> KeptAnswer:
        following = replace(changed, version=current.version + 1, updated=writer.now())
        write = DirectoryWrite(
            Subject.ENTERPRISE_APPLICATION,
            str(current.id),
            following.version,
            step,
            review_document(current),
            review_document(following),
        )

        async def act(session: Session) -> None:
            await self._stores.applications.update(session, following)
            await self._uploads.bind(session, files, following.id)

        return await writer.commit(write, asked, answer(following), act)


def _stepped(current: EnterpriseApplication, step: ReviewStep) -> ReviewState:
    state = REVIEW_TRANSITIONS[current.state].get(step)
    if state is None:
        possible = ", ".join(REVIEW_TRANSITIONS[current.state])
        raise Conflict(f"application {current.id} is {current.state}; from there it takes {possible}, not {step}")
    return state


def _is_of(application: EnterpriseApplication, key: ApiKey) -> bool:
    """Handed in by this user, or for a prefix of theirs; everything is an admin's."""
    if key.role is Role.ADMIN or application.applicant == str(key.id):
        return True
    return any(prefix.folded == application.prefix.folded for prefix in key.prefixes)


def _content(form: SubmittedApplication) -> dict[str, object]:
    return form.content if form.user is None else {"sysUser": form.user.document(), **form.content}
