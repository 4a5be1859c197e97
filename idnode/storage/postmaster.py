"""The server of a data directory as postmaster.pid, /proc and its socket show it: found, told from strangers, ended."""

import errno
import hashlib
import os
import signal
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PORT = 5432  # part of the socket's name, nothing listens on it
SOCKET_PATH_BYTES_MAX = 107  # sun_path holds 108 with the final zero

# Lines of postmaster.pid, see miscadmin.h: LOCK_FILE_LINE_SOCKET_DIR and LOCK_FILE_LINE_PM_STATUS, counted from 0.
_SOCKET_DIRECTORY, _STATUS = 4, 7


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A running server."""

    pid: int
    socket_directory: Path
    is_ready: bool

    @classmethod
    def find(cls, cluster: Path) -> Self | None:
        """The live postmaster of `cluster`, or None. A zombie and a stranger with a reused pid are not one."""
        try:
            lines = (cluster / "postmaster.pid").read_text().splitlines()
            pid, socket_directory = int(lines[0]), Path(lines[_SOCKET_DIRECTORY])
        except (OSError, ValueError, IndexError):
            return None
        if not _works_in(cluster, pid):
            return None
        return cls(pid, socket_directory, [line.strip() for line in lines[_STATUS:]] == ["ready"])


def send(pid: int, number: signal.Signals) -> None:
    """Signal a postmaster. SIGKILL goes to its children as well; the gentler signals it passes on itself."""
    for member in (pid, *_children(pid)) if number is signal.SIGKILL else (pid,):
        with suppress(ProcessLookupError):
            os.kill(member, number)


def socket_directory(home: Path) -> Path:
    """`home`/run, or a directory of this home's own below the temporary one where the socket's path would not fit."""
    short = Path(tempfile.gettempdir(), f"idnode-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}")
    for directory in (home / "run", short):
        path = os.fsencode(directory / f".s.PGSQL.{PORT}")
        # A comma separates directories for PostgreSQL and hosts for asyncpg.
        if len(path) <= SOCKET_PATH_BYTES_MAX and not set(b',"') & set(path):
            return directory
    raise OSError(errno.ENAMETOOLONG, f"no socket path within {SOCKET_PATH_BYTES_MAX} bytes", str(short))


def server_arguments(cluster: Path, sockets: Path, settings: Mapping[str, str]) -> list[str]:
    """What `postgres` is called with to serve `cluster` on a socket in `sockets`."""
    place = {"port": str(PORT), "unix_socket_directories": f'"{sockets}"', "unix_socket_permissions": "0700"}
    options = [word for name, value in {**settings, **place}.items() for word in ("-c", f"{name}={value}")]
    return ["-D", str(cluster), *options]


def drop_misleading_locks(cluster: Path, sockets: Path) -> None:
    """Remove lock files that name a stranger or nothing. PostgreSQL only asks whether the pid exists, and gives up.

    A file whose process is gone stays: PostgreSQL finds the shared memory of the crashed server in it.
    """
    for lock_file in (cluster / "postmaster.pid", sockets / f".s.PGSQL.{PORT}.lock"):
        with suppress(FileNotFoundError):
            if _is_misleading(lock_file.read_text(), cluster):
                lock_file.unlink()


def _is_misleading(lock: str, cluster: Path) -> bool:
    try:
        # A single-user backend writes its pid as a negative number.
        pid = abs(int(lock.split("\n", 1)[0]))
    except ValueError:
        return True  # cut off by a power failure
    return Path("/proc", str(pid)).exists() and not _works_in(cluster, pid)


def _works_in(cluster: Path, pid: int) -> bool:
    """A server changes into its data directory before it writes its pid file; that of a zombie is unreadable."""
    process = Path("/proc", str(pid))
    try:
        return (process / "cwd").samefile(cluster)
    except PermissionError:
        # Root in a container without CAP_SYS_PTRACE sees of another account only how it was called.
        return f"\0-D\0{cluster}\0".encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False


def _children(pid: int) -> tuple[int, ...]:
    try:
        return tuple(int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    except OSError:
        return ()
