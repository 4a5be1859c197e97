"""Answers of the REST interface: response codes, documents, HTTP status, JSONP and CORS (handle-protocol.md §2)."""

from dataclasses import dataclass
from enum import IntEnum

import orjson
from aiohttp import web

from idnode.frontends.answer import Answer, response_of
from idnode.frontends.problems import RETRY_AFTER_SECONDS
from idnode.frontends.rest.parameters import Presentation
from idnode.frontends.rest.referral import site_value
from idnode.frontends.rest.visibility import Unreadable
from idnode.frontends.v1.conditions import is_not_modified
from idnode.model.errors import (
    Deleted,
    Elsewhere,
    Forbidden,
    IdnodeError,
    InvalidIdentifier,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    NotResponsible,
    Unavailable,
    shown,
)
from idnode.storage.identifiers import StoredRecord
from idnode.wire.handle_json import values_to_json

JSON_TYPE = "application/json;charset=UTF-8"
SCRIPT_TYPE = "application/javascript;charset=UTF-8"
ALLOW = "GET, HEAD, POST, PUT, DELETE, TRACE, OPTIONS"
HEADERS_ALLOWED = "Authorization, Content-Type, If-None-Match"
PREFLIGHT_SECONDS = 3_600
VARY = "Authorization, Origin"
_SAME_SITE = (("Vary", VARY), ("X-Content-Type-Options", "nosniff"))
_PUBLIC_HEAD = (
    "".join(f"{name}: {value}\r\n" for name, value in (*_SAME_SITE, ("ETag", '"%d"'), ("Content-Type", JSON_TYPE)))
    + "Content-Length: %d\r\n\r\n"
).encode()
NOT_RESPONSIBLE_MESSAGE = "That prefix doesn't live here"
FAULT_MESSAGE = "Server error processing request, see server logs"


class ResponseCode(IntEnum):
    """The response codes of the Handle protocol that reading can end with (§1.2)."""

    SUCCESS = 1
    ERROR = 2
    BUSY = 3
    PROTOCOL_ERROR = 4
    NOT_SUPPORTED = 5
    HANDLE_NOT_FOUND = 100
    INVALID_HANDLE = 102
    VALUES_NOT_FOUND = 200
    NOT_RESPONSIBLE = 301
    PREFIX_REFERRAL = 303
    INVALID_ADMIN = 400
    INSUFFICIENT_PERMISSION = 401
    AUTHENTICATION_NEEDED = 402


STATUS: dict[ResponseCode, int] = {
    ResponseCode.SUCCESS: 200,
    ResponseCode.ERROR: 500,
    ResponseCode.BUSY: 503,
    ResponseCode.PROTOCOL_ERROR: 400,
    ResponseCode.NOT_SUPPORTED: 501,
    ResponseCode.HANDLE_NOT_FOUND: 404,
    ResponseCode.INVALID_HANDLE: 400,
    ResponseCode.VALUES_NOT_FOUND: 200,
    ResponseCode.NOT_RESPONSIBLE: 400,
    ResponseCode.PREFIX_REFERRAL: 300,
    ResponseCode.INVALID_ADMIN: 403,
    ResponseCode.INSUFFICIENT_PERMISSION: 403,
    ResponseCode.AUTHENTICATION_NEEDED: 401,
}
"""The HTTP status of each code, for lookups (§2, "rc -> HTTP")."""

CODES: dict[type[IdnodeError], ResponseCode] = {
    InvalidIdentifier: ResponseCode.INVALID_HANDLE,
    InvalidInput: ResponseCode.PROTOCOL_ERROR,
    NotAuthenticated: ResponseCode.AUTHENTICATION_NEEDED,
    Unreadable: ResponseCode.INSUFFICIENT_PERMISSION,
    Forbidden: ResponseCode.INVALID_ADMIN,
    # Also what is suspended and what was deleted: to a Handle client they are not there.
    NotFound: ResponseCode.HANDLE_NOT_FOUND,
    Deleted: ResponseCode.HANDLE_NOT_FOUND,
    NotResponsible: ResponseCode.NOT_RESPONSIBLE,
    Elsewhere: ResponseCode.PREFIX_REFERRAL,
    Unavailable: ResponseCode.BUSY,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it takes the form that the request asked for. Only what may be kept has an ETag."""

    status: int
    json: bytes
    etag: str | None = None


def code_of(error: IdnodeError) -> ResponseCode:
    """The code of the nearest class above."""
    return next((CODES[ancestor] for ancestor in type(error).__mro__ if ancestor in CODES), ResponseCode.ERROR)


def values_reply(handle: str, values_json: bytes, *, etag: str) -> Reply:
    """The values under the handle as asked; none at all is code 200, with HTTP 200."""
    name = orjson.dumps(handle)
    if values_json == b"[]":
        return Reply(200, b'{"responseCode":200,"values":[],"handle":%b}' % name, etag)
    return Reply(200, b'{"responseCode":1,"handle":%b,"values":%b}' % (name, values_json), etag)


def refusal_reply(error: IdnodeError, handle: str | None) -> Reply:
    """Why there are no values; `handle` is None when the request did not even name one."""
    code = code_of(error)
    match error:
        case Elsewhere(site=site):
            values = orjson.Fragment(values_to_json([site_value(site)]))
            return _reply(code, {"handle": handle, "values": values})
        case NotFound() | Deleted():
            return _reply(code, {"handle": handle})
        case NotResponsible():
            return _reply(code, {"message": NOT_RESPONSIBLE_MESSAGE, "handle": handle})
        case _:
            detail = FAULT_MESSAGE if code is ResponseCode.ERROR else error.detail
            return _reply(code, {"message": detail, "handle": handle})


def not_supported_reply(message: str) -> Reply:
    """What the interface knows and this node does not do."""
    return _reply(ResponseCode.NOT_SUPPORTED, {"message": message})


def unknown_endpoint_reply(method: str, path: str) -> Reply:
    """A path under /api that is no endpoint: code 4, and the one time that it is HTTP 404."""
    message = f"Unknown HTTP API endpoint {shown(method)} {shown(path)}"
    return Reply(404, _reply(ResponseCode.PROTOCOL_ERROR, {"message": message}).json)


def respond(reply: Reply, request: web.Request, presentation: Presentation) -> web.Response:
    """The reply in the form that was asked for, or 304 when the client has it already."""
    origin = request.headers.get("Origin")
    if request.method != "POST" and is_not_modified(request.headers.get("If-None-Match"), reply.etag):
        return web.Response(status=304, headers=(*cors_headers(origin), ("ETag", reply.etag or "")))
    return response_of(rendered(reply, presentation, origin=origin, is_secure=request.secure))


def rendered(reply: Reply, presentation: Presentation, *, origin: str | None = None, is_secure: bool = False) -> Answer:
    """The reply in the form that was asked for."""
    headers = cors_headers(origin)
    if reply.etag is not None:
        headers += (("ETag", reply.etag),)
    # §2: "Only over TLS: over plain http a 401 is turned into 403".
    status = 403 if reply.status == 401 and not is_secure else reply.status
    if status == 401:
        headers += (("WWW-Authenticate", 'Bearer realm="idnode"'),)
    if status == 503:
        headers += (("Retry-After", str(RETRY_AFTER_SECONDS)),)
    kind = JSON_TYPE if presentation.callback is None else SCRIPT_TYPE
    return Answer(status, (*headers, ("Content-Type", kind)), presented(reply.json, presentation))


def public_rest(handle: bytes, stored: StoredRecord) -> bytes:
    """What `bytes_of(rendered(values_reply(…)))` makes of all values of a public record, in fewer steps.

    `handle` is the handle as asked, in characters that JSON writes as they are.
    """
    values = stored.values_json
    if values == b"[]":
        body = values_reply(handle.decode("ascii"), values, etag="").json
    else:
        body = b'{"responseCode":1,"handle":"%b","values":%b}' % (handle, values)
    return _PUBLIC_HEAD % (stored.version, len(body)) + body


def options_response(request: web.Request) -> web.Response:
    """OPTIONS, and the preflight of browsers."""
    headers = dict(cors_headers(request.headers.get("Origin")))
    headers["Allow"] = ALLOW
    if "Access-Control-Allow-Origin" in headers:
        headers["Access-Control-Allow-Methods"] = ALLOW
        headers["Access-Control-Allow-Headers"] = HEADERS_ALLOWED
        headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return web.Response(headers=headers)


def presented(json: bytes, presentation: Presentation) -> bytes:
    """Indented and wrapped as asked."""
    if presentation.is_pretty:
        json = orjson.dumps(orjson.loads(json), option=orjson.OPT_INDENT_2)
    if presentation.callback is None:
        return json
    # These two end a line in scripts before ECMAScript 2019, and stand in strings only.
    script = json.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    return b"%b(%b);" % (presentation.callback.encode(), script)


def cors_headers(origin: str | None) -> tuple[tuple[str, str], ...]:
    """Any site may read (§2: "echoes Origin"), and none with credentials that the browser keeps."""
    # An origin is ASCII (RFC 6454 §6.2); other bytes arrive as surrogates, which no header can carry back.
    if origin is None or not origin.isascii():
        return _SAME_SITE
    return (*_SAME_SITE, ("Access-Control-Allow-Origin", origin), ("Access-Control-Expose-Headers", "ETag"))


def _reply(code: ResponseCode, members: dict[str, object]) -> Reply:
    document: dict[str, object] = {"responseCode": int(code)}
    document |= {name: value for name, value in members.items() if value is not None}
    return Reply(STATUS[code], orjson.dumps(document))
