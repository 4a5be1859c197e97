"""A worker, as its supervisor starts it: `python -m idnode.worker CHANNEL LISTENER`, both inherited descriptors."""

import asyncio
import os
import signal
import socket
import sys

import structlog

from idnode.app import answering, compose, running
from idnode.config import Settings
from idnode.frontends.ops.snapshots import taken
from idnode.lifecycle import settle_garbage_collection
from idnode.logs import configure_logs
from idnode.storage.database import Database
from idnode.workers.channel import Channel
from idnode.workers.desk import Desk
from idnode.workers.entry import run_process

log = structlog.get_logger("idnode.workers")


async def work(channel: socket.socket, listening: socket.socket) -> None:
    """Answer requests until told to leave."""
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
        await _answer(desk, settings, str(terms["dsn"]), listening)
        attending.cancel()


async def _answer(desk: Desk, settings: Settings, dsn: str, listening: socket.socket) -> None:
    database = await Database.open(dsn, connections_max=settings.database_connections)
    try:
        node = compose(settings, database, dsn, scrape=desk.sum)
        desk.snapshot = lambda: taken(node.counters)
        async with running(node), asyncio.TaskGroup() as tasks:
            settle_garbage_collection()
            async with answering(node, settings, listening, takes_queue=lambda: desk.takes_queue):
                await desk.tell_ready()
                log.info("worker_ready", pid=os.getpid())
                reporting = tasks.create_task(desk.report())
                await desk.leave.wait()
                log.info("worker_leaves", pid=os.getpid(), takes_queue=desk.takes_queue)
            reporting.cancel()
    finally:
        await database.close()
    await desk.tell_snapshot()


def main() -> None:
    """Run a worker on the two descriptors that are the arguments."""
    channel, listener = (socket.socket(fileno=int(argument)) for argument in sys.argv[1:3])
    run_process(work(channel, listener))


if __name__ == "__main__":
    main()
