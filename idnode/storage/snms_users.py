"""Users of the SNMS interface and their tokens; neither passwords nor tokens can be read from the tables."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from idnode.model.errors import AlreadyRegistered, VersionMoved
from idnode.model.identifier import Prefix, fold
from idnode.model.snms_user import SnmsUser, UserState
from idnode.storage.database import Database, Session
from idnode.storage.statements import statements

SQL = statements("snms_users")

_MEMBERS = {
    "snms_user_name_once": "userName",
    "snms_user_mobile_once": "mobile",
    "snms_user_email_once": "email",
}


class UserTaken(AlreadyRegistered):
    """Another user has this name, mail address or mobile number; `member` says which, as snms-api.md names it."""

    def __init__(self, detail: str, *, member: str) -> None:
        super().__init__(detail)
        self.member = member


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Whose a token is, until when it works, and the prefixes of the user's enterprise."""

    user: SnmsUser
    prefixes: tuple[Prefix, ...]
    expires: datetime


class SnmsUserStore:
    """Reads and writes of the snms_user and snms_token tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: UUID) -> SnmsUser | None:
        """One user, disabled or not."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_snms_user"], id)
        return None if row is None else _user(row)

    async def find_by_name(self, name: str) -> tuple[SnmsUser, bytes] | None:
        """One user and their sealed password."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_snms_user_by_name"], name)
        return None if row is None else (_user(row), row["sealed_password"])

    async def page(self, *, after: UUID | None, limit: int) -> list[SnmsUser]:
        """A page in order of creation."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_snms_users"], after, limit)
        return [_user(row) for row in rows]

    async def insert(self, session: Session, user: SnmsUser, sealed_password: bytes) -> None:
        """A new user. Raises UserTaken, which must roll the transaction back."""
        try:
            await session.run(SQL["insert_snms_user"], *_columns(user), sealed_password)
        except asyncpg.UniqueViolationError as error:
            member = _MEMBERS.get(error.constraint_name or "")
            if member is None:
                raise
            raise UserTaken(f"another SNMS user has this {member}", member=member) from error

    async def update(self, session: Session, user: SnmsUser) -> None:
        """Replace the row of the version before; the password stays. Raises VersionMoved."""
        if await session.row(SQL["update_snms_user"], *_columns(user)) is None:
            raise VersionMoved(f"SNMS user {user.name} was changed by someone else meanwhile")

    async def revoke_tokens(self, session: Session, id: UUID) -> None:
        """No token of this user works any more."""
        await session.run(SQL["revoke_snms_tokens"], id)

    async def issue(
        self, token_sha256: bytes, user: UUID, *, now: datetime, expires: datetime, tokens_max: int
    ) -> None:
        """A new token; what has expired goes, and of this user's tokens the oldest beyond `tokens_max`."""
        async with self._database.transaction() as session:
            await session.run(SQL["insert_snms_token"], token_sha256, user, now, expires)
            await session.run(SQL["forget_snms_tokens"], now, user, tokens_max)

    async def holder_of(self, token_sha256: bytes, now: datetime) -> TokenHolder | None:
        """Whose token this is, if it works at `now` and the user is not disabled."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_snms_token"], token_sha256, now)
        return None if row is None else TokenHolder(_user(row), _prefixes(row["inherited"]), row["expires"])


def _columns(user: SnmsUser) -> tuple[object, ...]:
    return (
        user.id,
        user.name,
        user.email,
        user.mobile,
        user.remarks,
        user.is_admin,
        user.enterprise,
        [prefix.text for prefix in user.prefixes],
        user.state,
        user.version,
        user.created,
        user.updated,
    )


def _user(row: asyncpg.Record) -> SnmsUser:
    return SnmsUser(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        mobile=row["mobile"],
        remarks=row["remarks"],
        is_admin=row["is_admin"],
        enterprise=row["enterprise"],
        prefixes=_prefixes(row["prefixes"]),
        state=UserState(row["state"]),
        version=row["version"],
        created=row["created"],
        updated=row["updated"],
    )


def _prefixes(texts: list[str]) -> tuple[Prefix, ...]:
    return tuple(Prefix(text, fold(text)) for text in texts)
