"""An import process, as its supervisor starts it: `python -m idnode.importing CHANNEL`, an inherited descriptor."""

import asyncio
import os
import signal
import socket
import sys

import structlog

from idnode.app_importing import compose_importer
from idnode.config import Settings
from idnode.frontends.ops.snapshots import taken
from idnode.lifecycle import settle_garbage_collection
from idnode.logs import configure_logs
from idnode.storage.database import Database
from idnode.workers.channel import Channel
from idnode.workers.desk import Desk
from idnode.workers.entry import run_process

CONNECTIONS_MAX = 3
"""To PostgreSQL, beside the one that holds the claims."""
NICENESS = 5
"""Who resolves and registers goes before; who reports comes after."""

log = structlog.get_logger("idnode.imports")


async def run_imports(channel: socket.socket) -> None:
    """Write the rows of imports until told to leave."""
    desk = Desk(await Channel.open(channel))
    terms = await desk.begin()
    if terms is None:
        return
    settings = Settings.model_validate(terms["settings"])
    configure_logs(level=settings.log_level, log_format=settings.log_format)
    # An operator's own; the supervisor finds a successor.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, desk.leave.set)
    async with asyncio.TaskGroup() as tasks:
        attending = tasks.create_task(desk.attend())
        await _work(desk, settings, str(terms["dsn"]))
        attending.cancel()


async def _work(desk: Desk, settings: Settings, dsn: str) -> None:
    database = await Database.open(dsn, connections_max=CONNECTIONS_MAX)
    try:
        async with compose_importer(settings, database, dsn) as composed, asyncio.TaskGroup() as tasks:
            desk.snapshot = lambda: taken(composed.counters)
            settle_garbage_collection()
            background = [tasks.create_task(each()) for each in (desk.report, *composed.work)]
            await desk.tell_ready()
            log.info("importer_ready", pid=os.getpid())
            await desk.leave.wait()
            log.info("importer_leaves", pid=os.getpid())
            for task in background:
                # A chunk that is under way is left undone as a whole; whoever comes next begins with it.
                task.cancel()
    finally:
        await database.close()
    await desk.tell_snapshot()


def main() -> None:
    """Run an import process on the descriptor that is the argument."""
    os.nice(NICENESS)
    run_process(run_imports(socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()
