"""Templates in the documents of SNMS, where every item is a string. Pure."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from idnode.frontends.snms.documents import optional_text, required_text
from idnode.frontends.snms.envelope import SnmsRefusal, missing
from idnode.model.errors import shown
from idnode.model.identifier import Prefix
from idnode.model.industry import Industry
from idnode.model.limits import (
    RESERVED_INDEXES,
    TEMPLATE_INDEX_MIN,
    TEMPLATE_ITEMS_MAX,
    TEMPLATE_VERSION_CHARACTERS_MAX,
    VALUE_INDEX_MAX,
)
from idnode.model.template import CarrierType, Item, ItemType, Template, TemplateName, TemplateState

PREFIX_CHARACTERS_MAX = 64
DESCRIPTION_CHARACTERS_MAX = 1_024
NAME_CHARACTERS_MAX = 128
LENGTH_MAX = 255
"""Of a value; a `maxLength` beyond is taken as it is: values of /v1 may be longer."""
METADATA_LENGTH_MAX = 65_536
INDEX_DIGITS_MAX = 10

_LEVELS = ("industryCategory", "industrySpecific", "industryTrade", "industrySubclass")
_CARRIERS = {1: CarrierType.ACTIVE, 2: CarrierType.OTHER}
_NUMBER_OF = {carrier: number for number, carrier in _CARRIERS.items()}
_WITH_LENGTHS = frozenset({ItemType.STRING, ItemType.ENUM, ItemType.REFERENCE})


@dataclass(frozen=True, slots=True)
class SentItem:
    """An item as sent; what was not sent is None."""

    title: str
    name: str
    index: int | None
    is_required: bool | None
    is_enabled: bool | None
    min_length: int
    max_length: int


@dataclass(frozen=True, slots=True)
class SentTemplate:
    """A template as sent."""

    name: TemplateName
    industry: Industry
    carrier: CarrierType
    description: str | None
    items: tuple[SentItem, ...]

    def template(self, now: datetime) -> Template:
        """A new template; items that came without an index get the next free one."""
        return Template(
            name=self.name,
            title=self.name.version,
            description=self.description,
            industry=self.industry,
            carrier=self.carrier,
            items=_with_added((), self.items),
            checks=(),
            state=TemplateState.ACTIVE,
            revision=1,
            created=now,
            updated=now,
        )

    def revised(self, current: Template) -> Template:
        """`current` with what was sent: an item of the same index and name changes, any other is new, none goes."""
        known = {(item.index, item.name): item for item in current.items}
        sent = {(item.index, item.name): item for item in self.items}
        kept = tuple(_changed(item, sent.get((item.index, item.name))) for item in current.items)
        added = [item for item in self.items if (item.index, item.name) not in known]
        return replace(
            current,
            description=current.description if self.description is None else self.description,
            industry=self.industry,
            carrier=self.carrier,
            items=_with_added(kept, added),
        )


def sent_template(members: Mapping[str, object]) -> SentTemplate:
    """A body of POST or PUT. Raises SnmsRefusal naming the member."""
    document = dict(members)
    name = template_name(document)
    industry = _industry(document)
    carrier = document.get("type")
    if carrier is None:
        raise missing("type")
    if type(carrier) is not int or carrier not in _CARRIERS:
        raise SnmsRefusal(f"type 只能是1（主动标识载体）或2（其他），收到 {shown(carrier)}")
    description = optional_text(document, "description", characters_max=DESCRIPTION_CHARACTERS_MAX)
    return SentTemplate(name, industry, _CARRIERS[carrier], description, _items(document.get("items")))


def template_name(members: Mapping[str, object]) -> TemplateName:
    """prefix and version. Raises SnmsRefusal, InvalidPrefix."""
    document = dict(members)
    prefix = required_text(document, "prefix", characters_max=PREFIX_CHARACTERS_MAX)
    version = required_text(document, "version", characters_max=TEMPLATE_VERSION_CHARACTERS_MAX)
    return TemplateName(Prefix.parse(prefix), version)


def template_detail(template: Template, *, has_states: bool) -> dict[str, object]:
    """The members of GET. With `has_states` (v5) items that are disabled are shown as such, else (v3) left out.

    A level of the industry that the template does not have is empty, and so is `handle`: no identifier is registered
    for a template here.
    """
    levels = dict.fromkeys(_LEVELS, "") | dict(zip(_LEVELS, template.industry.levels, strict=False))
    items = [item for item in template.items if has_states or item.enabled]
    return {
        "id": template_number(template.name),
        "prefix": template.name.prefix.text,
        "version": template.name.version,
        "description": template.description or "",
        **levels,
        "type": _NUMBER_OF[template.carrier],
        "handle": "",
        "items": [_item_detail(item, has_state=has_states) for item in items],
    }


def template_number(name: TemplateName) -> int:
    """A number for a template, which has none here: of 53 bits, which every reader of JSON takes, always the same."""
    digest = hashlib.sha256("\n".join(name.key).encode()).digest()
    return int.from_bytes(digest[:8]) >> 11


def _item_detail(item: Item, *, has_state: bool) -> dict[str, object]:
    document: dict[str, object] = {
        "name": item.title,
        "idType": item.name,
        "idIndex": item.index,
        "required": item.required,
        "metadata": {
            "type": "string",
            "minLength": 0 if item.min_length is None else item.min_length,
            "maxLength": LENGTH_MAX if item.max_length is None else item.max_length,
        },
    }
    if has_state:
        document["state"] = int(item.enabled)
    return document


def _changed(item: Item, sent: SentItem | None) -> Item:
    """Lengths of an item that is no text here are not what was meant: it keeps its own rules."""
    if sent is None:
        return item
    has_lengths = item.type in _WITH_LENGTHS
    return replace(
        item,
        title=sent.title,
        required=item.required if sent.is_required is None else sent.is_required,
        enabled=item.enabled if sent.is_enabled is None else sent.is_enabled,
        min_length=sent.min_length if has_lengths else item.min_length,
        max_length=sent.max_length if has_lengths else item.max_length,
    )


def _with_added(kept: tuple[Item, ...], added: Iterable[SentItem]) -> tuple[Item, ...]:
    items = list(kept)
    new = list(added)
    taken = {item.index for item in kept} | {item.index for item in new if item.index is not None}
    free = (index for index in range(TEMPLATE_INDEX_MIN, VALUE_INDEX_MAX) if index not in taken)
    items.extend(
        Item(
            index=next(free) if sent.index is None else sent.index,
            name=sent.name,
            title=sent.title,
            type=ItemType.STRING,
            required=bool(sent.is_required),
            enabled=sent.is_enabled is not False,
            min_length=sent.min_length,
            max_length=sent.max_length,
        )
        for sent in new
    )
    return tuple(items)


def _industry(document: dict[str, object]) -> Industry:
    levels = [required_text(document, name, characters_max=8) for name in _LEVELS]
    industry = Industry(levels[0] + levels[-1])
    problem = Industry.problem_of(industry.code)
    if problem is not None:
        raise SnmsRefusal(f"{shown(industry.code)} 不是GB/T 4754的行业代码: {problem}")
    if list(industry.levels) != levels:
        wrong = next((at for at, level in enumerate(levels) if level not in industry.levels[at : at + 1]), 0)
        raise SnmsRefusal(f"{_LEVELS[wrong]} {shown(levels[wrong])} 与 {shown(industry.code)} 不一致")
    return industry


def _items(documents: object) -> tuple[SentItem, ...]:
    if documents is None:
        raise missing("items")
    if not isinstance(documents, list):
        raise SnmsRefusal(f"items 必须是数组，收到 {shown(documents)}")
    if len(documents) > TEMPLATE_ITEMS_MAX:
        raise SnmsRefusal(f"items 有 {len(documents)} 项，最多 {TEMPLATE_ITEMS_MAX} 项")
    items = tuple(_item(document, f"items[{at}].") for at, document in enumerate(documents))
    names = [item.name for item in items]
    indexes = [item.index for item in items if item.index is not None]
    for what, values in (("idType", names), ("idIndex", indexes)):
        twice = next((value for at, value in enumerate(values) if value in values[:at]), None)
        if twice is not None:
            raise SnmsRefusal(f"items 中的 {what} {shown(twice)} 重复")
    return items


def _item(document: object, place: str) -> SentItem:
    if not isinstance(document, dict):
        raise SnmsRefusal(f"{place[:-1]} 必须是JSON对象，收到 {shown(document)}")
    metadata = document.get("metadata")
    if metadata is None:
        raise missing(f"{place}metadata")
    if not isinstance(metadata, dict):
        raise SnmsRefusal(f"{place}metadata 必须是JSON对象，收到 {shown(metadata)}")
    if metadata.get("type", "string") != "string":
        raise SnmsRefusal(f"{place}metadata.type 只支持string，收到 {shown(metadata['type'])}")
    minimum, maximum = (_length(metadata, name, f"{place}metadata.") for name in ("minLength", "maxLength"))
    if minimum > maximum:
        raise SnmsRefusal(f"{place}metadata.minLength {minimum} 大于 maxLength {maximum}")
    return SentItem(
        required_text(document, "name", characters_max=NAME_CHARACTERS_MAX, place=place),
        required_text(document, "idType", characters_max=NAME_CHARACTERS_MAX, place=place),
        _index(document.get("idIndex"), place),
        _flag(document.get("required"), f"{place}required"),
        _flag(document.get("state"), f"{place}state"),
        minimum,
        maximum,
    )


def _index(value: object, place: str) -> int | None:
    """An index as a number, or, as the vendor's own examples have it, as its digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= INDEX_DIGITS_MAX:
        value = int(value)
    if value is None or value == "":
        return None
    if type(value) is not int or not TEMPLATE_INDEX_MIN <= value <= VALUE_INDEX_MAX:
        if value in RESERVED_INDEXES:
            raise SnmsRefusal(f"{place}idIndex {value} 是预留索引，不可使用")
        raise SnmsRefusal(f"{place}idIndex 必须是{TEMPLATE_INDEX_MIN}到{VALUE_INDEX_MAX}的整数，收到 {shown(value)}")
    return value


def _flag(value: object, place: str) -> bool | None:
    if value is None:
        return None
    if value in (0, 1) and isinstance(value, int):
        return bool(value)
    raise SnmsRefusal(f"{place} 只能是true/false或1/0，收到 {shown(value)}")


def _length(metadata: Mapping[str, object], name: str, place: str) -> int:
    value = metadata.get(name)
    if value is None:
        raise missing(place + name)
    if type(value) is not int or not 0 <= value <= METADATA_LENGTH_MAX:
        raise SnmsRefusal(f"{place}{name} 必须是0到{METADATA_LENGTH_MAX}的整数，收到 {shown(value)}")
    return value
