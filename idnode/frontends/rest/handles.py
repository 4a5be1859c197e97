"""GET, HEAD, POST and OPTIONS of /api/handles/{handle}, and where else under /api a request goes (§2)."""

from dataclasses import replace

import structlog
from aiohttp import web

from idnode.frontends.boundary import REQUEST_ID, ROUTE
from idnode.frontends.rest.administration import HandleAdministration
from idnode.frontends.rest.doorkeeper import Doorkeeper
from idnode.frontends.rest.incoming import body_of
from idnode.frontends.rest.listing import HandleLists
from idnode.frontends.rest.parameters import Pairs, Presentation, pairs_of_body
from idnode.frontends.rest.proxy import HandleProxy
from idnode.frontends.rest.reading import PREFIX_HANDLES, HandleRead
from idnode.frontends.rest.replies import (
    Reply,
    not_supported_reply,
    options_response,
    refusal_reply,
    respond,
    unknown_endpoint_reply,
    write_refusal_reply,
)
from idnode.frontends.rest.sessions import SessionsApi
from idnode.frontends.rest.target import PROXY_PATH, handle_in
from idnode.frontends.rest.visibility import Asker
from idnode.model.access import ApiKey
from idnode.model.errors import IdnodeError, NotAuthenticated
from idnode.model.identifier import Identifier
from idnode.registry.handle_admin import IdentityNotVerified
from idnode.registry.handle_records import HandleRecords
from idnode.registry.handle_rights import Administrator
from idnode.resolver.service import ResolverService
from idnode.storage.identifiers import StoredRecord
from idnode.wire.record_json import read_record
from idnode.wire.typed_values.hs_admin import AdminPermission

LATER = ("prefixes", "verifications")
"""Endpoints of the interface that this node does not have."""

log = structlog.get_logger("idnode.http")


class HandleRest:
    """The interface, and the proxy."""

    def __init__(
        self,
        resolver: ResolverService,
        doorkeeper: Doorkeeper,
        records: HandleRecords,
        administration: HandleAdministration,
        sessions: SessionsApi,
    ) -> None:
        self._resolver = resolver
        self._doorkeeper = doorkeeper
        self._records = records
        self._administration = administration
        self._sessions = sessions
        self._lists = HandleLists(records, doorkeeper)
        self._proxy = HandleProxy(resolver)

    def routes(self) -> list[web.RouteDef]:
        """In the order in which they have to be mounted; the last one takes every path that can be an identifier."""
        return [
            # (?s:…) because a line feed in a handle is to be refused here as well, not by the router.
            web.route("*", "/api/handles/{handle:(?s:.+)}", self._serve),
            web.route("*", "/api/handles", self._lists.serve),
            web.route("*", "/api/handles/", self._lists.serve),
            *self._sessions.routes(),
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
            case "PUT":
                return await self._administration.put(request)
            case "DELETE":
                return await self._administration.delete(request)
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
        is_secret = reply.status == 401 and self._doorkeeper.is_secret(request)
        return respond(reply, request, Presentation.of(pairs), is_secret=is_secret)

    async def _look_up(self, read: HandleRead, request: web.Request) -> Reply:
        try:
            who = await self._doorkeeper.administrator(request)
            stored = await self._resolver.resolve(read.identifier)
            return read.reply(stored, await self._asker(who, read.identifier, stored))
        except NotAuthenticated as error:
            # A wrong password reads no more than none: an empty body, as for a write.
            is_wrong = isinstance(error, IdentityNotVerified)
            reply = write_refusal_reply(error, read.text) if is_wrong else read.refusal(error)
            if not self._doorkeeper.is_secret(request):
                return reply
            return replace(reply, challenges=await self._doorkeeper.challenges(error))
        except IdnodeError as error:
            reply = read.refusal(error)
            if reply.status >= 500:
                log.warning("request_failed", code=error.code, detail=error.detail, request_id=request.get(REQUEST_ID))
            return reply

    async def _asker(self, who: Administrator | None, identifier: Identifier, stored: StoredRecord) -> Asker:
        match who:
            case None:
                return Asker.ANONYMOUS
            case ApiKey():
                if identifier.prefix.folded == PREFIX_HANDLES:
                    rights = await self._records.rights_in(who, read_record(stored.document))
                    return Asker.OWNER if AdminPermission.READ_VALUE in rights else Asker.STRANGER
                owned = await self._resolver.is_owned(identifier.prefix, stored, who)
                return Asker.OWNER if owned else Asker.STRANGER
            case _ if stored.is_public:
                return Asker.OWNER
            case _:
                rights = await self._records.rights_in(who, read_record(stored.document))
                return Asker.OWNER if AdminPermission.READ_VALUE in rights else Asker.STRANGER


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
    body = await body_of(request)
    return pairs_of_body(request.content_type, body) if body else ()
