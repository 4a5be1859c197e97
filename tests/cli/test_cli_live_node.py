"""The commands on a real node with a real PostgreSQL: started, used, asked how it is, and stopped by Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from played_node import Ended, idnode

PREFIX = "88.118.20001"
ROLLS = """
title = "Rolls"
version = "cli-rolls-1.0"
industry = "C1713"
carrier = "other"

[[items]]
index = 2000
name = "width"
title = "幅宽"
type = "number"
unit = "cm"
maximum = 1000
required = true
"""


@dataclass(frozen=True, slots=True)
class LiveNode:
    """A node in a process of its own."""

    process: "subprocess.Popen[str]"
    variables: dict[str, str]

    def run(self, *arguments: str, stdin: bytes | None = None, **variables: str) -> Ended:
        """A command with this node's settings."""
        return idnode(*arguments, stdin=stdin, variables=self.variables | variables)

    def checks(self) -> dict[str, str]:
        """What the doctor says of each check."""
        document = self.run("doctor", "--json").document
        assert isinstance(document, dict)
        return {each["check"]: each["status"] for each in document["checks"]}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    home: Path = tmp_path_factory.mktemp("home")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {"IDNODE_HOME": str(home), "IDNODE_HTTP_PORT": str(port), "IDNODE_SEED_PRODUCTS": "1"}
    variables["IDNODE_NATIVE_PORT"] = "0"
    process = subprocess.Popen(
        [sys.executable, "-m", "idnode", "serve"],
        env={name: text for name, text in os.environ.items() if not name.startswith("IDNODE_")} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert any("serves prefix" in line for line in process.stdout), "the node ended while starting"
        yield LiveNode(process, variables)
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def template(live: LiveNode, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A template that the node knows."""
    path = tmp_path_factory.mktemp("template") / "rolls.toml"
    path.write_text(ROLLS)
    ended = live.run("templates", "define", str(path), "--prefix", PREFIX)

    assert ended.out == f"defined {PREFIX} cli-rolls-1.0\n"
    return "cli-rolls-1.0"


def test_every_check_of_a_running_node_is_well(live: LiveNode) -> None:
    checks = live.checks()

    assert {name for name, status in checks.items() if status == "fail"} == set()
    assert (checks["postgresql"], checks["encoding"], checks["clock skew"]) == ("ok", "ok", "ok")
    assert (checks["migrations"], checks["port"]) == ("ok", "ok")


def test_a_file_is_registered_once_however_often_it_is_run(live: LiveNode, template: str) -> None:
    rows = b"identifier,width,url\nCLI-1,150.5,https://example.com/1\nCLI-2,9000,\nCLI-3,1,\n"
    arguments = ["register", "-", "--format", "csv", "--prefix", PREFIX, "--template", PREFIX, template]
    dry = live.run(*arguments, "--dry-run", stdin=rows)
    first = live.run(*arguments, stdin=rows)
    moved = live.run(*arguments, stdin=rows.replace(b"url\n", b"url\n\n"))

    assert dry.out == "2 would be registered, 0 already there, 1 refused\n"
    assert (first.exit, first.out) == (1, "2 registered, 0 already there, 1 refused\n")
    assert first.error == (
        f"line 3: {PREFIX}/CLI-2: invalid-input\n"
        "  width: maximum: is 9000 cm, at most 1000 cm is allowed (value 9000, limit 1000 cm)\n"
    )
    assert moved.out == "0 registered, 2 already there, 1 refused\n"


def test_what_was_registered_is_resolved(live: LiveNode, template: str) -> None:
    name = {"prefix": PREFIX, "version": template}
    row = orjson.dumps({"identifier": f"{PREFIX}/CLI-R", "template": name, "attributes": {"width": 2}})
    live.run("register", "-", "--format", "ndjson", stdin=row)
    one = live.run("resolve", f"{PREFIX}/cli-r", "--json").document
    many = live.run("resolve", f"{PREFIX}/CLI-R", f"{PREFIX}/CLI-NONE")

    assert isinstance(one, dict)
    assert (one["identifier"], one["attributes"]) == (f"{PREFIX}/CLI-R", {"width": 2})
    assert (many.exit, many.error) == (5, f"idnode: {PREFIX}/CLI-NONE is not registered\n")
    assert f"{PREFIX}/CLI-R  (active, version 1)" in many.out


def test_a_key_works_from_its_making_to_its_revocation(live: LiveNode) -> None:
    made = live.run("keys", "create", "--name", "a test", "--role", "reader")
    secret = made.out.strip()
    id = made.error.split()[1]
    listed = live.run("templates", "list", "--json", IDNODE_KEY=secret)
    forbidden = live.run("keys", "list", IDNODE_KEY=secret)
    revoked = live.run("keys", "revoke", id)
    refused = live.run("templates", "list", IDNODE_KEY=secret)

    assert (listed.exit, forbidden.exit, revoked.exit, refused.exit) == (0, 4, 0, 4)
    assert refused.error == "idnode: this API key is unknown, has expired or was revoked\n"
    assert secret not in live.run("keys", "list", "--json").out


def test_an_export_is_taken_back(live: LiveNode, template: str) -> None:
    exported = live.run("templates", "export", "--prefix", PREFIX)
    ended = live.run("templates", "define", "-", stdin=exported.out.replace(template, "cli-rolls-2.0").encode())

    assert (ended.exit, ended.out) == (0, f"defined {PREFIX} cli-rolls-2.0\n")


def test_a_second_node_on_the_same_port_is_told_what_to_do(live: LiveNode) -> None:
    ended = live.run("serve")

    assert ended.exit == 2
    assert "set IDNODE_HTTP_PORT or IDNODE_HTTP_HOST" in ended.error


def test_ctrl_c_ends_the_node_in_order(live: LiveNode) -> None:
    live.process.send_signal(signal.SIGINT)

    assert live.process.wait(60) == 0
    assert live.run("keys", "list").exit == 3
    assert (live.checks()["postgresql"], "encoding" in live.checks()) == ("ok", False)
    assert live.run("migrate").out == "nothing to do: the database is up to date\n"
