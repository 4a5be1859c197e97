"""The relay as a process, as its supervisor starts it: `python -m idnode.relaying CHANNEL`, an inherited descriptor."""

import asyncio
import os
import signal
import socket
import sys

import structlog

from idnode.app_sync import compose_relay
from idnode.config import Settings
from idnode.frontends.ops.snapshots import taken
from idnode.lifecycle import settle_garbage_collection
from idnode.logs import configure_logs
from idnode.storage.database import Database
from idnode.workers.channel import Channel
from idnode.workers.desk import Desk
from idnode.workers.entry import run_process

CONNECTIONS_MAX = 4
"""To PostgreSQL, beside the one that holds the lead."""
NICENESS = 10
"""Reporting takes the processor from nobody who registers or resolves."""

log = structlog.get_logger("idnode.sync")


async def relay(channel: socket.socket) -> None:
    """Report until told to leave."""
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
        await _report(desk, settings, str(terms["dsn"]))
        attending.cancel()


async def _report(desk: Desk, settings: Settings, dsn: str) -> None:
    database = await Database.open(dsn, connections_max=CONNECTIONS_MAX)
    try:
        async with compose_relay(settings, database, dsn) as composed, asyncio.TaskGroup() as tasks:
            desk.snapshot = lambda: taken(composed.counters)
            settle_garbage_collection()
            work = (desk.report, composed.leading.run, *composed.beside)
            background = [tasks.create_task(each()) for each in work]
            await desk.tell_ready()
            log.info("relay_ready", pid=os.getpid())
            await desk.leave.wait()
            log.info("relay_leaves", pid=os.getpid())
            for task in background:
                # What is under way is delivered again by whoever leads next, under the same ids.
                task.cancel()
    finally:
        await database.close()
    await desk.tell_snapshot()


def main() -> None:
    """Run a relay on the descriptor that is the argument."""
    os.nice(NICENESS)
    run_process(relay(socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()
