"""HTTP as bytes over TCP: for requests that no client would send, and answers as they come."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from harness import NodeUnderTest

ANSWER_SECONDS_MAX = 30.0
"""How long a test waits before it fails; far more than any limit of the node under test."""


@dataclass(frozen=True)
class RawAnswer:
    """Status line, headers (names in lower case) and body of one answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document. Fails when the answer is none."""
        assert self.headers["content-type"] == "application/problem+json", self
        return dict(json.loads(self.body))


class RawConnection:
    """One connection; what is sent is sent as it stands."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def __aenter__(self) -> "RawConnection":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def send(self, *parts: bytes) -> None:
        """Send the parts one after the other."""
        for part in parts:
            self._writer.write(part)
        # Where the node has answered and closed already, the answer is still to be read.
        with suppress(ConnectionError):
            await self._writer.drain()

    async def leave(self) -> None:
        """Close the connection, whatever is still owed on it."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def answer(self, *, has_body: bool = True) -> RawAnswer:
        """The next answer."""
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            head = await self._reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")[:-2]
            headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
            size = int(headers.get("content-length", "0")) if has_body else 0
            return RawAnswer(int(first.split(" ")[1]), headers, await self._reader.readexactly(size))

    async def answer_while_trickling(self, piece: bytes, *, every_seconds: float) -> RawAnswer:
        """The next answer, with a piece sent again and again until it is there."""
        trickling = asyncio.create_task(self._trickle(piece, every_seconds))
        try:
            return await self.answer()
        finally:
            trickling.cancel()

    async def rest(self) -> bytes:
        """Everything until the node closes the connection."""
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            return await self._reader.read()

    async def _trickle(self, piece: bytes, every_seconds: float) -> None:
        while True:
            await self.send(piece)
            await asyncio.sleep(every_seconds)


async def connect(port: int) -> RawConnection:
    """A connection to this machine."""
    return RawConnection(*await asyncio.open_connection("127.0.0.1", port))


async def exchange(node: NodeUnderTest, *parts: bytes, has_body: bool = True) -> RawAnswer:
    """One request to the node on a connection of its own, and its answer."""
    async with await connect(node.port) as connection:
        await connection.send(*parts)
        return await connection.answer(has_body=has_body)


def head(node: NodeUnderTest, line: str | bytes, *headers: str | bytes) -> bytes:
    """Request line and headers, Host and the admin's Authorization among them, up to and with the empty line."""
    first = line if isinstance(line, bytes) else line.encode()
    given = [each if isinstance(each, bytes) else each.encode() for each in headers]
    lines = [first, b"Host: node.example", f"Authorization: Bearer {node.admin_key}".encode(), *given]
    return b"\r\n".join((*lines, b"", b""))
