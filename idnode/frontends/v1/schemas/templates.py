"""Documents of templates."""

from collections import Counter
from datetime import datetime
from typing import Annotated

from pydantic import Field, field_validator

from idnode.frontends.v1.schemas.fields import (
    Document,
    Form,
    IndustryCode,
    Line,
    Line32,
    PageQuery,
    PatchForm,
    PatternText,
    PrefixText,
    TemplateVersion,
    Text,
    broken,
)
from idnode.model.identifier import Prefix
from idnode.model.industry import Industry
from idnode.model.limits import TEMPLATE_ITEMS_MAX, VALUE_INDEX_MAX
from idnode.model.template import (
    CarrierType,
    Item,
    ItemType,
    RecordCheck,
    Template,
    TemplateName,
    TemplateState,
)


class ItemIn(Form):
    """One item. `name` is the Handle value's type and the attribute's name, `title` the Chinese alias."""

    index: Annotated[int, Field(ge=1, le=VALUE_INDEX_MAX)]
    name: Line
    title: Line
    type: ItemType
    required: bool = False
    enabled: bool = True
    description: Text | None = None
    unit: Line32 | None = None
    minimum: float | None = None
    maximum: float | None = None
    min_length: Annotated[int, Field(ge=0, le=65_536)] | None = None
    max_length: Annotated[int, Field(ge=0, le=65_536)] | None = None
    pattern: PatternText | None = None
    options: Annotated[list[Line], Field(max_length=1_000)] = []
    checks: Annotated[list[Line], Field(max_length=16)] = []

    def item(self) -> Item:
        """As the registry wants it."""
        members = {name: getattr(self, name) for name in type(self).model_fields}
        return Item(**members | {"options": tuple(self.options), "checks": tuple(self.checks)})


class CheckIn(Form):
    """A semantic check over several items, in the order that the check wants."""

    check: Line
    items: Annotated[list[Line], Field(min_length=1, max_length=16)]


class TemplateIn(Form):
    """A template to define."""

    prefix: PrefixText
    version: TemplateVersion
    title: Line
    description: Text | None = None
    industry: IndustryCode
    carrier: CarrierType = CarrierType.OTHER
    items: Annotated[list[ItemIn], Field(min_length=1, max_length=TEMPLATE_ITEMS_MAX)]
    checks: Annotated[list[CheckIn], Field(max_length=64)] = []

    def template(self, *, now: datetime) -> Template:
        """As the registry wants it."""
        return Template(
            name=TemplateName(Prefix.parse(self.prefix), self.version),
            title=self.title,
            description=self.description,
            industry=Industry(self.industry),
            carrier=self.carrier,
            items=tuple(item.item() for item in self.items),
            checks=tuple(RecordCheck(check.check, tuple(check.items)) for check in self.checks),
            state=TemplateState.ACTIVE,
            revision=1,
            created=now,
            updated=now,
        )


class TemplatePatch(PatchForm):
    """Members to change. An item not sent stays; one sent replaces the item of its index, or is new."""

    title: Line | None = None
    description: Text | None = None
    items: Annotated[list[ItemIn], Field(max_length=TEMPLATE_ITEMS_MAX)] = []
    checks: Annotated[list[CheckIn], Field(max_length=64)] | None = None

    @field_validator("items")
    @classmethod
    def _once_each(cls, items: list[ItemIn]) -> list[ItemIn]:
        twice = [index for index, count in Counter(item.index for item in items).items() if count > 1]
        if twice:
            raise broken("unique-index", f"index {twice[0]} is given more than once")
        return items


class TemplateOut(TemplateIn):
    """A template; `revision` counts its changes."""

    state: TemplateState
    revision: int
    created: datetime
    updated: datetime


class TemplateQuery(PageQuery):
    """Filters of the list."""

    prefix: PrefixText | None = None
    state: TemplateState | None = None


class TemplatePage(Document):
    """A page of templates."""

    items: list[TemplateOut]
    next: str | None
