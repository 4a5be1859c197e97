"""The way of an SNMS request: token, role, body, act; and whatever happens, an answer in the envelope."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from idnode.frontends.authentication import bearer_secret
from idnode.frontends.boundary import ACTOR, REQUEST_ID, ROUTE
from idnode.frontends.refusals import BodyTooLarge, BodyTooSlow, MediaRefused, MethodRefused, NoSuchRoute
from idnode.frontends.snms.envelope import (
    SnmsRefusal,
    Status,
    failure_of,
    missing,
    response_of,
    status_of,
    too_long,
)
from idnode.frontends.targets import query_members
from idnode.frontends.v1.conditions import fingerprint, idempotency_key_of, single
from idnode.model.access import ApiKey, Role
from idnode.model.change import Trace
from idnode.model.errors import IdempotencyMisused, IdnodeError, MalformedInput, NotAuthenticated, shown
from idnode.model.snms_user import SnmsUser
from idnode.registry.commands import Asked
from idnode.registry.snms_tokens import Asker, SnmsAccess
from idnode.storage.idempotency import Claim, ClaimTaken, IdempotencyStore, KeptAnswer, KeptClaim
from idnode.wire.strict_json import is_surely_strict, looseness

EVERY_ROLE = frozenset(Role)
ADMIN = frozenset({Role.ADMIN})
BODY_BYTES_MAX = 1 << 20
PATHS = ("/identity", "/identityv2", "/snms")
"""Everything below is SNMS, known or not."""

log = structlog.get_logger("idnode.http")


class Reads(Enum):
    """What a route makes of the body: JSON, JSON if there is one, nothing, or (uploads) it reads the stream itself."""

    JSON = auto()
    OPTIONAL_JSON = auto()
    NOTHING = auto()
    STREAM = auto()


@dataclass(frozen=True, slots=True)
class SnmsCall:
    """One request to a route: who asks (routes without roles: nobody), the parsed body, from which address."""

    request: web.Request
    asker: Asker | None
    body: object
    circumstances: Asked | None
    client: str

    @property
    def user(self) -> SnmsUser:
        """Who asks."""
        return self._known().user

    @property
    def key(self) -> ApiKey:
        """What the registry's checks are made with: role, and the prefixes that the user reaches."""
        return self._known().key

    @property
    def asked(self) -> Asked:
        """The circumstances of a write."""
        if self.circumstances is None:
            raise NotAuthenticated("this route takes a token")
        return self.circumstances

    def parameter(self, name: str, *, characters_max: int) -> str:
        """A query parameter that is required. Raises SnmsRefusal."""
        text = self.optional_parameter(name, characters_max=characters_max)
        if not text:
            raise missing(name)
        return text

    def optional_parameter(self, name: str, *, characters_max: int) -> str | None:
        """A query parameter, None without it. Raises SnmsRefusal, MalformedInput."""
        text = query_members(self.request.rel_url.raw_query_string).get(name)
        if not isinstance(text, str):
            return None
        if len(text) > characters_max:
            raise too_long(name, text, characters_max)
        return text

    def members(self) -> dict[str, object]:
        """The body, which has to be an object. Raises SnmsRefusal."""
        if not isinstance(self.body, dict):
            raise SnmsRefusal(f"请求体必须是JSON对象，收到 {shown(self.body)}")
        return self.body

    def _known(self) -> Asker:
        if self.asker is None:
            raise NotAuthenticated("this route takes a token")
        return self.asker


_JSON = frozenset({Reads.JSON, Reads.OPTIONAL_JSON})

Act = Callable[[SnmsCall], Awaitable[KeptAnswer]]


@dataclass(frozen=True, slots=True)
class SnmsRoute:
    """One row of the SNMS route table. `roles` None: no token is asked for. Writes take Idempotency-Key."""

    method: str
    path: str
    name: str
    act: Act
    roles: frozenset[Role] | None = EVERY_ROLE
    reads: Reads = Reads.NOTHING
    is_write: bool = False
    body_bytes_max: int = BODY_BYTES_MAX


class SnmsBoundary:
    """Serves rows of the SNMS route table. `client_of` tells who asks, a body has `body_seconds_max` to arrive."""

    def __init__(
        self,
        access: SnmsAccess,
        idempotency: IdempotencyStore,
        *,
        client_of: Callable[[web.Request], str],
        body_seconds_max: float,
        now: Callable[[], datetime],
    ) -> None:
        self._access = access
        self._idempotency = idempotency
        self._client_of = client_of
        self._body_seconds_max = body_seconds_max
        self._now = now

    def routes(self, rows: Iterable[SnmsRoute]) -> list[web.RouteDef]:
        """As aiohttp takes them: one for each path, whatever the method, so that no refusal leaves the envelope."""
        by_path: defaultdict[str, dict[str, SnmsRoute]] = defaultdict(dict)
        for row in rows:
            by_path[row.path][row.method] = row
        return [web.route("*", path, self._handler(methods)) for path, methods in by_path.items()]

    def unknown(self) -> list[web.RouteDef]:
        """What takes every other path below PATHS; to be mounted once."""

        async def handler(request: web.Request) -> web.Response:
            request[ROUTE] = "snms-unknown"
            return response_of(failure_of(NoSuchRoute(shown(request.path))))

        return [web.route("*", f"{path}{rest}", handler) for path in PATHS for rest in ("", "/{rest:(?s:.*)}")]

    def _handler(self, methods: dict[str, SnmsRoute]) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            route = methods.get(request.method)
            if route is None:
                request[ROUTE] = "snms-unknown"
                known = ", ".join(sorted(methods))
                return response_of(failure_of(MethodRefused(f"{shown(request.method)}，可用 {known}")))
            return await self._serve(route, request)

        return handler

    async def _serve(self, route: SnmsRoute, request: web.Request) -> web.Response:
        request[ROUTE] = route.name
        try:
            kept = await self._answered(route, request)
        except IdnodeError as error:
            if status_of(error) is Status.FAULT:
                request_id = request.get(REQUEST_ID)
                log.warning("request_failed", code=error.code, detail=error.detail, request_id=request_id)
            kept = failure_of(error)
        return response_of(kept)

    async def _answered(self, route: SnmsRoute, request: web.Request) -> KeptAnswer:
        asker = None if route.roles is None else await self._asker(request, route.roles)
        body = b""
        if route.reads in _JSON:
            body = await read_body(request, bytes_max=route.body_bytes_max, seconds_max=self._body_seconds_max)
        call = SnmsCall(request, asker, None, None, self._client_of(request))
        if asker is not None and route.is_write:
            trace = Trace(str(asker.user.id), request[REQUEST_ID], self._now())
            return await self._write(route, replace(call, circumstances=Asked(asker.key, trace)), body)
        return await route.act(_parsed(route, call, body))

    async def _asker(self, request: web.Request, roles: frozenset[Role]) -> Asker:
        authorization = single("Authorization", request.headers.getall("Authorization", ()))
        if authorization is None:
            raise NotAuthenticated("this route takes a token: send `Authorization: Bearer <token>`")
        asker = await self._access.asker_of(bearer_secret(authorization))
        request[ACTOR] = str(asker.user.id)
        asker.key.require_role(roles)
        return asker

    async def _write(self, route: SnmsRoute, call: SnmsCall, body: bytes) -> KeptAnswer:
        request = call.request
        sent = idempotency_key_of(single("Idempotency-Key", request.headers.getall("Idempotency-Key", ())))
        if sent is None or route.reads is Reads.STREAM:
            return await route.act(_parsed(route, call, body))
        claim = Claim(
            owner=call.key.id,
            token=hashlib.sha256(sent.encode()).digest(),
            fingerprint=fingerprint(request.method, request.raw_path, None, body),
        )
        kept = await self._kept(claim)
        if kept is None:
            asked = call.asked._replace(claim=claim)
            kept = await self._act_once(route, replace(call, circumstances=asked), claim, body)
        return kept

    async def _act_once(self, route: SnmsRoute, call: SnmsCall, claim: Claim, body: bytes) -> KeptAnswer:
        """Act, unless another request with the same key is faster; a refusal is kept as well as a success."""
        try:
            return await route.act(_parsed(route, call, body))
        except ClaimTaken:
            pass
        except IdnodeError as refusal:
            if refusal.is_retryable or status_of(refusal) is not Status.REFUSED:
                raise
            answer = failure_of(refusal)
            try:
                await self._idempotency.keep(KeptClaim(claim, answer, self._now()))
            except ClaimTaken:
                pass
            else:
                return answer
        kept = await self._kept(claim)
        if kept is None:
            raise IdempotencyMisused("the answer kept for this Idempotency-Key was just forgotten; use a new key")
        return kept

    async def _kept(self, claim: Claim) -> KeptAnswer | None:
        found = await self._idempotency.find(claim)
        if found is None:
            return None
        used_for, answer = found
        if used_for != claim.fingerprint:
            raise IdempotencyMisused("method, path and body must be the same as the first time")
        return answer


async def read_body(request: web.Request, *, bytes_max: int, seconds_max: float) -> bytes:
    """The whole body. Raises MediaRefused, BodyTooLarge, BodyTooSlow, and MalformedInput when it ends too early."""
    if not request.can_read_body:
        return b""
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if coding != "identity":
        # Nothing is ever decompressed: a few kilobytes can hold gigabytes.
        raise MediaRefused(f"Content-Encoding {shown(coding)}")
    if (request.content_length or 0) > bytes_max:
        raise BodyTooLarge(f"{request.content_length} 字节，最多 {bytes_max} 字节")
    body = bytearray()
    try:
        async with asyncio.timeout(seconds_max):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > bytes_max:
                    raise BodyTooLarge(f"超过 {bytes_max} 字节")
    except TimeoutError as error:
        raise BodyTooSlow(f"{seconds_max:g} 秒内没有收完") from error
    except (ConnectionError, web.RequestPayloadError) as error:
        raise MalformedInput("请求体不完整") from error
    return bytes(body)


def parsed_json(body: bytes) -> object:
    """A JSON body, strictly read. Raises SnmsRefusal, which names the fault."""
    if not body:
        raise SnmsRefusal("缺少请求体")
    try:
        document: object = orjson.loads(body)
        loose = None if is_surely_strict(body, document) else looseness(body.decode())
    except orjson.JSONDecodeError as error:
        raise SnmsRefusal(f"请求体不是有效的JSON: {shown(str(error))}") from None
    except RecursionError:
        raise SnmsRefusal("请求体的JSON嵌套过深") from None
    if loose is not None:
        raise SnmsRefusal(f"请求体不是有效的JSON: {loose.pointer} {loose.detail}")
    return document


def _parsed(route: SnmsRoute, call: SnmsCall, body: bytes) -> SnmsCall:
    is_read = route.reads is Reads.JSON or (route.reads is Reads.OPTIONAL_JSON and body)
    return replace(call, body=parsed_json(body)) if is_read else call
