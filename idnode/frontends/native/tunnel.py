"""The native protocol inside HTTP: a message as the body of POST /, its answer as the body of the answer (§1.4)."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from idnode.frontends.boundary import ROUTE
from idnode.frontends.native.front import NativeFront
from idnode.frontends.refusals import BodyTooLarge, MediaRefused
from idnode.frontends.rest.incoming import body_of
from idnode.model.errors import Unavailable, shown
from idnode.wire.cursor import MalformedMessage
from idnode.wire.messages.envelope import ENVELOPE_BYTES, MESSAGE_BYTES_MAX, Envelope

CONTENT_TYPE = "application/x-hdl-message"
ANSWER_SECONDS_MAX = 60.0
"""As long as clients wait."""
TUNNEL_BYTES_MAX = ENVELOPE_BYTES + MESSAGE_BYTES_MAX


class Tunnel:
    """Answers as over UDP, whole: there are no packets here. Whatever is inside, HTTP says 200."""

    def __init__(self, front: NativeFront, *, client_of: Callable[[web.Request], str]) -> None:
        self._front = front
        self._client_of = client_of

    def routes(self) -> list[web.RouteDef]:
        """The one route."""
        return [web.post("/", self._serve)]

    async def _serve(self, request: web.Request) -> web.Response:
        request[ROUTE] = "native-tunnel"
        if request.content_type != CONTENT_TYPE:
            raise MediaRefused(f"'{shown(request.content_type)}' is not taken here; send {CONTENT_TYPE}")
        if (request.content_length or 0) > TUNNEL_BYTES_MAX:
            raise BodyTooLarge(f"{request.content_length} bytes, the limit of a message is {TUNNEL_BYTES_MAX}")
        answer = await self._answer(await body_of(request), self._client_of(request))
        return web.Response(body=answer, content_type=CONTENT_TYPE)

    async def _answer(self, data: bytes, client: str) -> bytes:
        """Empty for what is an answer itself. Raises Unavailable."""
        try:
            envelope = Envelope.decode(data)
        except MalformedMessage:
            return self._counted(self._front.unreadable(None))
        if envelope.is_truncated or envelope.size != len(data) - ENVELOPE_BYTES:
            return self._counted(self._front.unreadable(envelope))
        answered: asyncio.Future[tuple[bytes, ...]] = asyncio.get_running_loop().create_future()

        def told(*messages: bytes) -> None:
            if not answered.done():
                answered.set_result(messages)

        self._front.take(data, envelope, self._front.usage.source(client), told)
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                return self._counted(*await answered)
        except TimeoutError as error:
            raise Unavailable(f"there was no answer within {ANSWER_SECONDS_MAX:g} seconds") from error

    def _counted(self, *messages: bytes) -> bytes:
        if messages:
            self._front.counters.http.count(messages[-1])
        return b"".join(messages)
