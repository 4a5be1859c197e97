"""`python -m loadtest.trial`: changes through a top node at its most awkward, the relay killed again and again.

Starts a node and a simulated top node, makes changes over HTTP, ends the relay without warning, waits until nothing is
owed, and compares the node's change log with the top node's journal. Exit code 0: nothing missing, nothing doubled,
order kept.
"""

import argparse
import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table

from idnode.storage.inspection import running_embedded_dsn
from loadtest.own_node import Target, free_port, own_node
from loadtest.trial.comparing import Comparison, compare
from loadtest.trial.killing import Kills, kill_relays
from loadtest.trial.writing import Written, write_changes

NODE = "88.118"
PREFIX = "88.118.8"
APP_ID = "trial"
KILL_SECONDS = (0.5, 3.0)
POLL_SECONDS = 1.0
DRAIN_SECONDS_MAX = 1_800.0
END_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    changes: int
    kills: int
    seed: int
    outage_after: float
    outage_seconds: float


class NotDrained(RuntimeError):
    """Something is owed still, after DRAIN_SECONDS_MAX."""


def main(arguments: Sequence[str]) -> int:
    """0 when it is clean."""
    options = _options(arguments)
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        comparison, lines = asyncio.run(_try(options, Path(folder)))
    table = Table("what", "count")
    table.columns[1].justify = "right"
    for name, count in (*lines, *comparison.rows()):
        table.add_row(name, f"{count:,}")
    console.print(table)
    return 0 if comparison.is_clean else 1


async def _try(options: Options, folder: Path) -> tuple[Comparison, list[tuple[str, int]]]:
    secret, port, journal = secrets.token_hex(16), free_port(), folder / "journal.ndjson"
    settings = {
        "IDNODE_SYNC_TRANSPORT": "json",
        "IDNODE_SYNC_URL": f"http://127.0.0.1:{port}",
        "IDNODE_SYNC_APP_ID": APP_ID,
        "IDNODE_SYNC_SECRET": secret,
        "IDNODE_SYNC_CADENCE": "real-time",
        "IDNODE_PROBE_SECONDS": "0",
        "IDNODE_LOG_LEVEL": "warning",
    }
    written, kills = Written(), Kills()
    with (
        _top_node(options, port, secret, folder, journal),
        own_node(folder / "home", prefix=NODE, environment=os.environ | settings) as target,
    ):
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(write_changes(target, PREFIX, options.changes, written))
            tasks.create_task(kill_relays(target.pid or 0, options.kills, KILL_SECONDS, options.seed, kills))
        await _until_drained(target)
        seconds = time.monotonic() - began
        comparison = await compare(running_embedded_dsn(folder / "home") or "", journal, node=NODE)
        acts = await _acts(port)
    told = [("changes acknowledged", written.changes), ("relays killed", kills.relays), ("seconds", round(seconds))]
    return comparison, [*told, *((f"requests: {act}", count) for act, count in sorted(acts.items()))]


@contextmanager
def _top_node(options: Options, port: int, secret: str, folder: Path, journal: Path) -> Iterator[None]:
    command = [
        *(sys.executable, "-m", "idnode", "simulate-top-node", "--port", str(port), "--profile", "awkward"),
        *("--app-id", APP_ID, "--store", str(folder / "top.db"), "--journal", str(journal)),
        *("--seed", str(options.seed), "--outage-after", str(options.outage_after)),
        *("--outage-seconds", str(options.outage_seconds)),
    ]
    environment = os.environ | {"IDNODE_SIMULATOR_SECRET": secret}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(END_SECONDS_MAX)


async def _until_drained(target: Target) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS_MAX
    headers = {"Authorization": f"Bearer {target.key}"}
    async with aiohttp.ClientSession(target.url, headers=headers) as session:
        quiet = 0
        # Twice: what was committed last may not be in the ledger yet.
        while quiet < 2:
            if time.monotonic() > deadline:
                raise NotDrained(f"something is owed still, after {DRAIN_SECONDS_MAX:g} s")
            await asyncio.sleep(POLL_SECONDS)
            async with session.get("/v1/sync") as response:
                document = await response.json()
            quiet = 0 if any(_owed(report) for report in document["reports"]) else quiet + 1


def _owed(report: Mapping[str, object]) -> bool:
    return bool(report["report"] == "T9" and (report["pending"] or report["waiting"] or report["sent"]))


async def _acts(port: int) -> Mapping[str, int]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/simulator/summary") as answer:
        acts: Mapping[str, int] = (await answer.json())["acts"]
        return acts


def _options(arguments: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(prog="python -m loadtest.trial", description=__doc__)
    parser.add_argument("--changes", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=50, help="of the relay, SIGKILL")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--outage-after", type=float, default=20.0, help="seconds")
    parser.add_argument("--outage-seconds", type=float, default=60.0)
    given = parser.parse_args(arguments)
    return Options(given.changes, given.kills, given.seed, given.outage_after, given.outage_seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
