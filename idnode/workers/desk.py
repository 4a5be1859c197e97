"""A process's end of the channel to its supervisor: what it hears, and what it tells."""

import asyncio
import os
from collections.abc import Callable
from typing import cast

import structlog

from idnode.frontends.ops.snapshots import JsonFamily, Snapshot, snapshot_from_json, snapshot_json
from idnode.model.errors import Unavailable
from idnode.workers.channel import Channel, ChannelBroken, Kind, Message

REPORT_SECONDS = 1.0
"""How old the counters of a process may be that is killed."""
SUM_SECONDS_MAX = 3.0
EXIT_ORPHANED = 3

log = structlog.get_logger("idnode.workers")


class Desk:
    """The end of a worker, or of the relay. `snapshot` counts; it is set before the first message is heard."""

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
        log.error("worker_orphaned", pid=os.getpid())
        # Nobody would count it, reload it or end it; and its successor may want the port.
        os._exit(EXIT_ORPHANED)

    async def tell_ready(self) -> None:
        """It does its work from now on."""
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
