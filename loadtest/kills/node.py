"""A node that is ended without warning and started again on the same home and port, PostgreSQL included."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import aiohttp

from idnode.storage.postmaster import Postmaster
from loadtest.bench.processes import family
from loadtest.own_node import LOG_CHARACTERS_MAX, NOT_INHERITED, NodeDidNotStart, free_port

POLL_SECONDS = 0.05
READY_SECONDS_MAX = 120.0
END_SECONDS_MAX = 60.0
VICTIMS = ("node", "postgres", "worker", "importer")
MODULES = {"worker": b"idnode.worker", "importer": b"idnode.importing"}


class KilledNode:
    """`idnode serve` with two import processes, its home below `folder`."""

    def __init__(self, folder: Path, *, prefix: str, environment: Mapping[str, str]) -> None:
        self.home = folder / "home"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "node.log"
        own = {"HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(self.port), "PREFIX": prefix, "SEED": "none"}
        own |= {"HOME": str(self.home), "IMPORT_PROCESSES": "2", "WORKERS": "1", "LOG_LEVEL": "warning"}
        inherited = {n: text for n, text in environment.items() if n.removeprefix("IDNODE_") not in NOT_INHERITED}
        self._environment = inherited | {f"IDNODE_{name}": text for name, text in own.items()}
        self._process: Process | None = None

    @property
    def key(self) -> str:
        """The admin's."""
        return (self.home / "admin.key").read_text("utf-8").strip()

    async def start(self) -> None:
        """Return when it answers. Raises NodeDidNotStart, TimeoutError."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "idnode", "serve"),
                env=self._environment,
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        await self.until_ready()

    async def until_ready(self) -> None:
        """It answers, and its database does. Raises NodeDidNotStart when it has ended instead."""
        async with asyncio.timeout(READY_SECONDS_MAX), aiohttp.ClientSession() as session:
            while True:
                with suppress(aiohttp.ClientError, OSError):
                    async with session.get(f"{self.url}/readyz") as response:
                        if response.status == 200:
                            return
                if self._running.returncode is not None:
                    last = self._log.read_text("utf-8", errors="replace")[-LOG_CHARACTERS_MAX:]
                    raise NodeDidNotStart(f"the node ended before it was ready:\n{last}")
                await asyncio.sleep(POLL_SECONDS)

    async def kill(self, victim: str) -> None:
        """SIGKILL to one of VICTIMS, by its pid; what does not come back by itself is started again."""
        if victim == "node":
            _kill({self._running.pid})
            await self._running.wait()
            await self.start()
            return
        _kill(self._pids(victim))
        await self.until_ready()

    async def stop(self) -> None:
        """In order, and leave nothing running."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(END_SECONDS_MAX):
                    await self._process.wait()
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        left = Postmaster.find(self.home / "postgres")
        if left is not None:
            _kill({left.pid, *family(left.pid)})

    @property
    def _running(self) -> Process:
        if self._process is None:
            raise RuntimeError("the node was not started")
        return self._process

    def _pids(self, victim: str) -> set[int]:
        if victim == "postgres":
            found = Postmaster.find(self.home / "postgres")
            return set() if found is None else {found.pid}
        return {pid for pid in family(self._running.pid) if MODULES[victim] in _command(pid)}


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _kill(pids: set[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
