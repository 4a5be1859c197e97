"""`idnode doctor`: what each check finds, and the advice it gives."""

import asyncio
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from certificates import Authority
from played_node import Ended, Said, idnode, played_node

from idnode.cli.checks.finding import Finding, Status, fail, ok, warn
from idnode.cli.checks.home import check_home
from idnode.cli.checks.machine import check_open_files, check_python, check_year
from idnode.cli.checks.port import check_native_port, check_port
from idnode.cli.checks.postgres import check_postgres, findings_about
from idnode.cli.checks.tls import check_tls
from idnode.config import Settings
from idnode.storage.inspection import ServerState

GOOD = ServerState("17.2", "UTF8", is_standby=False, clock_ahead=timedelta(milliseconds=4), pending=())


def findings(ended: Ended) -> dict[str, tuple[str, str]]:
    assert isinstance(ended.document, dict)
    return {each["check"]: (each["status"], each["found"]) for each in ended.document["checks"]}


def now() -> datetime:
    return datetime.now(UTC)


def test_an_old_python_fails() -> None:
    assert check_python((3, 11, 7)) == ok("python", "3.11.7")
    assert check_python((3, 10, 1)).status is Status.FAIL


def test_few_open_files_are_worth_a_warning() -> None:
    assert check_open_files(65_536) == ok("open files", "limit 65536")
    assert check_open_files(1_024) == warn(
        "open files",
        "limit 1024",
        "raise it: ulimit -n 65536, or LimitNOFILE=65536 in the systemd unit (at least 4096)",
    )


@pytest.mark.parametrize(
    ("year", "status"), [(1970, Status.FAIL), (2026, Status.OK), (2031, Status.OK), (2100, Status.FAIL)]
)
def test_a_clock_without_battery_is_noticed(year: int, status: Status) -> None:
    assert check_year(datetime(year, 3, 1, tzinfo=UTC)).status is status


def test_a_private_home_is_well(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    assert check_home(tmp_path, uid=os.geteuid())[0] == ok("home", f"{tmp_path} (mode 0700)")


def test_a_home_that_others_may_enter_is_worth_a_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    assert check_home(tmp_path, uid=os.geteuid())[0] == warn(
        "home", f"{tmp_path} is open to others (mode 0755)", f"chmod 700 {tmp_path}"
    )


def test_a_home_of_someone_else_fails_but_for_root(tmp_path: Path) -> None:
    owner = os.geteuid()

    assert check_home(tmp_path, uid=owner + 1)[0] == fail(
        "home",
        f"{tmp_path} belongs to uid {owner}, this is uid {owner + 1}",
        f"run as that account, or: chown -R {owner + 1} {tmp_path}",
    )


def test_a_home_that_is_not_there_will_be_made_and_is_not_made_now(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"

    assert check_home(home, uid=os.geteuid())[0] == ok("home", f"{home} will be made by the first start")
    assert not (tmp_path / "new").exists()


def test_a_home_that_is_a_file_fails(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()

    assert check_home(path, uid=os.geteuid()) == [
        fail("home", f"{path} is no directory", "move it away or set IDNODE_HOME")
    ]


def test_a_secret_that_others_may_read_fails(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    key = tmp_path / "admin.key"
    key.touch()
    key.chmod(0o644)

    assert check_home(tmp_path, uid=os.geteuid())[1] == fail(
        "secrets", f"{key} is open to others", f"chmod 600 {key}; then rotate what it holds"
    )


def test_a_server_in_order_is_well() -> None:
    assert findings_about(GOOD) == [
        ok("postgresql", "17.2 answers"),
        ok("encoding", "UTF8"),
        ok("migrations", "in step with this release"),
        ok("clock skew", "the database's clock differs from this machine's by +0.004 s"),
    ]


def test_each_thing_that_is_wrong_with_a_server_has_its_advice() -> None:
    state = ServerState(
        "14.1", "SQL_ASCII", is_standby=True, clock_ahead=timedelta(seconds=-3), pending=("0001_a", "0002_b")
    )

    assert findings_about(state) == [
        fail(
            "postgresql",
            "14.1, a standby that takes no writes",
            "name the primary, or add target_session_attrs=read-write to IDNODE_DATABASE_URL",
        ),
        fail("encoding", "SQL_ASCII", "make the database anew: CREATE DATABASE … ENCODING 'UTF8'"),
        warn("migrations", "pending: 0001_a, 0002_b", "idnode migrate, or the next idnode serve"),
        warn(
            "clock skew",
            "the database's clock differs from this machine's by -3.000 s",
            "let NTP keep both: timedatectl set-ntp true",
        ),
    ]


async def test_an_external_server_that_is_away_fails() -> None:
    settings = Settings(database_url="postgresql://node:hush@127.0.0.1:1/idnode")
    found = await check_postgres(settings, now=now)

    assert [(each.check, each.status) for each in found] == [("postgresql", Status.FAIL)]
    assert found[0].advice == "see that IDNODE_DATABASE_URL is right and the server up"
    assert "hush" not in str(found)


def test_an_embedded_server_that_does_not_run_is_not_started(tmp_path: Path) -> None:
    found = asyncio.run(check_postgres(Settings(home=tmp_path), now=now))

    assert [(each.check, each.status) for each in found] == [("programs", Status.OK), ("postgresql", Status.OK)]
    assert found[1].found == "embedded, not running; idnode serve starts it"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("#!/bin/sh\nexit 3\n", "--version fails: "),
        ("#!/nowhere/sh\n", ": No such file or directory"),
    ],
)
async def test_programs_that_do_not_run_fail(tmp_path: Path, script: str, found: str) -> None:
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    programs = (await check_postgres(Settings(home=tmp_path, pg_bindir=tmp_path), now=now))[0]

    assert programs.status is Status.FAIL
    assert programs.found.endswith(found)


async def test_a_free_port_is_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    assert await check_port(Settings(http_port=port)) == ok("port", f"127.0.0.1 port {port} is free")


async def test_a_port_held_by_an_idnode_is_well() -> None:
    with played_node() as node:
        node.says("GET /livez", Said(200, {"status": "alive"}))
        port = int(node.url.rpartition(":")[2])
        found = await check_port(Settings(http_port=port))

    assert found == ok("port", f"{port} is held by an idnode that answers at http://127.0.0.1:{port}")
    assert node.asked[0].key is None


async def test_a_port_held_by_another_program_fails() -> None:
    with played_node() as node:
        node.says("GET /livez", Said(200, b"<html>"))
        port = int(node.url.rpartition(":")[2])
        found = await check_port(Settings(http_port=port))

    assert found == fail(
        "port",
        f"{port} is held by another program",
        f"set IDNODE_HTTP_PORT, or end the program: ss -ltnp 'sport = :{port}'",
    )


async def test_an_address_of_another_machine_fails() -> None:
    found = await check_port(Settings(http_host="192.0.2.7"))

    assert found.status is Status.FAIL
    assert found.advice == "set IDNODE_HTTP_HOST to an address of this machine, IDNODE_HTTP_PORT to a port it may use"


async def test_the_native_port_is_looked_at_over_tcp_and_udp() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        [taken] = await check_native_port(Settings(http_port=1, native_port=port))
    [free] = await check_native_port(Settings(native_port=port))

    assert await check_native_port(Settings(native_port=0)) == []
    assert taken == fail(
        "native port",
        f"cannot listen on 127.0.0.1 UDP port {port}: Address already in use; another process has it;"
        " set IDNODE_NATIVE_PORT or IDNODE_HTTP_HOST",
        f"set IDNODE_NATIVE_PORT, 0 turns it off; who has it: ss -lnptu 'sport = :{port}'",
    )
    assert free.status is not Status.FAIL
    assert free.found.startswith(f"127.0.0.1 port {port} is free")


def test_the_command_shows_every_check_and_ends_with_0_when_none_fails(tmp_path: Path) -> None:
    with played_node() as node:
        node.says("GET /livez", Said(200, {"status": "alive"}))
        port = node.url.rpartition(":")[2]
        variables = {"IDNODE_HOME": str(tmp_path), "IDNODE_HTTP_PORT": port, "IDNODE_NATIVE_PORT": "0"}
        ended = idnode("doctor", "--json", variables=variables)

    assert ended.exit == 0
    assert list(findings(ended)) == [
        "python",
        "open files",
        "clock",
        "settings",
        "home",
        "disk",
        "programs",
        "postgresql",
        "port",
    ]


def test_wrong_settings_are_findings_and_end_with_1() -> None:
    ended = idnode("doctor", "--json", variables={"IDNODE_SEED": "much"})

    assert ended.exit == 1
    assert findings(ended)["settings"] == ("fail", "IDNODE_SEED: Input should be 'demo' or 'none'")


def test_the_table_says_what_to_do() -> None:
    ended = idnode("doctor", variables={"IDNODE_SEED": "much"})

    assert "set IDNODE_SEED or remove it; idnode check-config lists all" in " ".join(ended.out.split())


def test_a_finding_that_is_well_needs_no_advice() -> None:
    assert ok("disk", "9 GiB free") == Finding("disk", Status.OK, "9 GiB free", "")


def test_a_certificate_is_looked_at_before_it_ends(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    pair, other = authority.pair("node"), authority.pair("other")
    settings = Settings(tls_port=8443, tls_certificate=pair.certificate, tls_key=pair.key)
    [soon] = check_tls(settings, now=now())
    [over] = check_tls(settings, now=now() + timedelta(days=2))
    [mixed] = check_tls(settings.model_copy(update={"tls_key": other.key}), now=now())

    assert check_tls(Settings(), now=now()) == []
    assert (soon.status, soon.found) == (Status.WARN, f"the certificate ends on {now() + timedelta(days=1):%Y-%m-%d}")
    assert (over.status, over.found.split(" to ")[0][:31]) == (Status.FAIL, "the certificate is valid from 2")
    assert (mixed.status, "are no certificate and its own key" in mixed.found) == (Status.FAIL, True)
    assert check_tls(settings, now=now() - timedelta(hours=25))[0].status is Status.FAIL
