"""`make bench`: rates of this machine side by side with their yardsticks, as one table and loadtest/results/bench.json.

The node has one core, the generator the other, PostgreSQL takes what is left of both. A figure alone says little about
the node and much about the machine: read the ratios.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import uvloop
from rich.console import Console
from rich.table import Table

from idnode.storage.embedded import EmbeddedPostgres
from loadtest.generator import Job, Result
from loadtest.yardsticks import single_upserts

RESULTS = Path("loadtest/results/bench.json")
ROUNDS = 3
CONNECTIONS = 64
REGISTRATIONS = 30_000
READS = 60_000
READY_SECONDS_MAX = 120.0
SERVER_CORE, GENERATOR_CORE = 0, 1
PREFIX = "88.118.20001"


@dataclass(frozen=True)
class Row:
    """One line of the table. `goal` is what the project asks for, in the row's unit or as a ratio."""

    name: str
    value: float
    unit: str
    yardstick: str
    yardstick_value: float
    ratio: float
    goal: str
    met: bool | None


def main() -> int:
    """Measure everything; 1 when a goal is missed."""
    with tempfile.TemporaryDirectory(prefix="idnode-bench-") as folder:
        rows = _measure(Path(folder))
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", "utf-8")
    _print(rows)
    return int(any(row.met is False for row in rows))


def _measure(folder: Path) -> list[Row]:
    port, plain_port = _free_port(), _free_port()
    home = folder / "home"
    with _node(home, port):
        key = (home / "admin.key").read_text("utf-8").strip()
        upserts, plain, validated = [], [], []
        for number in range(ROUNDS):
            record = _validated_body().encode()
            upserts.append(uvloop.run(single_upserts(_dsn(home), total=REGISTRATIONS // 2, record=record)))
            plain.append(_load(_registration_job(port, key, _plain_body(), f"P{number}")))
            validated.append(_load(_registration_job(port, key, _validated_body(), f"V{number}")))
        first = f"{PREFIX}/V0-0"
        sample = _get(f"http://127.0.0.1:{port}/api/handles/{first}")
        with _plain(plain_port, sample):
            reads, constants = [], []
            for _ in range(ROUNDS):
                constants.append(_load(_read_job(plain_port, "/constant")))
                reads.append(_load(_read_job(port, f"/api/handles/{first}")))
    return [
        _row("register one record of one value, durable, 64 connections", plain, upserts,
             "single durable upserts over asyncpg, 32 in flight", goal="6000/s", at_least=6_000),
        _row("register one record of nine checked attributes, durable, 64 connections", validated, upserts,
             "single durable upserts over asyncpg, 32 in flight", goal="-", at_least=None),
        _row("GET /api/handles, 64 connections", reads, [result.rate for result in constants],
             "plain aiohttp handler with the same bytes", goal="-", at_least=None),
    ]  # fmt: skip


def _row(
    name: str, results: list[Result], yardsticks: list[float], yardstick: str, *, goal: str, at_least: float | None
) -> Row:
    for result in results:
        if set(result.statuses) - {"200", "201"}:
            raise SystemExit(f"{name}: answers other than 200 and 201: {result.statuses}")
    value, compared = median(result.rate for result in results), median(yardsticks)
    met = None if at_least is None else value >= at_least
    return Row(name, round(value), "1/s", yardstick, round(compared), round(value / compared, 2), goal, met)


def _plain_body() -> str:
    values = [{"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/{n}"}}]
    return json.dumps({"identifier": PREFIX + "/BENCH-{n}", "values": values})


def _validated_body() -> str:
    attributes = {
        "product_type": "棉织物",
        "product_name": "精梳棉府绸",
        "manufacturer": "示例纺织有限公司",
        "produced_at": "2026-01-05",
        "fibre_composition": [{"fibre": "cotton", "percent": 60}, {"fibre": "polyester", "percent": 40}],
        "width": 150,
        "mass_per_area": 120,
        "dye_lot": "DL26010501",
        "roll_number": "R001",
    }
    template = {"prefix": "88.118", "version": "textiles-1.0"}
    document = {"identifier": PREFIX + "/BENCH-{n}", "template": template, "attributes": attributes}
    return json.dumps(document, ensure_ascii=False)


def _registration_job(port: int, key: str, body: str, series: str) -> Job:
    # Each round registers identifiers of its own.
    own = body.replace("BENCH-{n}", series + "-{n}")
    headers = {"Authorization": f"Bearer {key}"}
    return Job("127.0.0.1", port, CONNECTIONS, REGISTRATIONS, "POST", "/v1/identifiers", own, headers)


def _read_job(port: int, target: str) -> Job:
    return Job("127.0.0.1", port, CONNECTIONS, READS, "GET", target)


def _load(job: Job) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "loadtest.generator"],
        input=json.dumps(asdict(job)).encode(),
        stdout=subprocess.PIPE,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {GENERATOR_CORE}),
    )
    return Result(**json.loads(done.stdout))


@contextmanager
def _node(home: Path, port: int) -> Iterator[None]:
    environment = os.environ | {
        "IDNODE_HOME": str(home),
        "IDNODE_HTTP_PORT": str(port),
        "IDNODE_SEED_PRODUCTS": "1",
    }
    with _process([sys.executable, "-m", "idnode", "serve"], environment) as process:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not _answers(f"http://127.0.0.1:{port}/readyz"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("the node did not become ready")
            time.sleep(0.1)
        os.sched_setaffinity(process.pid, {SERVER_CORE})
        yield


@contextmanager
def _plain(port: int, body: bytes) -> Iterator[None]:
    command = [sys.executable, "-m", "loadtest.yardsticks", str(port)]
    with _process(command, dict(os.environ), standard_input=body) as process:
        while not _answers(f"http://127.0.0.1:{port}/"):
            time.sleep(0.05)
        os.sched_setaffinity(process.pid, {SERVER_CORE})
        yield


@contextmanager
def _process(
    command: list[str], environment: dict[str, str], *, standard_input: bytes = b""
) -> "Iterator[subprocess.Popen[bytes]]":
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        if process.stdin is not None:
            process.stdin.write(standard_input)
            process.stdin.close()
        yield process
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        _get(url)
    except (urllib.error.URLError, ConnectionError):
        return False
    return True


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310  # our own server on loopback
        content: bytes = response.read()
        return content


def _dsn(home: Path) -> str:
    """The running embedded server: starting it again only finds it."""

    async def find() -> str:
        return await EmbeddedPostgres(home).start()

    return uvloop.run(find())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _print(rows: list[Row]) -> None:
    table = Table("measured", "value", "yardstick", "its value", "ratio", "goal", "met")
    for row in rows:
        met = "" if row.met is None else ("yes" if row.met else "NO")
        values = (f"{row.value:,.0f} {row.unit}", row.yardstick, f"{row.yardstick_value:,.0f} {row.unit}")
        table.add_row(row.name, *values, f"{row.ratio:.2f}", row.goal, met)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
