"""The command as a process of its own: it says where it answers, survives a kill with all it acknowledged, and ends."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
import typer
from aiohttp import ClientSession
from simulated_caller import batch, identifier
from typer.testing import CliRunner

from idnode.cli.simulate_top_node import simulate_top_node

START_SECONDS_MAX = 30
PROGRAM = "import typer; from idnode.cli.simulate_top_node import simulate_top_node; typer.run(simulate_top_node)"


@asynccontextmanager
async def running(store: Path) -> AsyncIterator[tuple[Process, str]]:
    """The process and its address; it is killed unless it ended."""
    arguments = ("--port", "0", "--store", str(store), "--json")
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, *arguments, stdout=PIPE)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_SECONDS_MAX):
            line = await process.stdout.readline()
        yield process, orjson.loads(line)["url"]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def receipt(url: str) -> str:
    """The receipt of one and the same record."""
    async with ClientSession() as session, session.post(f"{url}/v1/batches", data=batch(identifier("JX-1"))) as answer:
        verdicts = orjson.loads(await answer.read())["verdicts"]
    told: str = verdicts[0]["receipt"]
    return told


async def test_a_kill_loses_nothing_that_was_acknowledged_and_sigterm_ends_in_order(tmp_path: Path) -> None:
    async with running(tmp_path / "store") as (process, url):
        first = await receipt(url)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with running(tmp_path / "store") as (process, url):
        async with ClientSession() as session, session.get(f"{url}/simulator/summary") as answer:
            summary = orjson.loads(await answer.read())
        second = await receipt(url)
        process.send_signal(signal.SIGTERM)
        code = await process.wait()

    assert summary["records"] == {"T9": {"accepted": 1}}
    assert (first, second) == ("R000000000001", "R000000000001")
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--app-id", "node-88-118"], 2, "give --app-id with either --secret or --public-key"),
        (["--secret", "demo"], 2, "give --app-id with either --secret or --public-key"),
        (["--app-id", "node-88-118", "--public-key", "/nowhere.pem"], 2, "No such file"),
        (["--app-id", "node-88-118", "--public-key", __file__], 2, "the public key is no key in PEM"),
        (["--errors", "2"], 2, "it must be a number from 0 to 1"),
        (["--delay-ms", "80-20"], 2, "is no span of milliseconds"),
        (["--store", "/nowhere/store"], 1, "cannot keep records in /nowhere/store"),
    ],
)
def test_wrong_options_are_refused_before_anything_starts(arguments: list[str], code: int, said: str) -> None:
    program = typer.Typer()
    program.command()(simulate_top_node)
    ended = CliRunner().invoke(program, ["--port", "0", *arguments])

    assert ended.exit_code == code
    assert said in ended.stderr
