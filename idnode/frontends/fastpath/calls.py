"""Requests to /v1 that are served without aiohttp: what its handler and its transport cost is most of a small write."""

import asyncio

from idnode.frontends.answer import Answer, bytes_of
from idnode.frontends.boundary import Boundary
from idnode.frontends.client_address import ClientAddress
from idnode.frontends.fastpath.front import Beginnings, Spoken, Told
from idnode.frontends.fastpath.heads import FORWARDED, Head, Heads
from idnode.frontends.request_ids import HEADER
from idnode.frontends.v1.dispatch import Dispatcher
from idnode.frontends.v1.incoming import Incoming

CALLS_MAX = 10_000
"""Under way at once; more are aiohttp's."""

_REQUEST_ID = HEADER.encode() + b": %b\r\n"


class Calls:
    """Each request is a task of `run`; whoever made it is told by the event loop."""

    def __init__(
        self,
        heads: Heads,
        dispatcher: Dispatcher,
        boundary: Boundary,
        beginnings: Beginnings,
        client_address: ClientAddress,
    ) -> None:
        self._heads = heads
        self._dispatcher = dispatcher
        self._boundary = boundary
        self._beginnings = beginnings
        self._client_address = client_address
        self._loop = asyncio.get_running_loop()
        self._tasks: asyncio.TaskGroup | None = None
        self._under_way = 0

    async def run(self) -> None:
        """Serve until cancelled; without it everything is aiohttp's."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                await self._loop.create_future()
            finally:
                self._tasks = None

    def begin(self, buffer: bytes, head_size: int, peer: str, told: Told) -> int | None:
        """Begin to serve the request at the beginning of `buffer`; tells its size.

        None: it is aiohttp's, because there is a doubt about it or because its body has not come yet.
        """
        if self._tasks is None or self._under_way >= CALLS_MAX:
            return None
        head = self._heads.read(buffer[:head_size])
        if head is None:
            return None
        size = head_size + head.body_size
        if size > len(buffer):
            return None
        self._under_way += 1
        self._tasks.create_task(self._serve(head, buffer[head_size:size], peer, told))
        return size

    async def _serve(self, head: Head, body: bytes, peer: str, told: Told) -> None:
        exchange = self._boundary.begin(head.route.method, head.path, peer, head.headers.get(HEADER))
        forwarded = head.headers.get(FORWARDED)
        client = self._client_address.of(peer, None if forwarded is None else forwarded.encode())

        incoming = Incoming(exchange, head.target, head.path, head.query, "", head.values, body, client)
        try:
            answer = await self._boundary.answered(
                exchange, lambda: client, lambda: self._dispatcher.serve(head.route, incoming), _as_it_is
            )
        finally:
            self._under_way -= 1
        more = _REQUEST_ID % exchange.request_id.encode()
        # Not from here: what the connection does next is none of this task's.
        self._loop.call_soon(told, Spoken(self._beginnings.of(answer.status), more, bytes_of(answer)))
        self._boundary.end(exchange, answer.status)


def _as_it_is(answer: Answer) -> Answer:
    return answer
