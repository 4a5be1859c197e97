"""`python -m loadtest.bench`: measures, prints and writes the table. Ends with 1: a goal is missed; 2: no result."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import uvloop
from rich.console import Console

from idnode.storage.embedded import EmbeddedPostgres
from loadtest.bench import CannotMeasure, bulk
from loadtest.bench.bulk_writing import grown, imports, snms
from loadtest.bench.memory import memory
from loadtest.bench.native import native_cold, native_junk, native_tcp, native_udp
from loadtest.bench.processes import GENERATOR_CORE, SERVER_CORE
from loadtest.bench.programs import require
from loadtest.bench.reading import HOT_KEYS, batch, cold, hot
from loadtest.bench.rounds import Bench
from loadtest.bench.rows import Row, is_disturbed, is_missed, table_of, write_json
from loadtest.bench.servers import node
from loadtest.bench.writing import batch_write, fresh, mixed, register

RESULTS = Path("loadtest/results/bench.json")
TABLE_COLUMNS_MIN = 160
MEASUREMENTS: dict[str, Callable[[Bench], list[Row]]] = {
    "memory": memory,
    "hot": hot,
    "cold": cold,
    "batch": batch,
    "mixed": mixed,
    "fresh": fresh,
    "register": register,
    "import": imports,
    "snms": snms,
    "batch-write": batch_write,
    "native-udp": native_udp,
    "native-tcp": native_tcp,
    "native-cold": native_cold,
    "native-junk": native_junk,
    "grown": grown,
}
OVER_ALL_ROWS = {"cold", "batch", "native-cold"}
NOTES = (
    f"The server has core {SERVER_CORE}, the generator core {GENERATOR_CORE}, PostgreSQL takes what is left of both.",
    "busy: share of its core that the server / the generator used; the one near 100 % limits the row. Neither: the row",
    "waited for PostgreSQL, or for other work of this machine.",
    "The rows 'nginx: …' are what wrk can do here: no ratio to nginx can say more. Where such a row is limited by the",
    "generator, nginx could answer more than wrk can ask, and the ratio beside it is too kind to the node.",
)
DISTURBED = "Other work had the cores: not even nginx or wrk came near 100 %. Measure again on a quiet machine."

console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    """Parse, measure, report."""
    options = _options().parse_args(arguments)
    try:
        rows = measure(options.only, rounds=options.rounds, seconds=options.seconds, rows=options.rows)
    except CannotMeasure as error:
        console.print(f"cannot measure: {error}", style="bold red", markup=False)
        return 2
    write_json(rows, options.output)
    report = Console(width=max(Console().width, TABLE_COLUMNS_MIN))
    report.print(table_of(rows))
    for note in NOTES:
        report.print(note, markup=False)
    if is_disturbed(rows):
        report.print(DISTURBED, style="bold red", markup=False)
    return int(is_missed(rows))


def measure(names: Sequence[str], *, rounds: int, seconds: int, rows: int) -> list[Row]:
    """The rows of these measurements, on a database of their own that is gone afterwards."""
    if not {SERVER_CORE, GENERATOR_CORE} <= os.sched_getaffinity(0):
        raise CannotMeasure(
            f"needs cores {SERVER_CORE} and {GENERATOR_CORE}: one for the server, one for the generator"
        )
    require(("wrk", "nginx") if "hot" in names else ("wrk",), tell=_tell)
    with tempfile.TemporaryDirectory(prefix="idnode-bench-") as name:
        folder = Path(name)
        server = EmbeddedPostgres(folder / "postgres")
        try:
            dsn = uvloop.run(server.start())
            # PostgreSQL has every core; whatever this process starts from here on does not.
            os.sched_setaffinity(0, {GENERATOR_CORE})
            count = rows if OVER_ALL_ROWS & set(names) else HOT_KEYS
            _fill(folder, dsn, count)
            bench = Bench(folder, dsn, rounds=rounds, seconds=seconds, rows=count, tell=_tell)
            return [row for name, act in MEASUREMENTS.items() if name in names for row in act(bench)]
        finally:
            uvloop.run(server.stop())


def _fill(folder: Path, dsn: str, count: int) -> None:
    """A migrated database with the demo data, and the synthetic rows."""
    with node(folder / "home", dsn):
        _tell(f"loading {count:,} rows")
        begun = time.perf_counter()
        uvloop.run(bulk.load(dsn, count))
        _tell(f"loaded and vacuumed: {count / (time.perf_counter() - begun):,.0f} rows/s")


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench", description=__doc__)
    parser.add_argument("--only", type=_names, default=tuple(MEASUREMENTS), help=f"of {','.join(MEASUREMENTS)}")
    parser.add_argument("--rounds", type=_between(1, 100), default=3, help="of which medians are taken")
    parser.add_argument("--seconds", type=_between(1, 600), default=4, help="of each run")
    parser.add_argument(
        "--rows", type=_between(HOT_KEYS, bulk.ROWS_MAX), default=1_000_000, help="of cold, batch and native-cold"
    )
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    return parser


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    for name in names:
        if name not in MEASUREMENTS:
            raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(MEASUREMENTS)}")
    return names


def _between(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"'{text}' is no whole number from {low:,} to {high:,}")
        return int(text)

    return number


def _tell(text: str) -> None:
    console.print(text, style="dim", markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
