"""Who may do what with a handle: identities, HS_ADMIN, groups with their limits, and what each write takes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from idnode.model.errors import InvalidInput
from idnode.model.handle_value import HandleValue, Permission, Reference
from idnode.model.identifier import Identifier, Prefix
from idnode.model.record import Record, State
from idnode.registry.handle_admin import (
    GROUP_DEPTH_MAX,
    HandleAdministrators,
    HandleIdentity,
    IdentityNotVerified,
    Proof,
)
from idnode.registry.handle_rights import NotAdministrator, NotWritable, needed_for, require_rights, require_writable
from idnode.storage.identifiers import StoredRecord
from idnode.wire.record_json import render_record
from idnode.wire.typed_values.hs_admin import AdminPermission, HsAdmin
from idnode.wire.typed_values.hs_vlist import HsVlist

MOMENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
PREFIX = "0.NA/88.118.8"
READ, ADD = AdminPermission.READ_VALUE, AdminPermission.ADD_VALUE
URL = HandleValue(1, "URL", b"https://example.com/", MOMENT)
SECRET = HandleValue(301, "HS_SECKEY", b"secret", MOMENT, permissions=Permission(12))


def admin(index: int, handle: str, of: int, permissions: AdminPermission = READ) -> HandleValue:
    return HandleValue(index, "HS_ADMIN", HsAdmin(permissions, handle, of).encode(), MOMENT)


def group(index: int, *members: tuple[str, int]) -> HandleValue:
    data = HsVlist(tuple(Reference(handle, at) for handle, at in members)).encode()
    return HandleValue(index, "HS_VLIST", data, MOMENT)


def record(identifier: str, *values: HandleValue, state: State = State.ACTIVE) -> Record:
    return Record(Identifier.parse(identifier), 1, state, None, {}, values, MOMENT, MOMENT)


def administrators(*records: Record) -> HandleAdministrators:
    kept: dict[str, StoredRecord] = {}
    for each in records:
        document = render_record(each)
        folded = each.identifier.folded
        kept[folded] = StoredRecord(folded, 1, each.state, each.is_public, document.values_at, document.json)

    async def find_many(folded: Sequence[str]) -> Mapping[str, StoredRecord]:
        return {name: kept[name] for name in folded if name in kept}

    return HandleAdministrators(find_many)


def identity(text: str) -> HandleIdentity:
    return HandleIdentity.parse(text)


async def test_who_knows_the_secret_at_an_index_is_verified() -> None:
    known = administrators(record(PREFIX, URL, SECRET))

    verified = await known.verify(identity("301:0.na/88.118.8"), Proof.by_password(b"secret"))
    from_any = await known.verify(identity("0:88.118.8"), Proof.by_password(b"secret"))

    assert verified.index == 301
    assert from_any.index == 301


@pytest.mark.parametrize(
    ("claimed", "password"),
    [
        ("301:0.NA/88.118.8", b"Secret"),
        ("300:0.NA/88.118.8", b"secret"),
        ("1:0.NA/88.118.8", b"https://example.com/"),
        ("301:0.NA/88.118.9", b"secret"),
        ("301:88.118.8/gone", b"secret"),
        ("302:0.NA/88.118.8", b""),
    ],
)
async def test_nobody_else_is(claimed: str, password: bytes) -> None:
    empty = SECRET._replace(index=302, data=b"")
    known = administrators(record(PREFIX, URL, SECRET, empty), record("88.118.8/gone", SECRET, state=State.SUSPENDED))

    with pytest.raises(IdentityNotVerified, match=r"^Identity not verified$"):
        await known.verify(identity(claimed), Proof.by_password(password))


async def test_rights_are_those_of_every_admin_value_that_names_the_identity() -> None:
    item = record("88.118.8/JX-1", admin(100, PREFIX, 301, READ), admin(101, PREFIX, 0, ADD), admin(102, PREFIX, 302))

    assert await administrators().rights_in(identity("301:88.118.8"), item) == READ | ADD
    assert await administrators().rights_in(identity("303:88.118.8"), item) == ADD
    assert await administrators().rights_in(identity("301:0.NA/88.118.9"), item) == AdminPermission(0)


async def test_a_record_without_administrators_is_ruled_by_those_of_its_prefix() -> None:
    known = administrators(record(PREFIX, admin(100, PREFIX, 301, ADD)))
    own = record("88.118.8/JX-1", URL, admin(100, "88.118.8/JX-1", 301))

    assert await known.rights_in(identity("301:88.118.8"), record("88.118.8/JX-1", URL)) == ADD
    assert await known.rights_in(identity("301:88.118.8"), own) == AdminPermission(0)
    assert await known.rights_under(identity("301:88.118.8"), Prefix.parse("88.118.8")) == ADD
    assert await known.rights_under(identity("301:88.118.8"), Prefix.parse("88.118.9")) == AdminPermission(0)


async def test_groups_are_looked_through_by_index_and_a_bare_prefix_means_its_record() -> None:
    known = administrators(
        record(PREFIX, group(200, ("88.118.8/ops", 0)), group(201, ("0.NA/88.118.8", 302))),
        record("88.118.8/ops", group(1, ("88.118.8", 301))),
    )
    item = record("88.118.8/JX-1", admin(100, "88.118.8", 200))

    assert await known.rights_in(identity("301:88.118.8"), item) == READ
    assert await known.rights_in(identity("302:88.118.8"), item) == AdminPermission(0)


def chain(length: int) -> list[Record]:
    links = [record(f"88.118.8/g{n}", group(1, (f"88.118.8/g{n + 1}", 1))) for n in range(length)]
    return [*links, record(f"88.118.8/g{length}", group(1, (PREFIX, 301)))]


async def test_groups_within_groups_end_somewhere() -> None:
    item = record("88.118.8/JX-1", admin(100, "88.118.8/g0", 1))
    deepest = administrators(*chain(GROUP_DEPTH_MAX - 1))
    too_deep = administrators(*chain(GROUP_DEPTH_MAX))

    assert await deepest.rights_in(identity("301:88.118.8"), item) == READ
    assert await too_deep.rights_in(identity("301:88.118.8"), item) == AdminPermission(0)


async def test_groups_that_name_each_other_are_looked_at_once() -> None:
    ring = administrators(
        record("88.118.8/a", group(1, ("88.118.8/b", 1))),
        record("88.118.8/b", group(1, ("88.118.8/a", 1), ("88.118.8/B", 1))),
    )
    item = record("88.118.8/JX-1", admin(100, "88.118.8/a", 1))

    assert await ring.rights_in(identity("301:88.118.8"), item) == AdminPermission(0)


async def test_what_is_no_admin_value_names_nobody() -> None:
    known = administrators(record(PREFIX, HandleValue(200, "HS_VLIST", b"\xff", MOMENT)))
    item = record("88.118.8/JX-1", HandleValue(99, "HS_ADMIN", b"\x0f", MOMENT), admin(100, PREFIX, 200))

    assert await known.rights_in(identity("301:88.118.8"), item) == AdminPermission(0)


@pytest.mark.parametrize("text", ["", "301", "x:88.118.8", ":88.118.8", "-1:88.118.8", "2147483648:88.118.8", "1:a b/"])
def test_what_is_no_identity_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"no identity|nothing follows|space|labels"):
        identity(text)


def test_each_change_takes_its_own_right() -> None:
    other = admin(100, PREFIX, 302)
    changes = {
        ((URL,), (URL,)): AdminPermission(0),
        ((URL,), (URL._replace(timestamp=MOMENT.replace(year=2024)),)): AdminPermission(0),
        ((), (URL,)): AdminPermission.ADD_VALUE,
        ((URL,), ()): AdminPermission.REMOVE_VALUE,
        ((URL,), (URL._replace(data=b"x"),)): AdminPermission.MODIFY_VALUE,
        ((), (other,)): AdminPermission.ADD_ADMIN,
        ((other,), ()): AdminPermission.REMOVE_ADMIN,
        ((other,), (admin(100, PREFIX, 303),)): AdminPermission.MODIFY_ADMIN,
        ((other,), (other._replace(type="hs_admin"),)): AdminPermission.MODIFY_ADMIN,
        ((URL._replace(index=100),), (other,)): AdminPermission.MODIFY_ADMIN | AdminPermission.MODIFY_VALUE,
    }

    for (before, after), needed in changes.items():
        assert needed_for(before, after) == needed, (before, after)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(NotAdministrator, match=r"^301:0\.NA/88\.118\.8 lacks the permission to add value, add admin$"):
        require_rights(READ, ADD | READ | AdminPermission.ADD_ADMIN, identity("301:0.NA/88.118.8"))


def test_a_value_that_administrators_may_not_write_stays() -> None:
    with pytest.raises(NotWritable, match="value 1 may not be changed by administrators"):
        require_writable([URL._replace(permissions=Permission.PUBLIC_READ)])
