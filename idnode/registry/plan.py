"""Plans of record writes: what would stand afterwards, or every reason why not. Pure."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from idnode.model.errors import Conflict, Deleted, InvalidInput, Violation, shown
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier
from idnode.model.limits import RESERVED_INDEXES, VALUES_MAX
from idnode.model.record import STATE_AFTER, Operation, Record, State
from idnode.model.template import Template, TemplateState
from idnode.registry.commands import Content, Patch
from idnode.registry.rules.attributes import check_attributes
from idnode.registry.rules.typed_values import UnreadableValue, canonical_data, canonical_view, value_of
from idnode.wire.instants import instant_text

_INDEX = attrgetter("index")


class Moment(NamedTuple):
    """When a plan is made: the instant, and the day it is in Beijing, where dates of products are read."""

    now: datetime
    today: date


class _Holding(NamedTuple):
    attributes: Mapping[str, object]
    values: tuple[HandleValue, ...]


_NOTHING = _Holding({}, ())


def plan_register(identifier: Identifier, content: Content, template: Template | None, moment: Moment) -> Record:
    """The first version of a record. Raises InvalidInput with every violation."""
    _require_active(template)
    holding = _hold(content.values, content.attributes, template, moment, touched=None)
    return Record(
        identifier=identifier,
        version=1,
        state=State.ACTIVE,
        template=content.template,
        attributes=holding.attributes,
        values=holding.values,
        created=moment.now,
        updated=moment.now,
    )


def plan_reserve(identifier: Identifier, released: Record | None, moment: Moment) -> Record:
    """A record without values that keeps the name free for its owner; `released`: it was reserved before."""
    if released is not None:
        return replace(_next(released, Operation.RESERVE, moment, _NOTHING), created=moment.now)
    return Record(
        identifier=identifier,
        version=1,
        state=State.RESERVED,
        template=None,
        attributes={},
        values=(),
        created=moment.now,
        updated=moment.now,
    )


def plan_release(current: Record, moment: Moment) -> Record:
    """A reserved name is given back, to be reserved or registered anew by whoever may write its prefix."""
    return replace(_next(current, Operation.RELEASE, moment, _NOTHING), holder=None)


def plan_activate(current: Record, content: Content, template: Template | None, moment: Moment) -> Record:
    """The first content of a reserved or released name; it counts as created now. Raises InvalidInput, Conflict."""
    _require_active(template)
    holding = _hold(content.values, content.attributes, template, moment, touched=None)
    settled = replace(current, template=content.template, created=moment.now)
    return _next(settled, Operation.ACTIVATE, moment, holding)


def plan_replace(current: Record, content: Content, template: Template | None, moment: Moment) -> Record:
    """The next version with new content; values that stay as they are keep their timestamp."""
    if template is not None and (current.template is None or current.template.key != template.name.key):
        _require_active(template)
    holding = _hold(content.values, content.attributes, template, moment, touched=None)
    settled = replace(current, template=content.template)
    return _next(settled, Operation.REPLACE, moment, holding._replace(values=_settled(holding.values, current)))


def plan_patch(current: Record, patch: Patch, template: Template | None, moment: Moment) -> Record:
    """The next version with some values and attributes changed."""
    changed = {value.index for value in patch.values}
    missing = sorted(patch.removed_indexes - {value.index for value in current.values})
    if missing:
        detail = f"there is no value with index {missing[0]} to remove"
        raise InvalidInput.of([Violation("/remove", "unknown-index", detail, str(missing[0]))])
    named = {item.index for item in (template.items if template else ()) if item.name in patch.attributes}
    gone = patch.removed_indexes | changed | named
    kept = tuple(value for value in current.values if value.index not in gone)
    touched = frozenset(patch.attributes) | {value.type for value in patch.values}
    # What was sent stands first, so that pointers count as the client does.
    holding = _hold((*patch.values, *kept), patch.attributes, template, moment, touched=touched)
    values = _settled(_dressed(holding.values, current, named), current)
    return _next(current, Operation.PATCH, moment, holding._replace(values=values))


def plan_state(current: Record, operation: Operation, moment: Moment) -> Record:
    """The next version in another state. Raises Conflict or Deleted when the table of states has no such step."""
    return _next(current, operation, moment, _Holding(current.attributes, current.values))


def plan_delete(current: Record, successor: Identifier, moment: Moment) -> Record:
    """A tombstone that names the identifier to go on with. Raises InvalidInput, Conflict, Deleted."""
    if successor.folded == current.identifier.folded:
        detail = "an identifier is not its own successor"
        raise InvalidInput.of([Violation("/successor", "own-successor", detail, shown(successor.text))])
    return replace(plan_state(current, Operation.DELETE, moment), successor=successor.text)


def plan_restore(current: Record, moment: Moment, *, grace: timedelta) -> Record:
    """A suspended record answers again; a deleted one too, within `grace` of its deletion. Raises Conflict."""
    if current.state is State.DELETED and moment.now > current.updated + grace:
        deleted, ended = instant_text(current.updated), instant_text(current.updated + grace)
        raise Conflict(
            f"{current.identifier.text} was deleted at {deleted} and could be restored until {ended}, "
            f"{grace.days} days (IDNODE_RESTORE_DAYS); it is {instant_text(moment.now)}"
        )
    return replace(plan_state(current, Operation.RESTORE, moment), successor=None)


def _require_active(template: Template | None) -> None:
    if template is not None and template.state is TemplateState.RETIRED:
        raise Conflict(f"template {template.name.version} is retired; it makes no new records")


def _next(current: Record, operation: Operation, moment: Moment, holding: _Holding) -> Record:
    state = STATE_AFTER.get((current.state, operation))
    if state is None:
        text = current.identifier.text
        if current.state is State.DELETED:
            at = instant_text(current.updated)
            raise Deleted(f"{text} was deleted at {at}; restore it first", at=at, successor=current.successor)
        raise Conflict(f"{text} is {current.state}; {operation} is not possible")
    return replace(
        current,
        version=current.version + 1,
        state=state,
        attributes=holding.attributes,
        values=holding.values,
        updated=moment.now,
    )


def _dressed(values: Iterable[HandleValue], current: Record, indexes: Container[int]) -> tuple[HandleValue, ...]:
    """An attribute says the data only: who may read the value, its ttl and its references stay as they were."""
    before = {value.index: value for value in current.values if value.index in indexes}

    def dress(value: HandleValue) -> HandleValue:
        old = before.get(value.index)
        if old is None:
            return value
        return value._replace(ttl=old.ttl, permissions=old.permissions, references=old.references)

    return tuple(dress(value) for value in values)


def _settled(values: Iterable[HandleValue], current: Record) -> tuple[HandleValue, ...]:
    before = {value.index: value for value in current.values}

    def settle(value: HandleValue) -> HandleValue:
        old = before.get(value.index)
        return old if old is not None and old.same_but_for_time(value) else value

    return tuple(settle(value) for value in values)


def _hold(
    values: tuple[HandleValue, ...],
    attributes: Mapping[str, object],
    template: Template | None,
    moment: Moment,
    *,
    touched: frozenset[str] | None,
) -> _Holding:
    """Values and attributes as one list of values in index order, attributes being typed views onto some of them.

    `touched` names the items that a patch changes: an item that was disabled since may stay as it is, untouched.
    """
    violations = _reserved(values)
    if template is None:
        violations += _attributes_without_template(attributes)
        InvalidInput.refuse_any(violations)
        return _Holding({}, _ordered(values))
    viewed, misfits = _viewed(values, template)
    given = {name: value for name, value in attributes.items() if value is not None}
    twice = [name for name in given if name in viewed]
    violations += misfits
    violations += [_given_twice(name) for name in twice]
    # An unknown name is refused at null too: a typing error would go unnoticed otherwise.
    typed = {**attributes, **viewed, **given}
    found = check_attributes(template, typed, today=moment.today)
    violations += [v for v in found if not _is_untouched_and_disabled(v, touched)]
    InvalidInput.refuse_any(violations)
    timestamp = moment.now.replace(microsecond=0)
    made = [_value_of_attribute(template, name, value, timestamp) for name, value in given.items()]
    ordered = _ordered((*values, *made))
    names = [item.name for value in ordered if (item := template.item_at(value.index)) is not None]
    return _Holding({name: canonical_view(typed[name]) for name in names}, ordered)


def _ordered(values: Iterable[HandleValue]) -> tuple[HandleValue, ...]:
    ordered = tuple(sorted(values, key=_INDEX))
    if len(ordered) > VALUES_MAX:
        detail = f"{len(ordered)} values, the limit is {VALUES_MAX}"
        raise InvalidInput.of([Violation("/values", "max-values", detail, str(len(ordered)), f"{VALUES_MAX} values")])
    if not ordered:
        detail = "a record needs at least one value; send values, or a template with attributes"
        raise InvalidInput.of([Violation("/values", "min-values", detail, "[]", "1 value")])
    return ordered


def _reserved(values: Iterable[HandleValue]) -> list[Violation]:
    return [
        Violation(
            f"/values/{at}/index",
            "reserved-index",
            f"index {value.index} is reserved for the node (1000, 1001 and 1999 are)",
            str(value.index),
        )
        for at, value in enumerate(values)
        if value.index in RESERVED_INDEXES
    ]


def _attributes_without_template(attributes: Mapping[str, object]) -> list[Violation]:
    if not attributes:
        return []
    detail = "attributes need a template; send template: {prefix, version}"
    return [Violation("/attributes", "template-required", detail, shown(", ".join(list(attributes)[:5])))]


def _viewed(values: Iterable[HandleValue], template: Template) -> tuple[dict[str, object], list[Violation]]:
    """The attributes that values at the template's indexes stand for, and the values that do not fit the template."""
    viewed: dict[str, object] = {}
    violations = []
    for at, value in enumerate(values):
        item = template.item_at(value.index)
        if item is None:
            named = template.item_named(value.type)
            if named is not None:
                detail = f"type {value.type} belongs to index {named.index} of the template, not to {value.index}"
                violations.append(Violation(f"/values/{at}/type", "template-index", detail, value.type))
            continue
        if item.name != value.type:
            detail = f"index {value.index} has type {item.name} in the template, not {value.type}"
            violations.append(Violation(f"/values/{at}/type", "template-type", detail, value.type, item=item.name))
            continue
        try:
            viewed[item.name] = value_of(item, value.data)
        except UnreadableValue as error:
            violations.append(Violation(f"/values/{at}/data", "type", str(error), item=item.name))
    return viewed, violations


def _given_twice(name: str) -> Violation:
    return Violation(f"/attributes/{name}", "given-twice", f"{name} stands in attributes and in values", item=name)


def _is_untouched_and_disabled(violation: Violation, touched: frozenset[str] | None) -> bool:
    return touched is not None and violation.rule == "disabled-item" and violation.item not in touched


def _value_of_attribute(template: Template, name: str, value: object, timestamp: datetime) -> HandleValue:
    item = template.item_named(name)
    if item is None:
        raise LookupError(f"{name} passed the template's check and is not in it")
    return HandleValue(item.index, name, canonical_data(item.type, value), timestamp)
