"""What is measured and what it is measured against, each as a process of its own on the server's core for a block."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from idnode.config import Settings
from loadtest.bench import CannotMeasure
from loadtest.bench.processes import SERVER_CORE, family, pin
from loadtest.bench.programs import path_of
from loadtest.bench.raw_http import Answer, get

READY_SECONDS_MAX = 120.0
END_SECONDS_MAX = 60.0
POLL_SECONDS = 0.05
NGINX_CONNECTIONS_MAX = 4_096
FILLER = "X-Filler"
PROBE = "/probe"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers on a port of 127.0.0.1; `pid` is that of the process that we have started."""

    name: str
    port: int
    pid: int

    def pids(self) -> list[int]:
        """Every process of it: a supervisor's workers, too."""
        return family(self.pid)


@dataclass(frozen=True, slots=True)
class Node(Server):
    """A node; `key` is its admin key. `workers` is what was asked for, as far as this node can be asked."""

    key: str
    workers: int


@contextmanager
def node(home: Path, dsn: str, *, workers: int = 1, **settings: object) -> Iterator[Node]:
    """`idnode serve` on a database of ours, otherwise as by default but for `settings` (names without IDNODE_)."""
    given = {"home": home, "http_port": free_port(), "database_url": dsn, "seed_products": 1, **settings}
    if "native_port" in Settings.model_fields:
        # Another node of this machine may have the usual one.
        given.setdefault("native_port", 0)
    has_workers = "workers" in Settings.model_fields
    if has_workers:
        given["workers"] = workers
    environment = {name: text for name, text in os.environ.items() if not name.startswith("IDNODE_")}
    environment |= {f"IDNODE_{name.upper()}": str(value) for name, value in given.items()}
    port = int(str(given["http_port"]))
    # Without its log: one line for each request would be written to a disk that PostgreSQL needs.
    with _process([sys.executable, "-m", "idnode", "serve"], environment) as process:
        _until_answered(process, port, "/readyz", f"the node (idnode serve with {given | {'database_url': '…'}})")
        pin(family(process.pid), SERVER_CORE)
        key = (home / "admin.key").read_text("utf-8").strip()
        yield Node("the node", port, process.pid, key, workers if has_workers else 1)


@contextmanager
def nginx(folder: Path, like: Answer) -> Iterator[Server]:
    """One nginx worker that returns a constant answer: the same body, and headers of the same size."""
    program, port = path_of("nginx"), free_port()
    if program is None:
        raise CannotMeasure("nginx is not installed")
    configuration = folder / "nginx.conf"
    configuration.write_text(nginx_configuration(folder, port, like), "utf-8")
    with _process([program, "-p", str(folder), "-c", str(configuration)]) as process:
        _until_answered(process, port, PROBE, f"nginx (see {folder / 'nginx.log'})")
        pin(family(process.pid), SERVER_CORE)
        answer = get(port, PROBE)
        if answer.body != like.body or answer.size != like.size:
            raise CannotMeasure(
                f"nginx answers {answer.size} bytes, the node {like.size}:\n{answer.head!r}\n{like.head!r}"
            )
        yield Server("nginx", port, process.pid)


@contextmanager
def plain_aiohttp(like: Answer) -> Iterator[Server]:
    """A plain aiohttp handler that answers with the same body."""
    port = free_port()
    command = [sys.executable, "-m", "loadtest.bench.yardsticks", "constant", str(port)]
    with _process(command, standard_input=like.body) as process:
        _until_answered(process, port, PROBE, "the aiohttp handler")
        pin(family(process.pid), SERVER_CORE)
        if get(port, PROBE).body != like.body:
            raise CannotMeasure("the aiohttp handler does not answer with the node's body")
        yield Server("plain aiohttp", port, process.pid)


def nginx_configuration(folder: Path, port: int, like: Answer) -> str:
    """Raises CannotMeasure for an answer that nginx cannot imitate by padding its own headers."""
    body = like.body.decode()
    if set(body) & set("'$\\"):
        raise CannotMeasure("nginx cannot return a body with quotes, dollars or backslashes")
    kind = like.header("Content-Type")
    own = (
        "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(like.body)}\r\nConnection: keep-alive\r\n{FILLER}: \r\n\r\n"
    )
    filler = len(like.head) - len(own)
    if filler < 1:
        raise CannotMeasure(f"the node's headers have {len(like.head)} bytes, nginx's at least {len(own) + 1}")
    temporary = "".join(
        f"    {name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections {NGINX_CONNECTIONS_MAX}; }}
http {{
    access_log off;
    server_tokens off;
    keepalive_requests 100000000;
{temporary}    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            default_type '{kind}';
            add_header {FILLER} '{"x" * filler}';
            return 200 '{body}';
        }}
    }}
}}
"""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _process(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, standard_input: bytes = b""
) -> "Iterator[subprocess.Popen[bytes]]":
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdin is not None  # noqa: S101  # PIPE was asked for
        process.stdin.write(standard_input)
        process.stdin.close()
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_answered(process: "subprocess.Popen[bytes]", port: int, target: str, name: str) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while True:
        if process.poll() is not None:
            raise CannotMeasure(f"{name} ended with {process.returncode}")
        try:
            get(port, target)
        except (OSError, CannotMeasure) as error:
            if time.monotonic() > deadline:
                raise CannotMeasure(f"{name} was not ready after {READY_SECONDS_MAX:.0f} s") from error
            time.sleep(POLL_SECONDS)
        else:
            return
