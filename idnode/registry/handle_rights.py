"""What a write takes of an administrator's rights, and why it is refused: pure (handle-protocol.md §1.6)."""

from collections.abc import Iterable, Mapping, Sequence

from idnode.model.access import ApiKey, Role
from idnode.model.errors import Conflict, Forbidden, InvalidInput, NotFound, Violation
from idnode.model.handle_value import HandleValue, Permission
from idnode.model.identifier import Identifier, Prefix, fold
from idnode.model.record import State
from idnode.registry.handle_admin import ADMIN, NO_RIGHTS, SECKEY, HandleIdentity
from idnode.wire.typed_values.hs_admin import ADMIN_PERMISSIONS_ALL, AdminPermission

WRITING_ROLES = frozenset({Role.ADMIN, Role.ENTERPRISE})
OVERWRITING = AdminPermission.ADD_ADMIN | AdminPermission.DELETE_HANDLE
"""Who may delete a record and name administrators may overwrite it as a whole."""

Administrator = HandleIdentity | ApiKey
"""Who writes: a key that a record holds, or an API key of this node, which may do everything in its scope."""


class NotAdministrator(Forbidden):
    """Who asks is known, and has not the right that this takes (Handle response code 400)."""

    code = "not-administrator"


class NotWritable(Forbidden):
    """Administrators may not change the value (Handle response code 401)."""

    code = "not-writable"


class ValuesExist(Conflict):
    """A value with this index is there already, or was sent twice (Handle response code 201)."""

    code = "values-exist"


class NoSuchValues(NotFound):
    """The record has no value with this index (Handle response code 200)."""

    code = "values-not-found"


def name_of(who: Administrator) -> str:
    """As the change log and the logs name it: a key's id, an identity's `index:handle`."""
    return str(who.id) if isinstance(who, ApiKey) else who.text


def rights_of_key(key: ApiKey, prefix: Prefix) -> AdminPermission:
    """An API key that may write has every right in its scope."""
    return ADMIN_PERMISSIONS_ALL if key.role in WRITING_ROLES and key.reaches(prefix) else NO_RIGHTS


def needed_for(before: Sequence[HandleValue], after: Sequence[HandleValue]) -> AdminPermission:
    """The rights that lead from some values to others; those that name administrators take rights of their own."""
    old, new = _by_index(before), _by_index(after)
    needed = NO_RIGHTS
    for index in old.keys() | new.keys():
        was, becomes = old.get(index), new.get(index)
        if was is None:
            needed |= _right(becomes, AdminPermission.ADD_ADMIN, AdminPermission.ADD_VALUE)
        elif becomes is None:
            needed |= _right(was, AdminPermission.REMOVE_ADMIN, AdminPermission.REMOVE_VALUE)
        elif not was.same_but_for_time(becomes):
            for value in (was, becomes):
                needed |= _right(value, AdminPermission.MODIFY_ADMIN, AdminPermission.MODIFY_VALUE)
    return needed


def _right(value: HandleValue | None, admin: AdminPermission, other: AdminPermission) -> AdminPermission:
    return admin if value is not None and fold(value.type) == ADMIN else other


def changed_in(before: Sequence[HandleValue], after: Sequence[HandleValue]) -> list[HandleValue]:
    """Values that will not be there as they are."""
    new = _by_index(after)
    return [was for was in before if was.index not in new or not was.same_but_for_time(new[was.index])]


def _by_index(values: Iterable[HandleValue]) -> Mapping[int, HandleValue]:
    return {value.index: value for value in values}


def require_rights(rights: AdminPermission, needed: AdminPermission, who: Administrator) -> None:
    """Raises NotAdministrator, naming what is missing."""
    missing = needed & ~rights
    if missing:
        raise NotAdministrator(_no_right(who, missing))


def _no_right(who: Administrator, missing: AdminPermission) -> str:
    listed = ", ".join(str(each.name).lower().replace("_", " ") for each in missing)
    return f"{name_of(who)} lacks the permission to {listed}"


def require_writable(values: Iterable[HandleValue]) -> None:
    """Raises NotWritable for a value that administrators may not write."""
    for value in values:
        if Permission.ADMIN_WRITE not in value.permissions:
            raise NotWritable(f"value {value.index} may not be changed by administrators")


def refuse_open_secrets(values: Sequence[HandleValue]) -> None:
    """A secret key that everybody may read would be none."""
    InvalidInput.refuse_any(
        [
            Violation(
                f"/values/{at}/permissions",
                "secret-not-public",
                "a secret key must not be publicly readable; send permissions 1100",
                f"index {value.index}",
            )
            for at, value in enumerate(values)
            if fold(value.type) == SECKEY and value.is_public
        ]
    )


def taken_detail(identifier: Identifier, state: State) -> str:
    """Why an identifier cannot be created: it is there, in some state."""
    match state:
        case State.ACTIVE:
            return f"{identifier.text} is registered already (letters compare without case)"
        case State.DELETED:
            return f"{identifier.text} was deleted and is not given out again; POST /v1/restore brings it back"
        case _:
            return f"{identifier.text} is {state}; POST /v1/restore brings it back"
