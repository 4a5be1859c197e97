"""Fields that several documents share: bounded text, prefixes, codes, instants."""

from datetime import datetime
from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from idnode.model.enterprise import uscc_problem
from idnode.model.errors import InvalidPrefix
from idnode.model.identifier import Prefix, unprintable
from idnode.model.industry import Industry
from idnode.model.limits import PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, PREFIX_BYTES_MAX, TEMPLATE_VERSION_CHARACTERS_MAX


class Form(BaseModel):
    """What clients send: no unknown members, no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, regex_engine="rust-regex")


class Document(BaseModel):
    """What the node answers."""

    model_config = ConfigDict(frozen=True)


def _printable(text: str) -> str:
    bad = unprintable(text)
    if bad is not None:
        raise ValueError(f"holds a character that may not stand here: {bad}")
    if text != text.strip():
        raise ValueError("begins or ends with a space")
    return text


def _prefix(text: str) -> str:
    try:
        return Prefix.parse(text).text
    except InvalidPrefix as error:
        raise ValueError(error.detail) from None


def _uscc(text: str) -> str:
    problem = uscc_problem(text)
    if problem is not None:
        raise ValueError(problem)
    return text


def _industry(code: str) -> str:
    problem = Industry.problem_of(code)
    if problem is not None:
        raise ValueError(problem)
    return code


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError("is no IPv4 or IPv6 address") from None


def _within_calendar(moment: datetime) -> datetime:
    if not 1970 <= moment.year <= 9998:
        raise ValueError(f"year {moment.year} is outside 1970 to 9998")
    return moment


AddressText = Annotated[str, Field(max_length=45, examples=["192.0.2.8"]), AfterValidator(_address)]
"""An IPv4 or IPv6 address."""
Line = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_printable)]
"""One line of printable text."""
Text = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_printable)]
PrefixText = Annotated[str, Field(max_length=PREFIX_BYTES_MAX, examples=["88.118.8"]), AfterValidator(_prefix)]
UsccText = Annotated[str, Field(max_length=32, examples=["91110108589104047H"]), AfterValidator(_uscc)]
IndustryCode = Annotated[str, Field(max_length=8, examples=["C1711"]), AfterValidator(_industry)]
TemplateVersion = Annotated[
    str, Field(min_length=1, max_length=TEMPLATE_VERSION_CHARACTERS_MAX), AfterValidator(_printable)
]
Instant = Annotated[AwareDatetime, AfterValidator(_within_calendar)]
PageLimit = Annotated[int, Field(ge=1, le=PAGE_ITEMS_MAX)]
Cursor = Annotated[str, Field(max_length=1024)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class PageQuery(BaseModel, extra="forbid"):
    """Paging: `cursor` is what the page before gave as `next`."""

    limit: PageLimit = PAGE_ITEMS_DEFAULT
    cursor: Cursor | None = None
