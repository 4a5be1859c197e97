"""What supervisor and worker tell each other: JSON messages over a socket pair, each after its length."""

import asyncio
import socket
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

import orjson

from idnode.model.errors import IdnodeError

MESSAGE_BYTES_MAX = 4_194_304
LENGTH_BYTES = 4
SEND_SECONDS_MAX = 5.0
REST_SECONDS_MAX = 5.0
"""Time for a message to arrive whole once it has begun."""


class ChannelBroken(IdnodeError):
    """The other side is gone, does not read, or sends what is no message."""

    code = "channel-broken"


class Kind(StrEnum):
    """What a message is for."""

    BEGIN = "begin"
    """Supervisor: your settings and the database."""
    READY = "ready"
    """Worker: I answer."""
    LEAVE = "leave"
    """Supervisor: finish what is under way and end."""
    SNAPSHOT_WANTED = "snapshot-wanted"
    """Supervisor: your counters now."""
    SNAPSHOT = "snapshot"
    """Worker: my counters."""
    SUM_WANTED = "sum-wanted"
    """Worker: everybody's counters, please."""
    SUM = "sum"
    """Supervisor: everybody's counters."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message; its content may hold secrets and is never shown."""

    kind: Kind
    content: dict[str, object] = field(default_factory=dict, repr=False)


class Channel:
    """One end of the socket pair."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, end: socket.socket) -> Self:
        """Takes the socket over."""
        return cls(*await asyncio.open_unix_connection(sock=end))

    async def send(self, message: Message) -> None:
        """Raises ChannelBroken when it cannot be sent in SEND_SECONDS_MAX."""
        body = orjson.dumps([message.kind, message.content])
        if len(body) > MESSAGE_BYTES_MAX:
            raise ChannelBroken(f"a message of {len(body)} bytes, the limit is {MESSAGE_BYTES_MAX}")
        try:
            self._writer.write(len(body).to_bytes(LENGTH_BYTES) + body)
            async with asyncio.timeout(SEND_SECONDS_MAX):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise ChannelBroken(f"cannot send: {str(error) or 'it is not read in time'}") from error

    async def receive(self) -> Message | None:
        """The next message, however long it takes to come; None when the other side is gone. Raises ChannelBroken."""
        try:
            size = int.from_bytes(await self._reader.readexactly(LENGTH_BYTES))
            if size > MESSAGE_BYTES_MAX:
                raise ChannelBroken(f"a message of {size} bytes, the limit is {MESSAGE_BYTES_MAX}")
            async with asyncio.timeout(REST_SECONDS_MAX):
                body = await self._reader.readexactly(size)
        except TimeoutError:
            raise ChannelBroken("a message stopped half way") from None
        except (asyncio.IncompleteReadError, OSError):
            return None
        try:
            kind, content = orjson.loads(body)
            return Message(Kind(kind), content)
        except (ValueError, TypeError):
            raise ChannelBroken("what came is no message") from None

    def close(self) -> None:
        """The other side is told by the end of the stream."""
        self._writer.close()
