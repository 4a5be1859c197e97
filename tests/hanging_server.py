"""A PostgreSQL that a test may stop in the middle of everything: it keeps its connections and answers nothing."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from process import family

from idnode.lifecycle import now
from idnode.storage.database import Database
from idnode.storage.embedded import EmbeddedPostgres
from idnode.storage.migrate import migrate


class Worker(Protocol):
    """What has background work."""

    async def run(self) -> None:
        """Work until cancelled."""


@asynccontextmanager
async def server_of_its_own(home: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A migrated server that no other test uses."""
    async with EmbeddedPostgres(home, durable=False) as server:
        database = await Database.open(server.dsn, connections_max=1)
        await migrate(database, today=now().date())
        await database.close()
        yield server


@contextmanager
def hanging(server: EmbeddedPostgres) -> Iterator[None]:
    """Stop every process of the server for the length of a block."""
    assert server.pid is not None
    # The postmaster first: a connection that is being made must not get a process that nobody stops.
    stopped = {server.pid}
    try:
        _stop({server.pid})
        stopped = family(server.pid)
        _stop(stopped)
        yield
    finally:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _stop(pids: set[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    # The signal is sent at once and obeyed a little later.
    while not all(_has_stopped(pid) for pid in pids):
        time.sleep(0.001)


@asynccontextmanager
async def at_work(*workers: Worker) -> AsyncIterator[None]:
    """The background work of some objects for the length of a block."""
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _has_stopped(pid: int) -> bool:
    try:
        # One that had just ended stays a zombie, because its parent has stopped.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"T", "Z", "X"}
    except OSError:
        return True
