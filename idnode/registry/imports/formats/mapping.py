"""The mapping of an import: which column is the identifier, an attribute, a value; said by the user or by the header.

```json
{"identifier": {"prefix": "88.118.8", "column": "卷号"},
 "template": {"prefix": "88.118.8", "version": "roll-1"},
 "attributes": {"colour": "颜色", "length": "长度"},
 "values": [{"index": 1, "type": "URL", "column": "网址"}],
 "op": {"column": "操作"}}
```

A column is named by its header, or by its number from 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from idnode.model.errors import InvalidPrefix
from idnode.model.identifier import Prefix
from idnode.model.limits import (
    PREFIX_BYTES_MAX,
    TEMPLATE_ITEMS_MAX,
    TEMPLATE_VERSION_CHARACTERS_MAX,
    VALUE_INDEX_MAX,
    VALUE_TYPE_BYTES_MAX,
    VALUES_MAX,
)
from idnode.registry.imports.formats.tables import COLUMNS_MAX
from idnode.wire.json_reader import JsonReader

COLUMN_NAME_BYTES_MAX = 1_024
OPERATIONS = ("register", "replace", "patch", "delete")

Column = str | int
"""The name in the header, or the number from 1."""


@dataclass(frozen=True, slots=True)
class ValueColumn:
    """A column whose cells become Handle values."""

    index: int
    type: str
    column: Column


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """What the columns are. `operation` is one for all rows, `operation_column` one of each row's own."""

    identifier: Column
    prefix: str | None = None
    template: tuple[str, str] | None = None
    operation: str | None = None
    operation_column: Column | None = None
    attributes: tuple[tuple[str, Column], ...] = ()
    values: tuple[ValueColumn, ...] = ()


def mapping_of(document: Mapping[str, object]) -> ColumnMapping:
    """The mapping in a JSON document. Raises InvalidInput with every violation, pointers begin at the document."""
    reader = JsonReader(dict(document))
    reader.members(required=("identifier",), optional=("template", "op", "attributes", "values"))
    identifier, prefix = _identifier(
        reader.member("identifier"), is_object=isinstance(document.get("identifier"), dict)
    )
    operation, operation_column = _operation(reader.member("op"), document.get("op"))
    mapping = ColumnMapping(
        identifier=identifier,
        prefix=prefix,
        template=_template(reader.member("template")) if reader.has("template") else None,
        operation=operation,
        operation_column=operation_column,
        attributes=_attributes(reader.member("attributes"), document.get("attributes")),
        values=tuple(map(_value, reader.member("values").items(items_max=VALUES_MAX))) if reader.has("values") else (),
    )
    reader.raise_refusals()
    return mapping


def _identifier(reader: JsonReader, *, is_object: bool) -> tuple[Column, str | None]:
    if not is_object:
        return _column(reader), None
    reader.members(required=("column",), optional=("prefix",))
    prefix = _prefix(reader.member("prefix")) if reader.has("prefix") else None
    return _column(reader.member("column")), prefix


def _template(reader: JsonReader) -> tuple[str, str]:
    reader.members(required=("prefix", "version"))
    version = reader.member("version").name(bytes_max=4 * TEMPLATE_VERSION_CHARACTERS_MAX)
    return _prefix(reader.member("prefix")), version


def _prefix(reader: JsonReader) -> str:
    text = reader.name(bytes_max=PREFIX_BYTES_MAX)
    try:
        return Prefix.parse(text).text if text else ""
    except InvalidPrefix as error:
        reader.refuse("prefix", error.detail)
    return ""


def _operation(reader: JsonReader, document: object) -> tuple[str | None, Column | None]:
    if document is None:
        return None, None
    if isinstance(document, dict):
        reader.members(required=("column",))
        return None, _column(reader.member("column"))
    return reader.choice({operation: operation for operation in OPERATIONS}), None


def _attributes(reader: JsonReader, document: object) -> tuple[tuple[str, Column], ...]:
    if document is None:
        return ()
    if not isinstance(document, dict):
        reader.refuse("object", "must be an object of item names and columns")
        return ()
    if len(document) > TEMPLATE_ITEMS_MAX:
        limit = f"{TEMPLATE_ITEMS_MAX} items"
        reader.refuse("max-items", f"{len(document)} items, the limit is {limit}", limit=limit)
        return ()
    return tuple((name, _column(reader.member(name))) for name in document)


def _value(reader: JsonReader) -> ValueColumn:
    reader.members(required=("index", "type", "column"))
    return ValueColumn(
        index=reader.member("index").integer(minimum=1, maximum=VALUE_INDEX_MAX),
        type=reader.member("type").name(bytes_max=VALUE_TYPE_BYTES_MAX),
        column=_column(reader.member("column")),
    )


def _column(reader: JsonReader) -> Column:
    if reader.is_text:
        return reader.name(bytes_max=COLUMN_NAME_BYTES_MAX).strip()
    return reader.integer(minimum=1, maximum=COLUMNS_MAX)
