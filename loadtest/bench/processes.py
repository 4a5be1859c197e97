"""Processes of this machine: which core they have, how much of it they use, which of them holds a connection."""

import os
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path

SERVER_CORE, GENERATOR_CORE = 0, 1
CORES_MIN = 2
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_USER_TICKS, _SYSTEM_TICKS = 11, 12
"""Places in /proc/PID/stat after the name of the program (proc(5): fields 14 and 15)."""


def pinned_to(core: int) -> Callable[[], None]:
    """For `preexec_fn`: the new process has this core only."""
    return lambda: os.sched_setaffinity(0, {core})


def pin(pids: Iterable[int], core: int) -> None:
    """Give running processes, with all their threads, one core; what they start later inherits it."""
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            # A thread may end while we look.
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread.name), {core})


def family(pid: int) -> list[int]:
    """A process, its children and theirs."""
    found, unseen = [], [pid]
    while unseen:
        found.append(unseen.pop())
        with suppress(OSError):
            unseen += map(int, Path(f"/proc/{found[-1]}/task/{found[-1]}/children").read_text().split())
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time that those of these processes that run have used until now."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])
    return total / CLOCK_TICKS


def holder(pids: Collection[int], *, server_port: int, client_port: int) -> int | None:
    """Which of the processes has accepted the connection between these ports of 127.0.0.1."""
    inode = _accepted_inode(server_port, client_port)
    if inode is None:
        return None
    return next((pid for pid in pids if f"socket:[{inode}]" in _open_files(pid)), None)


def _accepted_inode(server_port: int, client_port: int) -> str | None:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote = (int(address.rpartition(":")[2], 16) for address in fields[1:3])
        if (local, remote) == (server_port, client_port):
            return fields[9]
    return None


def _open_files(pid: int) -> set[str]:
    names = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        # A file may be closed while we look.
        with suppress(OSError):
            names.add(str(descriptor.readlink()))
    return names
