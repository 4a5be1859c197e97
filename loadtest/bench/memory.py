"""Measurement of what the answer cache takes for an identifier beside the bytes of its answer."""

import json
import subprocess
import sys

from loadtest.bench import CannotMeasure
from loadtest.bench.rounds import Bench
from loadtest.bench.rows import Row, value_at_most, value_row

ENTRIES = 1_000_000
MEASURE_SECONDS_MAX = 300.0


def memory(bench: Bench) -> list[Row]:
    """Growth of a process that holds the node's own cache, by `loadtest.eviction`."""
    bench.tell(f"memory of {ENTRIES:,} cached identifiers")
    command = [sys.executable, "-m", "loadtest.eviction", "--memory", "--entries", str(ENTRIES)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=MEASURE_SECONDS_MAX)
    if done.returncode:
        raise CannotMeasure(f"{' '.join(command)} failed: {done.stderr.decode(errors='replace').strip()}")
    grown: dict[str, float] = json.loads(done.stdout)
    name = f"memory per cached identifier beyond its bytes, {ENTRIES:,} of them"
    return [
        value_row(name, grown["filled"], "bytes", value_at_most(350, "bytes")),
        value_row(f"{name}, all replaced once", grown["worn"], "bytes"),
    ]
