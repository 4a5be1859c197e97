"""A record for people: a heading, its attributes, its values."""

import orjson

from idnode.cli.console import moment_text, show_line, show_table
from idnode.frontends.v1.schemas.identifiers import HandleValueDocument, RecordOut, ValueData


def show_record(record: RecordOut) -> None:
    """Print one record."""
    template = record.template
    show_line(f"{record.identifier}  ({record.state}, version {record.version})")
    if template is not None:
        show_line(f"template {template.prefix} {template.version}")
    show_line(f"created {moment_text(record.created)}, updated {moment_text(record.updated)}")
    if record.attributes:
        show_table(("attribute", "value"), [(name, _text(value)) for name, value in record.attributes.items()])
    rows = [_value_row(value) for value in record.values]
    show_table(("index", "type", "data", "ttl", "permissions", "changed"), rows)


def _value_row(value: HandleValueDocument) -> tuple[str, ...]:
    data, changed = _data(value.data), moment_text(value.timestamp)
    return (str(value.index), value.type, data, str(value.ttl), value.permissions, changed)


def _data(data: ValueData | str) -> str:
    if isinstance(data, str):
        return data
    return _text(data.value) if data.format == "string" else f"{data.format} {_text(data.value)}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
