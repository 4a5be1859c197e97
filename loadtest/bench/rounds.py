"""What the measurements share: the database they run on, and runs of a server or a yardstick, a few seconds each."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from loadtest.bench import CannotMeasure
from loadtest.bench.processes import SERVER_CORE, pinned_to
from loadtest.bench.servers import Node, Server, node
from loadtest.bench.wrk import Load, Report, run

YARDSTICK_SECONDS_MAX = 120.0


@dataclass(frozen=True, slots=True)
class Bench:
    """A database with `rows` synthetic records, and how long to measure. `tell` says what is going on."""

    folder: Path
    dsn: str
    rounds: int
    seconds: int
    rows: int
    tell: Callable[[str], None]

    def node(self, *, workers: int = 1, **settings: object) -> AbstractContextManager[Node]:
        """A node on the database."""
        return node(self.folder / "home", self.dsn, workers=workers, **settings)

    def load(self, name: str, server: Server, load: Load, number: int) -> Report:
        """One run in round `number`, counted from 0. Its seed is the round's: yardstick and node are asked the same."""
        self.tell(f"{name}, round {number + 1} of {self.rounds}: {server.name}")
        return run(server, load, seconds=self.seconds, seed=number + 1)

    def yardstick(self, command: str, *arguments: object, standard_input: bytes = b"") -> float:
        """A rate of `loadtest.bench.yardsticks`, on the core that the node has when it is its turn."""
        self.tell(f"yardstick {command}")
        done = subprocess.run(
            [sys.executable, "-m", "loadtest.bench.yardsticks", command, self.dsn, *map(str, arguments)],
            input=standard_input, capture_output=True, check=False, preexec_fn=pinned_to(SERVER_CORE),
            timeout=self.seconds + YARDSTICK_SECONDS_MAX,
        )  # fmt: skip
        if done.returncode:
            raise CannotMeasure(f"the yardstick {command} failed: {done.stderr.decode(errors='replace').strip()}")
        return float(done.stdout)
