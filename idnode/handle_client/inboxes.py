"""Answers on their way to whoever waits for them, by the id of the request; bounded."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from idnode.handle_client.errors import ServerUnreachable, WrongAnswer
from idnode.model.errors import IdnodeError
from idnode.wire.messages.envelope import Envelope

PARTS_WAITING_MAX = 1_024
"""Messages of one answer that came and were not taken; a list comes in many."""
BYTES_WAITING_MAX = 8 << 20

Inbox = asyncio.Queue[bytes | IdnodeError]


class Inboxes:
    """One link's. What nobody waits for is dropped: late duplicates, and whatever others make up."""

    def __init__(self) -> None:
        self._inboxes: dict[int, Inbox] = {}
        self._bytes_waiting = 0

    @contextmanager
    def expecting(self, request_id: int) -> Iterator[Inbox]:
        """Take in what answers this request for the length of a block."""
        inbox = self._inboxes[request_id] = Inbox()
        try:
            yield inbox
        finally:
            del self._inboxes[request_id]
            while not inbox.empty():
                left = inbox.get_nowait()
                self._bytes_waiting -= len(left) if isinstance(left, bytes) else 0

    async def next(self, inbox: Inbox, *, seconds_max: float) -> bytes:
        """The next message of an answer. Raises ServerUnreachable, WrongAnswer."""
        try:
            async with asyncio.timeout(seconds_max):
                taken = await inbox.get()
        except TimeoutError as error:
            raise ServerUnreachable(f"no answer within {seconds_max:g} seconds") from error
        if isinstance(taken, IdnodeError):
            raise taken
        self._bytes_waiting -= len(taken)
        return taken

    def deliver(self, data: bytes, envelope: Envelope) -> None:
        """A whole message."""
        inbox = self._inboxes.get(envelope.request_id)
        if inbox is None:
            return
        if inbox.qsize() >= PARTS_WAITING_MAX or self._bytes_waiting + len(data) > BYTES_WAITING_MAX:
            inbox.put_nowait(WrongAnswer(f"more than {PARTS_WAITING_MAX} messages or {BYTES_WAITING_MAX} bytes wait"))
            return
        self._bytes_waiting += len(data)
        inbox.put_nowait(data)

    def fail(self, error: IdnodeError) -> None:
        """Nothing more comes for anybody."""
        for inbox in self._inboxes.values():
            inbox.put_nowait(error)
