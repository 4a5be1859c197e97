"""The tables as JSON Schemas (2020-12): what check_data refuses, they refuse."""

from collections.abc import Callable, Mapping, Sequence

from idnode.wire.top_node.fields import (
    ADDRESS_CHARACTERS_MAX,
    COUNT_MAX,
    DECIMAL_MAX,
    PHOTO_CHARACTERS_MAX,
    PORT_MAX,
    Kind,
    TableField,
)

Json = dict[str, object]

# What wire/plain_text refuses.
_PLAIN = r"^[^\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$"
_MOMENT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})$"


def object_schema(fields: Sequence[TableField]) -> Json:
    """An object of these fields and no others."""
    schema: Json = {
        "type": "object",
        "properties": {field.name: field_schema(field) for field in fields},
        "required": [field.name for field in fields if field.is_required],
        "additionalProperties": False,
    }
    conditions = [
        {
            "if": {"properties": {sibling: {"const": value}}, "required": [sibling]},
            "then": {"required": [field.name]},
        }
        for field in fields
        if field.required_when is not None
        for sibling, value in [field.required_when]
    ]
    return schema | {"allOf": conditions} if conditions else schema


def field_schema(field: TableField) -> Json:
    """One field, with its Chinese name as title."""
    return {"title": field.title} | _SCHEMAS[field.kind](field)


def _text(field: TableField) -> Json:
    return {"type": "string", "minLength": 1, "maxLength": field.max_length, "pattern": _PLAIN}


def _options(field: TableField) -> Json:
    options = field.options or {}
    schema: Json = {"type": "string" if field.kind is Kind.CHOICE else "integer", "enum": list(options)}
    told = ", ".join(f"{option} {title}" for option, title in options.items() if option != title)
    return schema | {"description": told} if told else schema


def _list(field: TableField, items: Json) -> Json:
    return {"type": "array", "items": items, "minItems": field.items_min, "maxItems": field.items_max}


_ADDRESS: Json = {
    "type": "string",
    "maxLength": ADDRESS_CHARACTERS_MAX,
    "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}],
}
_SCHEMAS: Mapping[Kind, Callable[[TableField], Json]] = {
    Kind.TEXT: _text,
    Kind.CHOICE: _options,
    Kind.CODE: _options,
    Kind.COUNT: lambda _: {"type": "integer", "minimum": 0, "maximum": COUNT_MAX},
    Kind.PORT: lambda _: {"type": "integer", "minimum": 1, "maximum": PORT_MAX},
    Kind.DECIMAL: lambda _: {"type": "number", "minimum": 0, "maximum": DECIMAL_MAX},
    Kind.DATE: lambda _: {"type": "string", "format": "date"},
    Kind.MOMENT: lambda _: {"type": "string", "format": "date-time", "pattern": _MOMENT},
    Kind.ADDRESS: lambda _: _ADDRESS,
    Kind.ADDRESSES: lambda field: _text(field) | {"description": "IPv4 and IPv6 addresses with ; between them"},
    Kind.INDUSTRY: lambda _: {
        "type": "string",
        "pattern": "^[A-T]([0-9]{2,4})?$",
        "description": "GB/T 4754-2017: the letter of a section, and the digits of a division, group or class under it",
    },
    Kind.PHOTO: lambda _: {
        "type": "string",
        "contentEncoding": "base64",
        "minLength": 4,
        "maxLength": PHOTO_CHARACTERS_MAX,
    },
    Kind.OBJECT: lambda field: object_schema(field.fields),
    Kind.TEXTS: lambda field: _list(field, _text(field)),
    Kind.OBJECTS: lambda field: _list(field, object_schema(field.fields)),
}
