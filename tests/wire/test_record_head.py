"""The holder is read from its place in the stored document, and from nowhere else."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier
from idnode.model.record import Record, State
from idnode.wire.record_head import holder_of
from idnode.wire.record_json import render_record

AT = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)
HOLDER = UUID("0197d1c2-0000-7000-8000-000000000001")
IDENTIFIER = Identifier.parse("88.118.8/JX-1")
VALUE = HandleValue(1, "URL", b"https://example.com/", AT)
RECORD = Record(IDENTIFIER, 1, State.ACTIVE, None, {}, (VALUE,), AT, AT)


def test_the_holder_of_a_transferred_record_is_read_and_others_have_none() -> None:
    held = render_record(replace(RECORD, holder=HOLDER))
    held_tombstone = render_record(replace(RECORD, successor="88.118.8/NEW", holder=HOLDER))
    plain = render_record(RECORD)
    tombstone = render_record(replace(RECORD, successor="88.118.8/NEW"))

    assert holder_of(held.json, held.values_at) == HOLDER
    assert holder_of(held_tombstone.json, held_tombstone.values_at) == HOLDER
    assert holder_of(plain.json, plain.values_at) is None
    assert holder_of(tombstone.json, tombstone.values_at) is None


def test_text_that_looks_like_a_holder_is_none() -> None:
    forged = f'88.118.8/","holder":"{HOLDER}'
    document = render_record(replace(RECORD, successor=forged))

    assert holder_of(document.json, document.values_at) is None
