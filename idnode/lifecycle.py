"""The life of a process: its directory, its listening socket, its signals, its clock and ids."""

import asyncio
import errno
import gc
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from idnode.model.errors import IdnodeError

BACKLOG = 4_096
RECEIVE_BYTES = 4 << 20
"""Of a UDP socket: some thousand datagrams that wait to be read, as many as a worker answers in a tenth of a second."""
SO_RCVBUFFORCE = 33
"""Linux; Python has no name for it."""
GARBAGE_THRESHOLD = 20_000
"""New objects between two looks at the youngest ones; the default of 700 cost 3 % of the time under load."""
SECRET_PREFIX = "idn_"  # noqa: S105  # marks our keys for secret scanners; it is no secret
SECRET_BYTES = 32
# Taken from a table, because datetime.replace costs several times as much.
_BELOW_MILLISECOND = tuple(timedelta(microseconds=microseconds) for microseconds in range(1_000))


class CannotStart(IdnodeError):
    """The process cannot begin its work; the message says what to do."""

    code = "cannot-start"


def now() -> datetime:
    """The clock of the node: UTC, whole milliseconds, as it is shown everywhere."""
    moment = datetime.now(UTC)
    return moment - _BELOW_MILLISECOND[moment.microsecond % 1000]


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
    # The new name is on disk when the directory is.
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def address_family(host: str) -> socket.AddressFamily:
    """Of an address, or of localhost."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def allow_both_families(listener: socket.socket, host: str) -> None:
    """Before it is bound: `::` takes IPv4 too, other IPv6 addresses do not."""
    if listener.family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))


def listening_socket(host: str, port: int, *, setting: str = "IDNODE_HTTP_PORT") -> socket.socket:
    """A TCP socket that listens; `::` takes IPv4 too. Raises CannotStart when the address is taken or not ours.

    It listens at once, because two sockets that are merely bound may share a port. Who connects waits to be served.
    """
    try:
        listener = _bound(socket.SOCK_STREAM, host, port)
    except OSError as error:
        raise _cannot_listen("port", host, port, setting, error) from error
    return listener


def receiving_socket(host: str, port: int, *, setting: str) -> socket.socket:
    """A UDP socket; `::` takes IPv4 too. Raises CannotStart when the address is taken or not ours.

    Datagrams wait in it to be read, as many as RECEIVE_BYTES hold or as the system allows.
    """
    try:
        receiver = _bound(socket.SOCK_DGRAM, host, port)
    except OSError as error:
        raise _cannot_listen("UDP port", host, port, setting, error) from error
    enlarge_receive_buffer(receiver)
    return receiver


def enlarge_receive_buffer(receiver: socket.socket) -> None:
    """To RECEIVE_BYTES; without privileges the system's own limit (net.core.rmem_max) holds."""
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    if sys.platform == "linux":
        with suppress(OSError):
            receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES)


def _bound(kind: socket.SocketKind, host: str, port: int) -> socket.socket:
    bound = socket.socket(address_family(host), kind)
    try:
        if kind is socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        allow_both_families(bound, host)
        bound.bind((host, port))
        if kind is socket.SOCK_STREAM:
            bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound


def _cannot_listen(what: str, host: str, port: int, setting: str, error: OSError) -> CannotStart:
    advice = "another process has it; " if error.errno == errno.EADDRINUSE else ""
    advice += f"set {setting} or IDNODE_HTTP_HOST"
    return CannotStart(f"cannot listen on {host} {what} {port}: {error.strerror}; {advice}")


class StopSignal:
    """SIGINT or SIGTERM: cuts a start short, and ends the wait of a node that serves. A second one changes nothing."""

    def __init__(self, start: asyncio.Timeout) -> None:
        self._start = start
        self._has_come = asyncio.Event()
        self._is_awaited = False

    def come(self) -> None:
        """The signal handler."""
        if not self._is_awaited and not self._has_come.is_set():
            self._start.reschedule(asyncio.get_running_loop().time())
        self._has_come.set()

    async def wait(self) -> None:
        """From here on the node ends in order, by whoever waits."""
        self._is_awaited = True
        await self._has_come.wait()


def settle_garbage_collection() -> None:
    """What start-up made stays for good and is not looked at again; what requests make dies young, mostly uncounted."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 50, 50)


@asynccontextmanager
async def stop_signal() -> AsyncIterator[StopSignal]:
    """Heed SIGINT and SIGTERM; the block is cancelled, and ends quietly, by one that comes before it is waited for."""
    loop = asyncio.get_running_loop()
    start = asyncio.timeout(None)
    stop = StopSignal(start)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.come)
    try:
        async with start:
            yield stop
    except TimeoutError:
        if not start.expired():
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@contextmanager
def reload_signal() -> Iterator[asyncio.Event]:
    """Set by SIGHUP for the length of a block."""
    loop = asyncio.get_running_loop()
    has_come = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, has_come.set)
    try:
        yield has_come
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
