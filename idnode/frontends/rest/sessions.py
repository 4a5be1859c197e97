"""/api/sessions: open a session, prove who it is for, look at it, end it (handle-protocol.md §2)."""

import orjson
import structlog
from aiohttp import web

from idnode.frontends.boundary import ACTOR, REQUEST_ID, ROUTE
from idnode.frontends.rest.credentials import HandleCredentials, handle_credentials, session_document
from idnode.frontends.rest.doorkeeper import NOT_VERIFIED, ONLY_OVER_TLS, Doorkeeper
from idnode.frontends.rest.incoming import body_of
from idnode.frontends.rest.parameters import JSON
from idnode.frontends.rest.replies import (
    FAULT_MESSAGE,
    JSON_TYPE,
    code_of,
    cors_headers,
    options_response,
    refusal_reply,
)
from idnode.model.errors import IdnodeError, InvalidInput, shown
from idnode.registry.handle_admin import IdentityNotVerified
from idnode.registry.handle_sessions import HandleSessions, Session
from idnode.wire.encoded_bytes import base64_of
from idnode.wire.messages.codes import ResponseCode

THIS = "/api/sessions/this"
NO_SESSION = "there is no such session; POST /api/sessions opens one"

log = structlog.get_logger("idnode.http")


class SessionsApi:
    """Its four acts; over plain HTTP none of them."""

    def __init__(self, sessions: HandleSessions, doorkeeper: Doorkeeper) -> None:
        self._sessions = sessions
        self._doorkeeper = doorkeeper

    def routes(self) -> list[web.RouteDef]:
        """Both paths."""
        return [web.route("*", "/api/sessions", self._serve), web.route("*", THIS, self._serve_this)]

    async def _serve(self, request: web.Request) -> web.Response:
        request[ROUTE] = "handle-sessions"
        if request.method == "OPTIONS":
            return options_response(request)
        if not self._doorkeeper.is_secret(request):
            return _refused(request, 403, ONLY_OVER_TLS)
        if request.method != "POST":
            return _refused(request, 501, f"{request.method} is not served here, only POST")
        try:
            session = await self._sessions.open()
        except IdnodeError as error:
            return _failed(request, error)
        return _answered(request, 201, _document(session), ("Location", THIS))

    async def _serve_this(self, request: web.Request) -> web.Response:
        request[ROUTE] = "handle-sessions"
        if request.method == "OPTIONS":
            return options_response(request)
        if not self._doorkeeper.is_secret(request):
            return _refused(request, 403, ONLY_OVER_TLS)
        try:
            match request.method:
                case "GET" | "HEAD" | "PUT" | "POST":
                    return await self._use(request)
                case "DELETE":
                    return await self._end(request)
                case method:
                    return _refused(request, 501, f"{method} is not served here")
        except IdnodeError as error:
            return _failed(request, error)

    async def _use(self, request: web.Request) -> web.Response:
        """What the session is, after the proof that came along with the request, if one did."""
        credentials = await _credentials(request)
        known = None if credentials.session_id is None else await self._sessions.find(credentials.session_id)
        if known is None:
            return _refused(request, 403, NO_SESSION)
        try:
            session = await self._doorkeeper.session(credentials) or known
        except IdentityNotVerified:
            return _answered(request, 401, {**_document(known), "error": NOT_VERIFIED})
        if session.identity is not None:
            request[ACTOR] = session.identity.text
        return _answered(request, 200, _document(session))

    async def _end(self, request: web.Request) -> web.Response:
        credentials = await _credentials(request)
        if credentials.session_id is None or not await self._sessions.end(credentials.session_id):
            return _refused(request, 403, NO_SESSION)
        return web.Response(status=204, headers=dict(cors_headers(request.headers.get("Origin"))))


async def _credentials(request: web.Request) -> HandleCredentials:
    """From the header, else from a JSON body. Raises MalformedInput."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "handle":
        return handle_credentials(text)
    if not request.can_read_body:
        return HandleCredentials(None)
    if request.content_type != JSON:
        raise InvalidInput(f"the body is {shown(request.content_type)}; send Content-Type: {JSON}")
    return session_document(await body_of(request))


def _document(session: Session) -> dict[str, object]:
    document: dict[str, object] = {"sessionId": session.id, "nonce": base64_of(session.nonce)}
    if session.identity is not None:
        document |= {"authenticated": True, "id": session.identity.text}
    return document


def _answered(request: web.Request, status: int, document: dict[str, object], *more: tuple[str, str]) -> web.Response:
    headers = [*cors_headers(request.headers.get("Origin")), ("Cache-Control", "no-store"), *more]
    if status == 401:
        challenge = f'Handle sessionId="{document["sessionId"]}", nonce="{document["nonce"]}", error="{NOT_VERIFIED}"'
        headers += [("WWW-Authenticate", 'Basic realm="handle"'), ("WWW-Authenticate", challenge)]
    return web.Response(status=status, headers=[*headers, ("Content-Type", JSON_TYPE)], body=orjson.dumps(document))


def _refused(request: web.Request, status: int, message: str) -> web.Response:
    code = 5 if status == 501 else 402
    return _answered(request, status, {"responseCode": code, "message": message})


def _failed(request: web.Request, error: IdnodeError) -> web.Response:
    reply = refusal_reply(error, None)
    if reply.status >= 500:
        log.warning("request_failed", code=error.code, detail=error.detail, request_id=request.get(REQUEST_ID))
    code = code_of(error)
    message = FAULT_MESSAGE if code is ResponseCode.ERROR else error.detail
    return _answered(request, reply.status, {"responseCode": int(code), "message": message})
