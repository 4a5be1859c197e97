"""Every row that a node keeps, read past the node itself: what a request wrote, and what stands in it."""

import asyncpg

ROWS = """
SELECT 'enterprise' AS place, t::text AS content FROM enterprise t
UNION ALL SELECT 'prefix', t::text FROM prefix t
UNION ALL SELECT 'api_key', (to_jsonb(t) - 'last_used')::text FROM api_key t
UNION ALL SELECT 'template', t::text FROM template t
UNION ALL SELECT 'identifier', t::text FROM identifier t
UNION ALL SELECT 'operator', t::text FROM operator t
UNION ALL SELECT 'enterprise_profile', t::text FROM enterprise_profile t
UNION ALL SELECT 'application', t::text FROM application t
UNION ALL SELECT 'monitoring_event', t::text FROM monitoring_event t
UNION ALL SELECT 'maintenance_stop', t::text FROM maintenance_stop t
UNION ALL SELECT 'import_job', t::text FROM import_job t
UNION ALL SELECT 'change', t::text FROM change t
UNION ALL SELECT 'idempotency', t::text FROM idempotency t
"""
"""Bytes show as hexadecimal. When a key was last used is left out: reading moves it too."""

Row = tuple[str, str]


async def stored_rows(dsn: str) -> set[Row]:
    """Table and content of every row."""
    connection = await asyncpg.connect(dsn)
    try:
        return {(row["place"], row["content"]) for row in await connection.fetch(ROWS)}
    finally:
        await connection.close()


def places(rows: set[Row]) -> list[str]:
    """The tables of some rows, in alphabetical order."""
    return sorted(place for place, _ in rows)


def holding(rows: set[Row], text: str) -> list[Row]:
    """The rows that hold `text`, as it is or as bytes."""
    return [row for row in rows if text in row[1] or text.encode().hex() in row[1]]
