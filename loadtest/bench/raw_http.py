"""A blocking HTTP/1.1 client that shows the bytes of an answer, and knows Content-Length and nothing else."""

import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Self

from loadtest.bench import CannotMeasure

ANSWER_SECONDS_MAX = 30.0
HEADER_BYTES_MAX = 65_536
PIPELINED = 100
GOOD = frozenset({200, 201})
SHOWN_BYTES_MAX = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, the bytes up to and with the empty line, and the body."""

    status: int
    head: bytes
    body: bytes

    @property
    def size(self) -> int:
        """Bytes on the wire."""
        return len(self.head) + len(self.body)

    def header(self, name: str) -> str:
        """Its value, "" when it is absent."""
        for line in self.head.decode("latin-1").split("\r\n"):
            found, _, value = line.partition(": ")
            if found.lower() == name.lower():
                return value
        return ""


class Connection:
    """A connection to a port of 127.0.0.1. Requests may be sent ahead; answers come in their order."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS_MAX)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    @property
    def client_port(self) -> int:
        """Our end."""
        return int(self._socket.getsockname()[1])

    def request(self, method: str, target: str, *, key: str | None = None, document: object = None) -> bytes:
        """A request to this port, ready to be sent."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{self._port}"]
        body = b"" if document is None else json.dumps(document, ensure_ascii=False).encode()
        if key is not None:
            lines.append(f"Authorization: Bearer {key}")
        if document is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join((*lines, "", "")).encode() + body

    def send(self, requests: bytes) -> None:
        """Requests that are ready."""
        self._socket.sendall(requests)

    def read(self) -> Answer:
        """The next answer."""
        head = bytearray()
        while (line := self._file.readline(HEADER_BYTES_MAX)) != b"\r\n":
            if not line:
                raise CannotMeasure(f"port {self._port} closed the connection after {len(head)} bytes of an answer")
            head += line
        answer = Answer(int(head.split(b" ", 2)[1]), bytes(head) + b"\r\n", b"")
        size = int(answer.header("Content-Length") or 0)
        return Answer(answer.status, answer.head, self._file.read(size))

    def read_good(self, what: str) -> Answer:
        """The next answer. Raises CannotMeasure, saying what was asked, unless it is 200 or 201."""
        answer = self.read()
        if answer.status not in GOOD:
            shown = answer.body[:SHOWN_BYTES_MAX].decode(errors="replace")
            raise CannotMeasure(f"{what} was answered with {answer.status}: {shown}")
        return answer

    def ask(self, method: str, target: str, *, key: str | None = None, document: object = None) -> Answer:
        """Send and read. Raises CannotMeasure unless the answer is 200 or 201."""
        self.send(self.request(method, target, key=key, document=document))
        return self.read_good(f"{method} {target}")

    def ask_each(self, targets: Iterable[str]) -> None:
        """GET each target once, PIPELINED of them ahead. Raises CannotMeasure unless all answers are good."""
        remaining = iter(targets)
        while batch := list(islice(remaining, PIPELINED)):
            self.send(b"".join(self.request("GET", target) for target in batch))
            for target in batch:
                self.read_good(f"GET {target}")

    def close(self) -> None:
        """The end."""
        self._file.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def get(port: int, target: str) -> Answer:
    """One GET over a connection of its own."""
    with Connection(port) as connection:
        return connection.ask("GET", target)
