"""What the node is measured against: PostgreSQL alone, and an aiohttp handler that does nothing.

A process of its own: `constant PORT` serves what it reads from standard input until it is ended; `upserts DSN SECONDS`
and `reads DSN FIRST KEYS SECONDS` print a rate.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from itertools import count
from random import Random

import asyncpg
import uvloop
from aiohttp import web

from idnode.storage.statements import statements
from loadtest.bench.bulk import STEM

UPSERTS_IN_FLIGHT = 32
READS_IN_FLIGHT = 2
BATCH = 1_000
SEED = 1

_TABLE = "CREATE TABLE IF NOT EXISTS yardstick (key text PRIMARY KEY, record bytea NOT NULL)"
_UPSERT = "INSERT INTO yardstick VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET record = excluded.record"


async def single_upserts(dsn: str, *, record: bytes, seconds: float) -> float:
    """Durable rows per second when every row is a statement and a commit of its own, 32 in flight."""
    async with asyncpg.create_pool(dsn, min_size=UPSERTS_IN_FLIGHT, max_size=UPSERTS_IN_FLIGHT) as pool:
        await pool.execute(_TABLE)
        keys = (f"88.118.8/{number}" for number in count())

        async def write(until: float) -> int:
            written = 0
            async with pool.acquire() as connection:
                statement = await connection.prepare(_UPSERT)
                while time.perf_counter() < until:
                    await statement.fetch(next(keys), record)
                    written += 1
            return written

        begun = time.perf_counter()
        written = await asyncio.gather(*(write(begun + seconds) for _ in range(UPSERTS_IN_FLIGHT)))
        taken = time.perf_counter() - begun
        await pool.execute("DROP TABLE yardstick")
    return sum(written) / taken


async def batched_reads(dsn: str, *, first: int, keys: int, seconds: float) -> float:
    """Records per second when they are read by the node's own statement, 1,000 keys each, two reads in flight."""
    batches = _batches(first, keys)

    async def read(until: float) -> int:
        connection = await asyncpg.connect(dsn)
        found = 0
        try:
            statement = await connection.prepare(statements("identifiers")["find_records"])
            while time.perf_counter() < until:
                found += len(await statement.fetch(next(batches)))
        finally:
            await connection.close()
        return found

    begun = time.perf_counter()
    found = await asyncio.gather(*(read(begun + seconds) for _ in range(READS_IN_FLIGHT)))
    return sum(found) / (time.perf_counter() - begun)


async def serve_constant(port: int, body: bytes) -> None:
    """A plain aiohttp application that answers every GET with the same bytes; runs until ended."""

    async def constant(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    application = web.Application()
    application.router.add_get("/{tail:.*}", constant)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4_096).start()
    await asyncio.Event().wait()


def _batches(first: int, keys: int) -> Iterator[list[str]]:
    random = Random(SEED)
    while True:
        yield [f"{STEM}{first + random.randrange(keys)}" for _ in range(BATCH)]


def main(arguments: list[str]) -> None:
    """One of the commands above."""
    match arguments:
        case ["constant", port]:
            uvloop.run(serve_constant(int(port), sys.stdin.buffer.read()))
        case ["upserts", dsn, seconds]:
            print(uvloop.run(single_upserts(dsn, record=sys.stdin.buffer.read(), seconds=float(seconds))))
        case ["reads", dsn, first, keys, seconds]:
            rate = batched_reads(dsn, first=int(first), keys=int(keys), seconds=float(seconds))
            print(uvloop.run(rate))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
