"""The HTTP boundary: request ids, one log line per request, and the last place where an exception is caught."""

from time import perf_counter_ns

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from idnode.frontends.metrics import HttpCounters
from idnode.frontends.problems import CONTENT_TYPE, RETRY_AFTER_SECONDS, kind_of, problem_json
from idnode.frontends.refusals import BodyTooLarge, InternalFault, MethodRefused, NoSuchRoute
from idnode.frontends.request_ids import HEADER, RequestIds
from idnode.model.errors import IdnodeError, shown
from idnode.model.limits import REQUEST_BYTES_MAX

REQUEST_ID = web.RequestKey("request_id", str)
ACTOR = web.RequestKey("actor", str)
ROUTE = web.RequestKey("route", str)

log = structlog.get_logger("idnode.http")


def problem_response(error: IdnodeError, *, headers: dict[str, str] | None = None) -> web.Response:
    """The problem document of an error, with the headers that belong to its status."""
    status = kind_of(error).status
    headers = dict(headers or {})
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="idnode"'
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return web.Response(status=status, body=problem_json(error), content_type=CONTENT_TYPE, headers=headers)


def boundary(counters: HttpCounters, request_ids: RequestIds) -> Middleware:
    """The outermost middleware."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = perf_counter_ns()
        request_id = request_ids.of(request.headers.get(HEADER))
        request[REQUEST_ID] = request_id
        counters.in_flight += 1
        try:
            response = await _answered(request, handler)
        finally:
            counters.in_flight -= 1
        response.headers[HEADER] = request_id
        microseconds = (perf_counter_ns() - begun) // 1000
        counters.count(request.get(ROUTE, "other"), response.status, microseconds)
        _log(request, response.status, microseconds)
        return response

    return middleware


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except IdnodeError as error:
        if kind_of(error).status >= 500:
            log.warning("request_failed", code=error.code, detail=error.detail, request_id=request[REQUEST_ID])
        return problem_response(error)
    except web.HTTPException as refusal:
        return _framework_refusal(request, refusal)
    except Exception:  # the HTTP error boundary (STYLE.md, 8)
        log.exception(
            "request_crashed", method=request.method, path=shown(request.path), request_id=request[REQUEST_ID]
        )
        return problem_response(InternalFault("an unexpected error"))


def _framework_refusal(request: web.Request, refusal: web.HTTPException) -> web.StreamResponse:
    match refusal:
        case web.HTTPMethodNotAllowed(allowed_methods=allowed):
            methods = ", ".join(sorted(allowed))
            error: IdnodeError = MethodRefused(f"{request.method} is not possible here, only {methods}")
            return problem_response(error, headers={"Allow": methods})
        case web.HTTPRequestEntityTooLarge():
            return problem_response(BodyTooLarge(f"the body is over the limit of {REQUEST_BYTES_MAX} bytes"))
        case web.HTTPNotFound():
            return problem_response(NoSuchRoute(f"there is nothing at {shown(request.path)}"))
        case _:
            return refusal


def _log(request: web.Request, status: int, microseconds: int) -> None:
    log.info(
        "request",
        method=request.method,
        path=shown(request.path),
        status=status,
        milliseconds=microseconds / 1000,
        remote=request.remote,
        actor=request.get(ACTOR),
        request_id=request[REQUEST_ID],
    )
