"""A process as its supervisor sees it: a worker, the relay, or one that writes the rows of imports."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, cast

import idnode
from idnode.frontends.ops.snapshots import JsonFamily, Snapshot, snapshot_from_json
from idnode.workers.channel import Channel, ChannelBroken, Kind, Message

READY_SECONDS_MAX = 60.0
"""From the terms to the first request that is answered."""
SNAPSHOT_SECONDS_MAX = 1.0
EXIT_SECONDS_MAX = 5.0
"""From the last word of a process to its end."""


class Role(StrEnum):
    """What a process does; the value is its module."""

    WORKER = "idnode.worker"
    RELAY = "idnode.relaying"
    IMPORTER = "idnode.importing"


class Place(NamedTuple):
    """What one process at a time stands in; workers are numbered from 0 as their sockets are."""

    role: Role
    number: int


class Child:
    """One process, its channel, and what it said last. `monotonic` values are seconds."""

    def __init__(self, place: Place, process: Process, channel: Channel) -> None:
        self.place = place
        self.channel = channel
        self.snapshot: Snapshot = ()
        self.ready_at: float | None = None
        self.heard_at = 0.0
        """When it said something last; set once it is ready."""
        self.is_leaving = False
        self.ended = asyncio.Event()
        self._process = process
        self._started = asyncio.get_running_loop().create_future()
        self._rounds = 0
        self._asked: dict[int, asyncio.Future[None]] = {}

    @classmethod
    async def spawn(cls, place: Place, inherited: Sequence[socket.socket] = ()) -> "Child":
        """A new process that has these sockets and waits for its terms. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs:
            descriptors = [theirs.fileno(), *(each.fileno() for each in inherited)]
            try:
                process = await asyncio.create_subprocess_exec(
                    # The same program as this one, wherever it is, and nothing of the present directory.
                    *(sys.executable, "-P", "-m", place.role, *map(str, descriptors)),
                    env=os.environ | {"PYTHONPATH": _python_path()},
                    pass_fds=descriptors,
                    stdin=DEVNULL,
                    stdout=DEVNULL,
                )
            except BaseException:
                ours.close()
                raise
        return cls(place, process, await Channel.open(ours))

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Negative: the signal that ended it; None as long as it runs."""
        return self._process.returncode

    @property
    def is_ready(self) -> bool:
        """It does its work."""
        return self.ready_at is not None and not self.is_leaving and not self.ended.is_set()

    async def has_started(self) -> bool:
        """Wait until it is ready; False when it ended before, or was too slow and has been ended for it."""
        try:
            async with asyncio.timeout(READY_SECONDS_MAX):
                return bool(await asyncio.shield(self._started))
        except TimeoutError:
            self.kill()
            return False

    async def fresh_snapshot(self) -> None:
        """Have it count again; when it does not in time, what it said last has to do."""
        self._rounds += 1
        asked = self._asked[self._rounds] = asyncio.get_running_loop().create_future()
        number = self._rounds
        try:
            async with asyncio.timeout(SNAPSHOT_SECONDS_MAX):
                await self.channel.send(Message(Kind.SNAPSHOT_WANTED, {"round": number}))
                await asked
        except (ChannelBroken, TimeoutError):
            return
        finally:
            del self._asked[number]

    def heard_ready(self, now: float) -> None:
        """It said so."""
        self.ready_at = self.heard_at = now
        if not self._started.done():
            self._started.set_result(True)

    def heard_snapshot(self, content: dict[str, object]) -> None:
        """Its counters, by itself or because it was asked."""
        self.snapshot = snapshot_from_json(cast("list[JsonFamily]", content["families"]))
        asked = self._asked.get(cast("int", content["round"]))
        if asked is not None and not asked.done():
            asked.set_result(None)

    def kill(self) -> None:
        """End it without warning."""
        if self._process.returncode is None:
            self._process.kill()

    async def bury(self) -> None:
        """Wait for the end of a process that has nothing more to say; it does not get long."""
        self.channel.close()
        try:
            async with asyncio.timeout(EXIT_SECONDS_MAX):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        self.ended.set()
        if not self._started.done():
            self._started.set_result(False)


def _python_path() -> str:
    given = os.environ.get("PYTHONPATH")
    own = str(Path(idnode.__file__).parents[1])
    return f"{own}{os.pathsep}{given}" if given else own
