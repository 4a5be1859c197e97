"""SNMS users: what they reach, and what may stand in their fields."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from idnode.model.access import Role
from idnode.model.errors import Forbidden
from idnode.model.identifier import Prefix
from idnode.model.snms_user import SnmsUser, UserState, user_violations

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EIGHT, NINE = Prefix.parse("88.118.8"), Prefix.parse("88.118.9")


def user(*prefixes: Prefix, is_admin: bool = False) -> SnmsUser:
    return SnmsUser(
        UUID(int=7),
        "mes",
        "mes@example.com",
        "13800000000",
        None,
        is_admin,
        None,
        prefixes,
        UserState.ACTIVE,
        1,
        NOW,
        NOW,
    )


def test_an_admin_reaches_every_prefix() -> None:
    key = user(is_admin=True).key(())

    assert (key.role, key.reaches(EIGHT), key.id) == (Role.ADMIN, True, UUID(int=7))


def test_a_user_reaches_the_own_prefixes_and_those_of_the_enterprise_each_once() -> None:
    key = user(EIGHT).key((EIGHT, NINE))

    assert (key.role, key.prefixes) == (Role.ENTERPRISE, (EIGHT, NINE))


def test_a_user_without_any_prefix_reaches_none_rather_than_all() -> None:
    key = user().key(())

    assert not key.reaches(EIGHT)
    with pytest.raises(Forbidden, match=r"88\.118\.8 is outside"):
        key.require_reach(EIGHT)


@pytest.mark.parametrize(
    ("member", "text", "rule", "detail"),
    [
        ("name", "", "required", "must not be empty"),
        ("name", "m" * 51, "max-length", "has 51 characters, the limit is 50 characters"),
        ("name", "a\nb", "printable", "holds a control character or an outer space"),
        ("name", " mes", "printable", "holds a control character or an outer space"),
        ("email", "mes", "pattern", "is no address such as name@example.com"),
        ("mobile", "abc", "pattern", "is no number such as 13800000000"),
        ("remarks", "x" * 256, "max-length", "has 256 characters, the limit is 255 characters"),
    ],
)
def test_a_field_that_does_not_fit_says_why(member: str, text: str, rule: str, detail: str) -> None:
    fields = {"name": "mes", "email": "mes@example.com", "mobile": "13800000000", "remarks": "x"} | {member: text}

    found = user_violations(**fields)

    assert [(v.rule, v.detail) for v in found] == [(rule, detail)]
    assert found[0].pointer == {"name": "/userName"}.get(member, f"/{member}")
