"""`POST /identity/token` and `/identity/token/v1`: a token for a password, sent plainly or as the day's digest."""

from collections.abc import Callable
from datetime import datetime

from idnode.frontends.snms.boundary import Reads, SnmsCall, SnmsRoute
from idnode.frontends.snms.documents import required_text
from idnode.frontends.snms.envelope import SnmsRefusal, ok
from idnode.model.snms_user import USER_NAME_CHARACTERS_MAX, USER_PASSWORD_CHARACTERS_MAX
from idnode.registry.snms_tokens import FAILURE_SECONDS, SnmsLogins, TooManyTries, WrongPassword
from idnode.storage.idempotency import KeptAnswer
from idnode.wire.snms_passwords import Proof, dated_proof, plain_proof

WRONG = "用户名/密码错误！"
TOO_MANY = f"密码错误次数过多，请{FAILURE_SECONDS / 60:g}分钟后再试"
BODY_BYTES_MAX = 16_384


class TokensApi:
    """Handlers of the token routes. `now` is the clock."""

    def __init__(self, logins: SnmsLogins, *, now: Callable[[], datetime]) -> None:
        self._logins = logins
        self._now = now

    def routes(self) -> tuple[SnmsRoute, ...]:
        """The rows of the route table."""
        return (
            SnmsRoute("POST", "/identity/token", "snms_token", self.plain,
                      None, Reads.JSON, body_bytes_max=BODY_BYTES_MAX),
            SnmsRoute("POST", "/identity/token/v1", "snms_token_v1", self.dated,
                      None, Reads.JSON, body_bytes_max=BODY_BYTES_MAX),
        )  # fmt: skip

    async def plain(self, call: SnmsCall) -> KeptAnswer:
        """POST /identity/token."""
        return await self._token(call, plain_proof)

    async def dated(self, call: SnmsCall) -> KeptAnswer:
        """POST /identity/token/v1."""
        return await self._token(call, lambda sent: dated_proof(sent, self._now()))

    async def _token(self, call: SnmsCall, proof: Callable[[str], Proof]) -> KeptAnswer:
        members = call.members()
        name = required_text(members, "username", characters_max=USER_NAME_CHARACTERS_MAX)
        password = required_text(members, "password", characters_max=USER_PASSWORD_CHARACTERS_MAX, is_secret=True)
        try:
            return ok({"token": await self._logins.token_for(name, proof(password), client=call.client)})
        except WrongPassword:
            raise SnmsRefusal(WRONG) from None
        except TooManyTries:
            raise SnmsRefusal(TOO_MANY) from None
