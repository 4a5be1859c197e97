"""What a template may say: every rule that a definition, or a change to one, breaks.

Pointers lead into the template's document with the model's field names: /items/3/min_length, /checks/0/items/1.
"""

from collections.abc import Callable, Hashable, Iterator

from idnode.model.errors import Violation, shown
from idnode.model.identifier import fold, unprintable
from idnode.model.limits import TEMPLATE_ITEMS_MAX, TEMPLATE_VERSION_CHARACTERS_MAX
from idnode.model.template import Item, RecordCheck, Template
from idnode.registry.rules.described import description_problem, label_problem
from idnode.registry.rules.item_definition import TITLE_CHARACTERS_MAX, check_item
from idnode.registry.rules.nearest import meant_hint, nearest
from idnode.registry.rules.record_checks import RECORD_CHECK_FITS

RECORD_CHECKS_MAX = 64
NAMES_COMPARED_MAX = 64
"""Items up to which the one that was meant is sought: a definition may name a thousand items that are not there."""


def check_template(template: Template) -> tuple[Violation, ...]:
    """Every rule that the definition breaks; empty if records may be made by it (snms-api.md, template rows)."""
    violations = [*_version(template.name.version), *_texts(template)]
    violations += _too_many("items", len(template.items), TEMPLATE_ITEMS_MAX)
    for position, item in enumerate(template.items[:TEMPLATE_ITEMS_MAX]):
        violations += (found.under(f"/items/{position}") for found in check_item(item))
    violations += _twice(template.items, "index", lambda item: item.index)
    # Handle clients compare types without case (handle-protocol.md §1.3), so Mass and mass would be one type to them.
    violations += _twice(template.items, "name", lambda item: fold(item.name))
    violations += _too_many("checks", len(template.checks), RECORD_CHECKS_MAX)
    for position, check in enumerate(template.checks[:RECORD_CHECKS_MAX]):
        violations += (found.under(f"/checks/{position}") for found in _record_check(template, check))
    return tuple(violations)


def check_template_change(old: Template, new: Template) -> tuple[Violation, ...]:
    """What `new` may not change in `old`: its name, and of each item presence, index, name, type (snms-api.md, PUT)."""
    violations: list[Violation] = []
    if new.name.key != old.name.key:
        detail = f"the template is version {old.name.version} of {old.name.prefix.text}; another needs a new template"
        violations.append(Violation("/version", "version-fixed", detail, shown(new.name.version)))
    for item in old.items:
        violations += _item_change(item, new)
    return tuple(violations)


def _item_change(old: Item, new: Template) -> Iterator[Violation]:
    by_index, by_name = new.item_at(old.index), new.item_named(old.name)
    present = by_name or by_index
    if present is None:
        detail = f"item {old.index} {old.name} is gone; it may be disabled, never removed"
        yield Violation("/items", "item-removed", detail, item=old.name)
        return
    place = f"/items/{new.items.index(present)}"
    if by_index is not by_name:
        detail = f"index {old.index} and name {old.name} stay together, here are {present.index} and {present.name}"
        yield Violation(place, "index-and-name", detail, item=old.name)
    elif present.type is not old.type:
        detail = f"type is {old.type} and cannot become {present.type}; add a new item instead"
        yield Violation(f"{place}/type", "type-fixed", detail, present.type.value, item=old.name)


def _version(version: str) -> Iterator[Violation]:
    if not 1 <= len(version) <= TEMPLATE_VERSION_CHARACTERS_MAX:
        limit = f"1 to {TEMPLATE_VERSION_CHARACTERS_MAX} characters"
        yield Violation("/version", "version", f"version has {len(version)}, not {limit}", shown(version), limit)
    bad = unprintable(version)
    if bad is not None:
        yield Violation("/version", "version", f"version holds {bad}", shown(version))
    # prefix/version stands in addresses, where a slash divides and outer spaces get lost.
    if "/" in version or version != version.strip():
        yield Violation("/version", "version", "version holds a slash or an outer space", shown(version))


def _texts(template: Template) -> Iterator[Violation]:
    problem = label_problem(template.title, TITLE_CHARACTERS_MAX)
    if problem is not None:
        yield Violation("/title", "title", f"title {problem}", shown(template.title))
    problem = description_problem(template.description)
    if problem is not None:
        yield Violation("/description", "description", f"description {problem}", shown(template.description))


def _too_many(things: str, count: int, count_max: int) -> Iterator[Violation]:
    if count > count_max:
        limit = f"{count_max} {things}"
        yield Violation(f"/{things}", "too-many", f"{count} {things}, at most {count_max} are allowed", limit=limit)


def _twice(items: tuple[Item, ...], field: str, key: Callable[[Item], Hashable]) -> Iterator[Violation]:
    first: dict[Hashable, Item] = {}
    for position, item in enumerate(items[:TEMPLATE_ITEMS_MAX]):
        other = first.setdefault(key(item), item)
        if other is not item:
            detail = f"{field} is also that of item {other.index} {shown(other.name)}"
            yield Violation(f"/items/{position}/{field}", "unique", detail, item=shown(item.name))


def _record_check(template: Template, check: RecordCheck) -> Iterator[Violation]:
    fit = RECORD_CHECK_FITS.get(check.check)
    if fit is None:
        hint = meant_hint(nearest(check.check, RECORD_CHECK_FITS))
        detail = f"there is no record check '{shown(check.check)}'{hint}"
        yield Violation("/check", "record-check", detail, shown(check.check))
        return
    count = len(check.items)
    if not fit.items_min <= count <= fit.items_max or len(set(check.items)) < count:
        detail = f"{check.check} takes {fit.items_min} to {fit.items_max} different items, is given {count}"
        yield Violation("/items", "record-check", detail)
        return
    for position, name in enumerate(check.items):
        problem = _checked_item_problem(template, check.check, name)
        if problem is not None:
            yield Violation(f"/items/{position}", "record-check", problem, shown(name))


def _checked_item_problem(template: Template, check: str, name: str) -> str | None:
    item, types = template.item_named(name), RECORD_CHECK_FITS[check].types
    if item is None:
        names = [item.name for item in template.items]
        meant = nearest(name, names) if len(names) <= NAMES_COMPARED_MAX else None
        return f"there is no item '{shown(name)}'{meant_hint(meant)}"
    return None if item.type in types else f"{check} fits {' or '.join(sorted(types))}, {name} is {item.type}"
