"""Deposits from the command line: made, listed, verified, judged, and a node restored from one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from conftest import _fresh_database
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from harness import NodeUnderTest
from typer.testing import CliRunner, Result

from idnode.cli.deposit import deposit, restore
from idnode.cli.exits import Exit
from idnode.storage.embedded import EmbeddedPostgres

Call = Callable[..., Awaitable[Result]]


@pytest.fixture
async def other_dsn(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    async for dsn in _fresh_database(postgres, "migrated"):
        yield dsn


@pytest.fixture
def call(tmp_path: Path, dsn: str) -> Call:
    """The commands with the settings of a node on the database `dsn`."""
    (tmp_path / "backup").mkdir()
    (tmp_path / "deposit.key").write_bytes(bytes(range(32)))
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    (tmp_path / "signing.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    application = typer.Typer()
    application.add_typer(deposit)
    application.command()(restore)

    async def run(*arguments: str, prefix: str = "88.118") -> Result:
        variables = {
            "IDNODE_HOME": str(tmp_path),
            "IDNODE_DATABASE_URL": dsn,
            "IDNODE_PREFIX": prefix,
            "IDNODE_DEPOSIT_DESTINATION": str(tmp_path / "backup"),
            "IDNODE_DEPOSIT_KEY_FILE": str(tmp_path / "deposit.key"),
            "IDNODE_DEPOSIT_SIGNING_KEY": str(tmp_path / "signing.pem"),
        }
        return await asyncio.to_thread(CliRunner().invoke, application, arguments, env=variables)

    return run


def documents(result: Result) -> Any:
    assert result.exit_code == Exit.DONE, result.output
    return orjson.loads(result.stdout)


async def test_a_deposit_is_made_listed_verified_confirmed_and_restored(
    node: NodeUnderTest, call: Call, tmp_path: Path, other_dsn: str
) -> None:
    await node.prefix("88.118.8")
    await node.identifier()

    [made] = documents(await call("deposit", "make", "--full", "--json"))["deposits"]
    [then] = documents(await call("deposit", "make", "--json"))["deposits"]
    confirmed = documents(await call("deposit", "confirm", made["id"], "--json"))["deposits"]
    listed = documents(await call("deposit", "list", "--json"))["deposits"]
    verified = documents(await call("deposit", "verify", str(tmp_path / "backup"), "--json"))["deposits"]
    restored = documents(await call("restore", str(tmp_path / "backup"), "--into", other_dsn, "--json"))

    assert (made["kind"], made["state"], made["files"]) == ("full", "submitted", 1)
    assert (then["kind"], then["base"]) == ("differential", made["id"])
    assert confirmed[0]["state"] == "confirmed"
    assert [each["id"] for each in listed] == [then["id"], made["id"]]
    assert [each["id"] for each in verified] == [made["id"], then["id"]]
    assert (restored["node"], restored["deposits"]) == ("88.118", [made["id"], then["id"]])
    assert restored["rows"]["identifier"] == 1


async def test_what_is_done_twice_or_over_a_node_is_refused(node: NodeUnderTest, call: Call, tmp_path: Path) -> None:
    await node.prefix("88.118.8")
    [made] = documents(await call("deposit", "make", "--full", "--json"))["deposits"]

    refused = documents(await call("deposit", "refuse", made["id"], "--reason", "cut", "--json"))["deposits"]
    again = await call("deposit", "confirm", made["id"])
    unknown = await call("deposit", "resend", "x")
    over = await call("restore", str(tmp_path / "backup"))

    assert (refused[0]["state"], refused[0]["reason"]) == ("refused", "cut")
    assert (again.exit_code, unknown.exit_code, over.exit_code) == (Exit.REFUSED, Exit.REFUSED, Exit.REFUSED)
    assert again.stderr == f"idnode: deposit {made['id']} is refused, which does not become confirmed\n"
    assert "it must be empty (limit 0 rows)" in over.stderr


async def test_the_deposit_of_another_node_needs_its_prefix(call: Call, tmp_path: Path, other_dsn: str) -> None:
    documents(await call("deposit", "make", "--full", "--json"))

    ended = await call("restore", str(tmp_path / "backup"), "--into", other_dsn, prefix="88.200")

    assert ended.exit_code == Exit.REFUSED
    assert ended.stderr == "idnode: the deposit is of node 88.118, this one is 88.200: set IDNODE_PREFIX=88.118\n"


async def test_people_see_a_table(call: Call) -> None:
    documents(await call("deposit", "make", "--full", "--json"))

    shown = (await call("deposit", "list")).stdout

    assert shown.split()[:9] == ["deposit", "kind", "builds", "on", "state", "resend", "parts", "bytes", "reason"]
    assert " full " in shown
    assert " submitted " in shown
