"""The columns of a CSV file: which is the identifier, which is an item of the template, what a cell becomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from idnode.cli.errors import WrongUsage
from idnode.model.errors import shown
from idnode.model.template import Item, ItemType
from idnode.registry.rules.nearest import meant_hint, nearest
from idnode.registry.rules.typed_values import UnreadableValue, value_of

IDENTIFIER_COLUMN = "identifier"
URL_COLUMN = "url"
URL_VALUE_INDEX = 1
URL_VALUE_TYPE = "URL"

_TRUTH = {"1": "true", "0": "false", "是": "true", "否": "false"}
"""How spreadsheets write booleans, beside TRUE and FALSE."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Positions of the columns; `url` is None when there is none or the template has an item of that name."""

    identifier: int
    url: int | None
    items: tuple[tuple[int, Item], ...]

    def content(self, cells: Sequence[str]) -> dict[str, object]:
        """Attributes and values of one row; an empty cell gives nothing."""
        content: dict[str, object] = {
            "attributes": {item.name: cell_value(item, cells[place]) for place, item in self.items if cells[place]}
        }
        if self.url is not None and cells[self.url]:
            data = {"format": "string", "value": cells[self.url]}
            content["values"] = [{"index": URL_VALUE_INDEX, "type": URL_VALUE_TYPE, "data": data}]
        return content


def columns_of(header: Sequence[str], items: Mapping[str, Item]) -> Columns:
    """Read a header against the items of a template, by name. Raises WrongUsage with every column that fits none."""
    names = [name.strip() for name in header]
    if IDENTIFIER_COLUMN not in names:
        raise WrongUsage(f"the CSV header has no column {IDENTIFIER_COLUMN}: {shown(', '.join(names))}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise WrongUsage(f"the CSV header has columns twice: {shown(', '.join(twice))}")
    is_url_plain = URL_COLUMN in names and URL_COLUMN not in items
    attributes = [name for name in names if name != IDENTIFIER_COLUMN and not (is_url_plain and name == URL_COLUMN)]
    unknown = [name for name in attributes if name not in items]
    if unknown:
        raise WrongUsage(_unknown(unknown, items))
    return Columns(
        identifier=names.index(IDENTIFIER_COLUMN),
        url=names.index(URL_COLUMN) if is_url_plain else None,
        items=tuple((names.index(name), items[name]) for name in attributes),
    )


def cell_value(item: Item, text: str) -> object:
    """A cell as the item's type; text that does not read as that type stays text, and the node says what is wrong."""
    if item.type is ItemType.BOOLEAN:
        text = _TRUTH.get(text, text.lower())
    try:
        return value_of(item, text.encode())
    except UnreadableValue:
        return text


def _unknown(names: Sequence[str], items: Mapping[str, Item]) -> str:
    if not items:
        return f"columns beside {IDENTIFIER_COLUMN} and {URL_COLUMN} need --template: {shown(', '.join(names))}"
    listed = ", ".join(f"{shown(name)}{meant_hint(nearest(name, items))}" for name in names)
    return f"the template has no items of these columns: {listed}"
