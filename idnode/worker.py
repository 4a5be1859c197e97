"""A worker, as its supervisor starts it: `python -m idnode.worker CHANNEL LISTENER…`, all inherited descriptors.

The first listener is for plain HTTP. What the others are for is told by their ports: TLS, and the native protocol.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence

import structlog

from idnode.app import compose
from idnode.app_answering import answering, answering_natively
from idnode.app_node import Node, running
from idnode.config import Settings
from idnode.frontends.ops.snapshots import taken
from idnode.frontends.tls import secured, server_context
from idnode.lifecycle import settle_garbage_collection
from idnode.logs import configure_logs
from idnode.storage.database import Database
from idnode.workers.channel import Channel
from idnode.workers.desk import Desk
from idnode.workers.entry import run_process

log = structlog.get_logger("idnode.workers")


async def work(channel: socket.socket, listeners: Sequence[socket.socket]) -> None:
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
        await _answer(desk, settings, str(terms["dsn"]), _doors(settings, listeners))
        attending.cancel()


def _doors(settings: Settings, listeners: Sequence[socket.socket]) -> list[socket.socket]:
    """The listeners as they are spoken at. Raises CertificateRefused: a reload with such files changes nothing."""
    plain, *others = listeners
    doors = [plain, *(each for each in others if _is_native(settings, each))]
    if settings.tls_certificate is not None and settings.tls_key is not None:
        context = server_context(settings.tls_certificate, settings.tls_key)
        doors += [secured(each, context) for each in others if not _is_native(settings, each)]
    return doors


def _is_native(settings: Settings, listener: socket.socket) -> bool:
    """No reload changes a port."""
    return int(listener.getsockname()[1]) == settings.native_port


async def _answer(desk: Desk, settings: Settings, dsn: str, doors: Sequence[socket.socket]) -> None:
    database = await Database.open(dsn, connections_max=settings.database_connections)
    try:
        node = compose(settings, database, dsn, scrape=desk.sum)
        desk.snapshot = lambda: taken(node.counters)
        async with running(node), asyncio.TaskGroup() as tasks:
            settle_garbage_collection()
            async with asyncio.TaskGroup() as open_doors:
                opened = [asyncio.Event() for _ in doors]
                for door, is_open in zip(doors, opened, strict=True):
                    open_doors.create_task(_keep_open(desk, node, settings, door, is_open))
                for is_open in opened:
                    await is_open.wait()
                await desk.tell_ready()
                log.info("worker_ready", pid=os.getpid())
                reporting = tasks.create_task(desk.report())
                await desk.leave.wait()
                log.info("worker_leaves", pid=os.getpid(), takes_queue=desk.takes_queue)
            reporting.cancel()
    finally:
        await database.close()
    await desk.tell_snapshot()


async def _keep_open(desk: Desk, node: Node, settings: Settings, door: socket.socket, is_open: asyncio.Event) -> None:
    """Let clients in until told to leave; all doors are shut, and drained, at the same time."""
    answers = answering_natively if _is_native(settings, door) else answering
    async with answers(node, settings, door, takes_queue=lambda: desk.takes_queue):
        is_open.set()
        await desk.leave.wait()


def main() -> None:
    """Run a worker on the descriptors that are the arguments."""
    channel, *listeners = (socket.socket(fileno=int(argument)) for argument in sys.argv[1:])
    run_process(work(channel, listeners))


if __name__ == "__main__":
    main()
