"""Bodies of the commonest registrations, read in a fraction of the model's time; the model stays the authority."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from idnode.frontends.v1.schemas.identifiers import IdentifierIn, TemplateNameIn
from idnode.model.limits import PREFIX_BYTES_MAX, TEMPLATE_VERSION_CHARACTERS_MAX
from idnode.wire.strict_document import may_hold_long_numbers
from idnode.wire.strict_json import is_surely_strict

IDENTIFIER_CHARACTERS_MAX = 4_096
"""As the model has it."""
TEMPLATE_NAMES_REMEMBERED_MAX = 256
DEPTH_MAX = 8
"""Of attributes; every reader of JSON takes more."""
NESTED_MAX = 32
"""Arrays and objects; even one within the other every reader takes so many."""
NUMBER_MAX = 1e18
"""A float beyond may have been an integer of more than 64 bits, which the readers do not read alike."""

_MEMBERS = frozenset({"identifier", "template", "attributes", "values"})

M = TypeVar("M", bound=BaseModel)


def plain_registration(body: bytes) -> IdentifierIn | None:
    """What `parse_body` makes of `body`; None where there is a doubt, for parse_body to settle."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if type(document) is not dict or not document.keys() <= _MEMBERS or not is_surely_strict(body, document):
        return None
    # Mostly nothing has to be walked through: without a long number, and with few brackets, readers do not differ.
    is_doubtful = may_hold_long_numbers(body) or body.count(b"{") + body.count(b"[") > NESTED_MAX
    identifier, values, attributes = document.get("identifier"), document.get("values"), document.get("attributes")
    if type(identifier) is not str or len(identifier) > IDENTIFIER_CHARACTERS_MAX:
        return None
    template = _template_of(document["template"]) if "template" in document else None
    if template is None and document.get("template") is not None:
        return None
    members: dict[str, object] = {"template": template, "attributes": {}, "values": []}
    if "attributes" in document:
        if type(attributes) is not dict:
            return None
        if is_doubtful and not _are_read_alike(attributes.values(), DEPTH_MAX):
            return None
        members["attributes"] = attributes
    if "values" in document:
        if type(values) is not list or (is_doubtful and not _are_read_alike(values, DEPTH_MAX)):
            return None
        members["values"] = values
    members["identifier"] = identifier
    return _made(IdentifierIn, members, set(document))


def _template_of(document: object) -> TemplateNameIn | None:
    if type(document) is not dict or len(document) != 2:
        return None
    prefix, version = document.get("prefix"), document.get("version")
    if type(prefix) is not str or type(version) is not str:
        return None
    if len(prefix) > PREFIX_BYTES_MAX or len(version) > TEMPLATE_VERSION_CHARACTERS_MAX:
        return None
    return _template_named(prefix, version)


@lru_cache(maxsize=TEMPLATE_NAMES_REMEMBERED_MAX)
def _template_named(prefix: str, version: str) -> TemplateNameIn | None:
    try:
        return TemplateNameIn.model_validate({"prefix": prefix, "version": version})
    except ValidationError:
        return None


def _are_read_alike(values: Iterable[Any], depth_max: int) -> bool:
    """Whether every reader of JSON makes the same of these: no number is huge, nothing deep."""
    if not depth_max:
        return False
    for value in values:
        kind = type(value)
        if kind is str or kind is int:
            continue
        if kind is float:
            if not -NUMBER_MAX < value < NUMBER_MAX:
                return False
        elif kind is dict:
            if not _are_read_alike(value.values(), depth_max - 1):
                return False
        elif kind is list and not _are_read_alike(value, depth_max - 1):
            return False
    return True


def _made(model: type[M], members: dict[str, object], sent: set[str]) -> M:
    """As `model_construct` makes it of all members, without looking for defaults, which is most of its time."""
    form = model.__new__(model)
    object.__setattr__(form, "__dict__", members)
    object.__setattr__(form, "__pydantic_fields_set__", sent)
    object.__setattr__(form, "__pydantic_extra__", None)
    object.__setattr__(form, "__pydantic_private__", None)
    return form
