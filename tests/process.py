"""A node as a process of its own: started, watched, ended; nothing of it outlives the block, PostgreSQL included."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Self

import orjson
from aiohttp import ClientConnectionError, ClientResponse, ClientSession, TCPConnector

from idnode.storage.postmaster import Postmaster

START_SECONDS_MAX = 120.0
END_SECONDS_MAX = 60.0
POLL_SECONDS = 0.02
_numbers = count(1)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def alive(pids: set[int]) -> set[int]:
    """Those that still run; a process that nobody has buried yet does not."""
    return {pid for pid in pids if _state(pid) not in (None, "Z", "X")}


def command_of(pid: int) -> bytes:
    """The command line of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def family(pid: int) -> set[int]:
    """A process and its children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return {pid}
    return {pid, *(int(child) for child in children.split())}


def end(pids: set[int]) -> None:
    """End processes without warning."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def until_gone(pids: set[int]) -> None:
    """Wait for the end of processes that are not ours to wait for."""
    async with asyncio.timeout(END_SECONDS_MAX):
        while alive(pids):  # noqa: ASYNC110  # another process sets no event of ours
            await asyncio.sleep(POLL_SECONDS)


class NodeProcess:
    """`idnode serve` with its home, its output and its log below `directory`; settings are variables without IDNODE_.

    It has one worker, no import processes, and does not speak the native protocol, unless told otherwise.

    As a context manager it starts, waits until the node is ready, and ends with the block.
    """

    def __init__(self, directory: Path, **settings: object) -> None:
        self.home = directory / ".idnode"
        self.port = free_port()
        run = next(_numbers)
        self._stdout = directory / f"{run}.stdout"
        self._stderr = directory / f"{run}.stderr"
        given = {
            "HOME": self.home,
            "HTTP_PORT": self.port,
            "NATIVE_PORT": 0,
            "WORKERS": 1,
            "IMPORT_PROCESSES": 0,
            **{name.upper(): value for name, value in settings.items()},
        }
        self._environment = {name: text for name, text in os.environ.items() if not name.startswith("IDNODE_")}
        self._environment |= {f"IDNODE_{name}": str(value) for name, value in given.items()}
        self._process: Process | None = None
        self._session: ClientSession | None = None

    @property
    def pid(self) -> int:
        """The node's own."""
        assert self._process is not None
        return self._process.pid

    @property
    def postgres(self) -> int | None:
        """The embedded postmaster's, if there is one."""
        found = Postmaster.find(self.home / "postgres")
        return None if found is None else found.pid

    @property
    def stdout(self) -> str:
        """What it told people so far."""
        return self._stdout.read_text("utf-8")

    @property
    def stderr(self) -> str:
        """What it logged so far."""
        return self._stderr.read_text("utf-8")

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log, line by line; a line that is no JSON object is an error."""
        return [dict(orjson.loads(line)) for line in self.stderr.splitlines()]

    @property
    def admin_key(self) -> str:
        """The first admin key."""
        return (self.home / "admin.key").read_text().strip()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def http(self) -> ClientSession:
        """A client that opens as many connections as it is asked to."""
        assert self._session is not None
        return self._session

    async def call(
        self, method: str, path: str, document: Any = None, *, key: str | None = "", **headers: str
    ) -> ClientResponse:
        """One request; `key` "" is the first admin's, None sends no Authorization. Header names have _ for -."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["Authorization"] = f"Bearer {key or self.admin_key}"
        response = await self.http.request(method, self.url + path, json=document, headers=sent)
        await response.read()
        return response

    async def start(self) -> None:
        """Begin; returns at once."""
        with self._stdout.open("ab") as stdout, self._stderr.open("ab") as stderr:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "idnode", "serve"), env=self._environment, stdout=stdout, stderr=stderr
            )
        if self._session is None or self._session.closed:
            self._session = ClientSession(connector=TCPConnector(limit=0))

    async def restart(self) -> None:
        """After its end: begin anew on the same home and wait until it is ready."""
        await self.start()
        await self.until_ready()

    async def until_ready(self) -> None:
        """Wait until /readyz says yes. Fails with the log when the node ends before."""
        async with asyncio.timeout(START_SECONDS_MAX):
            while not await self._is_ready():
                assert self._process is not None
                assert self._process.returncode is None, self.stderr
                await asyncio.sleep(POLL_SECONDS)

    async def until_ended(self) -> int:
        """Wait for the end; the exit code."""
        assert self._process is not None
        async with asyncio.timeout(END_SECONDS_MAX):
            return await self._process.wait()

    async def until_logged(self, event: str, *, times: int = 1) -> None:
        """Wait until the log has had an event of this name so many times."""
        async with asyncio.timeout(START_SECONDS_MAX):
            while self.stderr.count(f'"event":"{event}"') < times:  # noqa: ASYNC110  # another process sets no event of ours
                await asyncio.sleep(POLL_SECONDS)

    def send(self, number: signal.Signals) -> None:
        """Signal the node."""
        os.kill(self.pid, number)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, and wait; the exit code."""
        self.send(number)
        return await self.until_ended()

    @property
    def workers(self) -> set[int]:
        """The processes that answer requests."""
        return {pid for pid in family(self.pid) if b"idnode.worker" in command_of(pid)}

    @property
    def importers(self) -> set[int]:
        """The processes that write the rows of imports."""
        return {pid for pid in family(self.pid) if b"idnode.importing" in command_of(pid)}

    async def kill(self) -> None:
        """End the node without warning, and wait for the end of its processes; its PostgreSQL goes on."""
        processes = self.workers | self.importers
        self.send(signal.SIGKILL)
        await self.until_ended()
        await until_gone(processes)

    async def close(self) -> None:
        """Leave nothing running."""
        try:
            if self._session is not None:
                # The node waits a while for clients that stay.
                await self._session.close()
            if self._process is not None and self._process.returncode is None:
                await self.stop()
        finally:
            if self._process is not None and self._process.returncode is None:
                await self.kill()
            if self.postgres is not None:
                end(family(self.postgres))

    async def __aenter__(self) -> Self:
        try:
            await self.start()
            await self.until_ready()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _is_ready(self) -> bool:
        try:
            async with self.http.get(f"{self.url}/readyz") as response:
                return response.status == 200
        except (ClientConnectionError, OSError):
            return False


def _state(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None
