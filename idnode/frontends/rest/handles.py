"""GET, HEAD, POST and OPTIONS of /api/handles/{handle}, and what else lies under /api (handle-protocol.md §2)."""

import asyncio

import structlog
from aiohttp import web

from idnode.frontends.authentication import Authentication
from idnode.frontends.boundary import ACTOR, REQUEST_ID, ROUTE
from idnode.frontends.rest.parameters import Pairs, Presentation, pairs_of_body
from idnode.frontends.rest.proxy import HandleProxy
from idnode.frontends.rest.reading import HandleRead
from idnode.frontends.rest.replies import (
    Reply,
    not_supported_reply,
    options_response,
    refusal_reply,
    respond,
    unknown_endpoint_reply,
)
from idnode.frontends.rest.target import PROXY_PATH, handle_in
from idnode.frontends.rest.visibility import Asker
from idnode.model.errors import IdnodeError, MalformedInput
from idnode.model.identifier import Prefix
from idnode.model.limits import REQUEST_BYTES_MAX
from idnode.resolver.service import ResolverService

BODY_SECONDS_MAX = 20
LATER = ("handles", "handles/", "prefixes", "sessions", "sessions/this", "site", "verifications")
"""Endpoints of the interface that this node does not have yet."""

log = structlog.get_logger("idnode.http")


class HandleRest:
    """The reading side of the interface, and the proxy."""

    def __init__(self, resolver: ResolverService, authentication: Authentication) -> None:
        self._resolver = resolver
        self._authentication = authentication
        self._proxy = HandleProxy(resolver)

    def routes(self) -> list[web.RouteDef]:
        """In the order in which they have to be mounted; the last one takes every path that can be an identifier."""
        return [
            # (?s:…) because a line feed in a handle is to be refused here as well, not by the router.
            web.route("*", "/api/handles/{handle:(?s:.+)}", self._serve),
            *(web.route("*", f"/api/{name}", _serve_later) for name in LATER),
            web.route("*", "/api", _serve_unknown),
            web.route("*", "/api/{rest:(?s:.*)}", _serve_unknown),
            web.get(PROXY_PATH, self._proxy.serve, allow_head=False),
            web.head(PROXY_PATH, self._proxy.serve),
        ]

    async def _serve(self, request: web.Request) -> web.Response:
        request[ROUTE] = "handle-rest"
        match request.method:
            case "GET" | "HEAD" | "POST":
                return await self._read(request)
            case "OPTIONS":
                return options_response(request)
            case "PUT" | "DELETE":
                return _respond(request, not_supported_reply("administration over REST is not served yet"))
            case method:
                return _respond(request, not_supported_reply(f"{method} is not served"))

    async def _read(self, request: web.Request) -> web.Response:
        pairs = list(request.query.items())
        handle = None
        try:
            handle = handle_in(request.rel_url.raw_path, steps_before=2)
            pairs += await _body_pairs(request)
            reply = await self._look_up(HandleRead.of(handle, pairs), request)
        except IdnodeError as error:
            reply = refusal_reply(error, handle)
        return respond(reply, request, Presentation.of(pairs))

    async def _look_up(self, read: HandleRead, request: web.Request) -> Reply:
        try:
            asker = await self._asker(request, read.identifier.prefix)
            return read.reply(await self._resolver.resolve(read.identifier), asker)
        except IdnodeError as error:
            reply = read.refusal(error)
            if reply.status >= 500:
                log.warning("request_failed", code=error.code, detail=error.detail, request_id=request.get(REQUEST_ID))
            return reply

    async def _asker(self, request: web.Request, prefix: Prefix) -> Asker:
        key = await self._authentication.key_of(request.headers.get("Authorization"))
        if key is None:
            return Asker.ANONYMOUS
        request[ACTOR] = str(key.id)
        return Asker.OWNER if key.reaches(prefix) else Asker.STRANGER


async def _serve_later(request: web.Request) -> web.Response:
    request[ROUTE] = "handle-rest"
    if request.method == "OPTIONS":
        return options_response(request)
    return _respond(request, not_supported_reply(f"{request.path} is not served yet"))


async def _serve_unknown(request: web.Request) -> web.Response:
    request[ROUTE] = "handle-rest"
    return _respond(request, unknown_endpoint_reply(request.method, request.rel_url.raw_path))


def _respond(request: web.Request, reply: Reply) -> web.Response:
    return respond(reply, request, Presentation.of(list(request.query.items())))


async def _body_pairs(request: web.Request) -> Pairs:
    """The parameters that a POST carries in its body (§2). Raises MalformedInput."""
    if request.method != "POST" or not request.can_read_body:
        return ()
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            body = await request.read()
    except TimeoutError as error:
        raise MalformedInput(f"the body did not arrive within {BODY_SECONDS_MAX} seconds") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise MalformedInput(f"the body is over the limit of {REQUEST_BYTES_MAX} bytes") from error
    except (ConnectionError, web.RequestPayloadError) as error:
        raise MalformedInput("the body ended before its end") from error
    return pairs_of_body(request.content_type, body) if body else ()
