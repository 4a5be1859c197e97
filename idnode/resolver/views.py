"""What of a record whoever asks may see: pure."""

from dataclasses import replace

from idnode.model.errors import Deleted, NotFound, Suspended
from idnode.model.record import Record, State
from idnode.storage.identifiers import StoredRecord
from idnode.wire.instants import instant_text
from idnode.wire.record_json import read_record, render_record


def require_public(stored: StoredRecord) -> StoredRecord:
    """The record, if the public may know of it. Raises NotFound, Suspended, Deleted."""
    if stored.state is State.RESERVED:
        raise _not_there(stored)
    if stored.state is State.SUSPENDED:
        raise Suspended(f"{read_record(stored.document).identifier.text} is suspended by its owner")
    return require_owned(stored)


def require_owned(stored: StoredRecord) -> StoredRecord:
    """The record, for its owner's key: reserved and suspended ones too. Raises NotFound, Deleted."""
    if stored.state is State.DELETED:
        record = read_record(stored.document)
        at, successor = instant_text(record.updated), record.successor
        following = "" if successor is None else f"; {successor} is its successor"
        raise Deleted(f"{record.identifier.text} was deleted at {at}{following}", at=at, successor=successor)
    if stored.state is State.RELEASED:
        raise _not_there(stored)
    return stored


def _not_there(stored: StoredRecord) -> NotFound:
    return NotFound(f"{read_record(stored.document).identifier.text} is not registered")


def public_document(stored: StoredRecord) -> bytes:
    """The JSON document without values that the public may not read, nor the attributes that are views onto them."""
    if stored.is_public:
        return stored.document
    return render_record(_public(read_record(stored.document))).json


def _public(record: Record) -> Record:
    values = tuple(value for value in record.values if value.is_public)
    hidden = {value.type for value in record.values if not value.is_public}
    attributes = {name: value for name, value in record.attributes.items() if name not in hidden}
    return replace(record, values=values, attributes=attributes)
