"""`idnode snms-user`: users added, listed, disabled; a password is never an argument and never shown."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import pytest
import typer
from typer.testing import CliRunner, Result

from idnode.cli.exits import Exit
from idnode.cli.snms_user import snms_user

Call = Callable[..., Awaitable[Result]]


@pytest.fixture
def call(tmp_path: Path, dsn: str) -> Call:
    """The commands with the settings of a node on the database `dsn`."""
    application = typer.Typer()
    application.add_typer(snms_user)
    variables = {"IDNODE_HOME": str(tmp_path), "IDNODE_DATABASE_URL": dsn}

    async def run(*arguments: str, given: str = "123456\n") -> Result:
        return await asyncio.to_thread(
            CliRunner().invoke, application, arguments, input=given, env=variables, catch_exceptions=False
        )

    return run


async def test_a_user_is_added_listed_and_disabled(call: Call) -> None:
    added = await call("snms-user", "add", "mes", "--email", "mes@example.com", "--mobile", "13800000000",
                       "--prefix", "88.118.8")  # fmt: skip
    listed = await call("snms-user", "list", "--json")
    disabled = await call("snms-user", "disable", "mes")
    again = await call("snms-user", "disable", "mes")

    assert added.stdout.startswith("added mes (88.118.8), id ")
    (user,) = orjson.loads(listed.stdout)["items"]
    assert (user["name"], user["prefixes"], user["is_admin"], user["state"]) == ("mes", ["88.118.8"], False, "active")
    assert "password" not in listed.stdout
    assert disabled.stdout == "disabled mes\n"
    assert (again.exit_code, again.stderr) == (Exit.REFUSED, "idnode: SNMS user mes is disabled already\n")


async def test_what_does_not_fit_is_refused_with_its_reason(call: Call) -> None:
    ends = ("--email", "mes@example.com", "--mobile", "13800000000")
    nothing = await call("snms-user", "add", "mes", *ends, given="\n")
    wrong = await call("snms-user", "add", "m" * 51, "--email", "x", "--mobile", "13800000000", "--admin")
    both = await call("snms-user", "add", "mes", *ends, "--admin", "--prefix", "88.118.8")

    assert nothing.exit_code == Exit.USAGE
    assert nothing.stderr.startswith("idnode: the password has 0 characters, it takes 1 to 64")
    assert "/userName: max-length: has 51 characters" in wrong.stderr
    assert "/email: pattern: is no address" in wrong.stderr
    assert "an admin reaches every prefix" in both.stderr
