"""A load generator: keep-alive HTTP/1.1 connections that send ready-made requests and time the answers.

A process of its own (`python -m loadtest.generator`): reads a JSON job from standard input, prints a JSON result.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import cast

import uvloop

HEADER_END = b"\r\n\r\n"
LENGTH = b"content-length: "


@dataclass(frozen=True)
class Job:
    """`total` requests over `connections`; request number n is `template` with `{n}` replaced by first + n."""

    host: str
    port: int
    connections: int
    total: int
    method: str
    target: str
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    first: int = 0


@dataclass(frozen=True)
class Result:
    """What was seen. Rates are answers per second, latencies milliseconds."""

    answers: int
    statuses: dict[str, int]
    seconds: float
    rate: float
    p50_milliseconds: float
    p99_milliseconds: float


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer before is complete."""

    def __init__(
        self, requests: Iterator[bytes], done: asyncio.Event, statuses: dict[str, int], taken: list[int]
    ) -> None:
        self._requests = requests
        self._done = done
        self._statuses = statuses
        self._taken = taken
        self._buffer = b""
        self._sent_at = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # uvloop's transports have the interface without the base class.
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        """Count an answer once its body is whole."""
        self._buffer += data
        end = self._buffer.find(HEADER_END)
        if end < 0:
            return
        header = self._buffer[:end].lower()
        at = header.find(LENGTH)
        size = int(header[at + len(LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < end + len(HEADER_END) + size:
            return
        status = self._buffer[9:12].decode()
        self._statuses[status] = self._statuses.get(status, 0) + 1
        self._taken.append(time.perf_counter_ns() - self._sent_at)
        self._buffer = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side has closed, or we have."""
        del exc
        self._done.set()

    def _next(self) -> None:
        request = next(self._requests, None)
        if self._transport is None or request is None:
            self._done.set()
            return
        self._sent_at = time.perf_counter_ns()
        self._transport.write(request)


async def run(job: Job) -> Result:
    """Send every request of the job."""
    requests = iter([_request(job, job.first + number) for number in range(job.total)])
    statuses: dict[str, int] = {}
    taken: list[int] = []
    loop = asyncio.get_running_loop()
    ends = [asyncio.Event() for _ in range(job.connections)]
    begun = time.perf_counter()
    transports = []
    for end in ends:
        transport, _ = await loop.create_connection(
            lambda end=end: Connection(requests, end, statuses, taken),  # type: ignore[misc]  # a default binds it
            job.host,
            job.port,
        )
        transports.append(transport)
    await asyncio.gather(*(end.wait() for end in ends))
    seconds = time.perf_counter() - begun
    for transport in transports:
        transport.close()
    if not taken:
        raise SystemExit(f"{job.host} port {job.port} answered nothing")
    taken.sort()
    return Result(
        answers=len(taken),
        statuses=statuses,
        seconds=seconds,
        rate=len(taken) / seconds,
        p50_milliseconds=taken[len(taken) // 2] / 1e6,
        p99_milliseconds=taken[len(taken) * 99 // 100] / 1e6,
    )


def _request(job: Job, number: int) -> bytes:
    body = job.body.replace("{n}", str(number)).encode()
    headers = {"Host": f"{job.host}:{job.port}", **job.headers}
    if body:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{job.method} {job.target.replace('{n}', str(number))} HTTP/1.1\r\n{lines}\r\n".encode() + body


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(run(Job(**json.load(sys.stdin)))))))
