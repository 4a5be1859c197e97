"""The embedded server on real PostgreSQL: it starts, survives, is adopted, recovers, and leaves nothing behind."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from idnode.storage.embedded import EmbeddedPostgres, EmbeddedPostgresFailed, PostgresBinaries
from idnode.storage.unprivileged import Identity, choose_identity

SMALL = {"shared_buffers": "16MB"}
NODE = """
import asyncio, pathlib, sys
from idnode.storage.embedded import EmbeddedPostgres

async def serve():
    server = EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False, settings={"shared_buffers": "16MB"})
    await server.start()
    print(server.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(serve())
"""


def embedded(home: Path, identity: Identity | None = None, **settings: str) -> EmbeddedPostgres:
    return EmbeddedPostgres(home, durable=False, settings={**SMALL, **settings}, identity=identity)


async def query(dsn: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


def residents(home: Path) -> set[int]:
    """Every live process that was called with a path below `home`: initdb, postmaster, launcher."""
    return {int(process.name) for process in Path("/proc").glob("[0-9]*") if os.fsencode(home) in command_line(process)}


def command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def family(pid: int | None) -> set[int]:
    """A postmaster and its children."""
    assert pid is not None
    return {pid} | {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path("/proc", str(pid)).exists()}


def modes_below(home: Path) -> dict[str, int]:
    return {str(path.relative_to(home)): stat.S_IMODE(path.stat().st_mode) for path in (home, *home.iterdir())}


def unfinished_clusters(home: Path) -> list[Path]:
    return list(home.glob("postgres.new-*"))


async def until(claim: Callable[[], bool], task: asyncio.Task[str]) -> None:
    """Let `task` go on until `claim` holds; it must not end before."""
    while not claim():
        assert not task.done()
        await asyncio.sleep(0)


def kill(*pids: int | None) -> None:
    for pid in pids:
        assert pid is not None
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Where no home is yet; what a failed test leaves running there ends with it."""
    yield tmp_path / ".idnode"
    kill(*residents(tmp_path / ".idnode"))


@pytest.fixture
def empty_home(home: Path) -> Path:
    home.mkdir(mode=0o700)
    return home


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that every account may pass through; the parents of tmp_path are closed."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
def stranger() -> Iterator[int]:
    """The pid of a live process that has nothing to do with any server."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.communicate(b"\n")


async def test_data_survives_a_stop_and_a_start(home: Path) -> None:
    async with EmbeddedPostgres(home, settings=SMALL) as server:
        await query(server.dsn, "CREATE TABLE kept AS SELECT 7 AS number")

    async with EmbeddedPostgres(home, settings=SMALL) as server:
        rows = await query(server.dsn, "SELECT number, current_database(), current_user FROM kept")

    assert [tuple(row) for row in rows] == [(7, "idnode", "idnode")]


async def test_what_lies_in_the_home_is_private(home: Path) -> None:
    async with embedded(home) as server:
        modes = modes_below(home)
        durability = await query(server.dsn, "SELECT current_setting('fsync'), current_setting('listen_addresses')")

    assert modes["."] == modes["postgres"] == modes["run"] == 0o700
    assert modes["postgres.password"] == modes["postgres.log"] == 0o600
    assert tuple(durability[0]) == ("off", "")


async def test_durable_is_the_default(home: Path) -> None:
    names = "fsync", "synchronous_commit", "full_page_writes"
    async with EmbeddedPostgres(home, settings=SMALL) as server:
        rows = await query(server.dsn, f"SELECT setting FROM pg_settings WHERE name IN {names}")  # noqa: S608

    assert [row["setting"] for row in rows] == ["on", "on", "on"]


async def test_a_wrong_password_is_refused(home: Path) -> None:
    async with embedded(home) as server:
        password = (home / "postgres.password").read_text()

        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.dsn.replace(password, "guessed"))


async def test_stop_leaves_no_process(home: Path) -> None:
    server = embedded(home)
    await server.start()
    connection = await asyncpg.connect(server.dsn)
    processes = family(server.pid)
    assert connection.get_server_pid() in processes

    await server.stop()

    assert alive(processes) == set()
    assert server.pid is None
    with pytest.raises(EmbeddedPostgresFailed, match="has not been started"):
        _ = server.dsn
    connection.terminate()


async def test_the_server_is_out_of_reach_of_our_terminal(home: Path) -> None:
    async with embedded(home) as server:
        assert server.pid is not None
        assert os.getsid(server.pid) == server.pid


@pytest.mark.crash
async def test_a_committed_row_survives_the_postmaster_s_sudden_death(home: Path) -> None:
    async with EmbeddedPostgres(home, settings=SMALL) as server:
        first = server.pid
        await query(server.dsn, "CREATE TABLE kept AS SELECT 7 AS number")
        kill(server.pid)

        dsn = await server.start()

        assert server.pid != first
        assert (await query(dsn, "SELECT number FROM kept"))[0]["number"] == 7


@pytest.mark.crash
async def test_a_committed_row_survives_the_sudden_death_of_all_processes(home: Path) -> None:
    killed = EmbeddedPostgres(home, settings=SMALL)
    await query(await killed.start(), "CREATE TABLE kept AS SELECT 7 AS number")
    kill(killed.pid, *family(killed.pid))

    async with EmbeddedPostgres(home, settings=SMALL) as server:
        assert (await query(server.dsn, "SELECT number FROM kept"))[0]["number"] == 7
        await killed.stop()
        assert await query(server.dsn, "SELECT 1")


@pytest.mark.crash
async def test_start_waits_for_the_backends_of_a_dead_postmaster(home: Path) -> None:
    server = embedded(home)
    connection = await asyncpg.connect(await server.start())
    backend = connection.get_server_pid()
    os.kill(backend, signal.SIGSTOP)  # it cannot notice that its postmaster dies, and keeps the shared memory
    kill(server.pid)

    starting = asyncio.create_task(server.start())
    await until(lambda: "pre-existing shared memory block" in (home / "postgres.log").read_text(), starting)
    kill(backend)
    await starting

    assert await query(server.dsn, "SELECT 1")
    connection.terminate()
    await server.stop()


@pytest.mark.crash
async def test_a_server_whose_node_was_killed_is_adopted_and_stopped(home: Path) -> None:
    node = await asyncio.create_subprocess_exec(sys.executable, "-c", NODE, home, stdout=subprocess.PIPE)
    assert node.stdout is not None
    orphan = int(await node.stdout.readline())
    node.kill()
    await node.wait()

    async with embedded(home) as server:
        assert server.pid == orphan
        assert await query(server.dsn, "SELECT 1")

    assert residents(home) == set()


async def test_two_starts_at_once_share_one_server_until_the_last_stop(home: Path) -> None:
    one, other = embedded(home), embedded(home)
    await asyncio.gather(one.start(), other.start())
    assert one.pid == other.pid

    await one.stop()
    assert await query(other.dsn, "SELECT 1")

    await other.stop()
    assert residents(home) == set()


@pytest.mark.crash
async def test_a_pid_file_that_names_a_stranger_is_no_obstacle(home: Path, stranger: int) -> None:
    killed = embedded(home)
    await killed.start()
    names = home / "postgres/postmaster.pid", home / "run/.s.PGSQL.5432.lock"
    kill(*family(killed.pid))
    for name in names:
        lines = name.read_text().splitlines()
        name.write_text("\n".join([str(stranger), *lines[1:]]) + "\n")

    async with embedded(home) as server:
        assert server.pid != stranger

    os.kill(stranger, 0)
    await killed.stop()


async def test_an_empty_pid_file_is_no_obstacle(home: Path) -> None:
    async with embedded(home):
        pass
    (home / "postgres/postmaster.pid").touch()

    async with embedded(home) as server:
        assert await query(server.dsn, "SELECT 1")


async def test_a_server_whose_socket_was_swept_away_is_replaced(home: Path) -> None:
    first, second = embedded(home), embedded(home)
    await first.start()
    (home / "run/.s.PGSQL.5432").unlink()

    await second.start()

    assert first.pid != second.pid
    await first.stop()
    await second.stop()
    assert residents(home) == set()


@pytest.mark.parametrize("name", ["long" * 30, "a,b", "a b'c%2F"])
async def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    async with embedded(tmp_path / name) as server:
        assert await query(server.dsn, "SELECT 1")

    assert residents(tmp_path / name) == set()


async def test_the_home_may_lie_where_only_its_owner_may_go(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)

    async with embedded(tmp_path / "closed/deep/.idnode") as server:
        assert await query(server.dsn, "SELECT 1")


async def test_an_interrupted_first_run_is_begun_again(home: Path) -> None:
    unfinished = home / "postgres.new-killed/cluster"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("17\n")

    async with embedded(home) as server:
        assert await query(server.dsn, "SELECT 1")

    assert unfinished_clusters(home) == []


async def test_a_cancelled_start_leaves_nothing_half_done(home: Path) -> None:
    starting = asyncio.create_task(embedded(home).start())
    await until(lambda: unfinished_clusters(home) != [], starting)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not (home / "postgres").exists()

    async with embedded(home) as server:
        assert await query(server.dsn, "SELECT 1")


async def test_a_server_that_cannot_start_says_what_its_log_says(home: Path) -> None:
    with pytest.raises(EmbeddedPostgresFailed, match=r'(?s)postgres\.log ends with.*"no_such"'):
        await embedded(home, no_such="1").start()

    assert residents(home) == set()


async def test_a_lost_password_is_named(home: Path) -> None:
    async with embedded(home):
        pass
    (home / "postgres.password").unlink()

    with pytest.raises(EmbeddedPostgresFailed, match=r"restore .*postgres\.password"):
        await embedded(home).start()


async def test_a_changed_password_is_named_and_the_server_stopped(home: Path) -> None:
    async with embedded(home):
        pass
    (home / "postgres.password").write_text("guessed")

    with pytest.raises(EmbeddedPostgresFailed, match="refuses the user and password"):
        await embedded(home).start()

    assert residents(home) == set()


async def test_a_large_log_is_put_aside(empty_home: Path) -> None:
    (empty_home / "postgres.log").write_bytes(b"\n" * (11 << 20))

    async with embedded(empty_home):
        assert (empty_home / "postgres.log.1").stat().st_size > 10 << 20
        assert (empty_home / "postgres.log").stat().st_size < 10 << 20


def test_a_directory_without_binaries_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedPostgresFailed, match=f"no executable initdb in {tmp_path}"):
        PostgresBinaries.at(tmp_path)


def test_when_no_identity_works_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match="Start the node as an ordinary user"):
        choose_identity(tmp_path, tmp_path / "postgres", tmp_path / "no-such-program")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused by PostgreSQL")
async def test_root_needs_a_disguise(home: Path) -> None:
    with pytest.raises(EmbeddedPostgresFailed, match="cannot be run as root"):
        await embedded(home, Identity.own()).start()


@pytest.mark.parametrize("identity", [Identity.namespace(), Identity.admitted(65_534, 65_534)], ids=str)
async def test_a_disguise_goes_through_closed_directories(empty_home: Path, identity: Identity) -> None:
    if refusal := identity.refusal(empty_home, PostgresBinaries.bundled().directory / "postgres"):
        pytest.skip(refusal)

    async with embedded(empty_home / "deeper", identity) as server:
        assert await query(server.dsn, "SELECT 1")

    assert (empty_home / "deeper/postgres").stat().st_uid == identity.owner


async def test_an_account_is_enough_and_stays_the_cluster_s_own(open_place: Path) -> None:
    home, nobody = open_place / ".idnode", Identity.account(65_534, 65_534)
    program = PostgresBinaries.bundled().directory / "postgres"
    if refusal := nobody.refusal(open_place, program):
        pytest.skip(refusal)

    async with embedded(home, nobody) as server:
        assert await query(server.dsn, "SELECT 1")

    assert (home / "postgres").stat().st_uid == 65_534
    assert choose_identity(home, home / "postgres", program) == nobody

    async with embedded(home) as server:
        assert await query(server.dsn, "SELECT 1")
