"""The way of a /v1 request: authenticate, authorise, parse, act; kept answers for Idempotency-Key, conditions."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

from pydantic import BaseModel

from idnode.frontends.answer import Answer
from idnode.frontends.authentication import Authentication, bearer_secret
from idnode.frontends.bodies import parse_body, parse_members
from idnode.frontends.problems import CONTENT_TYPE, kind_of, problem_json
from idnode.frontends.targets import decode_percent, query_members, require_no_fragment
from idnode.frontends.v1.answers import VARY, answer_of
from idnode.frontends.v1.conditions import (
    expected_version_of,
    fingerprint,
    idempotency_key_of,
    is_not_modified,
    single,
)
from idnode.frontends.v1.incoming import Incoming
from idnode.frontends.v1.plain_registration import plain_registration
from idnode.frontends.v1.routes import Call, Receive, Received, Route, Stream, Streamed, WriteQuery
from idnode.frontends.v1.schemas.identifiers import IdentifierIn
from idnode.frontends.v1.sealing import Sealing
from idnode.model.access import ApiKey
from idnode.model.change import Trace
from idnode.model.errors import (
    IdempotencyMisused,
    IdnodeError,
    InvalidInput,
    NotAuthenticated,
    Violation,
    shown,
)
from idnode.registry.commands import Asked
from idnode.registry.metrics import RegistryCounters
from idnode.storage.idempotency import Claim, ClaimTaken, IdempotencyStore, KeptAnswer, KeptClaim


class Dispatcher:
    """Serves the rows of the route table. `now` is the clock."""

    def __init__(
        self,
        authentication: Authentication,
        idempotency: IdempotencyStore,
        counters: RegistryCounters,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._authentication = authentication
        self._idempotency = idempotency
        self._counters = counters
        self._now = now

    async def serve(self, route: Route, incoming: Incoming) -> Answer:
        """Answer one request by one route."""
        key, authorization = await self._known(route, incoming)
        if route.receive is not None:
            return await self._serve_received(route, incoming, key, authorization, route.receive)
        body = incoming.body if isinstance(incoming.body, bytes) else await incoming.body()
        if route.is_write and key is not None and authorization is not None:
            return answer_of(await self._write(route, incoming, key, authorization, body))
        call = Call(
            key, _path(route, incoming), _query(route, incoming), _parsed(route, body), None, None, incoming.client
        )
        return _conditional(await route.act(call), incoming.headers("If-None-Match"))

    async def begin_stream(self, route: Route, incoming: Incoming, stream: Stream) -> Streamed:
        """The answer of a route that streams, before its first piece; raises what a refusal raises."""
        key, _ = await self._known(route, incoming)
        body = incoming.body if isinstance(incoming.body, bytes) else await incoming.body()
        call = Call(
            key, _path(route, incoming), _query(route, incoming), _parsed(route, body), None, None, incoming.client
        )
        return await stream(call, incoming.headers)

    async def _serve_received(
        self, route: Route, incoming: Incoming, key: ApiKey | None, authorization: str | None, receive: Receive
    ) -> Answer:
        """A body of any length is taken in first; its SHA-256 stands for it in the fingerprint."""
        if key is None or authorization is None or incoming.pieces is None:
            raise NotAuthenticated("this route takes an API key: send `Authorization: Bearer <key>`")
        received = await receive(_query(route, incoming), incoming.headers, incoming.pieces())
        try:
            return answer_of(await self._write(route, incoming, key, authorization, received.sha256, received))
        finally:
            await received.give_up()

    async def _known(self, route: Route, incoming: Incoming) -> tuple[ApiKey | None, str | None]:
        """Who asks, and by which header. Raises NotAuthenticated, Forbidden."""
        exchange = incoming.exchange
        exchange.route = route.name
        authorization = single("Authorization", incoming.headers("Authorization"))
        key = await self._authentication.key_of(authorization)
        if key is not None:
            exchange.actor = str(key.id)
        if route.roles is not None:
            if key is None:
                raise NotAuthenticated("this route takes an API key: send `Authorization: Bearer <key>`")
            key.require_role(route.roles)
        return key, authorization

    async def _write(
        self,
        route: Route,
        incoming: Incoming,
        key: ApiKey,
        authorization: str,
        body: bytes,
        received: Received | None = None,
    ) -> KeptAnswer:
        headers, exchange = incoming.headers, incoming.exchange
        idempotency_key = idempotency_key_of(single("Idempotency-Key", headers("Idempotency-Key")))
        if_match = single("If-Match", headers("If-Match"))
        query = _query(route, incoming)
        asked = Asked(
            key=key,
            trace=Trace(exchange.actor or str(key.id), exchange.request_id, self._now()),
            # What is received is only tried in the background; its answer is the usual one.
            dry_run=received is None and isinstance(query, WriteQuery) and query.dry_run,
            expected_version=expected_version_of(if_match),
        )
        path, client = _path(route, incoming), incoming.client
        if idempotency_key is None or asked.dry_run:
            call = Call(key, path, query, _parsed(route, body), asked, None, client, received)
            return _tried(await route.act(call), asked)
        claim = Claim(
            owner=key.id,
            token=hashlib.sha256(idempotency_key.encode()).digest(),
            fingerprint=fingerprint(exchange.method, incoming.target, if_match, body),
        )
        sealing = Sealing(bearer_secret(authorization), key.id, idempotency_key)
        # Looked up before the body is read: that a key was used for another request is said whatever came instead.
        kept = await self._kept(claim, sealing)
        if kept is None:
            claiming = asked._replace(claim=claim)
            call = Call(key, path, query, _parsed(route, body), claiming, sealing, client, received)
            kept = await self._act_once(route, call, claim, sealing)
        return kept

    async def _act_once(self, route: Route, call: Call, claim: Claim, sealing: Sealing) -> KeptAnswer:
        """Act, unless another request with the same key is faster; a refusal is kept as well as a success."""
        try:
            return await route.act(call)
        except ClaimTaken:
            pass
        except IdnodeError as refusal:
            if refusal.is_retryable or kind_of(refusal).status >= 500:
                raise
            answer = KeptAnswer(kind_of(refusal).status, CONTENT_TYPE, None, None, problem_json(refusal))
            try:
                await self._idempotency.keep(KeptClaim(claim, answer, self._now()))
            except ClaimTaken:
                pass
            else:
                return answer
        kept = await self._kept(claim, sealing)
        if kept is None:
            raise IdempotencyMisused("the answer kept for this Idempotency-Key was just forgotten; use a new key")
        return kept

    async def _kept(self, claim: Claim, sealing: Sealing) -> KeptAnswer | None:
        found = await self._idempotency.find(claim)
        if found is None:
            return None
        used_for, answer = found
        if used_for != claim.fingerprint:
            detail = "was used before for another request (method, path, If-Match and body must be the same)"
            violation = Violation("Idempotency-Key", "idempotency-key-reused", detail, shown(sealing.idempotency_key))
            raise IdempotencyMisused(f"Idempotency-Key {detail}", violations=(violation,))
        self._counters.replayed += 1
        if answer.sealed_body is None:
            return answer
        return replace(answer, body=sealing.unseal(answer.sealed_body))


def _parsed(route: Route, body: bytes) -> BaseModel | None:
    """The body as the route's model, None for a route without one. Raises MalformedInput, InvalidInput."""
    if route.receive is not None:
        return None
    if route.body is None:
        if body:
            detail = "this route takes no body"
            raise InvalidInput.of([Violation("", "no-body", detail, f"{len(body)} bytes", "0 bytes")])
        return None
    if route.body is IdentifierIn:
        plain = plain_registration(body)
        if plain is not None:
            return plain
    return route.body() if route.is_body_optional and not body else parse_body(route.body, body)


def _path(route: Route, incoming: Incoming) -> dict[str, str]:
    """Path parameters, percent-decoded once from the raw target, so that %2F and / mean the same and %252F does not."""
    require_no_fragment(incoming.raw_fragment)
    if "{" not in route.path:
        return {}
    # A route has one parameter, the rest of its path, or parameters that are one segment each.
    steps = route.path.split("/")
    parts = incoming.raw_path.split("/", len(steps) - 1)
    return {step[1:-1]: decode_percent(part) for step, part in zip(steps, parts, strict=False) if step.startswith("{")}


def _query(route: Route, incoming: Incoming) -> BaseModel:
    raw = incoming.raw_query
    return parse_members(route.query, query_members(raw)) if raw else _empty_query(route.query)


@cache
def _empty_query(model: type[BaseModel]) -> BaseModel:
    """The one for everybody who sends none: nobody changes it. Raises InvalidInput where a parameter is required."""
    return parse_members(model, {})


def _tried(answer: KeptAnswer, asked: Asked) -> KeptAnswer:
    """A dry run answers 200 with what would stand; there is nothing to point a Location or an ETag at."""
    return replace(answer, status=200, etag=None, location=None) if asked.dry_run else answer


def _conditional(answer: KeptAnswer, if_none_match: Sequence[str]) -> Answer:
    if if_none_match and is_not_modified(if_none_match[0], answer.etag):
        return Answer(304, (("ETag", answer.etag or ""), ("Vary", VARY)), b"")
    return answer_of(answer)
