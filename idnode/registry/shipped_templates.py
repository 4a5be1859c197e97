"""Templates as TOML: the reader, and the four examples that come with the node."""

import json
import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from idnode.model.errors import InvalidInput, MalformedInput, Violation, shown
from idnode.model.identifier import Prefix
from idnode.model.industry import Industry
from idnode.model.template import CarrierType, Item, RecordCheck, Template, TemplateName, TemplateState


@dataclass(frozen=True, slots=True)
class _TemplateFile:
    """The members of a template file; items and checks have the members of the model's own classes."""

    title: str
    version: str
    industry: str
    carrier: CarrierType
    items: tuple[Item, ...]
    checks: tuple[RecordCheck, ...] = ()
    description: str | None = None


_TEMPLATE_FILE = TypeAdapter(_TemplateFile)


def shipped_templates(*, owner: Prefix, now: datetime) -> tuple[Template, ...]:
    """Every file in `shipped/`, by file name, as templates of `owner`. Raises InvalidInput naming file and member."""
    folder = files(__package__).joinpath("shipped")
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    templates = []
    for file in found:
        try:
            templates.append(read_template(file.read_text(encoding="utf-8"), owner=owner, now=now))
        except InvalidInput as error:
            raise type(error)(f"{file.name}: {error.detail}", violations=error.violations) from error
    return tuple(templates)


def read_template(text: str, *, owner: Prefix, now: datetime) -> Template:
    """The active template, revision 1, that a TOML text describes.

    Refuses unknown and missing members and wrong types with InvalidInput, each at its pointer (`/items/3/type`), and
    text that is no TOML with MalformedInput. What members mean together is for `rules.check_template` to judge.
    """
    content = _parse(text)
    return Template(
        name=TemplateName(owner, content.version),
        title=content.title,
        description=content.description,
        industry=Industry(content.industry),
        carrier=content.carrier,
        items=content.items,
        checks=content.checks,
        state=TemplateState.ACTIVE,
        revision=1,
        created=now,
        updated=now,
    )


def _parse(text: str) -> _TemplateFile:
    try:
        document = tomllib.loads(text, parse_float=_finite_or_text)
        # Only from JSON does pydantic take text for an enum yet nothing but a number for a number. What TOML has and
        # JSON has not (dates, inf, nan) goes as text, so that a bound of that kind is refused at its place.
        content = _TEMPLATE_FILE.validate_json(json.dumps(document, default=str), strict=True, extra="forbid")
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        raise InvalidInput.of([_violation(document, entry) for entry in found]) from error
    except ValueError as error:
        raise MalformedInput(f"not a template in TOML: {error}") from error
    problem = Industry.problem_of(content.industry)
    if problem is not None:
        detail = f"{shown(content.industry)} {problem}"
        raise InvalidInput.of([Violation("/industry", "industry", detail, shown(content.industry))])
    return content


def _finite_or_text(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _violation(document: dict[str, object], entry: ErrorDetails) -> Violation:
    place = entry["loc"]
    item = _item_name(document, place)
    member = "/".join(str(part) for part in (place if item is None else place[2:])) or "item"
    pointer = "".join(f"/{_escaped(str(part))}" for part in place)
    match entry["type"]:
        case "missing":
            return Violation(pointer, "required", f"{shown(member)} is missing", item=item)
        case "unexpected_keyword_argument":
            detail = f"{shown(member)} is not a member of a template file"
            return Violation(pointer, "unknown-member", detail, shown(entry["input"]), item=item)
        case kind:
            detail = f"{shown(member)}: {entry['msg']}"
            return Violation(pointer, kind.replace("_", "-"), detail, shown(entry["input"]), item=item)


def _item_name(document: dict[str, object], place: Sequence[int | str]) -> str | None:
    """The name of the item that holds `place`: people look for names in a file, not for positions."""
    match document.get("items"), *place:
        case [list(items), "items", int(position), *_] if isinstance(items[position], dict):
            name = items[position].get("name")
            return shown(name) if isinstance(name, str) else None
        case _:
            return None


def _escaped(part: str) -> str:
    """A member name in a pointer (RFC 6901 §3)."""
    return part.replace("~", "~0").replace("/", "~1")
