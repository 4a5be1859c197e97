"""A template: the versioned list of items that product records of one kind carry (snms-api.md, extended)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from idnode.model.identifier import Prefix
from idnode.model.industry import Industry


class ItemType(StrEnum):
    """What an item's value is; on the wire all are UTF-8 text."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"
    ENUM = "enum"
    JSON = "json"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Item:
    """One item. `name` is its English name and the Handle value's type (idType), `title` the Chinese one.

    Lengths count characters; `minimum` and `maximum` bound integers and numbers, in `unit`.
    """

    index: int
    name: str
    title: str
    type: ItemType
    required: bool = False
    enabled: bool = True
    description: str | None = None
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    options: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordCheck:
    """A semantic check over several items of one record, in the order the check wants them."""

    check: str
    items: tuple[str, ...]


class TemplateState(StrEnum):
    """A retired template keeps describing its records and makes no new ones."""

    ACTIVE = "active"
    RETIRED = "retired"


class CarrierType(StrEnum):
    """T4: is the object an active identifier carrier (SNMS type 1) or not (2)."""

    ACTIVE = "active"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TemplateName:
    """What names a template: the prefix that owns it and its version."""

    prefix: Prefix
    version: str

    @property
    def key(self) -> tuple[str, str]:
        """Folded prefix and version, for lookup."""
        return (self.prefix.folded, self.version)


@dataclass(frozen=True, slots=True)
class Template:
    """A template in one of its versions; `revision` counts the changes to it (items added, disabled, widened)."""

    name: TemplateName
    title: str
    description: str | None
    industry: Industry
    carrier: CarrierType
    items: tuple[Item, ...]
    checks: tuple[RecordCheck, ...]
    state: TemplateState
    revision: int
    created: datetime
    updated: datetime
    _by_name: dict[str, Item] = field(init=False, repr=False, compare=False)
    _by_index: dict[int, Item] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {item.name: item for item in self.items})
        object.__setattr__(self, "_by_index", {item.index: item for item in self.items})

    def item_named(self, name: str) -> Item | None:
        """The item with this English name."""
        return self._by_name.get(name)

    def item_at(self, index: int) -> Item | None:
        """The item with this value index."""
        return self._by_index.get(index)
