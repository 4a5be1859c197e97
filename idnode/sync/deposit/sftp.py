"""The backup node behind SFTP: its host key must be known, and whoever hangs is left."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import asyncssh

from idnode.sync.deposit.destination import DRAFT_SUFFIX
from idnode.sync.deposit.errors import DeliveryFailed, DepositMisconfigured

CONNECT_SECONDS_MAX = 20.0
STALL_SECONDS_MAX = 60.0
"""Without a block acknowledged."""
CLOSE_SECONDS_MAX = 5.0
PORT = 22
NAMES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class SftpAddress:
    """`sftp://user@host:port/directory`."""

    host: str
    port: int
    user: str
    directory: str

    @classmethod
    def parse(cls, url: str) -> "SftpAddress":
        """Raises DepositMisconfigured; a password in it is refused, keys are the way in."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or PORT
        except ValueError:
            host, port = None, PORT
        if parts.scheme != "sftp" or not host or not parts.username or parts.password or parts.query or parts.fragment:
            raise DepositMisconfigured(
                "the destination must look like sftp://user@host:22/directory, without a password"
            )
        return cls(host, port, unquote(parts.username), unquote(parts.path) or "/")


class SftpDestination:
    """A directory of an SFTP server. Connects when it is first needed, and anew after a failure."""

    def __init__(self, address: SftpAddress, *, known_hosts: Path, client_key: Path) -> None:
        self._address = address
        self._known_hosts = known_hosts
        self._client_key = client_key
        self._connection: asyncssh.SSHClientConnection | None = None
        self._sftp: asyncssh.SFTPClient | None = None

    async def sizes(self) -> Mapping[str, int]:
        """Name and bytes of every complete file there."""
        async with self._client() as (sftp, _):
            found: dict[str, int] = {}
            async for entry in sftp.scandir(self._address.directory):
                name, is_file = str(entry.filename), entry.attrs.type == asyncssh.FILEXFER_TYPE_REGULAR
                if is_file and not name.endswith(DRAFT_SUFFIX) and entry.attrs.size is not None:
                    found[name] = entry.attrs.size
                if len(found) > NAMES_MAX:
                    raise DeliveryFailed(f"the destination has more than {NAMES_MAX} files")
            return found

    async def put(self, name: str, path: Path) -> None:
        """A temporary name until it is there completely, and on the server's disk if the server can say so."""
        async with self._client() as (sftp, stirred):

            def progressed(_source: bytes, _target: bytes, _done: int, _size: int) -> None:
                stirred()

            draft = self._path(name + DRAFT_SUFFIX)
            await sftp.put(path, draft, progress_handler=progressed, sparse=False)
            stirred()
            await _flush(sftp, draft)
            await self._rename(sftp, draft, self._path(name))

    async def get(self, name: str, *, bytes_max: int) -> bytes:
        """A small file."""
        async with self._client() as (sftp, _), sftp.open(self._path(name), "rb") as file:
            content = await file.read(bytes_max)
        return content if isinstance(content, bytes) else content.encode()

    async def close(self) -> None:
        """Take leave in bounded time."""
        connection, self._connection, self._sftp = self._connection, None, None
        if connection is not None:
            connection.close()
            try:
                async with asyncio.timeout(CLOSE_SECONDS_MAX):
                    await connection.wait_closed()
            except TimeoutError:
                connection.abort()

    async def _rename(self, sftp: asyncssh.SFTPClient, source: str, target: str) -> None:
        """Over what has the name; servers that cannot do so are asked in two steps."""
        try:
            await sftp.posix_rename(source, target)
        except asyncssh.SFTPOpUnsupported:
            if await sftp.exists(target):
                await sftp.remove(target)
            await sftp.rename(source, target)

    def _path(self, name: str) -> str:
        return str(PurePosixPath(self._address.directory) / name)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[tuple[asyncssh.SFTPClient, Callable[[], None]]]:
        """A client for one act, and what tells that the act goes on; after a failure the next act connects anew."""
        try:
            with _errors_told(self._address):
                if self._sftp is None:
                    async with asyncio.timeout(CONNECT_SECONDS_MAX):
                        self._connection = await self._connect()
                        self._sftp = await self._connection.start_sftp_client()
                assert self._connection is not None  # noqa: S101  # set wherever _sftp is
                with _cut_off(self._connection) as stirred:
                    yield self._sftp, stirred
        except BaseException:
            if self._connection is not None:
                self._connection.abort()
            self._connection = self._sftp = None
            raise

    async def _connect(self) -> asyncssh.SSHClientConnection:
        # Nothing of the user's own SSH configuration, agent or keys is used.
        return await asyncssh.connect(
            self._address.host,
            self._address.port,
            username=self._address.user,
            known_hosts=str(self._known_hosts),
            client_keys=[str(self._client_key)],
            agent_path=None,
            config=None,
            password_auth=False,
            kbdint_auth=False,
            keepalive_interval=STALL_SECONDS_MAX / 4,
        )


async def _flush(sftp: asyncssh.SFTPClient, path: str) -> None:
    """fsync@openssh.com, which OpenSSH has and many others have not."""
    async with sftp.open(path, "r+b") as file:
        with suppress(asyncssh.SFTPOpUnsupported):
            await file.fsync()


@contextmanager
def _cut_off(connection: asyncssh.SSHClientConnection) -> Iterator[Callable[[], None]]:
    """Break the connection off when nothing stirs for STALL_SECONDS_MAX; then TimeoutError.

    A request that is merely cancelled closes its file at the server first, and waits for the answer of one that hangs.
    """
    loop = asyncio.get_running_loop()
    has_come = False

    def cut() -> None:
        nonlocal has_come
        has_come = True
        connection.abort()

    timer = loop.call_later(STALL_SECONDS_MAX, cut)

    def stirred() -> None:
        nonlocal timer
        timer.cancel()
        timer = loop.call_later(STALL_SECONDS_MAX, cut)

    try:
        yield stirred
    except (asyncssh.Error, OSError) as error:
        if has_come:
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()


@contextmanager
def _errors_told(address: SftpAddress) -> Iterator[None]:
    place = f"sftp://{address.host}:{address.port}"
    try:
        yield
    except asyncssh.HostKeyNotVerifiable as error:
        raise DeliveryFailed(f"{place} shows a host key that is not in the file of known hosts") from error
    except asyncssh.PermissionDenied as error:
        raise DeliveryFailed(f"{place} does not let {address.user} in: {error.reason}") from error
    except asyncssh.KeyImportError as error:
        raise DepositMisconfigured(f"the key for {place} cannot be read: {error}") from error
    except asyncssh.Error as error:
        raise DeliveryFailed(f"{place} refused or broke off: {error.reason or type(error).__name__}") from error
    except TimeoutError:
        raise DeliveryFailed(f"{place} did not answer in time") from None
    except OSError as error:
        raise DeliveryFailed(f"{place} cannot be reached: {error.strerror or error}") from error
