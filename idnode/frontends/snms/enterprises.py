"""Applications of enterprises in SNMS: apply, upgrade-apply, page, detail."""

from idnode.frontends.snms.boundary import Reads, SnmsCall, SnmsRoute
from idnode.frontends.snms.enterprise_forms import application_of
from idnode.frontends.snms.envelope import SnmsRefusal, missing, ok
from idnode.frontends.snms.pages import PARAMETER_CHARACTERS_MAX, PageAsked, beijing_text, span_of
from idnode.frontends.snms.users import TAKEN
from idnode.model.access import Role
from idnode.model.enterprise_application import EnterpriseApplication
from idnode.model.errors import shown
from idnode.registry.enterprise_applications import EnterpriseApplicationRegistry
from idnode.storage.enterprise_applications import ApplicationFilters
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.snms_users import UserTaken

NUMBER_DIGITS_MAX = 18
_LISTED = ("orgName", "orgNature", "orgCrtType", "orgCrtCode", "orgDesc", "website")


class SnmsEnterprises:
    """Handlers of the routes; admins see all, others what is theirs."""

    def __init__(self, applications: EnterpriseApplicationRegistry) -> None:
        self._applications = applications

    def rows(self) -> tuple[SnmsRoute, ...]:
        """The rows of the route table."""
        base = "/snms/api/v3/ent"
        return (
            SnmsRoute("POST", f"{base}/apply", "snms-ent-apply", self.apply, reads=Reads.JSON, is_write=True),
            SnmsRoute("POST", f"{base}/upgrade-apply", "snms-ent-upgrade", self.upgrade,
                      reads=Reads.JSON, is_write=True),
            SnmsRoute("GET", f"{base}/page", "snms-ent-page", self.page),
            SnmsRoute("GET", f"{base}/detail", "snms-ent-detail", self.detail),
        )  # fmt: skip

    async def apply(self, call: SnmsCall) -> KeptAnswer:
        """POST /snms/api/v3/ent/apply."""
        form = application_of(call.body, is_first=True)
        try:
            return await self._applications.apply(form, call.asked, _done)
        except UserTaken as taken:
            raise SnmsRefusal(f"sysUser.{taken.member}: {TAKEN[taken.member]}") from None

    async def upgrade(self, call: SnmsCall) -> KeptAnswer:
        """POST /snms/api/v3/ent/upgrade-apply."""
        form = application_of(call.body, is_first=False)
        try:
            return await self._applications.upgrade(form, call.asked, _done)
        except UserTaken as taken:
            raise SnmsRefusal(f"sysUser.{taken.member}: {TAKEN[taken.member]}") from None

    async def page(self, call: SnmsCall) -> KeptAnswer:
        """GET /snms/api/v3/ent/page."""

        def parameter(name: str) -> str | None:
            return call.optional_parameter(name, characters_max=PARAMETER_CHARACTERS_MAX)

        asked, (since, until) = PageAsked.of(parameter), span_of(parameter)
        applicant = None if call.key.role is Role.ADMIN else str(call.key.id)
        filters = ApplicationFilters(applicant, call.key.prefixes, parameter("orgName") or None, since, until)
        found, total = await self._applications.page_of(filters, offset=asked.offset, limit=asked.size)
        return ok(asked.document([listed(each) for each in found], total))

    async def detail(self, call: SnmsCall) -> KeptAnswer:
        """GET /snms/api/v3/ent/detail."""
        sent = call.optional_parameter("id", characters_max=PARAMETER_CHARACTERS_MAX)
        if not sent:
            raise missing("id")
        if not (sent.isascii() and sent.isdigit() and len(sent) <= NUMBER_DIGITS_MAX):
            raise SnmsRefusal(f"id 必须是企业编号，收到 {shown(sent)}")
        return ok(detailed(await self._applications.find_numbered(int(sent), call.key)))


def listed(application: EnterpriseApplication) -> dict[str, object]:
    """One line of ent/page."""
    basic = application.content["entBasicInfo"]
    members = basic if isinstance(basic, dict) else {}
    return {
        "id": application.number,
        "createDate": beijing_text(application.created),
        "updateDate": beijing_text(application.updated),
        **{name: members.get(name) for name in _LISTED},
        "status": application.status.snms_status,
        "reason": application.told_reason,
    }


def detailed(application: EnterpriseApplication) -> dict[str, object]:
    """What was sent, never the password, with where the review stands."""
    return {
        "id": application.number,
        "createDate": beijing_text(application.created),
        "updateDate": beijing_text(application.updated),
        "status": application.status.snms_status,
        "reason": application.told_reason,
        **application.content,
    }


def _done(_: EnterpriseApplication) -> KeptAnswer:
    return ok(data=True)
