"""Runs wrk with `requests.lua` on the generator's core, and reads its report strictly: one bad answer is a failure."""

import json
import resource
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from loadtest.bench import CannotMeasure
from loadtest.bench.processes import GENERATOR_CORE, cpu_seconds, pinned_to
from loadtest.bench.servers import Server

SCRIPT = Path(__file__).with_name("requests.lua")
MARK = "REPORT "
ANSWER_SECONDS_MAX = 10
OVERTIME_SECONDS_MAX = 60.0
"""Beyond the measured time: wrk makes requests beforehand, and waits for the last answers."""
REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked: `kind` and `options` as requests.lua knows them. `answer_bytes`: of each answer, if alike."""

    kind: str
    connections: int
    options: Mapping[str, str | int]
    answer_bytes: int | None = None
    pipelined: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """What one run saw. Both `busy` are shares of one core: the side near 1 is the one that limits."""

    rate: float
    p50_milliseconds: float
    p99_milliseconds: float
    server_busy: float
    generator_busy: float


def run(server: Server, load: Load, *, seconds: int, seed: int) -> Report:
    """Load a server for some seconds. Raises CannotMeasure when any answer was an error, or of another size."""
    wrk = which("wrk")
    if wrk is None:
        raise CannotMeasure("wrk is not installed")
    options = {"kind": load.kind, "host": f"127.0.0.1:{server.port}", "seed": seed, **load.options}
    command = [
        wrk,
        "-t1",
        f"-c{load.connections}",
        f"-d{seconds}s",
        f"--timeout={ANSWER_SECONDS_MAX}s",
        "-s",
        str(SCRIPT),
    ]
    command += [f"http://127.0.0.1:{server.port}/", "--", *(f"{name}={value}" for name, value in options.items())]
    begun, served, generated = time.perf_counter(), cpu_seconds(server.pids()), _children_seconds()
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, preexec_fn=pinned_to(GENERATOR_CORE),
        timeout=seconds + OVERTIME_SECONDS_MAX,
    )  # fmt: skip
    taken = time.perf_counter() - begun
    if done.returncode:
        raise CannotMeasure(f"wrk ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return read_report(
        done.stdout,
        load,
        server_name=server.name,
        server_seconds=cpu_seconds(server.pids()) - served,
        generator_busy=(_children_seconds() - generated) / taken,
    )


def read_report(output: str, load: Load, *, server_name: str, server_seconds: float, generator_busy: float) -> Report:
    """What wrk printed, beside the processor time that the server took.

    Raises CannotMeasure, naming the counts, unless every answer was good.
    """
    line = next((line for line in output.splitlines() if line.startswith(MARK)), None)
    if line is None:
        raise CannotMeasure(f"wrk printed no report: {output.strip()}")
    seen: dict[str, int] = json.loads(line.removeprefix(MARK))
    what = f"{load.kind} with {load.connections} connections against {server_name}"
    bad = {name: seen[name] for name in (REFUSED, "connect", "read", "write", "timeout") if seen[name]}
    if bad:
        counts = ", ".join(f"{count} {'answers of 400 and above' if n == REFUSED else n}" for n, count in bad.items())
        raise CannotMeasure(f"{what}: of {seen['requests']} requests {counts}")
    if not seen["requests"]:
        raise CannotMeasure(f"{what}: no answer at all")
    _require_size(seen["requests"], seen["bytes"], load, what)
    seconds = seen["microseconds"] / 1e6
    return Report(
        rate=seen["requests"] / seconds,
        p50_milliseconds=seen["p50_microseconds"] / 1e3,
        p99_milliseconds=seen["p99_microseconds"] / 1e3,
        server_busy=server_seconds / seconds,
        generator_busy=generator_busy,
    )


def _require_size(requests: int, received: int, load: Load, what: str) -> None:
    """At the end every connection may hold answers that have arrived in part; nothing else may differ."""
    if load.answer_bytes is None:
        return
    under_way = load.connections * load.pipelined * load.answer_bytes
    if abs(received - requests * load.answer_bytes) > under_way:
        raise CannotMeasure(f"{what}: answers of {received / requests:.1f} bytes, not {load.answer_bytes}")


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
