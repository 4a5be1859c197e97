"""The HTTP boundary: request ids, one log line per request, and the last place where an exception is caught."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TypeVar

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from idnode.frontends.answer import SERVER, Answer, HttpDate, response_of
from idnode.frontends.counting import RESOLVING, Counting
from idnode.frontends.limiting import Limiting
from idnode.frontends.problems import kind_of, problem_answer
from idnode.frontends.refusals import BodyTooLarge, InternalFault, MethodRefused, NoSuchRoute
from idnode.frontends.request_ids import HEADER, RequestIds
from idnode.model.errors import IdnodeError, shown
from idnode.model.limits import REQUEST_BYTES_MAX


@dataclass(slots=True)
class Exchange:
    """One request under way, as its log line tells of it; whoever learns its route and its actor writes them here."""

    method: str
    path: str
    remote: str | None
    request_id: str
    begun: int
    route: str = "other"
    actor: str | None = None
    is_stale: bool = False


REQUEST_ID = web.RequestKey("request_id", str)
ACTOR = web.RequestKey("actor", str)
ROUTE = web.RequestKey("route", str)
EXCHANGE = web.RequestKey("exchange", Exchange)

Stale = Callable[[bytes], web.Response | None]
"""From method and target to what was kept, marked as stale."""

T = TypeVar("T")

log = structlog.get_logger("idnode.http")


class Boundary:
    """What every request passes: those of aiohttp, and those that the connection front serves itself."""

    def __init__(self, counting: Counting, limiting: Limiting, request_ids: RequestIds) -> None:
        self._counting = counting
        self._limiting = limiting
        self._request_ids = request_ids

    def begin(self, method: str, path: str, remote: str | None, sent: str | None) -> Exchange:
        """A request has come; `sent` is its X-Request-Id."""
        return Exchange(method, path, remote, self._request_ids.of(sent), perf_counter_ns())

    async def answered(
        self,
        exchange: Exchange,
        client: Callable[[], str],
        act: Callable[[], Awaitable[T]],
        worded: Callable[[Answer], T],
    ) -> T:
        """What `act` answers, or why it does not, `worded`; a client that asks too often is refused before."""
        counters = self._counting.http
        counters.in_flight += 1
        try:
            refusal = self._limiting.refusal(client()) if self._limiting.is_on else None
            return await act() if refusal is None else worded(refusal)
        except IdnodeError as error:
            if kind_of(error).status >= 500:
                log.warning("request_failed", code=error.code, detail=error.detail, request_id=exchange.request_id)
            return worded(problem_answer(error))
        except Exception:  # the HTTP error boundary (STYLE.md, 8)
            path = shown(exchange.path)
            log.exception("request_crashed", method=exchange.method, path=path, request_id=exchange.request_id)
            return worded(problem_answer(InternalFault("an unexpected error")))
        finally:
            counters.in_flight -= 1

    def end(self, exchange: Exchange, status: int, request: web.Request | None = None) -> None:
        """It was answered: count it, with what aiohttp knows of it, and write its line."""
        nanoseconds = perf_counter_ns() - exchange.begun
        if request is None:
            self._counting.http.count(exchange.route, status, nanoseconds // 1_000)
        else:
            self._counting.answered(request, exchange.route, status, nanoseconds, is_stale=exchange.is_stale)
        log.info(
            "request",
            method=exchange.method,
            path=shown(exchange.path),
            status=status,
            milliseconds=nanoseconds // 1_000 / 1000,
            remote=exchange.remote,
            actor=exchange.actor,
            request_id=exchange.request_id,
        )

    def client_of(self, request: web.Request) -> str:
        """Who asks."""
        return self._counting.client_of(request)


Wording = Callable[[Answer], web.Response]


def middleware(
    boundary: Boundary,
    date: HttpDate,
    stale: Stale,
    *,
    wording: Callable[[str], Wording],
    is_draining: Callable[[], bool],
) -> Middleware:
    """The outermost middleware of aiohttp. While the node is draining each answer is the last one of its connection.

    `stale` finds what was kept for a read while the database is away; `wording` tells how the interface at a path says
    what the boundary has to say.
    """

    @web.middleware
    async def pass_boundary(request: web.Request, handler: Handler) -> web.StreamResponse:
        sent = request.headers.get(HEADER)
        exchange = boundary.begin(request.method, request.path, boundary.client_of(request), sent)
        request[EXCHANGE], request[REQUEST_ID] = exchange, exchange.request_id

        async def act() -> web.StreamResponse:
            return await _handled(request, handler)

        response = await boundary.answered(exchange, lambda: boundary.client_of(request), act, wording(request.path))
        exchange.route, exchange.actor = request.get(ROUTE, exchange.route), request.get(ACTOR, exchange.actor)
        is_read = exchange.route in RESOLVING and request.method in ("GET", "HEAD")
        if response.status == 503 and is_read and "Authorization" not in request.headers:
            kept = stale(b"GET " + request.raw_path.encode("utf-8", "replace"))
            response, exchange.is_stale = (response, False) if kept is None else (kept, True)
        # The answers of reads are the same bytes for everyone: a request id is in them only if one was sent.
        _begin(response, date, None if is_read and exchange.request_id != sent else exchange.request_id)
        if is_draining():
            response.force_close()
        boundary.end(exchange, response.status, request)
        return response

    return pass_boundary


def _begin(response: web.StreamResponse, date: HttpDate, request_id: str | None) -> None:
    """Date, Server and request id come first, as in the answers of the connection front."""
    own = list(response.headers.items())
    response.headers.clear()
    response.headers["Date"] = date.text()
    response.headers["Server"] = SERVER
    if request_id is not None:
        response.headers[HEADER] = request_id
    response.headers.extend(own)


async def _handled(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as refusal:
        methods = ", ".join(sorted(refusal.allowed_methods))
        error = MethodRefused(f"{request.method} is not possible here, only {methods}")
        return response_of(problem_answer(error, headers=(("Allow", methods),)))
    except web.HTTPRequestEntityTooLarge:
        raise BodyTooLarge(f"the body is over the limit of {REQUEST_BYTES_MAX} bytes") from None
    except web.HTTPNotFound:
        raise NoSuchRoute(f"there is nothing at {shown(request.path)}") from None
    except web.HTTPException as refusal:
        return refusal
