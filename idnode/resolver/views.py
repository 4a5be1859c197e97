"""What of a record whoever asks may see: pure."""

from dataclasses import replace

from idnode.model.errors import Deleted, Suspended
from idnode.model.record import Record, State
from idnode.storage.identifiers import StoredRecord
from idnode.wire.handle_json import values_to_json
from idnode.wire.instants import instant_text
from idnode.wire.record_json import read_record, render_record


def require_public(stored: StoredRecord) -> StoredRecord:
    """The record, if the public may know of it. Raises Suspended, Deleted."""
    if stored.state is State.ACTIVE:
        return stored
    return require_owned(stored) if stored.state is State.DELETED else _withhold(stored)


def require_owned(stored: StoredRecord) -> StoredRecord:
    """The record, for a key whose scope holds its prefix: suspended ones too. Raises Deleted."""
    if stored.state is State.DELETED:
        record = read_record(stored.document)
        at = instant_text(record.updated)
        raise Deleted(f"{record.identifier.text} was deleted at {at}", at=at)
    return stored


def public_document(stored: StoredRecord) -> bytes:
    """The JSON document without values that the public may not read, nor the attributes that are views onto them."""
    if stored.is_public:
        return stored.document
    return render_record(_public(read_record(stored.document))).json


def public_values_json(stored: StoredRecord) -> bytes:
    """The JSON array of the values that the public may read."""
    if stored.is_public:
        return stored.values_json
    return values_to_json(_public(read_record(stored.document)).values)


def _public(record: Record) -> Record:
    values = tuple(value for value in record.values if value.is_public)
    hidden = {value.type for value in record.values if not value.is_public}
    attributes = {name: value for name, value in record.attributes.items() if name not in hidden}
    return replace(record, values=values, attributes=attributes)


def _withhold(stored: StoredRecord) -> StoredRecord:
    raise Suspended(f"{read_record(stored.document).identifier.text} is suspended by its owner")
