"""The simulated top node over HTTP: the JSON protocol, awkward by seed; the status page; what steers it."""

import asyncio
from collections.abc import Mapping
from datetime import date
from email.utils import formatdate
from time import perf_counter

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from idnode.model.errors import IdnodeError, InvalidInput, MalformedInput, shown
from idnode.model.reporting import RecordState, Report
from idnode.simulator.doorkeeper import Doorkeeper
from idnode.simulator.page import POLICY, status_page
from idnode.simulator.planting import Wanted
from idnode.simulator.refusals import NOT_FOUND, SIMULATED, TOO_SLOW, Problem, problem_of, refused
from idnode.simulator.top_node import Served, TopNode
from idnode.simulator.whims import Act, Fate
from idnode.wire.top_node.messages import (
    BATCH_BYTES_MAX,
    digests_json,
    lines_json,
    read_batch,
    verdict_page_json,
    verdicts_json,
)
from idnode.wire.top_node.problems import INVALID, PROBLEM_CONTENT_TYPE, TOO_LARGE, TOO_MANY_REQUESTS

CONTROL_BYTES_MAX = 64 << 10
BODY_SECONDS_MAX = 30
WAIT_SECONDS_MAX = 30.0
CURSOR_DIGITS_MAX = 18
PAGE_RECORDS_MAX = 10_000
PAGE_RECORDS = 1_000
TARGET_CHARACTERS_SHOWN = 80

RECORDS = web.RequestKey("records", int)
NUMBER = web.RequestKey("number", int)


def application(top_node: TopNode, doorkeeper: Doorkeeper) -> web.Application:
    """Everything that it answers."""
    served = web.Application(middlewares=[_middleware(top_node)], client_max_size=BATCH_BYTES_MAX)
    protocol, steering = Protocol(top_node, doorkeeper), Steering(top_node, doorkeeper)
    served.add_routes(
        [
            web.post("/v1/batches", protocol.batch),
            web.get("/v1/verdicts", protocol.verdicts),
            web.get("/v1/digests", protocol.digests),
            web.get("/v1/digests/{prefix}", protocol.lines),
            web.get("/", steering.page),
            web.get("/simulator/summary", steering.summary),
            web.get("/simulator/records", steering.records),
            web.post("/simulator/settings", steering.settings),
            web.post("/simulator/plant", steering.plant),
            web.post("/simulator/applications/{id:.+}", steering.decide),
        ]
    )
    return served


class Protocol:
    """What a node calls. Each request is signed."""

    def __init__(self, top_node: TopNode, doorkeeper: Doorkeeper) -> None:
        self._top_node = top_node
        self._doorkeeper = doorkeeper

    async def batch(self, request: web.Request) -> web.Response:
        """POST /v1/batches: one verdict for each record."""
        batch = read_batch(await self._admitted(request))
        request[RECORDS] = len(batch.records)
        return _json(verdicts_json(self._top_node.take(batch, request=request[NUMBER])))

    async def verdicts(self, request: web.Request) -> web.Response:
        """GET /v1/verdicts?after=&wait=: what was judged after a cursor."""
        await self._admitted(request)
        after = _cursor(request.query.get("after", ""))
        wait = _number(request.query, "wait", default=0, most=WAIT_SECONDS_MAX)
        page = await self._top_node.verdicts(after, wait_seconds=wait)
        request[RECORDS] = len(page.verdicts)
        return _json(verdict_page_json(page))

    async def digests(self, request: web.Request) -> web.Response:
        """GET /v1/digests?day=: of each prefix."""
        await self._admitted(request)
        return _json(digests_json(await self._top_node.digests(_day(request))))

    async def lines(self, request: web.Request) -> web.Response:
        """GET /v1/digests/{prefix}?day=: of each record."""
        await self._admitted(request)
        return _json(lines_json(self._top_node.lines(request.match_info["prefix"], _day(request))))

    async def _admitted(self, request: web.Request) -> bytes:
        body = await _body(request)
        self._doorkeeper.require_admitted(request.method, request.raw_path, request.headers, body)
        return body


class Steering:
    """What people and tests call. Nothing here is signed, delayed or cut off."""

    def __init__(self, top_node: TopNode, doorkeeper: Doorkeeper) -> None:
        self._top_node = top_node
        self._doorkeeper = doorkeeper

    async def page(self, _request: web.Request) -> web.Response:
        """GET /: the status page."""
        text = status_page(self._top_node.summary(), is_signed=not self._doorkeeper.is_open)
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def summary(self, _request: web.Request) -> web.Response:
        """GET /simulator/summary: the same as JSON."""
        return _json(orjson.dumps(self._top_node.summary()))

    async def records(self, request: web.Request) -> web.Response:
        """GET /simulator/records?report=&after=&limit=: what was received, in the order of its first arrival."""
        after = _cursor(request.query.get("after", ""))
        limit = int(_number(request.query, "limit", default=PAGE_RECORDS, most=PAGE_RECORDS_MAX))
        page = self._top_node.store.page(_report(request), after=after, limit=limit)
        document = {"records": [each._asdict() for each in page], "after": page[-1].arrival if page else after}
        return _json(orjson.dumps(document))

    async def settings(self, request: web.Request) -> web.Response:
        """POST /simulator/settings: change some of them; answers with all."""
        return _json(orjson.dumps(self._top_node.change(await _members(request))))

    async def plant(self, request: web.Request) -> web.Response:
        """POST /simulator/plant: make drift; answers with the ids."""
        wanted = Wanted.read(await _members(request))
        return _json(orjson.dumps(self._top_node.plant(wanted).ids()))

    async def decide(self, request: web.Request) -> web.Response:
        """POST /simulator/applications/{id}: accept or reject, as JSON or from the page's form."""
        is_form = request.content_type == "application/x-www-form-urlencoded"
        members = dict(await request.post()) if is_form else await _members(request)
        reason = members.get("reason")
        verdict = {"accept": RecordState.ACCEPTED, "reject": RecordState.REJECTED}.get(str(members.get("verdict")))
        if verdict is None:
            raise InvalidInput("the verdict must be accept or reject")
        told = "the application was not approved" if verdict is RecordState.REJECTED else None
        if told is not None and isinstance(reason, str) and reason:
            told = shown(reason)
        id_ = request.match_info["id"]
        if not self._top_node.decide(id_, verdict, told):
            raise refused(404, NOT_FOUND, f"no application '{shown(id_)}' waits for a verdict")
        if is_form:
            return web.Response(status=303, headers={"Location": "/"})
        return _json(orjson.dumps({"id": id_, "state": verdict}))


def _middleware(top_node: TopNode) -> Middleware:
    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/v1/"):
            response = await _handled(request, handler)
        else:
            begun = perf_counter()
            request[NUMBER] = number = top_node.request_number()
            response, act = await _fated(top_node, request, handler)
            target, taken = request.raw_path[:TARGET_CHARACTERS_SHOWN], request.get(RECORDS, 0)
            delay_ms = round((perf_counter() - begun) * 1000)
            top_node.note_served(
                Served(number, top_node.at(), request.method, target, response.status, taken, act, delay_ms)
            )
            if act in (Act.RESET, Act.LOSE_REPLY, Act.OUTAGE_RESET) and request.transport is not None:
                request.transport.abort()
        response.headers["Date"] = formatdate(top_node.now(), usegmt=True)
        return response

    return answer


async def _fated(top_node: TopNode, request: web.Request, handler: Handler) -> tuple[web.StreamResponse, Act]:
    """The answer, and what was done to the request. Where it is cut off, the answer is not sent."""
    fate = top_node.whims.fate()
    if fate.delay_seconds:
        await asyncio.sleep(fate.delay_seconds)
    if fate.act not in (Act.SERVE, Act.LOSE_REPLY):
        return _problem(_awkward(fate)), fate.act
    response = await _handled(request, handler)
    # A long poll may have lasted into an outage.
    if top_node.whims.is_out():
        fate = top_node.whims.outage()
        response = _problem(_awkward(fate)) if fate.act is Act.OUTAGE_ERROR else response
    return response, fate.act


async def _handled(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except IdnodeError as error:
        return _problem(problem_of(error))
    except web.HTTPException as refusal:
        return _problem(_of_http(refusal, request))


def _of_http(refusal: web.HTTPException, request: web.Request) -> Problem:
    code = NOT_FOUND if refusal.status == 404 else INVALID
    return Problem(refusal.status, code, f"{request.method} is not possible at {shown(request.path)}")


def _awkward(fate: Fate) -> Problem:
    if fate.act is Act.THROTTLE:
        detail = f"too many requests; the next one in {fate.retry_after_seconds} s"
        return Problem(429, TOO_MANY_REQUESTS, detail, retry_after_seconds=fate.retry_after_seconds)
    return Problem(fate.status or 503, SIMULATED, "drawn by seed; the same request may do when it is tried again")


def _problem(problem: Problem) -> web.Response:
    response = web.Response(status=problem.status, body=problem.json(), content_type=PROBLEM_CONTENT_TYPE)
    if problem.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(problem.retry_after_seconds)
    return response


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})


async def _body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            return await request.read()
    except TimeoutError:
        raise refused(408, TOO_SLOW, f"the body took over {BODY_SECONDS_MAX} s") from None
    except web.HTTPRequestEntityTooLarge:
        detail = f"the body is over the limit of {BATCH_BYTES_MAX} bytes"
        raise refused(413, TOO_LARGE, detail) from None


async def _members(request: web.Request) -> dict[str, object]:
    body = await _body(request)
    if len(body) > CONTROL_BYTES_MAX:
        raise InvalidInput(f"the body has {len(body)} bytes, the limit is {CONTROL_BYTES_MAX}")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedInput(f"the body is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise MalformedInput("the body must be a JSON object")
    return document


def _cursor(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) <= CURSOR_DIGITS_MAX):
        raise InvalidInput(f"after: '{shown(text)}' is no cursor that was given here")
    return int(text or "0")


def _number(query: Mapping[str, str], name: str, *, default: float, most: float) -> float:
    text = query.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise InvalidInput(f"{name}: '{shown(text)}' is no number from 0 to {most:g}")
    return value


def _day(request: web.Request) -> date:
    text = request.query.get("day", "")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"day: '{shown(text)}' is no day such as 2026-11-24") from None


def _report(request: web.Request) -> Report:
    text = request.query.get("report", "T9")
    try:
        return Report(text)
    except ValueError:
        raise InvalidInput(f"report: '{shown(text)}' is none of {', '.join(Report)}") from None
