"""Documents of patterns, ranges, and what is minted."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, RootModel, model_validator

from idnode.frontends.v1.schemas.fields import Document, Form, Line128, PageQuery, PrefixText, broken
from idnode.frontends.v1.schemas.identifiers import ContentIn, RecordOut
from idnode.model.identifier import Prefix
from idnode.model.mint import MINT_ROWS_MAX, RANGE_NUMBERS_MAX, PatternState, RangeState
from idnode.model.minting import PATTERN_CHARACTERS_MAX, Restart
from idnode.registry.mint_patterns import PatternForm

NUMBER_MAX = 2**53 - 1
"""Beyond it JSON numbers are not the same to every reader."""


class PatternIn(Form):
    """A pattern such as `JX{yyyy}{MM}-{seq:8}{check}` that suffixes under a prefix are minted from."""

    prefix: PrefixText
    name: Line128
    pattern: Annotated[
        str, Field(min_length=1, max_length=PATTERN_CHARACTERS_MAX, examples=["JX{yyyy}{MM}-{seq:8}{check}"])
    ]
    gapless: bool = False
    """No number is ever left out, at the price of one request after the other."""
    restart: Annotated[Restart, Field(strict=False)] = Restart.NONE
    first: Annotated[int, Field(ge=0, le=NUMBER_MAX)] = 1

    def form(self) -> PatternForm:
        """As the registry wants it."""
        return PatternForm(Prefix.parse(self.prefix), self.name, self.pattern, self.gapless, self.restart, self.first)


class PatternOut(Document):
    """A pattern."""

    id: UUID
    prefix: str
    name: str
    pattern: str
    gapless: bool
    restart: Restart
    first: int
    state: PatternState
    version: int
    created: datetime
    updated: datetime


class PatternQuery(PageQuery):
    """Filters of the list."""

    prefix: PrefixText | None = None
    state: PatternState | None = None


class PatternPage(Document):
    """A page of patterns."""

    items: list[PatternOut]
    next: str | None


class MintIn(ContentIn):
    """What the minted record holds. With `count` that many records hold it; `contents` says it for each by itself."""

    count: Annotated[int, Field(ge=1, le=MINT_ROWS_MAX)] | None = None
    contents: Annotated[list[ContentIn], Field(min_length=1, max_length=MINT_ROWS_MAX)] | None = None

    @model_validator(mode="after")
    def _is_said_once(self) -> Self:
        if self.contents is not None:
            beside = self.model_fields_set & {"count", "template", "attributes", "values"}
            if beside:
                raise broken(
                    "contents-alone", f"contents stand for every record; leave out {', '.join(sorted(beside))}"
                )
        return self


class MintedItem(Document):
    """One identifier that was minted."""

    identifier: str
    version: int


class MintedPage(Document):
    """Identifiers that were minted at once, in the order of their contents."""

    items: list[MintedItem]


class MintOut(RootModel[RecordOut | MintedPage]):
    """The record; with `count` or `contents` the identifiers."""


class RangeIn(Form):
    """Numbers to reserve for a printing line."""

    pattern: Annotated[UUID, Field(strict=False)]
    size: Annotated[int, Field(ge=1, le=RANGE_NUMBERS_MAX)]
    line: Line128 | None = None


class RangeOut(Document):
    """A range; `first` and `last` are its outer suffixes, `used` is said when it is closed."""

    id: UUID
    pattern: UUID
    prefix: str
    line: str | None
    size: int
    first: str
    last: str
    state: RangeState
    used: int | None
    version: int
    created: datetime
    updated: datetime


class RangeQuery(PageQuery):
    """Filters of the list."""

    prefix: PrefixText | None = None
    pattern: UUID | None = None
    state: RangeState | None = None


class RangePage(Document):
    """A page of ranges."""

    items: list[RangeOut]
    next: str | None


class RangeCloseIn(Form):
    """How many of the numbers were printed."""

    used: Annotated[int, Field(ge=0, le=RANGE_NUMBERS_MAX)]


class SuffixFormat(StrEnum):
    """How the suffixes of a range are written."""

    NDJSON = "ndjson"
    CSV = "csv"


class SuffixQuery(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """How to list the suffixes of a range."""

    format: SuffixFormat = SuffixFormat.NDJSON
    """An object with `identifier` for each, one a line; or CSV with a column `identifier`."""
