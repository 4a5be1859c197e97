"""From a row of a batch or an import to what the registry takes: a dictionary as JSON has it, every fault at once.

It takes and refuses what the single routes of /v1 do; their forms are the authority, and a test holds the two together.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from idnode.model.errors import (
    IdnodeError,
    InvalidIdentifier,
    InvalidInput,
    InvalidPrefix,
    Violation,
    pointer_of,
    shown,
)
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier, Prefix, unprintable
from idnode.model.limits import PREFIX_BYTES_MAX, TEMPLATE_VERSION_CHARACTERS_MAX, VALUE_INDEX_MAX, VALUES_MAX
from idnode.model.record import Operation
from idnode.model.template import TemplateName
from idnode.registry.batches import Registration, Row
from idnode.registry.commands import Content, Patch, Revision
from idnode.wire.handle_json_reading import values_from_json

IDENTIFIER_CHARACTERS_MAX = 4_096
"""Of what is read at all; what an identifier may be is said in bytes."""
TEMPLATE_NAMES_REMEMBERED_MAX = 256
VERSION_MAX = 999_999_999
"""As in If-Match: nine digits."""

Document = dict[Any, Any]

_CONTENT = ("template", "attributes", "values")
_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "register": ("op", "identifier", *_CONTENT),
    "replace": ("op", "identifier", "version", *_CONTENT),
    "patch": ("op", "identifier", "version", "attributes", "values", "remove"),
    "delete": ("op", "identifier", "version"),
}
"""What a row may say, by what it asks for."""
_PLAIN = frozenset({"identifier", "template", "attributes"})
_KNOWN = {op: frozenset(members) for op, members in _MEMBERS.items()}


def read_row(document: object, *, now: datetime) -> Row:
    """What a row asks for, or its refusal with every violation; pointers begin at the row.

    A document that is a refusal already (a line that is no JSON) stays one. `now` stamps the values. Nothing of
    `document` is copied: whoever has given it away leaves it alone.
    """
    if isinstance(document, IdnodeError):
        return document
    plain = _plain_registration(document)
    if plain is not None:
        return plain
    try:
        return _read(document, now)
    except InvalidInput as refusal:
        return refusal


def operation_of(document: object) -> str:
    """What a row asks for as it says itself, for whoever counts; "register" where it says nothing that is known."""
    op = document.get("op") if isinstance(document, dict) else None
    return op if isinstance(op, str) and op in _MEMBERS else "register"


def _plain_registration(document: object) -> Registration | None:
    """What `_read` makes of the commonest row, in a fraction of its time; None for every other one."""
    if type(document) is not dict or not document.keys() <= _PLAIN:
        return None
    text, named, attributes = document.get("identifier"), document.get("template"), document.get("attributes")
    if type(text) is not str or type(named) is not dict or type(attributes) is not dict or len(named) != 2:
        return None
    prefix, version = named.get("prefix"), named.get("version")
    if not _is_short(prefix, version):
        return None
    try:
        return Registration(Identifier.parse(text), Content(_template_name(prefix, version), attributes, ()))
    except InvalidInput:
        return None


def _read(document: object, now: datetime) -> Row:
    if type(document) is not dict:
        raise _one("", "object", f"a row is an object, this is {shown(document)}", shown(document))
    op = document.get("op", "register")
    if type(op) is not str or op not in _MEMBERS:
        raise _one("/op", "option", f"must be one of {', '.join(_MEMBERS)}", shown(op), ", ".join(_MEMBERS))
    faults = _Faults(document)
    faults.look_at_members(op)
    text = faults.identifier()
    build = _BUILDERS[op](faults)
    faults.refuse_any()
    return build(text, now)


class _Faults:
    """Reads the members of a row one by one, notes what is wrong, and goes on with a stand-in."""

    __slots__ = ("_document", "_noted")

    def __init__(self, document: Document) -> None:
        self._document = document
        self._noted: list[Violation] = []

    def look_at_members(self, op: str) -> None:
        if self._document.keys() <= _KNOWN[op]:
            return
        known = ", ".join(_MEMBERS[op])
        for name in self._document:
            if name not in _KNOWN[op]:
                self._note((name,), "unknown-member", f"is no member of a row that is to {op}; known are {known}")

    def identifier(self) -> str:
        text = self._document.get("identifier")
        if type(text) is str and len(text) <= IDENTIFIER_CHARACTERS_MAX:
            return text
        if "identifier" not in self._document:
            self._note(("identifier",), "required", "is missing")
        elif type(text) is not str:
            self._note(("identifier",), "string-type", "must be a string", text)
        else:
            limit = f"{IDENTIFIER_CHARACTERS_MAX} characters"
            self._note(("identifier",), "max-length", f"{len(text)} characters, the limit is {limit}", text, limit)
        return ""

    def version(self) -> int | None:
        if "version" not in self._document:
            return None
        return self._integer(("version",), self._document["version"], VERSION_MAX)

    def template(self) -> TemplateName | None:
        document = self._document.get("template")
        if document is None:
            return None
        if type(document) is not dict:
            self._note(("template",), "model-type", "must be an object of prefix and version", document)
            return None
        prefix, version = document.get("prefix"), document.get("version")
        if len(document) == 2 and _is_short(prefix, version):
            try:
                return _template_name(prefix, version)
            except InvalidInput as error:
                self._noted += [violation.under("/template") for violation in error.violations]
                return None
        self._look_at_template(document)
        return None

    def attributes(self) -> Mapping[str, object]:
        attributes: Mapping[str, object] | None = self._document.get("attributes", _NO_ATTRIBUTES)
        if isinstance(attributes, dict):
            return attributes
        self._note(("attributes",), "dict-type", "must be an object", attributes)
        return _NO_ATTRIBUTES

    def values(self) -> list[object]:
        return self._list("values")

    def removed(self) -> frozenset[int]:
        indexes = self._list("remove")
        if len(indexes) > VALUES_MAX:
            detail = f"{len(indexes)} indexes, the limit is {VALUES_MAX}"
            self._note(("remove",), "max-items", detail, indexes, f"{VALUES_MAX}")
            return frozenset()
        return frozenset(self._integer(("remove", at), index, VALUE_INDEX_MAX) for at, index in enumerate(indexes))

    def refuse_any(self) -> None:
        InvalidInput.refuse_any(self._noted)

    def _list(self, name: str) -> list[object]:
        items: object = self._document.get(name, _NO_ITEMS)
        if isinstance(items, list):
            return items
        self._note((name,), "list-type", "must be an array", items)
        return []

    def _integer(self, path: tuple[int | str, ...], value: object, maximum: int) -> int:
        if type(value) is not int:
            self._note(path, "int-type", "must be an integer", value)
        elif value < 1:
            self._note(path, "minimum", "must be 1 at least", value, "1")
        elif value > maximum:
            self._note(path, "maximum", f"must be {maximum} at most", value, str(maximum))
        else:
            return value
        return 1

    def _look_at_template(self, document: Document) -> None:
        for name in document:
            if name not in ("prefix", "version"):
                self._note(("template", name), "unknown-member", "is no member here; known are prefix, version")
        for name, maximum in (("prefix", PREFIX_BYTES_MAX), ("version", TEMPLATE_VERSION_CHARACTERS_MAX)):
            text = document.get(name)
            if name not in document:
                self._note(("template", name), "required", "is missing")
            elif type(text) is not str:
                self._note(("template", name), "string-type", "must be a string", text)
            elif len(text) > maximum:
                limit = f"{maximum} characters"
                self._note(
                    ("template", name), "max-length", f"{len(text)} characters, the limit is {limit}", text, limit
                )

    def _note(
        self, path: tuple[int | str, ...], rule: str, detail: str, value: object = ..., limit: str | None = None
    ) -> None:
        seen = None if value is ... else shown(value)
        self._noted.append(Violation(pointer_of(path), rule, detail, seen, limit))


_NO_ATTRIBUTES: dict[str, object] = {}
_NO_ITEMS: list[object] = []

Build = Callable[[str, datetime], Row]


def _registering(faults: _Faults) -> Build:
    name, attributes, values = faults.template(), faults.attributes(), faults.values()

    def build(text: str, now: datetime) -> Row:
        identifier, read = _named(text, values, now)
        return Registration(identifier, Content(name, attributes, read))

    return build


def _replacing(faults: _Faults) -> Build:
    name, attributes, values, version = faults.template(), faults.attributes(), faults.values(), faults.version()

    def build(text: str, now: datetime) -> Row:
        identifier, read = _named(text, values, now)
        return Revision(identifier, Operation.REPLACE, Content(name, attributes, read), version)

    return build


def _patching(faults: _Faults) -> Build:
    attributes, values, version, removed = faults.attributes(), faults.values(), faults.version(), faults.removed()

    def build(text: str, now: datetime) -> Row:
        identifier, read = _named(text, values, now)
        both = sorted(removed & {value.index for value in read})
        if both:
            raise _one("/remove", "set-and-removed", f"index {both[0]} is in values and in remove", str(both[0]))
        if not (read or removed or attributes):
            raise _one("", "empty-patch", "nothing to change: send values, remove or attributes")
        return Revision(identifier, Operation.PATCH, Patch(read, removed, attributes), version)

    return build


def _deleting(faults: _Faults) -> Build:
    version = faults.version()

    def build(text: str, now: datetime) -> Row:
        identifier, _ = _named(text, _NO_ITEMS, now)
        return Revision(identifier, Operation.DELETE, None, version)

    return build


_BUILDERS: Mapping[str, Callable[[_Faults], Build]] = {
    "register": _registering,
    "replace": _replacing,
    "patch": _patching,
    "delete": _deleting,
}


def _named(text: str, values: list[object], now: datetime) -> tuple[Identifier, tuple[HandleValue, ...]]:
    """Identifier and values, the faults of both at once."""
    identifier, violations = None, []
    try:
        identifier = Identifier.parse(text)
    except InvalidIdentifier as error:
        violations += [violation.under("/identifier") for violation in error.violations]
    try:
        read = values_from_json(values, now=now) if values else ()
    except InvalidInput as error:
        violations += error.violations
        raise InvalidInput.of(violations, unlisted=error.unlisted) from None
    if identifier is None:
        raise InvalidIdentifier(f"identifier: {violations[0].detail}", violations=tuple(violations))
    return identifier, read


def _is_short(prefix: object, version: object) -> bool:
    return (
        type(prefix) is str
        and type(version) is str
        and len(prefix) <= PREFIX_BYTES_MAX
        and len(version) <= TEMPLATE_VERSION_CHARACTERS_MAX
    )


@lru_cache(maxsize=TEMPLATE_NAMES_REMEMBERED_MAX)
def _template_name(prefix: str, version: str) -> TemplateName:
    violations = []
    try:
        parsed = Prefix.parse(prefix)
    except InvalidPrefix as error:
        violations.append(Violation("/prefix", "prefix", error.detail, shown(prefix)))
    bad = unprintable(version)
    if not version:
        violations.append(Violation("/version", "min-length", "must not be empty", "", "1 character"))
    elif bad is not None:
        detail = f"holds a character that may not stand here: {bad}"
        violations.append(Violation("/version", "printable", detail, shown(version)))
    elif version != version.strip():
        violations.append(Violation("/version", "no-outer-space", "begins or ends with a space", shown(version)))
    InvalidInput.refuse_any(violations)
    return TemplateName(parsed, version)


def _one(pointer: str, rule: str, detail: str, value: str | None = None, limit: str | None = None) -> InvalidInput:
    return InvalidInput.of([Violation(pointer, rule, detail, value, limit)])
