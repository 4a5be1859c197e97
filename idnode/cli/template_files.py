"""Files of template definitions: JSON as /v1 takes it, or TOML as the node ships it."""

import tomllib
from datetime import UTC, datetime

import orjson
from pydantic import JsonValue

from idnode.cli.errors import WrongUsage
from idnode.frontends.v1.schemas.templates import TemplateOut
from idnode.model.errors import MalformedInput
from idnode.model.identifier import Prefix
from idnode.registry.shipped_templates import read_template

Definition = dict[str, JsonValue]

_NOT_DEFINED = {"state", "revision", "created", "updated"}
"""Members that the node gives to a template."""


def read_definitions(text: str, *, is_toml: bool, prefix: str | None) -> list[Definition]:
    """The definitions in a file: one, or a JSON array of them as `idnode templates export` writes it.

    `prefix` takes the place of the one in the file; TOML has none. Raises WrongUsage, InvalidInput, MalformedInput.
    """
    if is_toml:
        return [_from_toml(text, prefix)]
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MalformedInput(f"not JSON: {error}") from error
    definitions = document if isinstance(document, list) else [document]
    if not all(isinstance(each, dict) for each in definitions):
        raise MalformedInput("a template file holds a JSON object, or an array of them")
    return [each | ({} if prefix is None else {"prefix": prefix}) for each in definitions]


def definition_of(template: TemplateOut) -> Definition:
    """What defines this template anew, here or on another node."""
    definition: Definition = template.model_dump(mode="json", exclude=_NOT_DEFINED, exclude_none=True)
    return definition


def _from_toml(text: str, prefix: str | None) -> Definition:
    if prefix is None:
        raise WrongUsage("a TOML template has no prefix of its own: give --prefix")
    owner = Prefix.parse(prefix)
    # Read as the node reads its own, so that mistakes are told by item; the members then go as they are.
    read_template(text, owner=owner, now=datetime.now(UTC))
    return tomllib.loads(text) | {"prefix": owner.text}
