"""`POST /identity/registry`: an admin registers a user."""

from idnode.frontends.snms.boundary import ADMIN, Reads, SnmsCall, SnmsRoute
from idnode.frontends.snms.documents import optional_text, required_text
from idnode.frontends.snms.envelope import SnmsRefusal, ok
from idnode.model.snms_user import (
    USER_EMAIL_CHARACTERS_MAX,
    USER_MOBILE_CHARACTERS_MAX,
    USER_NAME_CHARACTERS_MAX,
    USER_PASSWORD_CHARACTERS_MAX,
    USER_REMARKS_CHARACTERS_MAX,
)
from idnode.registry.snms_users import SnmsUserForm, SnmsUserRegistry
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.snms_users import UserTaken
from idnode.wire.snms_passwords import digest_of

TAKEN = {"userName": "用户名已存在", "email": "邮箱已存在", "mobile": "手机号已存在"}


class UsersApi:
    """Handler of the user route."""

    def __init__(self, users: SnmsUserRegistry) -> None:
        self._users = users

    def routes(self) -> tuple[SnmsRoute, ...]:
        """The rows of the route table."""
        return (
            SnmsRoute("POST", "/identity/registry", "snms_register_user", self.register,
                      ADMIN, Reads.JSON, is_write=True),
        )  # fmt: skip

    async def register(self, call: SnmsCall) -> KeptAnswer:
        """POST /identity/registry. The user reaches no prefix until an application or the command line gives one."""
        form = user_form(call.members())
        try:
            return await self._users.register(form, call.asked, lambda _: ok(True))
        except UserTaken as taken:
            raise SnmsRefusal(TAKEN[taken.member]) from None


def user_form(members: dict[str, object]) -> SnmsUserForm:
    """A user as sent; the password as the SHA-256 in hexadecimal. Raises SnmsRefusal."""
    name = required_text(members, "userName", characters_max=USER_NAME_CHARACTERS_MAX)
    password = required_text(members, "password", characters_max=USER_PASSWORD_CHARACTERS_MAX, is_secret=True)
    digest = digest_of(password)
    if digest is None:
        raise SnmsRefusal("password 必须是密码的SHA-256（64位十六进制）")
    return SnmsUserForm(
        name,
        digest,
        required_text(members, "email", characters_max=USER_EMAIL_CHARACTERS_MAX),
        required_text(members, "mobile", characters_max=USER_MOBILE_CHARACTERS_MAX),
        optional_text(members, "remarks", characters_max=USER_REMARKS_CHARACTERS_MAX),
    )
