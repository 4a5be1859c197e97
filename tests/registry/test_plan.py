"""Plans of record writes: what would stand afterwards, or every reason why not."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from idnode.model.errors import Conflict, Deleted, InvalidInput
from idnode.model.handle_value import HandleValue, Permission, Reference, TimeToLive
from idnode.model.identifier import Identifier, Prefix
from idnode.model.industry import Industry
from idnode.model.record import Operation, Record, State
from idnode.model.template import CarrierType, Item, ItemType, Template, TemplateName, TemplateState
from idnode.registry.commands import Content, Patch
from idnode.registry.plan import Moment, plan_patch, plan_register, plan_replace, plan_state

BEFORE = datetime(2026, 11, 23, 8, 0, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 8, 0, 0, 250_000, tzinfo=UTC)
SECOND = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)
MOMENT = Moment(NOW, date(2026, 11, 24))
JX1 = Identifier.parse("88.118.8/JX-1")
NAME = TemplateName(Prefix.parse("88.118.8"), "v1")
NOTE = Item(2000, "note", "备注", ItemType.STRING)
MASS = Item(2001, "mass", "重量", ItemType.NUMBER, maximum=900)
TEMPLATE = Template(
    NAME, "示例", None, Industry("C1711"), CarrierType.OTHER, (NOTE, MASS), (), TemplateState.ACTIVE, 1, BEFORE, BEFORE
)
DISABLED = replace(TEMPLATE, items=(NOTE, replace(MASS, enabled=False)))
RETIRED = replace(TEMPLATE, state=TemplateState.RETIRED)
URL = HandleValue(1, "URL", b"https://example.com/", BEFORE)
EMAIL = HandleValue(2, "EMAIL", b"a@example.com", BEFORE)
PLAIN = Record(JX1, 3, State.ACTIVE, None, {}, (URL, EMAIL), BEFORE, BEFORE)
ROLL = Record(
    JX1,
    3,
    State.ACTIVE,
    NAME,
    {"note": "一", "mass": 12},
    (URL, HandleValue(2000, "note", "一".encode(), BEFORE), HandleValue(2001, "mass", b"12", BEFORE)),
    BEFORE,
    BEFORE,
)


def sent(value: HandleValue) -> HandleValue:
    """The value as a client sends it again: the edge stamps it with the present second."""
    return value._replace(timestamp=SECOND)


def broken_rules(error: InvalidInput) -> list[tuple[str, str]]:
    return [(violation.pointer, violation.rule) for violation in error.violations]


def test_a_registration_makes_the_first_version_with_values_in_index_order() -> None:
    record = plan_register(JX1, Content(None, {}, (sent(EMAIL), sent(URL))), None, MOMENT)

    assert record == Record(JX1, 1, State.ACTIVE, None, {}, (sent(URL), sent(EMAIL)), NOW, NOW)


def test_attributes_become_values_of_the_present_second_and_read_as_they_are_stored() -> None:
    record = plan_register(JX1, Content(NAME, {"mass": 12.0, "note": "一"}, ()), TEMPLATE, MOMENT)

    assert record.values == (
        HandleValue(2000, "note", "一".encode(), SECOND),
        HandleValue(2001, "mass", b"12", SECOND),
    )
    assert dict(record.attributes) == {"note": "一", "mass": 12}
    assert record.template == NAME


def test_values_at_the_templates_indexes_read_as_attributes_too() -> None:
    mass = HandleValue(2001, "mass", b"12.5", SECOND)

    record = plan_register(JX1, Content(NAME, {}, (mass, sent(URL))), TEMPLATE, MOMENT)

    assert dict(record.attributes) == {"mass": 12.5}
    assert record.values == (sent(URL), mass)


def test_an_attribute_at_null_is_one_that_is_not_there() -> None:
    record = plan_register(JX1, Content(NAME, {"note": "一", "mass": None}, ()), TEMPLATE, MOMENT)

    assert dict(record.attributes) == {"note": "一"}


def test_every_broken_rule_of_a_registration_is_said_at_once() -> None:
    values = (
        URL._replace(index=1000),
        URL._replace(index=2000),
        HandleValue(7, "mass", b"1", SECOND),
        HandleValue(2001, "mass", b"a ton", SECOND),
        URL._replace(index=1999),
    )

    with pytest.raises(InvalidInput) as refusal:
        plan_register(JX1, Content(NAME, {"nothing": 1, "absent": None}, values), TEMPLATE, MOMENT)

    assert set(broken_rules(refusal.value)) == {
        ("/values/0/index", "reserved-index"),
        ("/values/1/type", "template-type"),
        ("/values/2/type", "template-index"),
        ("/values/3/data", "type"),
        ("/values/4/index", "reserved-index"),
        ("/attributes/nothing", "unknown-item"),
        ("/attributes/absent", "unknown-item"),
    }


@pytest.mark.parametrize("index", [1000, 1001, 1999])
def test_indexes_of_the_node_are_refused_by_number(index: int) -> None:
    with pytest.raises(InvalidInput, match=f"index {index} is reserved for the node"):
        plan_register(JX1, Content(None, {}, (URL._replace(index=index),)), None, MOMENT)


@pytest.mark.parametrize("index", [1, 999, 1002, 1998, 2000])
def test_the_indexes_beside_them_are_free(index: int) -> None:
    record = plan_register(JX1, Content(None, {}, (URL._replace(index=index),)), None, MOMENT)

    assert [value.index for value in record.values] == [index]


def test_what_stands_in_values_and_in_attributes_is_given_twice() -> None:
    mass = HandleValue(2001, "mass", b"12", SECOND)

    with pytest.raises(InvalidInput) as refusal:
        plan_register(JX1, Content(NAME, {"mass": 12}, (mass,)), TEMPLATE, MOMENT)

    assert broken_rules(refusal.value) == [("/attributes/mass", "given-twice")]


def test_attributes_without_a_template_are_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        plan_register(JX1, Content(None, {"mass": 12}, (URL,)), None, MOMENT)

    assert broken_rules(refusal.value) == [("/attributes", "template-required")]


def test_a_record_holds_one_value_at_least_and_2048_at_most() -> None:
    many = tuple(URL._replace(index=index) for index in range(3_000, 5_048))

    assert len(plan_register(JX1, Content(None, {}, many), None, MOMENT).values) == 2048
    with pytest.raises(InvalidInput) as refusal:
        plan_register(JX1, Content(None, {}, (URL, *many)), None, MOMENT)
    assert refusal.value.violations[0].limit == "2048 values"
    with pytest.raises(InvalidInput, match="a record needs at least one value"):
        plan_register(JX1, Content(None, {}, ()), None, MOMENT)


def test_a_retired_template_makes_no_new_record() -> None:
    content = Content(NAME, {"note": "一"}, ())

    with pytest.raises(Conflict, match="template v1 is retired; it makes no new records"):
        plan_register(JX1, content, RETIRED, MOMENT)
    with pytest.raises(Conflict, match="template v1 is retired; it makes no new records"):
        plan_replace(PLAIN, content, RETIRED, MOMENT)


def test_a_record_of_a_retired_template_can_still_be_replaced_and_patched() -> None:
    replaced = plan_replace(ROLL, Content(NAME, {"note": "二"}, ()), RETIRED, MOMENT)
    patched = plan_patch(ROLL, Patch(attributes={"note": "三"}), RETIRED, MOMENT)

    assert dict(replaced.attributes) == {"note": "二"}
    assert dict(patched.attributes) == {"note": "三", "mass": 12}


def test_a_replacement_is_the_next_version_of_the_same_record() -> None:
    record = plan_replace(ROLL, Content(None, {}, (sent(EMAIL),)), None, MOMENT)

    assert record == Record(JX1, 4, State.ACTIVE, None, {}, (sent(EMAIL),), BEFORE, NOW)


def test_a_value_that_is_replaced_by_itself_keeps_its_timestamp() -> None:
    changed = EMAIL._replace(data=b"b@example.com", timestamp=SECOND)

    record = plan_replace(PLAIN, Content(None, {}, (sent(URL), changed)), None, MOMENT)

    assert record.values == (URL, changed)


@pytest.mark.parametrize(
    "change",
    [
        {"data": b"https://example.com/2"},
        {"type": "url"},
        {"ttl": TimeToLive(60)},
        {"permissions": Permission.ADMIN_READ},
        {"references": (Reference("88.118.8/JX-2", 1),)},
    ],
)
def test_a_value_that_changes_in_anything_gets_a_new_timestamp(change: dict[str, object]) -> None:
    changed = sent(URL)._replace(**change)  # type: ignore[arg-type]  # each case names one field and its value

    record = plan_patch(PLAIN, Patch(values=(changed,)), None, MOMENT)

    assert record.values == (changed, EMAIL)


def test_a_patch_sets_and_removes_by_index_and_leaves_the_rest_untouched() -> None:
    note = HandleValue(7, "NOTE", b"x", SECOND)

    record = plan_patch(PLAIN, Patch(values=(note,), removed_indexes=frozenset({2})), None, MOMENT)

    assert record == Record(JX1, 4, State.ACTIVE, None, {}, (URL, note), BEFORE, NOW)


def test_a_patch_of_attributes_touches_their_values_only() -> None:
    record = plan_patch(ROLL, Patch(attributes={"mass": 13}), TEMPLATE, MOMENT)

    assert record.values == (*ROLL.values[:2], HandleValue(2001, "mass", b"13", SECOND))
    assert dict(record.attributes) == {"note": "一", "mass": 13}


def test_an_attribute_that_is_set_to_what_it_was_keeps_its_timestamp() -> None:
    record = plan_patch(ROLL, Patch(attributes={"mass": 12.0, "note": "一"}), TEMPLATE, MOMENT)

    assert record.values == ROLL.values
    assert (record.version, record.updated) == (4, NOW)


def test_an_attribute_at_null_is_removed_by_a_patch() -> None:
    record = plan_patch(ROLL, Patch(attributes={"mass": None}), TEMPLATE, MOMENT)

    assert dict(record.attributes) == {"note": "一"}
    assert record.values == ROLL.values[:2]


def test_an_attribute_says_the_data_and_who_may_read_its_value_stays() -> None:
    secret = ROLL.values[2]._replace(
        ttl=TimeToLive(60),
        permissions=Permission.ADMIN_READ,
        references=(Reference("88.118.8/JX-2", 1),),
    )
    current = replace(ROLL, values=(*ROLL.values[:2], secret))

    record = plan_patch(current, Patch(attributes={"mass": 13}), TEMPLATE, MOMENT)

    assert record.values[2] == secret._replace(data=b"13", timestamp=SECOND)


def test_a_value_that_the_template_has_meanwhile_taken_in_gets_the_items_type() -> None:
    current = replace(PLAIN, template=NAME, values=(URL._replace(index=2000),))

    record = plan_patch(current, Patch(attributes={"note": "一"}), TEMPLATE, MOMENT)

    assert record.values == (HandleValue(2000, "note", "一".encode(), SECOND),)


def test_pointers_of_a_patch_count_the_values_that_were_sent() -> None:
    wrong = (sent(EMAIL), URL._replace(index=1001), HandleValue(2001, "note", b"x", SECOND))

    with pytest.raises(InvalidInput) as refusal:
        plan_patch(ROLL, Patch(values=wrong), TEMPLATE, MOMENT)

    assert broken_rules(refusal.value) == [("/values/1/index", "reserved-index"), ("/values/2/type", "template-type")]


def test_what_is_not_there_cannot_be_removed() -> None:
    with pytest.raises(InvalidInput) as index:
        plan_patch(PLAIN, Patch(removed_indexes=frozenset({1, 9, 8})), None, MOMENT)
    with pytest.raises(InvalidInput) as name:
        plan_patch(ROLL, Patch(attributes={"masss": None}), TEMPLATE, MOMENT)

    assert broken_rules(index.value) == [("/remove", "unknown-index")]
    assert index.value.violations[0].detail == "there is no value with index 8 to remove"
    assert broken_rules(name.value) == [("/attributes/masss", "unknown-item")]


def test_a_patch_may_not_take_the_last_value() -> None:
    with pytest.raises(InvalidInput, match="a record needs at least one value"):
        plan_patch(PLAIN, Patch(removed_indexes=frozenset({1, 2})), None, MOMENT)


def test_an_item_that_was_disabled_since_stays_as_long_as_nobody_touches_it() -> None:
    record = plan_patch(ROLL, Patch(attributes={"note": "二"}), DISABLED, MOMENT)

    assert dict(record.attributes) == {"note": "二", "mass": 12}
    assert record.values[2] == ROLL.values[2]


def test_a_disabled_item_is_refused_when_it_is_touched_by_name_or_by_index() -> None:
    by_name = Patch(attributes={"mass": 13})
    by_index = Patch(values=(HandleValue(2001, "mass", b"13", SECOND),))

    for patch in (by_name, by_index):
        with pytest.raises(InvalidInput) as refusal:
            plan_patch(ROLL, patch, DISABLED, MOMENT)
        assert broken_rules(refusal.value) == [("/attributes/mass", "disabled-item")]


def test_a_disabled_item_may_be_removed() -> None:
    by_name = plan_patch(ROLL, Patch(attributes={"mass": None}), DISABLED, MOMENT)
    by_index = plan_patch(ROLL, Patch(removed_indexes=frozenset({2001})), DISABLED, MOMENT)

    assert dict(by_name.attributes) == dict(by_index.attributes) == {"note": "一"}


def test_a_replacement_names_every_item_anew_so_a_disabled_one_is_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        plan_replace(ROLL, Content(NAME, {"note": "一", "mass": 12}, ()), DISABLED, MOMENT)

    assert broken_rules(refusal.value) == [("/attributes/mass", "disabled-item")]


@pytest.mark.parametrize(
    ("state", "operation", "after"),
    [
        (State.ACTIVE, Operation.REGISTER, Conflict),
        (State.ACTIVE, Operation.REPLACE, State.ACTIVE),
        (State.ACTIVE, Operation.PATCH, State.ACTIVE),
        (State.ACTIVE, Operation.SUSPEND, State.SUSPENDED),
        (State.ACTIVE, Operation.RESTORE, Conflict),
        (State.ACTIVE, Operation.DELETE, State.DELETED),
        (State.SUSPENDED, Operation.REGISTER, Conflict),
        (State.SUSPENDED, Operation.REPLACE, State.SUSPENDED),
        (State.SUSPENDED, Operation.PATCH, State.SUSPENDED),
        (State.SUSPENDED, Operation.SUSPEND, Conflict),
        (State.SUSPENDED, Operation.RESTORE, State.ACTIVE),
        (State.SUSPENDED, Operation.DELETE, State.DELETED),
        (State.DELETED, Operation.REGISTER, Deleted),
        (State.DELETED, Operation.REPLACE, Deleted),
        (State.DELETED, Operation.PATCH, Deleted),
        (State.DELETED, Operation.SUSPEND, Deleted),
        (State.DELETED, Operation.RESTORE, State.ACTIVE),
        (State.DELETED, Operation.DELETE, Deleted),
    ],
)
def test_every_state_takes_each_operation_or_refuses_it(
    state: State, operation: Operation, after: State | type[Conflict] | type[Deleted]
) -> None:
    current = replace(PLAIN, state=state)

    if isinstance(after, State):
        assert plan_state(current, operation, MOMENT) == replace(current, version=4, state=after, updated=NOW)
    else:
        with pytest.raises(after):
            plan_state(current, operation, MOMENT)


@pytest.mark.parametrize("state", [State.ACTIVE, State.SUSPENDED, State.DELETED])
def test_content_goes_the_same_way_through_the_states(state: State) -> None:
    current = replace(PLAIN, state=state)
    content, patch = Content(None, {}, (sent(URL),)), Patch(removed_indexes=frozenset({2}))

    if state is State.DELETED:
        refusal = r"88\.118\.8/JX-1 was deleted at 2026-11-23T08:00:00\.000Z; restore it first"
        with pytest.raises(Deleted, match=refusal):
            plan_replace(current, content, None, MOMENT)
        with pytest.raises(Deleted, match=refusal):
            plan_patch(current, patch, None, MOMENT)
    else:
        assert plan_replace(current, content, None, MOMENT).state is state
        assert plan_patch(current, patch, None, MOMENT).state is state


def test_a_refused_step_names_state_and_operation() -> None:
    with pytest.raises(Conflict, match=r"88\.118\.8/JX-1 is active; restore is not possible"):
        plan_state(PLAIN, Operation.RESTORE, MOMENT)
