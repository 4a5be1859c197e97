"""Identifiers in the documents of SNMS: from a row to what the registry takes, from a record to a detail. Pure."""

from datetime import datetime
from typing import Any, NamedTuple

import orjson

from idnode.frontends.snms.envelope import SnmsRefusal, missing, too_long
from idnode.model.errors import InvalidIdentifier, shown
from idnode.model.handle_value import PERMISSIONS_DEFAULT, HandleValue, Permission
from idnode.model.identifier import Identifier
from idnode.model.limits import TEMPLATE_VERSION_CHARACTERS_MAX, VALUES_MAX
from idnode.model.template import Item, ItemType, Template
from idnode.registry.commands import Content
from idnode.wire.handle_json import permissions_text
from idnode.wire.plain_text import is_plain, not_plain

HANDLE_CHARACTERS_MAX = 255
TYPE_CHARACTERS_MAX = 128
VALUE_CHARACTERS_MAX = 255
PUBLIC_AUTH = "1"
"""What `auth` reads as for a value with the permissions that values have unless said otherwise."""

# `auth` is a reserved field of the vendor's: what says nothing is accepted, and the four digits that the Handle REST
# interface has for permissions; nothing else, lest a value be more public than its sender meant.
_AUTHS: dict[object, Permission] = {
    None: PERMISSIONS_DEFAULT,
    "": PERMISSIONS_DEFAULT,
    PUBLIC_AUTH: PERMISSIONS_DEFAULT,
    **{f"{bits:04b}": Permission(bits) for bits in range(16) if bits != int(PERMISSIONS_DEFAULT)},
    permissions_text(PERMISSIONS_DEFAULT): PERMISSIONS_DEFAULT,
}
# Of these an attribute is kept as it was sent, character for character.
_TEXTUAL = frozenset({ItemType.STRING, ItemType.ENUM, ItemType.REFERENCE, ItemType.DATE, ItemType.DATETIME})


class SnmsRow(NamedTuple):
    """An identifier as sent: its values are looked at when its template is known."""

    identifier: Identifier
    template_version: str
    values: list[object]


def required_text(
    members: dict[str, object], name: str, *, characters_max: int, place: str = "", is_secret: bool = False
) -> str:
    """A text that must be there and not be empty. Raises SnmsRefusal; a secret is not repeated in it."""
    text = members.get(name)
    if text is None or text == "":
        raise missing(place + name)
    return _text(text, place + name, characters_max, is_secret=is_secret)


def optional_text(members: dict[str, object], name: str, *, characters_max: int, place: str = "") -> str | None:
    """A text that may be missing, null or empty: None then. Raises SnmsRefusal."""
    text = members.get(name)
    return None if text is None or text == "" else _text(text, place + name, characters_max)


def identifier_of(text: object) -> Identifier:
    """A handle as sent. Raises SnmsRefusal."""
    if text is None or text == "":
        raise missing("handle")
    handle = _text(text, "handle", HANDLE_CHARACTERS_MAX)
    try:
        return Identifier.parse(handle)
    except InvalidIdentifier as error:
        raise SnmsRefusal(f"handle 不是有效的标识: {error.detail}") from None


def row_of(document: object) -> SnmsRow:
    """A row of which the values wait for the template. Raises SnmsRefusal."""
    if not isinstance(document, dict):
        raise SnmsRefusal(f"每条标识必须是JSON对象，收到 {shown(document)}")
    identifier = identifier_of(document.get("handle"))
    version = required_text(document, "templateVersion", characters_max=TEMPLATE_VERSION_CHARACTERS_MAX)
    values = document.get("value")
    if values is None:
        raise missing("value")
    if not isinstance(values, list):
        raise SnmsRefusal(f"value 必须是数组，收到 {shown(values)}")
    if len(values) > VALUES_MAX:
        raise SnmsRefusal(f"value 有 {len(values)} 项，最多 {VALUES_MAX} 项")
    return SnmsRow(identifier, version, values)


def content_of(row: SnmsRow, template: Template, second: datetime) -> Content:
    """What the registry takes; `second` stamps values that are no attributes. Raises SnmsRefusal.

    Text goes as attributes, which is the faster way, and is kept as it was sent; numbers and the like go as values,
    because an attribute of theirs would be written in another spelling (`12.0` as `12`).
    """
    attributes: dict[str, object] = {}
    values: list[HandleValue] = []
    seen: set[int] = set()
    for at, document in enumerate(row.values):
        item, text, permissions = _value(document, at, template)
        if item.index in seen:
            raise SnmsRefusal(f"非法操作，索引{item.index}重复")
        seen.add(item.index)
        if permissions is PERMISSIONS_DEFAULT and item.type in _TEXTUAL:
            attributes[item.name] = text
        else:
            values.append(HandleValue(item.index, item.name, text.encode(), second, permissions=permissions))
    return Content(template.name, attributes, tuple(values))


def detail_of(document: bytes) -> dict[str, object]:
    """The record as `GET /identityv2/data/detail` shows it; `document` is the JSON of /v1."""
    record = orjson.loads(document)
    template = record["template"]
    return {
        "code": "200",
        "prefix": record["prefix"],
        "handle": record["identifier"],
        "templateVersion": "" if template is None else template["version"],
        "value": [
            {
                "auth": value.get("permissions", PUBLIC_AUTH),
                "index": value["index"],
                "type": value["type"],
                "data": value["data"],
            }
            for value in record["values"]
        ],
    }


def _value(document: Any, at: int, template: Template) -> tuple[Item, str, Permission]:
    try:
        index, kind, data = document["index"], document["type"], document["data"]
        form, text = data["format"], data["value"]
    except (KeyError, TypeError, IndexError):
        raise _incomplete(document, at) from None
    if type(index) is not int:
        raise SnmsRefusal(f"value[{at}].index 必须是整数，收到 {shown(index)}")
    item = template.item_at(index)
    if item is None:
        raise SnmsRefusal(f"非法操作，索引{index}在模板中不存在")
    if item.name != kind:
        raise SnmsRefusal(f"非法操作，索引{index}在模板中的类型是{item.name}，不是{shown(kind)}")
    if not item.enabled:
        raise SnmsRefusal(f"非法操作，索引{index}在模板中已禁用")
    if form != "string":
        raise SnmsRefusal(f"value[{at}].data.format 只支持string，收到 {shown(form)}")
    # Most values are seen to be right at once; a batch has tens of thousands.
    if type(text) is not str or len(text) > VALUE_CHARACTERS_MAX or not text.isprintable():
        text = _text(text, f"value[{at}].data.value", VALUE_CHARACTERS_MAX)
    auth = document.get("auth")
    if (auth is not None and type(auth) is not str) or auth not in _AUTHS:
        raise SnmsRefusal(f'value[{at}].auth 是预留字段，只支持空、"1"或四位权限码，收到 {shown(auth)}')
    return item, text, _AUTHS[auth]


def _incomplete(document: Any, at: int) -> SnmsRefusal:
    """Which member of a value is missing, or is no object."""
    if not isinstance(document, dict):
        return SnmsRefusal(f"value[{at}] 必须是JSON对象，收到 {shown(document)}")
    for name in ("index", "type", "data"):
        if name not in document:
            return missing(f"value[{at}].{name}")
    data = document["data"]
    if not isinstance(data, dict):
        return SnmsRefusal(f"value[{at}].data 必须是JSON对象，收到 {shown(data)}")
    return missing(f"value[{at}].data.{'value' if 'format' in data else 'format'}")


def _text(text: object, place: str, characters_max: int, *, is_secret: bool = False) -> str:
    if not isinstance(text, str):
        raise SnmsRefusal(f"{place} 必须是字符串" + ("" if is_secret else f"，收到 {shown(text)}"))
    if len(text) > characters_max:
        raise too_long(place, "…" * len(text) if is_secret else text, characters_max)
    if not is_plain(text):
        raise SnmsRefusal(f"{place} 含有控制字符: {not_plain(text)}")
    return text
