"""Request bodies: bounded in size and time, JSON only, every violation with its pointer."""

import asyncio
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from idnode.frontends.refusals import BodyTooSlow, MediaRefused
from idnode.model.errors import InvalidInput, MalformedInput, Violation, shown

M = TypeVar("M", bound=BaseModel)

_LIMITS = ("max_length", "min_length", "le", "ge", "lt", "gt", "pattern", "expected", "max_digits")
_RULES = {
    "missing": "required",
    "extra_forbidden": "unknown-member",
    "string_too_long": "max-length",
    "string_too_short": "min-length",
    "too_long": "max-items",
    "too_short": "min-items",
    "string_pattern_mismatch": "pattern",
    "less_than_equal": "maximum",
    "greater_than_equal": "minimum",
    "greater_than": "minimum",
    "less_than": "maximum",
    "enum": "option",
    "literal_error": "option",
}


async def read_body(request: web.Request, *, seconds_max: float) -> bytes:
    """The whole body. Raises BodyTooSlow, MediaRefused; aiohttp refuses what is over the application's size limit."""
    if request.can_read_body and request.content_type != "application/json":
        raise MediaRefused(f"the body is {shown(request.content_type)}; send Content-Type: application/json")
    try:
        async with asyncio.timeout(seconds_max):
            return await request.read()
    except TimeoutError as error:
        raise BodyTooSlow(f"the body did not arrive within {seconds_max:g} seconds") from error


def parse_body(model: type[M], body: bytes) -> M:
    """A JSON body as its model. Raises MalformedInput for what is no JSON, InvalidInput with every violation."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error) from None


def parse_members(model: type[M], members: dict[str, object]) -> M:
    """Members that were read already (query parameters, a merged document) as their model. Raises InvalidInput."""
    try:
        return model.model_validate(members)
    except ValidationError as error:
        raise _refusal(error) from None


def pointer_of(path: tuple[int | str, ...]) -> str:
    """RFC 6901 pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _refusal(error: ValidationError) -> InvalidInput:
    details = error.errors(include_url=False)
    if details[0]["type"] == "json_invalid":
        detail = details[0]["msg"]
        violation = Violation("", "json", detail)
        return MalformedInput(detail, violations=(violation,))
    return InvalidInput.of([_violation(each) for each in details])


def _violation(detail: ErrorDetails) -> Violation:
    context = detail.get("ctx", {})
    limit = next((str(context[name]) for name in _LIMITS if name in context), None)
    kind = detail["type"]
    value = None if kind == "missing" else shown(detail["input"])
    return Violation(
        pointer=pointer_of(detail["loc"]),
        rule=_RULES.get(kind, kind.replace("_", "-")),
        detail=detail["msg"].removeprefix("Value error, "),
        value=value,
        limit=limit,
    )
