"""/api/handles?prefix=: the handles of a prefix, a page or all, sent as they are read (handle-protocol.md §2)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import orjson
import structlog
from aiohttp import web

from idnode.frontends.boundary import REQUEST_ID, ROUTE
from idnode.frontends.rest.doorkeeper import Doorkeeper
from idnode.frontends.rest.parameters import Pairs, Presentation
from idnode.frontends.rest.replies import (
    JSON_TYPE,
    cors_headers,
    not_supported_reply,
    options_response,
    respond,
    write_refusal_reply,
)
from idnode.model.errors import IdnodeError, MalformedInput, NotAuthenticated, Violation, shown
from idnode.model.identifier import Prefix, fold
from idnode.model.limits import VALUE_INDEX_MAX
from idnode.model.prefix_registration import RECORDS_OF_PREFIXES
from idnode.registry.handle_records import HandleRecords

_RECORDS = RECORDS_OF_PREFIXES.folded + "/"

log = structlog.get_logger("idnode.http")


@dataclass(frozen=True, slots=True)
class ListRequest:
    """`text` is the prefix as asked; without a page size, or with 0, everything."""

    text: str
    prefix: Prefix
    page: int
    page_size: int

    @classmethod
    def of(cls, pairs: Pairs) -> "ListRequest":
        """Raises MalformedInput, InvalidPrefix."""
        text = next((text for name, text in pairs if name == "prefix"), "")
        if not text:
            raise _refused("prefix", "required", "send the parameter prefix, such as prefix=88.118.8")
        # §1.3: asked for as `0.NA/88.118.8`, or as `88.118.8`.
        prefix = Prefix.parse(text[len(_RECORDS) :] if fold(text).startswith(_RECORDS) else text)
        return cls(text, prefix, _number(pairs, "page"), _number(pairs, "pageSize"))

    @property
    def past(self) -> int:
        """How many come before the page."""
        return self.page * self.page_size


class HandleLists:
    """Takes the permission to list."""

    def __init__(self, records: HandleRecords, doorkeeper: Doorkeeper) -> None:
        self._records = records
        self._doorkeeper = doorkeeper

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET of /api/handles."""
        request[ROUTE] = "handle-list"
        if request.method == "OPTIONS":
            return options_response(request)
        pairs = list(request.query.items())
        is_secret = self._doorkeeper.is_secret(request)
        try:
            if request.method not in ("GET", "HEAD"):
                reply = not_supported_reply(f"{request.method} of a list is not served")
                return respond(reply, request, Presentation.of(pairs), is_secret=is_secret)
            wanted = ListRequest.of(pairs)
            await self._records.require_here(wanted.prefix)
            await self._records.require_may_list(wanted.prefix, await self._doorkeeper.require(request))
            total = await self._records.count(wanted.prefix)
        except NotAuthenticated as error:
            reply = write_refusal_reply(error, None)
            if is_secret:
                reply = replace(reply, challenges=await self._doorkeeper.challenges(error))
            return respond(reply, request, Presentation.of(pairs), is_secret=is_secret)
        except IdnodeError as error:
            return respond(write_refusal_reply(error, None), request, Presentation.of(pairs), is_secret=is_secret)
        return await self._stream(request, wanted, total)

    async def _stream(self, request: web.Request, wanted: ListRequest, total: int) -> web.StreamResponse:
        headers = (*cors_headers(request.headers.get("Origin")), ("Content-Type", JSON_TYPE))
        response = web.StreamResponse(headers=dict(headers))
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        try:
            async for piece in self._pieces(wanted, total):
                await response.write(piece)
            await response.write_eof()
        except IdnodeError as error:
            # What is cut off must not look like the end.
            log.warning("list_broken_off", code=error.code, detail=error.detail, request_id=request.get(REQUEST_ID))
            response.force_close()
            if request.transport is not None:
                request.transport.close()
        return response

    async def _pieces(self, wanted: ListRequest, total: int) -> AsyncIterator[bytes]:
        head = orjson.dumps(
            {
                "responseCode": 1,
                "prefix": wanted.text,
                "totalCount": str(total),
                "page": wanted.page,
                "pageSize": wanted.page_size,
            }
        )
        yield head[:-1] + b',"handles":['
        separator = b""
        limit = wanted.page_size or None
        async for handles in self._records.handles(wanted.prefix, past=wanted.past, limit=limit):
            yield separator + orjson.dumps(handles)[1:-1]
            separator = b","
        yield b"]}"


def _number(pairs: Pairs, name: str) -> int:
    text = next((text for given, text in pairs if given == name), "0")
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) > VALUE_INDEX_MAX:
        raise _refused(name, "range", f"{name} must be a number of at most {VALUE_INDEX_MAX}, not '{shown(text)}'")
    return int(text)


def _refused(name: str, rule: str, detail: str) -> MalformedInput:
    return MalformedInput(detail, violations=(Violation(name, rule, detail),))
