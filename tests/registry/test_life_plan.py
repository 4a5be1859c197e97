"""Plans of the life of a record: reserved, activated, given back; deleted with a successor, restored in time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from idnode.model.errors import Conflict, Deleted, InvalidInput
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier
from idnode.model.record import Operation, Record, State
from idnode.registry.commands import Content, Revision
from idnode.registry.plan import (
    Moment,
    plan_activate,
    plan_delete,
    plan_release,
    plan_reserve,
    plan_restore,
    plan_state,
)
from idnode.registry.planning import fitted, stored

BEFORE = datetime(2026, 11, 23, 8, 0, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)
MOMENT = Moment(NOW, date(2026, 11, 24))
JX1 = Identifier.parse("88.118.8/JX-1")
NEW = Identifier.parse("88.118.8/JX-2")
URL = HandleValue(1, "URL", b"https://example.com/", NOW)
ACTIVE = Record(JX1, 3, State.ACTIVE, None, {}, (URL,), BEFORE, BEFORE)
RESERVED = Record(JX1, 1, State.RESERVED, None, {}, (), BEFORE, BEFORE)
RELEASED = replace(RESERVED, version=2, state=State.RELEASED)
HOLDER = UUID("0197d1c2-0000-7000-8000-000000000001")
GRACE = timedelta(days=30)


def test_a_reservation_has_no_values_and_goes_on_where_a_released_name_ended() -> None:
    assert plan_reserve(JX1, None, MOMENT) == Record(JX1, 1, State.RESERVED, None, {}, (), NOW, NOW)
    assert plan_reserve(JX1, RELEASED, MOMENT) == Record(JX1, 3, State.RESERVED, None, {}, (), NOW, NOW)


def test_what_was_reserved_is_created_when_it_is_activated() -> None:
    activated = Record(JX1, 2, State.ACTIVE, None, {}, (URL,), NOW, NOW)

    assert plan_activate(RESERVED, Content(None, {}, (URL,)), None, MOMENT) == activated
    assert plan_activate(RELEASED, Content(None, {}, (URL,)), None, MOMENT) == replace(activated, version=3)


def test_activating_takes_content() -> None:
    with pytest.raises(InvalidInput, match="a record needs at least one value"):
        plan_activate(RESERVED, Content(None, {}, ()), None, MOMENT)


def test_a_name_that_is_given_back_has_no_holder_any_more() -> None:
    released = plan_release(replace(RESERVED, holder=HOLDER), MOMENT)

    assert (released.state, released.version, released.holder) == (State.RELEASED, 2, None)


@pytest.mark.parametrize("operation", [Operation.SUSPEND, Operation.RESTORE, Operation.DELETE])
def test_a_reserved_name_knows_no_other_step(operation: Operation) -> None:
    with pytest.raises(Conflict, match=rf"88\.118\.8/JX-1 is reserved; {operation} is not possible"):
        plan_state(RESERVED, operation, MOMENT)


def test_replacing_a_reserved_name_activates_it_and_deleting_gives_it_back() -> None:
    replacing, deleting = Revision(JX1, Operation.REPLACE), Revision(JX1, Operation.DELETE)

    assert fitted(replacing, stored(RESERVED)).operation is Operation.ACTIVATE
    assert fitted(deleting, stored(RESERVED)).operation is Operation.RELEASE
    assert fitted(Revision(JX1, Operation.SUSPEND), stored(RESERVED)).operation is Operation.SUSPEND
    assert fitted(replacing, stored(ACTIVE)) is replacing
    assert fitted(deleting, None) is deleting


def test_a_tombstone_names_its_successor_until_it_is_restored() -> None:
    tombstone = plan_delete(ACTIVE, NEW, MOMENT)
    restored = plan_restore(tombstone, MOMENT, grace=GRACE)

    assert (tombstone.state, tombstone.successor) == (State.DELETED, "88.118.8/JX-2")
    assert (restored.state, restored.version, restored.successor) == (State.ACTIVE, 5, None)
    with pytest.raises(Deleted) as refused:
        plan_state(tombstone, Operation.SUSPEND, MOMENT)
    assert refused.value.successor == "88.118.8/JX-2"


def test_nothing_succeeds_itself() -> None:
    with pytest.raises(InvalidInput) as refused:
        plan_delete(ACTIVE, Identifier.parse("88.118.8/jx-1"), MOMENT)

    [violation] = refused.value.violations
    assert (violation.pointer, violation.rule, violation.value) == ("/successor", "own-successor", "88.118.8/jx-1")


def test_a_deletion_can_be_undone_up_to_the_end_of_its_grace_and_a_suspension_always() -> None:
    last_moment = replace(ACTIVE, state=State.DELETED, updated=NOW - GRACE)
    too_late = replace(last_moment, updated=NOW - GRACE - timedelta(milliseconds=1))
    suspended = replace(ACTIVE, state=State.SUSPENDED, updated=NOW - 10 * GRACE)

    assert plan_restore(last_moment, MOMENT, grace=GRACE).state is State.ACTIVE
    assert plan_restore(suspended, MOMENT, grace=GRACE).state is State.ACTIVE
    with pytest.raises(
        Conflict,
        match=r"88\.118\.8/JX-1 was deleted at 2026-10-25T07:59:59\.999Z and could be restored until "
        r"2026-11-24T07:59:59\.999Z, 30 days \(IDNODE_RESTORE_DAYS\); it is 2026-11-24T08:00:00\.000Z",
    ):
        plan_restore(too_late, MOMENT, grace=GRACE)
