"""From the identifier documents of /v1 to what the registry takes; every fault of values and identifier at once."""

from datetime import datetime
from functools import lru_cache

from idnode.frontends.v1.plain_registration import TEMPLATE_NAMES_REMEMBERED_MAX
from idnode.frontends.v1.schemas.identifiers import ContentIn, IdentifierIn, IdentifierPatch
from idnode.model.errors import InvalidIdentifier, InvalidInput, Violation
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier, Prefix
from idnode.model.template import TemplateName
from idnode.registry.commands import Content, Patch
from idnode.wire.handle_json_reading import values_from_json


def registration_of(body: IdentifierIn, *, now: datetime) -> tuple[Identifier, Content]:
    """Raises InvalidIdentifier when only the identifier is wrong, else InvalidInput with everything."""
    violations: list[Violation] = []
    identifier = None
    try:
        identifier = Identifier.parse(body.identifier)
    except InvalidIdentifier as error:
        violations += [violation.under("/identifier") for violation in error.violations]
    try:
        content = content_of(body, now=now)
    except InvalidInput as error:
        violations += error.violations
        raise InvalidInput.of(violations, unlisted=error.unlisted) from None
    if identifier is None:
        raise InvalidIdentifier(f"identifier: {violations[0].detail}", violations=tuple(violations))
    return identifier, content


def content_of(body: ContentIn, *, now: datetime) -> Content:
    """Raises InvalidInput with the violations of all values."""
    template = body.template
    name = None if template is None else _template_name(template.prefix, template.version)
    return Content(name, body.attributes, _values(body.values, now))


def patch_of(body: IdentifierPatch, *, now: datetime) -> Patch:
    """Raises InvalidInput; an index that is both set and removed is refused."""
    values = _values(body.values, now)
    removed = frozenset(body.remove)
    both = sorted(removed & {value.index for value in values})
    if both:
        detail = f"index {both[0]} is in values and in remove"
        raise InvalidInput.of([Violation("/remove", "set-and-removed", detail, str(both[0]))])
    if not (values or removed or body.attributes):
        detail = "nothing to change: send values, remove or attributes"
        raise InvalidInput.of([Violation("", "empty-patch", detail)])
    return Patch(values, removed, body.attributes)


@lru_cache(maxsize=TEMPLATE_NAMES_REMEMBERED_MAX)
def _template_name(prefix: str, version: str) -> TemplateName:
    return TemplateName(Prefix.parse(prefix), version)


def _values(documents: list[object], now: datetime) -> tuple[HandleValue, ...]:
    return values_from_json(documents, now=now) if documents else ()
