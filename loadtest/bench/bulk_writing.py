"""Measurements of writing in bulk: imports, the batches of factories' systems, and registering beside many rows."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from loadtest.bench import CannotMeasure, bulk
from loadtest.bench.bulk import FIRST, PREFIX
from loadtest.bench.processes import GENERATOR_CORE, SERVER_CORE
from loadtest.bench.raw_http import Connection
from loadtest.bench.rounds import Bench
from loadtest.bench.rows import Row, rate_row, ratio_at_least, value_at_least, value_below, value_row
from loadtest.bench.servers import Node
from loadtest.bench.writing import CHECKED, registering, required_attributes

IMPORTED_ROWS = 1_000_000
IMPORT_SECONDS_MAX = 600.0
IMPORT_PROCESSES = 2
SNMS_ROWS = 2_000
SNMS_ROUNDS_MIN = 5
GROWN_ROWS = 10_000_000
SNMS_TEMPLATE = "bench-1.0"
SNMS_VALUES = (
    (2000, "productName", "精梳棉府绸"),
    (2001, "manufacturer", "示例纺织有限公司"),
    (2002, "batch", "DL26010501"),
    (2003, "producedAt", "2026-01-05"),
    (2004, "grade", "优等品"),
    (2005, "web", "https://products.example.com/fabrics/1"),
)
PIECE_BYTES = 1 << 20
POLL_SECONDS = 0.2
USER, PASSWORD = "bench", "bench-password"  # of a node that lives for minutes


def imports(bench: Bench) -> list[Row]:
    """One file of a million rows, from when it is taken in until its last row is committed."""
    file = bench.folder / "rows.ndjson"
    with file.open("w", encoding="utf-8") as out:
        line = required_attributes("I")
        out.writelines(line.replace("{n}", str(number)) + "\n" for number in range(IMPORTED_ROWS))
    with bench.node(import_processes=IMPORT_PROCESSES, workers=1) as node:
        _let_use_every_core(node)
        bench.tell(f"importing {IMPORTED_ROWS:,} rows")
        before = _resident_mib(node)
        job = _upload(node, file)
        begun = time.perf_counter()
        grown = 0.0
        while job["state"] in ("waiting", "reading", "running"):
            if time.perf_counter() - begun > IMPORT_SECONDS_MAX:
                raise CannotMeasure(f"the import was not done after {IMPORT_SECONDS_MAX:.0f} s: {job}")
            time.sleep(POLL_SECONDS)
            for pid, size in _resident_mib(node).items():
                grown = max(grown, size - before.setdefault(pid, size))
            with Connection(node.port) as connection:
                job = json.loads(connection.ask("GET", f"/v1/imports/{job['id']}", key=node.key).body)
        seconds = time.perf_counter() - begun
    if job["rows"]["registered"] != IMPORTED_ROWS:
        raise CannotMeasure(f"not every row was registered: {job}")
    name = f"import of {IMPORTED_ROWS:,} rows NDJSON, {IMPORT_PROCESSES} processes: {CHECKED}"
    return [
        value_row(f"{name}, rows/s", IMPORTED_ROWS / seconds, "1/s", value_at_least(40_000)),
        value_row(f"{name}: most that one process grew", grown, "MiB", value_below(100, "MiB")),
    ]


def snms(bench: Bench) -> list[Row]:
    """POST /identityv2/data/batchCreate of 2,000 identifiers with a template, by one client."""
    seconds = []
    with bench.node() as node:
        token = _snms_token(bench, node)
        _make_template(node, token)
        for number in range(max(bench.rounds, SNMS_ROUNDS_MIN)):
            rows = [_snms_row(f"{PREFIX}/SNMS-{number}-{row}") for row in range(SNMS_ROWS)]
            with Connection(node.port) as connection:
                begun = time.perf_counter()
                answer = connection.ask("POST", "/identityv2/data/batchCreate", key=token, document=rows)
                seconds.append(time.perf_counter() - begun)
            told = json.loads(answer.body)
            if told["status"] != 1 or any(row["code"] != 1 for row in told["data"]):
                raise CannotMeasure(f"the batch was not created: {answer.body[:300]!r}")
    return [value_row(f"SNMS batchCreate of {SNMS_ROWS:,}", median(seconds) * 1e3, "ms", value_below(150, "ms"))]


def grown(bench: Bench) -> list[Row]:
    """Registrations while ten million rows exist, beside those while there are few."""
    few, many = [], []
    with bench.node() as node:
        few = [registering(bench, node, required_attributes(f"F{number}"), number) for number in range(bench.rounds)]
    bench.tell(f"loading {GROWN_ROWS:,} rows")
    uvloop.run(bulk.load(bench.dsn, GROWN_ROWS - bench.rows, FIRST + bench.rows))
    with bench.node() as node:
        many = [registering(bench, node, required_attributes(f"G{number}"), number) for number in range(bench.rounds)]
    name = f"register while {GROWN_ROWS:,} rows exist"
    return [rate_row(name, many, ratio_at_least(0.8), beside=few, yardstick=f"while {bench.rows:,} rows exist")]


def _let_use_every_core(node: Node) -> None:
    """What is pinned to the server's core may have both: a client that waits needs none."""
    for pid in node.pids():
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {SERVER_CORE, GENERATOR_CORE})


def _resident_mib(node: Node) -> dict[int, float]:
    """Of each process of the node."""
    return {pid: _resident_kib(pid) / 1024 for pid in node.pids()}


def _resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def _upload(node: Node, file: Path) -> dict[str, Any]:
    size = file.stat().st_size
    head = (
        f"POST /v1/imports?format=ndjson&name=rows HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\n"
        f"Authorization: Bearer {node.key}\r\nContent-Type: application/x-ndjson\r\nContent-Length: {size}\r\n\r\n"
    )
    with Connection(node.port) as connection, file.open("rb") as rows:
        connection.send(head.encode())
        while piece := rows.read(PIECE_BYTES):
            connection.send(piece)
        answer = connection.read()
    if answer.status != 202:
        raise CannotMeasure(f"the file was not taken: {answer.status} {answer.body[:300]!r}")
    document: dict[str, Any] = json.loads(answer.body)
    return document


def _snms_token(bench: Bench, node: Node) -> str:
    command = [sys.executable, "-m", "idnode", "snms-user", "add", USER, "--email", "bench@example.com"]
    environment = {
        **os.environ,
        "IDNODE_HOME": str(bench.folder / "home"),
        "IDNODE_DATABASE_URL": bench.dsn,
    }
    made = subprocess.run(
        [*command, "--mobile", "13800000000", "--admin"],
        input=PASSWORD.encode() + b"\n", capture_output=True, check=False, env=environment,
    )  # fmt: skip
    if made.returncode:
        raise CannotMeasure(f"no SNMS user could be added: {made.stderr.decode(errors='replace')}")
    sent = {"username": USER, "password": PASSWORD}
    with Connection(node.port) as connection:
        told = json.loads(connection.ask("POST", "/identity/token", document=sent).body)
    return str(told["data"]["token"])


def _make_template(node: Node, token: str) -> None:
    length = {"type": "string", "minLength": 1, "maxLength": 100}
    items = [
        {"name": name, "idType": name, "idIndex": index, "required": True, "metadata": length}
        for index, name, _ in SNMS_VALUES
    ]
    levels = {"industryCategory": "C", "industrySpecific": "17", "industryTrade": "171", "industrySubclass": "1711"}
    form = {"prefix": PREFIX, "version": SNMS_TEMPLATE, **levels, "type": 2, "items": items}
    with Connection(node.port) as connection:
        answer = connection.ask("POST", "/snms/api/v5/template", key=token, document=form)
    if json.loads(answer.body)["status"] != 1:
        raise CannotMeasure(f"the template was not made: {answer.body[:300]!r}")


def _snms_row(handle: str) -> dict[str, object]:
    values = [
        {"index": index, "type": name, "data": {"format": "string", "value": value}}
        for index, name, value in SNMS_VALUES
    ]
    return {"handle": handle, "templateVersion": SNMS_TEMPLATE, "value": values}
