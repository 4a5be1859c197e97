"""Fields that several documents share: bounded text, prefixes, codes, instants."""

import re
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from typing import Annotated, LiteralString, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from idnode.model.enterprise import uscc_problem
from idnode.model.errors import InvalidPrefix
from idnode.model.identifier import Prefix, unprintable
from idnode.model.industry import Industry
from idnode.model.limits import PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, PREFIX_BYTES_MAX, TEMPLATE_VERSION_CHARACTERS_MAX

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class Form(BaseModel):
    """What clients send: no unknown members, no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, regex_engine="rust-regex")


class PatchForm(Form):
    """Members to change; one at least."""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise broken("empty-patch", "nothing to change: send at least one member")
        return self


class Document(BaseModel):
    """What the node answers."""

    model_config = ConfigDict(frozen=True)


def broken(rule: LiteralString, detail: str) -> PydanticCustomError:
    """What a validator raises; `rule` is what the violation will be called."""
    return PydanticCustomError(rule, "{detail}", {"detail": detail})


def _printable(text: str) -> str:
    bad = unprintable(text)
    if bad is not None:
        raise broken("printable", f"holds a character that may not stand here: {bad}")
    if text != text.strip():
        raise broken("no-outer-space", "begins or ends with a space")
    return text


def _prefix(text: str) -> str:
    try:
        return Prefix.parse(text).text
    except InvalidPrefix as error:
        raise broken("prefix", error.detail) from None


def _uscc(text: str) -> str:
    problem = uscc_problem(text)
    if problem is not None:
        raise broken("uscc", problem)
    return text


def _industry(code: str) -> str:
    problem = Industry.problem_of(code)
    if problem is not None:
        raise broken("industry", problem)
    return code


def _address(text: str) -> str:
    # A zone (fe80::1%eth0) says something to one host only, and may hold any character.
    if "%" not in text:
        with suppress(ValueError):
            return str(ip_address(text))
    raise broken("ip-address", "is no IPv4 or IPv6 address, or has a zone")


def _rfc_3339(sent: object) -> object:
    # Pydantic also takes seconds since 1970 as text, and days. What comes out of a validator is no JSON to it any more,
    # and a text no instant then: it is read here.
    if not isinstance(sent, str):
        return sent
    if _INSTANT.fullmatch(sent) is None:
        raise broken("date-time", "is no instant with its offset from UTC such as 2026-11-24T07:18:31Z (RFC 3339)")
    try:
        return datetime.fromisoformat(sent.upper())
    except ValueError as error:
        raise broken("date-time", f"is no instant: {error}") from None


def _within_calendar(moment: datetime) -> datetime:
    if not 1970 <= moment.year <= 9998:
        raise broken("calendar", f"year {moment.year} is outside 1970 to 9998")
    return moment


AddressText = Annotated[str, Field(max_length=45, examples=["192.0.2.8"]), AfterValidator(_address)]
"""An IPv4 or IPv6 address."""
Line = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_printable)]
"""One line of printable text."""
Line128 = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_printable)]
Line32 = Annotated[str, Field(min_length=1, max_length=32), AfterValidator(_printable)]
Line16 = Annotated[str, Field(min_length=1, max_length=16), AfterValidator(_printable)]
EmailText = Annotated[
    str, Field(min_length=1, max_length=128, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$"), AfterValidator(_printable)
]
Text = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_printable)]
PatternText = Annotated[str, Field(max_length=512), AfterValidator(_printable)]
PrefixText = Annotated[str, Field(max_length=PREFIX_BYTES_MAX, examples=["88.118.8"]), AfterValidator(_prefix)]
UsccText = Annotated[str, Field(max_length=32, examples=["91110108589104047H"]), AfterValidator(_uscc)]
IndustryCode = Annotated[str, Field(max_length=8, examples=["C1711"]), AfterValidator(_industry)]
TemplateVersion = Annotated[
    str, Field(min_length=1, max_length=TEMPLATE_VERSION_CHARACTERS_MAX), AfterValidator(_printable)
]
Instant = Annotated[AwareDatetime, BeforeValidator(_rfc_3339), AfterValidator(_within_calendar)]
PageLimit = Annotated[int, Field(ge=1, le=PAGE_ITEMS_MAX)]
Cursor = Annotated[str, Field(max_length=1024)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class PageQuery(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """Paging."""

    limit: PageLimit = PAGE_ITEMS_DEFAULT
    """Items of a page."""
    cursor: Cursor | None = None
    """What the page before gave as `next`."""
