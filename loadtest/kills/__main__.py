"""`python -m loadtest.kills --kills 50`: SIGKILL to node, PostgreSQL, worker or import processes while they write.

Clients register singly and import files meanwhile; what was acknowledged is compared with the database at the end. Exit
code 0: nothing lost, nothing doubled.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from loadtest.kills.counting import Count, count
from loadtest.kills.loading import Load
from loadtest.kills.node import VICTIMS, KilledNode

PREFIX = "88.118"
SECONDS_BETWEEN = (0.2, 2.0)


def main(arguments: Sequence[str]) -> int:
    """0 when nothing was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="processes to end, node and PostgreSQL alike")
    parser.add_argument("--rows", type=int, default=20_000, help="rows of each import")
    parser.add_argument("--seed", type=int, default=1, help="of the order of victims, and of the times between")
    parser.add_argument("--only", choices=VICTIMS, nargs="*", default=VICTIMS, help="whom to end")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_try(options, Path(folder)))


async def _try(options: argparse.Namespace, folder: Path) -> int:
    node = KilledNode(folder, prefix=PREFIX, environment=os.environ)
    await node.start()
    load, draw, killed = (
        Load(node.url, node.key, PREFIX, rows=options.rows),
        random.Random(options.seed),
        Counter[str](),
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run())
            for number in range(options.kills):
                await asyncio.sleep(draw.uniform(*SECONDS_BETWEEN))
                # Each in turn, so that a short run has seen all of them.
                victim = options.only[number % len(options.only)]
                await node.kill(victim)
                killed[victim] += 1
            load.has_to_end.set()
        singles, rows = await count(node.home, PREFIX, load.loaded)
    finally:
        await node.stop()
    _show(killed, len(load.loaded.imports), singles, rows, load.loaded.failures)
    return int(any((singles.lost, singles.doubled, rows.lost, rows.doubled, rows.unknown, load.loaded.failures)))


def _show(killed: Counter[str], imports: int, singles: Count, rows: Count, failures: Sequence[str]) -> None:
    console = Console()
    told = ", ".join(f"{victim} {times}" for victim, times in killed.items())
    console.print(f"killed {killed.total()} times ({told}) during single registrations and {imports} imports")
    table = Table("", "acknowledged", "lost", "doubled", "unknown")
    for name, found in (("single registrations", singles), ("rows of imports", rows)):
        cells = (found.acknowledged, len(found.lost), len(found.doubled), len(found.unknown))
        table.add_row(name, *map(str, cells))
    console.print(table)
    for line in (*failures, *singles.lost[:5], *singles.doubled[:5], *rows.lost[:5], *rows.doubled[:5]):
        console.print(line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
