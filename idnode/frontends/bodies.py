"""Request bodies: bounded in size and time, JSON only, every violation with its pointer."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from idnode.frontends.refusals import BodyTooLarge, BodyTooSlow, MediaRefused
from idnode.model.errors import InvalidInput, MalformedInput, Violation, escaped, pointer_of, shown
from idnode.model.limits import REQUEST_BYTES_MAX, VIOLATIONS_MAX
from idnode.wire.strict_json import is_surely_strict, looseness

M = TypeVar("M", bound=BaseModel)

JSON = "application/json"

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
    """The whole body. Raises MediaRefused, BodyTooLarge, BodyTooSlow, and MalformedInput when it ends too early."""
    if not request.can_read_body:
        return b""
    _require_json(request)
    _require_size(request.content_length or 0)
    try:
        # A small body has mostly come with its header; the deadline costs microseconds and is for the others.
        if request.content.is_eof():
            return await request.read()
        async with asyncio.timeout(seconds_max):
            return await request.read()
    except TimeoutError as error:
        detail = f"the body did not arrive within {seconds_max:g} seconds"
        violation = Violation("", "max-seconds", detail, limit=f"{seconds_max:g} seconds")
        raise BodyTooSlow(detail, violations=(violation,)) from error
    except web.HTTPRequestEntityTooLarge as error:
        raise _too_large(f"more than {REQUEST_BYTES_MAX} bytes") from error
    except (ConnectionError, web.RequestPayloadError) as error:
        raise MalformedInput("the body ended before its end") from error


async def body_pieces(request: web.Request, *, seconds_max: float) -> AsyncIterator[bytes]:
    """A body of any kind and length as it arrives. Raises BodyTooSlow when nothing comes for `seconds_max`, and
    MalformedInput when it ends too early.
    """
    if not request.can_read_body:
        return
    while True:
        try:
            async with asyncio.timeout(seconds_max):
                piece = await request.content.readany()
        except TimeoutError as error:
            detail = f"nothing of the body came for {seconds_max:g} seconds"
            violation = Violation("", "max-seconds", detail, limit=f"{seconds_max:g} seconds")
            raise BodyTooSlow(detail, violations=(violation,)) from error
        except (ConnectionError, web.RequestPayloadError) as error:
            raise MalformedInput("the body ended before its end") from error
        if not piece:
            return
        yield piece


def parse_body(model: type[M], body: bytes) -> M:
    """A JSON body as its model. Raises MalformedInput for what is no JSON, InvalidInput with every violation."""
    try:
        parsed = model.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error) from None
    loose = _looseness(body)
    if loose is not None:
        raise MalformedInput(f"{loose.pointer}: {loose.detail}", violations=(loose,))
    return parsed


def parse_members(model: type[M], members: dict[str, object]) -> M:
    """Members that were read already (query parameters, a merged document) as their model. Raises InvalidInput."""
    try:
        return model.model_validate(members)
    except ValidationError as error:
        raise _refusal(error) from None


def _looseness(body: bytes) -> Violation | None:
    try:
        if is_surely_strict(body, orjson.loads(body)):
            return None
    except orjson.JSONDecodeError:
        # What it does not take, NaN and numbers beyond all bounds, is looked at by the reader that says where it is.
        pass
    return looseness(body.decode())


def _require_json(request: web.Request) -> None:
    # Nothing is ever decompressed: a few kilobytes can hold gigabytes.
    coding = request.headers.get("Content-Encoding", "identity")
    if coding.strip().lower() != "identity":
        detail = f"the body is {shown(coding)}; send it without Content-Encoding"
        raise MediaRefused(detail, violations=(Violation("Content-Encoding", "identity", detail, shown(coding)),))
    if request.headers.get("Content-Type") == JSON:
        return
    kind = request.content_type
    if kind != JSON:
        detail = f"the body is {shown(kind)}; send Content-Type: {JSON}"
        raise MediaRefused(detail, violations=(Violation("Content-Type", "json", detail, shown(kind), JSON),))


def _require_size(size: int) -> None:
    if size > REQUEST_BYTES_MAX:
        raise _too_large(f"{size} bytes")


def _too_large(measure: str) -> BodyTooLarge:
    limit = f"{REQUEST_BYTES_MAX} bytes"
    detail = f"the body has {measure}, the limit is {limit}"
    return BodyTooLarge(detail, violations=(Violation("", "max-bytes", detail, measure, limit),))


def _refusal(error: ValidationError) -> InvalidInput:
    details = error.errors(include_url=False)
    if details[0]["type"] == "json_invalid":
        detail = details[0]["msg"]
        violation = Violation("", "json", detail)
        return MalformedInput(detail, violations=(violation,))
    listed = [_violation(each) for each in details[:VIOLATIONS_MAX]]
    return InvalidInput.of(listed, unlisted=len(details) - len(listed))


def _violation(detail: ErrorDetails) -> Violation:
    context = detail.get("ctx", {})
    limit = next((str(context[name]) for name in _LIMITS if name in context), None)
    kind = detail["type"]
    value = None if kind == "missing" else shown(detail["input"])
    return Violation(
        pointer=pointer_of(detail["loc"]),
        rule=_RULES.get(kind, kind.replace("_", "-")),
        detail=escaped(detail["msg"].removeprefix("Value error, ")),
        value=value,
        limit=limit,
    )
