"""From the acknowledgement of a write until every worker answers it: asked on connections that reach all of them."""

import time
from collections.abc import Sequence
from contextlib import ExitStack

from loadtest.bench import CannotMeasure
from loadtest.bench.processes import holder
from loadtest.bench.raw_http import Connection
from loadtest.bench.servers import Node

CONNECTIONS_PER_WORKER = 2
CONNECTIONS_MAX = 32
ACCEPT_SECONDS_MAX = 5.0
FRESH_SECONDS_MAX = 10.0
POLL_SECONDS = 0.001


def lags(node: Node, identifier: str, *, writes: int) -> list[float]:
    """Register, then replace so often: seconds from each acknowledgement until the last connection answers it.

    Raises CannotMeasure when a worker is not met, or answers the old version for FRESH_SECONDS_MAX.
    """
    with ExitStack() as opened:
        writer = opened.enter_context(Connection(node.port))
        document = {"identifier": identifier, **_content(0)}
        writer.ask("POST", "/v1/identifiers", key=node.key, document=document)
        target = f"/api/handles/{identifier}"
        readers = _readers(node, target, opened)
        # Everyone is to have the old version at hand.
        _wait_for_all(readers, target, 0)
        seconds = []
        for number in range(1, writes + 1):
            writer.ask("PUT", f"/v1/identifiers/{identifier}", key=node.key, document=_content(number))
            seconds.append(_wait_for_all(readers, target, number))
    return seconds


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that at least so many of a hundred do not exceed."""
    return sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]


def _content(number: int) -> dict[str, object]:
    return {"values": [{"index": 1, "type": "DESC", "data": {"format": "string", "value": _mark(number)}}]}


def _mark(number: int) -> str:
    return f"version {number}"


def _wait_for_all(readers: Sequence[Connection], target: str, number: int) -> float:
    """Seconds until all have answered version `number`; those that have not are asked again, all at once."""
    begun = time.perf_counter()
    waiting, mark = list(readers), f'"{_mark(number)}"'.encode()
    while waiting:
        for reader in waiting:
            reader.send(reader.request("GET", target))
        waiting = [reader for reader in waiting if mark not in reader.read_good(target).body]
        if time.perf_counter() - begun > FRESH_SECONDS_MAX:
            raise CannotMeasure(f"{target} is not answered anew after {FRESH_SECONDS_MAX:.0f} s")
    return time.perf_counter() - begun


def _readers(node: Node, target: str, opened: ExitStack) -> list[Connection]:
    """CONNECTIONS_PER_WORKER connections to each worker; the kernel deals them out, so some are of no use."""
    by_worker: dict[int, list[Connection]] = {}
    for _ in range(CONNECTIONS_MAX):
        connection = opened.enter_context(Connection(node.port))
        connection.ask("GET", target)
        by_worker.setdefault(_worker_of(node, connection), []).append(connection)
        if len(by_worker) >= node.workers and all(len(c) >= CONNECTIONS_PER_WORKER for c in by_worker.values()):
            return [connection for each in by_worker.values() for connection in each[:CONNECTIONS_PER_WORKER]]
    raise CannotMeasure(f"{CONNECTIONS_MAX} connections reached {len(by_worker)} of {node.workers} workers")


def _worker_of(node: Node, connection: Connection) -> int:
    deadline = time.monotonic() + ACCEPT_SECONDS_MAX
    while time.monotonic() < deadline:
        pid = holder(node.pids(), server_port=node.port, client_port=connection.client_port)
        if pid is not None:
            return pid
        time.sleep(POLL_SECONDS)
    raise CannotMeasure(f"no process of the node holds the connection from port {connection.client_port}")
