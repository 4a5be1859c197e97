"""A worker, as its supervisor starts it: `python -m idnode.worker CHANNEL LISTENER`, both inherited descriptors."""

import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import cast

import structlog
import uvloop

from idnode.app import answering_connections, compose, running
from idnode.config import Settings
from idnode.frontends.listener import Listener
from idnode.frontends.ops.snapshots import JsonFamily, Snapshot, snapshot_from_json, snapshot_json, taken
from idnode.lifecycle import BACKLOG, settle_garbage_collection
from idnode.logs import configure_logs
from idnode.model.errors import IdnodeError, Unavailable
from idnode.storage.database import Database
from idnode.workers.channel import Channel, ChannelBroken, Kind, Message

REPORT_SECONDS = 1.0
"""How old the counters of a worker may be that is killed."""
SUM_SECONDS_MAX = 3.0
EXIT_FALLEN = 1
EXIT_ORPHANED = 3
PR_SET_PDEATHSIG = 1

log = structlog.get_logger("idnode.workers")


class Desk:
    """The worker's end of the channel. `snapshot` counts; it is set before the first message is heard."""

    def __init__(self, channel: Channel) -> None:
        self.snapshot: Callable[[], Snapshot] = tuple
        self.leave = asyncio.Event()
        self.takes_queue = True
        self._channel = channel
        self._sum: asyncio.Future[Snapshot] | None = None

    async def begin(self) -> dict[str, object] | None:
        """The terms; None when there will be none."""
        message = await self._channel.receive()
        if message is None:
            return None
        if message.kind is not Kind.BEGIN:
            raise ChannelBroken(f"began with {message.kind}")
        return message.content

    async def attend(self) -> None:
        """Do what the supervisor says, until cancelled. Without a supervisor the process ends at once."""
        while (message := await self._channel.receive()) is not None:
            await self._heard(message)
        log.error("worker_orphaned")
        # Nobody would count it, reload it or end it; and its successor may want the port.
        os._exit(EXIT_ORPHANED)

    async def tell_ready(self) -> None:
        """Requests are answered from now on."""
        await self._channel.send(Message(Kind.READY))

    async def report(self) -> None:
        """Tell the counters every second, until cancelled."""
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            await self.tell_snapshot()

    async def tell_snapshot(self, *, round_: int = 0) -> None:
        """Tell the counters; 0 is what nobody asked for."""
        content = {"round": round_, "families": snapshot_json(self.snapshot())}
        await self._channel.send(Message(Kind.SNAPSHOT, content))

    async def sum(self) -> Snapshot:
        """Everybody's counters. Who asks while another asks gets the same. Raises Unavailable."""
        if self._sum is None:
            self._sum = asyncio.get_running_loop().create_future()
            try:
                await self._channel.send(Message(Kind.SUM_WANTED))
            except ChannelBroken as error:
                self._sum = None
                raise Unavailable(error.detail) from error
        try:
            async with asyncio.timeout(SUM_SECONDS_MAX):
                return await asyncio.shield(self._sum)
        except TimeoutError:
            self._sum = None
            raise Unavailable("the supervisor does not tell the counters of the other workers in time") from None

    async def _heard(self, message: Message) -> None:
        match message.kind:
            case Kind.SNAPSHOT_WANTED:
                await self.tell_snapshot(round_=cast("int", message.content["round"]))
            case Kind.SUM:
                if self._sum is not None and not self._sum.done():
                    self._sum.set_result(snapshot_from_json(cast("list[JsonFamily]", message.content["families"])))
                self._sum = None
            case Kind.LEAVE:
                self.takes_queue = bool(message.content["takes_queue"])
                self.leave.set()
            case _:
                raise ChannelBroken(f"a supervisor does not say {message.kind}")


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
            listener = Listener(listening, await answering_connections(node, settings), backlog=BACKLOG)
            settle_garbage_collection()
            await listener.start()
            await desk.tell_ready()
            log.info("worker_ready", pid=os.getpid())
            reporting = tasks.create_task(desk.report())
            await desk.leave.wait()
            log.info("worker_leaves", pid=os.getpid(), takes_queue=desk.takes_queue)
            await listener.stop_accepting(takes_queue=desk.takes_queue)
            await listener.drain(settings.drain_seconds)
            await listener.close()
            reporting.cancel()
    finally:
        await database.close()
    await desk.tell_snapshot()


def main() -> None:
    """Run a worker on the two descriptors that are the arguments."""
    channel, listener = (socket.socket(fileno=int(argument)) for argument in sys.argv[1:3])
    _die_with_supervisor()
    sys.excepthook = _log_crash
    # They come from a terminal to everybody; what they mean is for the supervisor to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        uvloop.run(work(channel, listener))
    except* IdnodeError as group:
        for error in _causes(group):
            log.warning("worker_failed", error=type(error).__name__, detail=str(error))
        sys.exit(EXIT_FALLEN)


def _causes(group: ExceptionGroup[IdnodeError]) -> Iterator[IdnodeError]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _causes(error)
        else:
            yield error


def _log_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("worker_crashed", exc_info=(kind, error, trace))


def _die_with_supervisor() -> None:
    """Even in the midst of work that never looks at the channel. Linux only; elsewhere the channel has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
