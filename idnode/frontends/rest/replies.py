"""Answers of the REST interface: response codes, documents, HTTP status, JSONP and CORS (handle-protocol.md §2)."""

from dataclasses import dataclass

import orjson
from aiohttp import web

from idnode.frontends.answer import Answer, response_of
from idnode.frontends.problems import RETRY_AFTER_SECONDS
from idnode.frontends.rest.parameters import Presentation
from idnode.frontends.rest.referral import site_value
from idnode.frontends.rest.visibility import Unreadable
from idnode.frontends.rest.writing import NOT_POSITIVE
from idnode.frontends.v1.conditions import is_not_modified
from idnode.model.errors import (
    AlreadyRegistered,
    Conflict,
    Deleted,
    Elsewhere,
    Forbidden,
    IdnodeError,
    InvalidIdentifier,
    InvalidInput,
    InvalidPrefix,
    MalformedInput,
    NotAuthenticated,
    NotFound,
    NotResponsible,
    Unavailable,
    VersionMoved,
    Violation,
    shown,
)
from idnode.registry.handle_admin import IdentityNotVerified
from idnode.registry.handle_rights import NoSuchValues, NotWritable, ValuesExist
from idnode.storage.identifiers import StoredRecord
from idnode.wire.handle_json import values_to_json
from idnode.wire.messages.codes import ResponseCode

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
VIOLATIONS_TOLD_MAX = 10
FAULT_MESSAGE = "Server error processing request, see server logs"


STATUS: dict[ResponseCode, int] = {
    ResponseCode.SUCCESS: 200,
    ResponseCode.ERROR: 500,
    ResponseCode.BUSY: 503,
    ResponseCode.PROTOCOL_ERROR: 400,
    ResponseCode.NOT_SUPPORTED: 501,
    ResponseCode.HANDLE_NOT_FOUND: 404,
    ResponseCode.HANDLE_EXISTS: 409,
    ResponseCode.INVALID_HANDLE: 400,
    ResponseCode.VALUES_NOT_FOUND: 400,
    ResponseCode.VALUE_EXISTS: 409,
    ResponseCode.INVALID_VALUE: 400,
    ResponseCode.NOT_RESPONSIBLE: 400,
    ResponseCode.PREFIX_REFERRAL: 300,
    ResponseCode.INVALID_ADMIN: 403,
    ResponseCode.INSUFFICIENT_PERMISSION: 403,
    ResponseCode.AUTHENTICATION_NEEDED: 401,
}
"""The HTTP status of each code (§2, "rc -> HTTP"); a lookup that finds no value is 200 all the same."""

CODES: dict[type[IdnodeError], ResponseCode] = {
    InvalidIdentifier: ResponseCode.INVALID_HANDLE,
    InvalidPrefix: ResponseCode.INVALID_HANDLE,
    InvalidInput: ResponseCode.PROTOCOL_ERROR,
    NotAuthenticated: ResponseCode.AUTHENTICATION_NEEDED,
    Unreadable: ResponseCode.INSUFFICIENT_PERMISSION,
    NotWritable: ResponseCode.INSUFFICIENT_PERMISSION,
    Forbidden: ResponseCode.INVALID_ADMIN,
    AlreadyRegistered: ResponseCode.HANDLE_EXISTS,
    ValuesExist: ResponseCode.VALUE_EXISTS,
    NoSuchValues: ResponseCode.VALUES_NOT_FOUND,
    # A prefix that is stopped, a template that was retired: what the rules of this node forbid.
    Conflict: ResponseCode.INSUFFICIENT_PERMISSION,
    # Somebody else was faster, again and again.
    VersionMoved: ResponseCode.BUSY,
    # Also what is suspended and what was deleted: to a Handle client they are not there.
    NotFound: ResponseCode.HANDLE_NOT_FOUND,
    Deleted: ResponseCode.HANDLE_NOT_FOUND,
    NotResponsible: ResponseCode.NOT_RESPONSIBLE,
    Elsewhere: ResponseCode.PREFIX_REFERRAL,
    Unavailable: ResponseCode.BUSY,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it takes the form that the request asked for. Only what may be kept has an ETag.

    `challenges` go into the WWW-Authenticate headers of a 401.
    """

    status: int
    json: bytes
    etag: str | None = None
    challenges: tuple[str, ...] = ('Bearer realm="idnode"',)


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
        case NotFound():
            return _reply(code, {"handle": handle})
        case Deleted():
            # When, and with which handle to go on: in words, because the interface has no member for it.
            return _reply(code, {"message": error.detail, "handle": handle})
        case NotResponsible():
            return _reply(code, {"message": NOT_RESPONSIBLE_MESSAGE, "handle": handle})
        case _:
            detail = FAULT_MESSAGE if code is ResponseCode.ERROR else error.detail
            return _reply(code, {"message": detail, "handle": handle})


def write_refusal_reply(error: IdnodeError, handle: str | None) -> Reply:
    """Why nothing was written: what is wrong with values has a code of its own, and everything wrong is named."""
    match error:
        case IdentityNotVerified():
            # §2: "Wrong: 401, empty body".
            return Reply(401, b"")
        case MalformedInput() | InvalidIdentifier() | InvalidPrefix():
            return refusal_reply(error, handle)
        case InvalidInput():
            return _reply(ResponseCode.INVALID_VALUE, {"message": _told(error), "handle": handle})
        case NoSuchValues():
            return _reply(ResponseCode.VALUES_NOT_FOUND, {"message": error.detail, "handle": handle})
        case _:
            return refusal_reply(error, handle)


def written_reply(handle: str, *, status: int) -> Reply:
    """It was done: 201 for something new, 200 where something was overwritten or taken away."""
    return Reply(status, orjson.dumps({"responseCode": int(ResponseCode.SUCCESS), "handle": handle}))


def _told(error: InvalidInput) -> str:
    """All violations in one text, each with its place, value and limit; the documents of the protocol have no more."""
    if error.detail.endswith(NOT_POSITIVE) or not error.violations:
        return error.detail
    told = [_told_violation(violation) for violation in error.violations[:VIOLATIONS_TOLD_MAX]]
    more = len(error.violations) + error.unlisted - len(told)
    return "; ".join(told) + (f" (and {more} more)" if more else "")


def _told_violation(violation: Violation) -> str:
    value = "" if violation.value is None else f" (got {violation.value})"
    limit = "" if violation.limit is None or violation.limit in violation.detail else f" (limit {violation.limit})"
    return f"{violation.pointer or 'body'}: {violation.detail}{value}{limit}"


def not_supported_reply(message: str) -> Reply:
    """What the interface knows and this node does not do."""
    return _reply(ResponseCode.NOT_SUPPORTED, {"message": message})


def unknown_endpoint_reply(method: str, path: str) -> Reply:
    """A path under /api that is no endpoint: code 4, and the one time that it is HTTP 404."""
    message = f"Unknown HTTP API endpoint {shown(method)} {shown(path)}"
    return Reply(404, _reply(ResponseCode.PROTOCOL_ERROR, {"message": message}).json)


def respond(
    reply: Reply, request: web.Request, presentation: Presentation, *, is_secret: bool | None = None
) -> web.Response:
    """The reply in the form that was asked for, or 304 when the client has it already.

    `is_secret`: nobody on the way can read it; without it TLS says so.
    """
    origin = request.headers.get("Origin")
    if request.method in ("GET", "HEAD") and is_not_modified(request.headers.get("If-None-Match"), reply.etag):
        return web.Response(status=304, headers=(*cors_headers(origin), ("ETag", reply.etag or "")))
    is_secure = request.secure if is_secret is None else is_secret
    return response_of(rendered(reply, presentation, origin=origin, is_secure=is_secure))


def rendered(reply: Reply, presentation: Presentation, *, origin: str | None = None, is_secure: bool = False) -> Answer:
    """The reply in the form that was asked for."""
    headers = cors_headers(origin)
    if reply.etag is not None:
        headers += (("ETag", reply.etag),)
    # §2: "Only over TLS: over plain http a 401 is turned into 403".
    status = 403 if reply.status == 401 and not is_secure else reply.status
    if status == 401:
        headers += tuple(("WWW-Authenticate", challenge) for challenge in reply.challenges)
    if status == 503:
        headers += (("Retry-After", str(RETRY_AFTER_SECONDS)),)
    kind = JSON_TYPE if presentation.callback is None else SCRIPT_TYPE
    return Answer(
        status, (*headers, ("Content-Type", kind)), presented(reply.json, presentation) if reply.json else b""
    )


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
