"""The database of the node: the embedded server or the one that is named, migrated, for the length of a block."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from idnode.config import Settings
from idnode.lifecycle import ensure_home, now
from idnode.storage.database import Database
from idnode.storage.embedded import EmbeddedPostgres, EmbeddedPostgresFailed, PostgresBinaries
from idnode.storage.inspection import running_embedded_dsn
from idnode.storage.migrate import migrate

REVIVE_SECONDS = 0.5

log = structlog.get_logger("idnode")


async def migrate_database(settings: Settings) -> tuple[str, ...]:
    """Apply what migrations are pending; the names of those applied."""
    ensure_home(settings.home)
    async with _server(settings) as dsn:
        database = await Database.open(dsn, connections_max=2)
        try:
            return await migrate(database, today=now().date())
        finally:
            await database.close()


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[tuple[Database, str]]:
    """A migrated database, and the DSN of its server; the embedded server stops with the block."""
    async with _server(settings) as dsn:
        database = await Database.open(dsn, connections_max=settings.database_connections)
        try:
            applied = await migrate(database, today=now().date())
            if applied:
                log.info("migrated", migrations=list(applied))
            yield database, dsn
        finally:
            await database.close()


@asynccontextmanager
async def _server(settings: Settings) -> AsyncIterator[str]:
    if settings.database_url is not None:
        yield settings.database_url
        return
    binaries = PostgresBinaries.bundled() if settings.pg_bindir is None else PostgresBinaries.at(settings.pg_bindir)
    async with EmbeddedPostgres(settings.home.resolve(), binaries=binaries) as server, asyncio.TaskGroup() as tasks:
        reviving = tasks.create_task(_revive(server, settings))
        try:
            yield server.dsn
        finally:
            reviving.cancel()


async def _revive(server: EmbeddedPostgres, settings: Settings) -> None:
    """Start the embedded server again whenever it has died, until cancelled; its DSN stays the same."""
    while True:
        await asyncio.sleep(REVIVE_SECONDS)
        try:
            if running_embedded_dsn(settings.home) is None:
                log.warning("postgres_died", pid=server.pid)
                await server.start()
                log.info("postgres_revived", pid=server.pid)
        except (EmbeddedPostgresFailed, OSError) as error:
            log.warning("postgres_not_revived", detail=str(error))
