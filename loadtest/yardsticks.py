"""What the node is measured against: PostgreSQL alone, and an aiohttp handler that does nothing."""

import asyncio
import sys
import time

import asyncpg
import uvloop
from aiohttp import web

IN_FLIGHT = 32

_TABLE = "CREATE TABLE IF NOT EXISTS yardstick (key text PRIMARY KEY, record bytea NOT NULL)"
_UPSERT = "INSERT INTO yardstick VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET record = excluded.record"


async def single_upserts(dsn: str, *, total: int, record: bytes) -> float:
    """Durable rows per second when every row is a statement and a commit of its own, 32 in flight."""
    pool = await asyncpg.create_pool(dsn, min_size=IN_FLIGHT, max_size=IN_FLIGHT)
    await pool.execute(_TABLE)
    numbers = iter(range(total))

    async def write() -> None:
        async with pool.acquire() as connection:
            statement = await connection.prepare(_UPSERT)
            for number in numbers:
                await statement.fetch(f"88.118.8/{number}", record)

    begun = time.perf_counter()
    await asyncio.gather(*(write() for _ in range(IN_FLIGHT)))
    seconds = time.perf_counter() - begun
    await pool.execute("DROP TABLE yardstick")
    await pool.close()
    return total / seconds


async def serve_constant(port: int, body: bytes) -> None:
    """A plain aiohttp application that answers every GET with the same bytes; runs until ended."""

    async def constant(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    application = web.Application()
    application.router.add_get("/{tail:.*}", constant)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve_constant(int(sys.argv[1]), sys.stdin.buffer.read()))
