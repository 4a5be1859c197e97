"""The life of a process: its directory, its secrets, its port, its signals, its clock and ids, its background work."""

import asyncio
import errno
import os
import signal
import socket
import stat
from datetime import UTC
from pathlib import Path

import pytest
from harness import NodeUnderTest
from structlog.testing import capture_logs

from idnode.config import Settings
from idnode.lifecycle import (
    CannotStart,
    ensure_home,
    listening_socket,
    new_id,
    new_secret,
    now,
    stop_signal,
    write_secret,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_clock_is_utc_in_whole_milliseconds() -> None:
    moment = now()

    assert moment.tzinfo is UTC
    assert moment.microsecond % 1_000 == 0


def test_ids_are_uuids_of_version_7_that_arrive_in_order_of_their_milliseconds() -> None:
    before = now()
    ids = [new_id() for _ in range(100)]
    after = now()

    assert {(id.version, id.variant) for id in ids} == {(7, "specified in RFC 4122")}
    assert len(set(ids)) == 100
    milliseconds = [id.int >> 80 for id in ids]
    assert milliseconds == sorted(milliseconds)
    assert before.timestamp() * 1_000 <= milliseconds[0] + 0.5
    assert milliseconds[-1] <= after.timestamp() * 1_000 + 0.5


def test_a_secret_is_marked_and_holds_256_bits() -> None:
    secrets = {new_secret() for _ in range(100)}

    assert len(secrets) == 100
    assert {(secret[:4], len(secret)) for secret in secrets} == {("idn_", 47)}


def test_the_home_is_made_with_its_parents_for_its_owner_only(tmp_path: Path) -> None:
    made = ensure_home(tmp_path / "deep" / "home")

    assert made == tmp_path / "deep" / "home"
    assert mode(made) == 0o700


def test_a_home_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)

    assert mode(ensure_home(tmp_path / "home")) == 0o700


def test_a_home_that_cannot_be_made_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CannotStart, match=r"cannot use .*/file/home for data and secrets: .*; set IDNODE_HOME"):
        ensure_home(tmp_path / "file" / "home")


def test_a_secret_is_written_for_its_owner_and_replaces_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "admin.key"
    path.touch(mode=0o644)
    (tmp_path / "admin.draft").write_text("half a sec")

    write_secret(path, "idn_new")

    assert path.read_text() == "idn_new\n"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_port_is_taken_from_the_moment_that_a_node_has_it() -> None:
    with listening_socket("127.0.0.1", 0) as first:
        port = first.getsockname()[1]

        with pytest.raises(
            CannotStart, match=f"port {port}: Address already in use; another process has it; set"
        ) as caught:
            listening_socket("127.0.0.1", port)

    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.EADDRINUSE
    listening_socket("127.0.0.1", port).close()


def test_an_address_of_another_machine_is_not_called_taken() -> None:
    with pytest.raises(CannotStart) as caught:
        listening_socket("192.0.2.1", 8_000)

    assert str(caught.value) == (
        "cannot listen on 192.0.2.1 port 8000: Cannot assign requested address;"
        " set IDNODE_HTTP_PORT or IDNODE_HTTP_HOST"
    )


def test_a_kernel_without_ipv6_is_told_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr("idnode.lifecycle.socket.socket", refuse)

    with pytest.raises(
        CannotStart, match="cannot listen on :: port 8000: Address family not supported by protocol; set"
    ):
        listening_socket("::", 8_000)


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_cuts_a_start_short(number: signal.Signals) -> None:
    ended_in_order = False

    async with asyncio.timeout(10), stop_signal():
        try:
            send(number)
            await asyncio.Event().wait()
        finally:
            ended_in_order = True

    assert ended_in_order


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_that_is_waited_for_lets_the_end_come_in_order(number: signal.Signals) -> None:
    drained = False

    async with asyncio.timeout(10), stop_signal() as stop, asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(stop.wait())
        await asyncio.sleep(0)  # let it begin
        send(number)
        await waiting
        send(number)
        send(number)
        await asyncio.get_running_loop().run_in_executor(None, str)
        drained = True

    assert drained


async def test_a_second_signal_does_not_disturb_a_start_that_is_being_undone() -> None:
    undone = False

    async with asyncio.timeout(10), stop_signal():
        try:
            send(signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            send(signal.SIGTERM)
            await asyncio.get_running_loop().run_in_executor(None, str)
            undone = True

    assert undone


async def test_a_start_that_runs_into_a_timeout_of_its_own_says_so() -> None:
    with pytest.raises(TimeoutError, match="too slow"):
        async with stop_signal():
            raise TimeoutError("too slow")


async def test_upkeep_outlives_a_fault_of_storage(node: NodeUnderTest) -> None:
    async with node.node.database.session() as session:
        await session.run("DROP TABLE idempotency")

    with capture_logs() as logs:
        upkeep = asyncio.create_task(node.node.upkeep(Settings))
        while not logs:
            assert not upkeep.done()
            await node.node.database.ping()

    assert [(line["event"], line["code"]) for line in logs] == [("upkeep_postponed", "storage-fault")]
    assert not upkeep.done()
    upkeep.cancel()


async def test_upkeep_forgets_old_answers_and_makes_the_months_ahead(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    form = {"name": "reader", "role": "reader", "prefixes": []}
    await node.call("POST", "/v1/keys", form, Idempotency_Key="old-answer")
    await node.call("POST", "/v1/keys", form, Idempotency_Key="new-answer")
    async with node.node.database.session() as session:
        # The token is the SHA-256 of the key.
        await session.run(
            "UPDATE idempotency SET created = now() - interval '25 hours' WHERE token = sha256('old-answer'::bytea)"
        )
        await session.run(
            "DO $$ BEGIN EXECUTE 'DROP TABLE ' || to_char(now(), '\"change_\"YYYY_MM') || ' CASCADE'; END $$"
        )

    upkeep = asyncio.create_task(node.node.upkeep(lambda: Settings(idempotency_hours=24)))
    while await months(node) == 2:
        assert not upkeep.done()
    upkeep.cancel()

    async with node.node.database.session() as session:
        rows = await session.rows("SELECT token = sha256('new-answer'::bytea) AS is_new FROM idempotency")
    assert [row["is_new"] for row in rows] == [True]


async def months(node: NodeUnderTest) -> int:
    async with node.node.database.session() as session:
        rows = await session.rows("SELECT FROM pg_inherits WHERE inhparent = 'change'::regclass")
    return len(rows) - 1


async def test_the_record_of_last_uses_outlives_a_fault_of_storage(node: NodeUnderTest) -> None:
    assert (await node.call("GET", "/v1/keys")).status == 200
    async with node.node.database.session() as session:
        await session.run("DROP TABLE api_key")

    with capture_logs() as logs:
        flushing = asyncio.create_task(node.node.flush_uses())
        await node.node.database.ping()
        flushing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await flushing

    assert [(line["event"], line["code"]) for line in logs] == [("uses_lost", "storage-fault")]
