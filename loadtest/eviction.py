"""`python -m loadtest.eviction`: which order of eviction the answer cache should have, measured on this machine.

Hit rates on loads in which some identifiers are asked for much more often than others (Zipf), with and without a walk
over all of them in between; the time of a hit and of a miss; the memory beside the bytes that are kept.
`--memory` measures the memory of the production class only and prints it as JSON.
"""

import argparse
import gc
import json
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from resource import getpagesize
from time import perf_counter_ns

from rich.console import Console
from rich.table import Table

from loadtest.orders import Order, orders

IDENTIFIERS = 1_000_000
CACHE_DIVISOR = 10
REQUESTS = 1_000_000
TIMED = 200_000
ROUNDS = 3
"""Of each time, of which the best counts: the machine may be busy otherwise."""
REST_BYTES = 600
SEED = 20_240_601
MEMORY_ENTRIES = 1_000_000
TABLE_CHARACTERS = 120

Making = Callable[[int], Order]


def main(arguments: Sequence[str]) -> int:
    """Print the table; 0."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.eviction", description=__doc__)
    parser.add_argument("--memory", metavar="ORDER", nargs="?", const="AnswerCache", help="only the memory, as JSON")
    parser.add_argument("--entries", type=int, default=MEMORY_ENTRIES, help="for the memory")
    options = parser.parse_args(arguments)
    if options.memory is not None:
        print(json.dumps(memory_per_entry(options.memory, options.entries)))
        return 0
    _print_all(options.entries)
    return 0


def key_of(number: int) -> bytes:
    """A target of 37 bytes, as clients send it."""
    return b"GET /api/handles/88.118.8/JX-%08x" % number


def memory_per_entry(name: str, entries: int) -> dict[str, float]:
    """Resident bytes per entry beyond its `rest`, of this process: freshly filled, and after as many were replaced."""
    order = _orders()[name](entries)
    gc.collect()
    before = _resident_bytes()
    for number in range(entries):
        order.keep(key_of(number), bytes(REST_BYTES))
    filled = _resident_bytes() - before
    for number in range(entries, 2 * entries):
        # A full cache may take an answer in only when it is asked for again.
        for _ in range(2):
            order.keep(key_of(number), bytes(REST_BYTES))
    worn = _resident_bytes() - before
    return {"entries": entries, "filled": filled / entries - REST_BYTES, "worn": worn / entries - REST_BYTES}


def zipf(exponent: float, *, requests: int, is_walked: bool) -> list[int]:
    """Numbers of identifiers as they are asked for; with a walk, every second request is the next in order."""
    draw = random.Random(SEED)
    ranked = list(range(IDENTIFIERS))
    draw.shuffle(ranked)
    weights = list(accumulate(1 / rank**exponent for rank in range(1, IDENTIFIERS + 1)))
    asked = draw.choices(ranked, cum_weights=weights, k=requests)
    if is_walked:
        asked[::2] = [at % IDENTIFIERS for at in range(len(asked[::2]))]
    return asked


def hit_rate(order: Order, keys: Sequence[bytes], asked: Sequence[int], *, is_walked: bool) -> float:
    """Of the second half of the requests, the first warming up; with a walk, of the requests that do not walk."""
    rest, hits, counted, half = bytes(REST_BYTES), 0, 0, len(asked) // 2
    for at, number in enumerate(asked):
        found = order.find(keys[number]) is not None
        if not found:
            order.keep(keys[number], rest)
        if at >= half and (at % 2 or not is_walked):
            counted += 1
            hits += found
    return hits / counted


def hit_nanoseconds(order: Order, keys: Sequence[bytes]) -> float:
    """Of one hit, the loop around it taken off; keys as they come from a connection, not the objects of the cache."""
    draw, rest = random.Random(SEED), bytes(REST_BYTES)
    for key in keys:
        order.keep(key, rest)
    asked = [bytes(bytearray(key)) for key in draw.sample(list(keys), len(keys))]
    find = order.find
    begun = perf_counter_ns()
    for key in asked:
        find(key)
    done = perf_counter_ns()
    for _ in asked:
        pass
    return (2 * done - begun - perf_counter_ns()) / len(asked)


def miss_nanoseconds(order: Order, entries: int) -> float:
    """Of a probe that finds nothing, keeping the answer and evicting another one."""
    rest = bytes(REST_BYTES)
    for number in range(entries):
        order.keep(key_of(number), rest)
    missed = [key_of(number) for number in range(entries, entries + TIMED)]
    begun = perf_counter_ns()
    for key in missed:
        if order.find(key) is None:
            order.keep(key, rest)
    return (perf_counter_ns() - begun) / TIMED


def _print_all(memory_entries: int) -> None:
    loads = [(1.0, False), (0.8, False), (1.0, True), (0.8, True)]
    table = Table(
        title=f"{IDENTIFIERS:,} identifiers, room for a tenth, {REQUESTS:,} requests; rates of what does not walk"
    )
    table.add_column("order")
    for exponent, is_walked in loads:
        table.add_column(f"s={exponent}{' + walk' if is_walked else ''}", justify="right")
    for heading in ("ns/hit", "ns/miss", "B/entry filled", "B/entry worn"):
        table.add_column(heading, justify="right")
    keys = [key_of(number) for number in range(IDENTIFIERS)]
    asked = [zipf(exponent, requests=REQUESTS, is_walked=is_walked) for exponent, is_walked in loads]
    gc.freeze()
    room = IDENTIFIERS // CACHE_DIVISOR
    for name, make in _orders().items():
        rates = [
            hit_rate(make(room), keys, numbers, is_walked=is_walked)
            for numbers, (_, is_walked) in zip(asked, loads, strict=True)
        ]
        times = (
            min(hit_nanoseconds(make(room), keys[:room]) for _ in range(ROUNDS)),
            min(miss_nanoseconds(make(room), room) for _ in range(ROUNDS)),
        )
        memory = _memory_of_process(name, memory_entries)
        table.add_row(
            name,
            *(f"{rate:.4f}" for rate in rates),
            *(f"{time:.0f}" for time in times),
            f"{memory['filled']:.0f}",
            f"{memory['worn']:.0f}",
        )
    Console(width=TABLE_CHARACTERS).print(table)


def _memory_of_process(name: str, entries: int) -> dict[str, float]:
    command = [sys.executable, "-m", "loadtest.eviction", "--memory", name, "--entries", str(entries)]
    answer: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return answer


def _orders() -> dict[str, Making]:
    return orders(rest_bytes=REST_BYTES, key_bytes=len(key_of(IDENTIFIERS)))


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * getpagesize()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
