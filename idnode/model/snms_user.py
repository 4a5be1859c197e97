"""A user of the SNMS interface: who logs in with a password, and what API keys they act like."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from idnode.model.access import ApiKey, Role
from idnode.model.errors import Violation, shown
from idnode.model.identifier import Prefix, unprintable

USER_NAME_CHARACTERS_MAX = 50
USER_EMAIL_CHARACTERS_MAX = 50
USER_MOBILE_CHARACTERS_MAX = 50
USER_REMARKS_CHARACTERS_MAX = 255
USER_PASSWORD_CHARACTERS_MAX = 64

NOWHERE = Prefix("", "")
"""A prefix that nothing lies under, for the scope of a user who reaches none: an empty scope is every prefix."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_MOBILE = re.compile(r"\+?[0-9][0-9 -]{2,}", re.ASCII)


class UserState(StrEnum):
    """A disabled user cannot log in, and the tokens they have are void."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class SnmsUser:
    """An admin, or a user of an enterprise: its prefixes are theirs, and `prefixes` besides."""

    id: UUID
    name: str
    email: str
    mobile: str
    remarks: str | None
    is_admin: bool
    enterprise: UUID | None
    prefixes: tuple[Prefix, ...]
    state: UserState
    version: int
    created: datetime
    updated: datetime

    def key(self, enterprise_prefixes: Sequence[Prefix], *, expires: datetime | None = None) -> ApiKey:
        """The API key that the user acts like: its id is the user's."""
        scope = {prefix.folded: prefix for prefix in (*self.prefixes, *enterprise_prefixes)}
        return ApiKey(
            id=self.id,
            name=self.name,
            role=Role.ADMIN if self.is_admin else Role.ENTERPRISE,
            prefixes=() if self.is_admin else tuple(scope.values()) or (NOWHERE,),
            hint="",
            created=self.created,
            expires=expires,
            revoked=None,
            last_used=None,
            replaces=None,
            version=self.version,
        )


def user_violations(*, name: str, email: str, mobile: str, remarks: str | None) -> tuple[Violation, ...]:
    """What may not stand in these fields; pointers have the names of snms-api.md."""
    return (
        *_text("/userName", name, USER_NAME_CHARACTERS_MAX),
        *_text("/email", email, USER_EMAIL_CHARACTERS_MAX, _EMAIL, "is no address such as name@example.com"),
        *_text("/mobile", mobile, USER_MOBILE_CHARACTERS_MAX, _MOBILE, "is no number such as 13800000000"),
        *(() if remarks is None else _text("/remarks", remarks, USER_REMARKS_CHARACTERS_MAX)),
    )


def _text(
    pointer: str, text: str, characters_max: int, pattern: re.Pattern[str] | None = None, misfit: str = ""
) -> Iterator[Violation]:
    if len(text) > characters_max:
        limit = f"{characters_max} characters"
        yield Violation(pointer, "max-length", f"has {len(text)} characters, the limit is {limit}", shown(text), limit)
    elif unprintable(text) is not None or text != text.strip():
        yield Violation(pointer, "printable", "holds a control character or an outer space", shown(text))
    elif not text and pointer != "/remarks":
        yield Violation(pointer, "required", "must not be empty", "")
    elif pattern is not None and pattern.fullmatch(text) is None:
        yield Violation(pointer, "pattern", misfit, shown(text))
