"""A real HTTP server that answers what a test tells it to, one answer after the other, and keeps what it was asked."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class TopNode:
    """`answers` are given in their order; without any the request fails the test."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def will(self, status: int, body: bytes = b"", **headers: str) -> None:
        """One more answer; `Retry_After="3"` is the header Retry-After."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def answer(_request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, body=body, headers=named)

        self.answers.append(answer)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Keeps the request and gives the next answer."""
        self.asked.append(Asked(request.method, request.raw_path, request.headers, await request.read()))
        return await self.answers.pop(0)(request)


@asynccontextmanager
async def running(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """The address of a server that lives as long as the block."""
    application = web.Application(client_max_size=1 << 26)
    application.router.add_route("*", "/{anything:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"{'http' if tls is None else 'https'}://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def scripted(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[TopNode]:
    """A top node without answers yet."""
    top_node = TopNode()
    async with running(top_node.handle, tls=tls) as url:
        top_node.url = url
        yield top_node
