"""A node of the load test's own: temporary home, embedded PostgreSQL, no demo data; nothing of it stays."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from idnode.storage.postmaster import Postmaster, send

START_SECONDS_MAX = 120.0
END_SECONDS_MAX = 60.0
POLL_SECONDS = 0.1
LOG_CHARACTERS_MAX = 4_000
NOT_INHERITED = ("CONFIG", "DATABASE_URL", "URL", "KEY")
"""Settings that would lead to somebody else's database or node."""


class NodeDidNotStart(RuntimeError):
    """The message ends with the last of its log."""


@dataclass(frozen=True, slots=True)
class Target:
    """The node to call; `key` is an admin's, `pid` the supervisor's of one that we have started."""

    url: str
    key: str
    pid: int | None = None


@contextmanager
def own_node(home: Path, *, prefix: str, environment: Mapping[str, str]) -> Iterator[Target]:
    """A running node with the IDNODE_ settings of `environment`, except for those that make it the load test's own."""
    port, log = free_port(), home.parent / "node.log"
    settings = {name: text for name, text in environment.items() if name.removeprefix("IDNODE_") not in NOT_INHERITED}
    settings |= {"HOME": environment.get("HOME", ""), "IDNODE_HOME": str(home), "IDNODE_HTTP_HOST": "127.0.0.1"}
    settings |= {"IDNODE_HTTP_PORT": str(port), "IDNODE_PREFIX": prefix, "IDNODE_SEED": "none"}
    settings["IDNODE_NATIVE_PORT"] = "0"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "idnode", "serve"],
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=written,
            start_new_session=True,  # Ctrl-C is for the load test, which then ends the node in order
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, process, log)
        yield Target(url, (home / "admin.key").read_text("utf-8").strip(), process.pid)
    finally:
        _end(process, home)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not _is_ready(url):
        if process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text("utf-8", errors="replace")[-LOG_CHARACTERS_MAX:]
            raise NodeDidNotStart(f"the node did not become ready within {START_SECONDS_MAX:g} s:\n{last}")
        time.sleep(POLL_SECONDS)


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310  # our own server on loopback
            return True
    except (urllib.error.URLError, OSError):
        return False


def _end(process: subprocess.Popen[bytes], home: Path) -> None:
    """In order; without warning when that takes too long, workers and PostgreSQL included."""
    process.terminate()
    try:
        process.wait(END_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    left = Postmaster.find(home / "postgres")
    if left is not None:
        send(left.pid, signal.SIGKILL)


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
