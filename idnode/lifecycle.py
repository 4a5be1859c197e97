"""The life of a process: its directory, its listening socket, its signals, its clock and ids."""

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from idnode.model.errors import IdnodeError

BACKLOG = 4_096
SECRET_PREFIX = "idn_"  # noqa: S105  # marks our keys for secret scanners; it is no secret
SECRET_BYTES = 32


class CannotStart(IdnodeError):
    """The process cannot begin its work; the message says what to do."""

    code = "cannot-start"


def now() -> datetime:
    """The clock of the node: UTC, whole milliseconds, as it is shown everywhere."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def new_id() -> UUID:
    """A UUID of version 7 (RFC 9562 §5.7): the milliseconds of its making first, so that keys arrive in order."""
    milliseconds = int(datetime.now(UTC).timestamp() * 1000)
    random = int.from_bytes(os.urandom(10)) & ((1 << 74) - 1)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def new_secret() -> str:
    """The secret of an API key: 256 random bits."""
    return SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def ensure_home(home: Path) -> Path:
    """The directory of data and secrets, for its owner only. Raises CannotStart."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        home.chmod(0o700)
    except OSError as error:
        raise CannotStart(f"cannot use {home} for data and secrets: {error.strerror}; set IDNODE_HOME") from error
    return home.resolve()


def write_secret(path: Path, secret: str) -> None:
    """A file for its owner only, on disk before this returns; an older one is replaced whole."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound TCP socket; `::` takes IPv4 too. Raises CannotStart when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        advice = "another process has it; set IDNODE_HTTP_PORT or IDNODE_HTTP_HOST"
        raise CannotStart(f"cannot listen on {host} port {port}: {error.strerror}; {advice}") from error
    listener.setblocking(False)
    return listener


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """An event that SIGINT or SIGTERM sets; a second signal changes nothing, the drain is bounded."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    try:
        yield stopping
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
