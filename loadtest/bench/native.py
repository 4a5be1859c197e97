"""Measurements of the native Handle protocol: datagrams and connections, hot and cold, and junk between good ones."""

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

from idnode.config import CACHE_BYTES_MIN
from loadtest.bench import CannotMeasure
from loadtest.bench.bulk import FIRST, STEM
from loadtest.bench.processes import GENERATOR_CORE, cpu_seconds, pinned_to
from loadtest.bench.raw_http import get
from loadtest.bench.reading import HANDLES, HOT_KEYS, reads, warm
from loadtest.bench.rounds import Bench
from loadtest.bench.rows import Goal, Row, rate_row, value_at_least, value_at_most, value_below, value_row
from loadtest.bench.servers import Node, free_port
from loadtest.bench.wrk import Load, Report

IN_FLIGHT = 64
COLD_IN_FLIGHT = 128
JUNK = 1_000_000
JUNK_BEFORE = 200_000
"""Malformed datagrams after which the memory is looked at for the first time."""
GROWTH_MEBIBYTES_MAX = 24
"""16 of it are what pieces of messages may take whose other pieces never come."""
OVERTIME_SECONDS_MAX = 300.0
BESIDE = "HTTP of the same node"


def native_udp(bench: Bench) -> list[Row]:
    """Datagrams, 100,000 identifiers that have been asked for before."""
    return _hot(bench, "udp", f"native UDP, hot, {IN_FLIGHT} in flight", value_at_least(100_000))


def native_tcp(bench: Bench) -> list[Row]:
    """Connections that are kept open, one request under way on each."""
    return _hot(bench, "tcp", f"native TCP, hot, {IN_FLIGHT} connections", value_at_least(80_000))


def native_cold(bench: Bench) -> list[Row]:
    """Datagrams, all rows, past a cache that holds next to none of them."""
    port, name = free_port(), f"native UDP, cold, {bench.rows:,} rows, {COLD_IN_FLIGHT} in flight"
    reports, beside = [], []
    with bench.node(cache_bytes=CACHE_BYTES_MIN, native_port=port) as node:
        load = Load("read", COLD_IN_FLIGHT, reads(bench.rows), get(node.port, f"{HANDLES}{FIRST}").size)
        for number in range(bench.rounds):
            beside.append(bench.load(f"{name}: HTTP", node, load, number))
            reports.append(_ask(bench, name, node, number, "udp", port, keys=bench.rows, window=COLD_IN_FLIGHT))
    return _rows(name, reports, beside, value_at_least(40_000))


def native_junk(bench: Bench) -> list[Row]:
    """A malformed datagram after each good one: every good one is answered, and the memory stays as it was."""
    port, name = free_port(), f"native UDP, {JUNK:,} malformed datagrams, one after each good one"
    with bench.node(native_port=port) as node:
        _run(bench, node, 0, "junk", port, "--junk", str(JUNK_BEFORE))
        before = _resident_bytes(node)
        seen = _run(bench, node, 1, "junk", port, "--junk", str(JUNK))
        grown = (_resident_bytes(node) - before) / (1 << 20)
    rate = seen["requests"] / (seen["microseconds"] / 1e6)
    return [
        value_row(f"{name}: good ones answered", rate, "1/s"),
        value_row(f"{name}: good ones not answered", seen["lost"] + seen["refused"], "", value_at_most(0, "")),
        value_row(f"{name}: growth of memory", grown, "MiB", value_at_most(GROWTH_MEBIBYTES_MAX, "MiB")),
    ]


def _hot(bench: Bench, transport: str, name: str, goal: Goal) -> list[Row]:
    port = free_port()
    reports, beside = [], []
    with bench.node(native_port=port) as node:
        load = Load("read", IN_FLIGHT, reads(HOT_KEYS), warm(bench, node).size)
        _run(bench, node, 0, "udp", port, "--warm", "--seconds", "0")
        for number in range(bench.rounds):
            beside.append(bench.load(f"{name}: HTTP", node, load, number))
            reports.append(_ask(bench, name, node, number, transport, port, keys=HOT_KEYS, window=IN_FLIGHT))
    return _rows(name, reports, beside, goal)


def _rows(name: str, reports: Sequence[Report], beside: Sequence[Report], goal: Goal) -> list[Row]:
    p99 = median(report.p99_milliseconds for report in reports)
    return [
        rate_row(name, reports, goal, beside=beside, yardstick=BESIDE),
        value_row(f"{name}: p99", p99, "ms", value_below(2 if "hot, 64 in flight" in name else 10, "ms")),
    ]


def _ask(
    bench: Bench, name: str, node: Node, number: int, transport: str, port: int, *, keys: int, window: int
) -> Report:
    """One run. Raises CannotMeasure unless every answer was good."""
    bench.tell(f"{name}, round {number + 1} of {bench.rounds}")
    served = cpu_seconds(node.pids())
    how = ("--keys", str(keys), "--window", str(window), "--seconds", str(bench.seconds))
    seen = _run(bench, node, number, transport, port, *how)
    seconds = seen["microseconds"] / 1e6
    bad = {what: seen[what] for what in ("refused", "lost") if seen[what]}
    if bad or not seen["requests"]:
        raise CannotMeasure(f"{name}: of {seen['requests']} requests {bad or 'no answer at all'}")
    return Report(
        rate=seen["requests"] / seconds,
        p50_milliseconds=seen["p50_microseconds"] / 1e3,
        p99_milliseconds=seen["p99_microseconds"] / 1e3,
        server_busy=(cpu_seconds(node.pids()) - served) / seconds,
        generator_busy=seen["busy_microseconds"] / seen["microseconds"],
    )


def _run(bench: Bench, node: Node, number: int, transport: str, port: int, *how: str) -> dict[str, int]:
    command = [sys.executable, "-m", "loadtest.native", transport, "--port", str(port), "--stem", STEM]
    command += ["--first", str(FIRST), "--seed", str(number + 1), *how]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, preexec_fn=pinned_to(GENERATOR_CORE),
        timeout=bench.seconds + OVERTIME_SECONDS_MAX,
    )  # fmt: skip
    if done.returncode:
        raise CannotMeasure(f"the generator ended with {done.returncode} at {node.name}: {done.stderr.strip()[-500:]}")
    seen: dict[str, int] = json.loads(done.stdout)
    return seen


def _resident_bytes(node: Node) -> int:
    """Memory of all its processes that is not on disk."""
    kibibytes = 0
    for pid in node.pids():
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            kibibytes += sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))
    return kibibytes * 1024
