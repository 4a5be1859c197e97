"""The record as JSON: the form that is stored, served by /v1 and kept in the change log."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

import orjson

from idnode.model.identifier import Identifier, Prefix
from idnode.model.record import Record, State
from idnode.model.template import TemplateName
from idnode.wire.handle_json import values_to_json
from idnode.wire.handle_json_reading import values_from_stored
from idnode.wire.instants import instant_of, instant_text

_NOTHING: dict[str, object] = {}


class RecordDocument(NamedTuple):
    """A rendered record; the array of Handle values is `json[values_at:-1]`, because "values" is the last member."""

    json: bytes
    values_at: int


def render_record(record: Record) -> RecordDocument:
    """A record as the JSON document of /v1."""
    values = values_to_json(record.values)
    template = record.template
    json = orjson.dumps(
        {
            "identifier": record.identifier.text,
            "prefix": record.identifier.prefix.text,
            "version": record.version,
            "state": record.state,
            "template": None if template is None else {"prefix": template.prefix.text, "version": template.version},
            "attributes": record.attributes,
            "created": instant_text(record.created),
            "updated": instant_text(record.updated),
            **_rarely(record),
            "values": orjson.Fragment(values),
        }
    )
    return RecordDocument(json, len(json) - len(values) - 1)


def read_record(json: bytes) -> Record:
    """The inverse, for documents that this module has written."""
    document = orjson.loads(json)
    template: Mapping[str, str] | None = document["template"]
    return Record(
        identifier=Identifier.parse(document["identifier"]),
        version=document["version"],
        state=State(document["state"]),
        template=None if template is None else TemplateName(Prefix.parse(template["prefix"]), template["version"]),
        attributes=document["attributes"],
        values=values_from_stored(document["values"]),
        created=instant_of(document["created"]),
        updated=instant_of(document["updated"]),
        successor=document.get("successor"),
        holder=UUID(document["holder"]) if "holder" in document else None,
    )


def _rarely(record: Record) -> dict[str, object]:
    """Members that are there only when they say something."""
    if record.successor is None and record.holder is None:
        return _NOTHING
    members = {"successor": record.successor, "holder": None if record.holder is None else str(record.holder)}
    return {name: value for name, value in members.items() if value is not None}
