"""Synthetic records in bulk: COPY of the very rows that registering them one by one would have left."""

from collections.abc import Iterator
from datetime import UTC, datetime

import asyncpg

from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier
from idnode.model.record import Record, State
from idnode.wire.record_json import render_record

PREFIX = "88.118.20001"
"""Of an enterprise of the demo data."""
STEM = f"{PREFIX}/B"
FIRST = 10_000_000
"""Numbers of eight digits: every record has the same size."""
ROWS_MAX = 90_000_000
COLUMNS = ("folded", "version", "state", "is_public", "values_at", "record", "created", "updated")
CREATED = datetime(2026, 1, 5, 8, tzinfo=UTC)

Row = tuple[str, int, str, bool, int, bytes, datetime, datetime]


def record_of(number: int) -> Record:
    """The record of a number, FIRST and above: an address, a name, a maker, a batch and a date; 600 bytes of values."""
    texts = {
        "URL": f"https://products.example.com/fabrics/{number}",
        "PRODUCT_NAME": "精梳棉府绸",
        "MANUFACTURER": "示例高端纺织有限公司",
        "BATCH": f"DL-{number}-2026-01",
        "PRODUCED_AT": "2026-01-05",
    }
    values = tuple(
        HandleValue(n, kind, text.encode(), CREATED) for n, (kind, text) in enumerate(texts.items(), start=1)
    )
    return Record(Identifier.parse(f"{STEM}{number}"), 1, State.ACTIVE, None, {}, values, CREATED, CREATED)


def rows(count: int, first: int = FIRST) -> Iterator[Row]:
    """The rows of so many numbers from `first` on. Rendered once: the records differ in their number only."""
    document = render_record(record_of(FIRST))
    parts = document.json.split(str(FIRST).encode())
    for number in range(first, first + count):
        digits = str(number)
        record = digits.encode().join(parts)
        yield f"{STEM}{digits}", 1, "active", True, document.values_at, record, CREATED, CREATED


async def load(dsn: str, count: int, first: int = FIRST) -> None:
    """Fill the table with `count` numbers from `first` on; leave it as after a while: vacuumed, on disk."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.copy_records_to_table("identifier", records=rows(count, first), columns=COLUMNS)
        await connection.execute("VACUUM (FREEZE, ANALYZE) identifier")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
