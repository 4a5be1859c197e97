"""PUT and DELETE of /api/handles/{handle}: parse, ask who it is, write, answer (handle-protocol.md §2)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog
from aiohttp import web

from idnode.frontends.boundary import REQUEST_ID
from idnode.frontends.rest.doorkeeper import Doorkeeper
from idnode.frontends.rest.incoming import body_of
from idnode.frontends.rest.parameters import Pairs, Presentation
from idnode.frontends.rest.replies import Reply, respond, write_refusal_reply, written_reply
from idnode.frontends.rest.target import handle_in
from idnode.frontends.rest.writing import PutParameters, indexes_of, values_of
from idnode.model.errors import IdnodeError, NotAuthenticated
from idnode.registry.handle_admin import handle_of
from idnode.registry.handle_records import Circumstances, HandleRecords

log = structlog.get_logger("idnode.http")


class HandleAdministration:
    """`now` is the clock, `new_suffix` gives what mintNewSuffix appends."""

    def __init__(
        self,
        records: HandleRecords,
        doorkeeper: Doorkeeper,
        *,
        now: Callable[[], datetime],
        new_suffix: Callable[[], UUID],
    ) -> None:
        self._records = records
        self._doorkeeper = doorkeeper
        self._now = now
        self._new_suffix = new_suffix

    async def put(self, request: web.Request) -> web.Response:
        """Create or replace a record, or add values to it."""
        return await self._answered(request, self._put)

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a record, or the values that `index` names."""
        return await self._answered(request, self._delete)

    async def _put(self, request: web.Request, handle: str, pairs: Pairs) -> Reply:
        parameters = PutParameters.of(pairs)
        if parameters.mints:
            handle += str(self._new_suffix())
        identifier = handle_of(handle)
        values = values_of(await body_of(request), request.content_type, handle, now=self._now())
        parameters.require_fit(values)
        if not parameters.adds and not parameters.overwrites:
            # §1.6: that it exists is said before anybody is asked who he is.
            await self._records.require_absent(identifier)
        circumstances = await self._circumstances(request)
        write = self._records.add if parameters.adds else self._records.create
        written = await write(identifier, values, circumstances, overwrites=parameters.overwrites)
        return written_reply(handle, status=200 if written.has_overwritten else 201)

    async def _delete(self, request: web.Request, handle: str, pairs: Pairs) -> Reply:
        indexes = frozenset(indexes_of(pairs))
        identifier = handle_of(handle)
        circumstances = await self._circumstances(request)
        if indexes:
            await self._records.remove(identifier, indexes, circumstances)
        else:
            await self._records.delete(identifier, circumstances)
        return written_reply(handle, status=200)

    async def _circumstances(self, request: web.Request) -> Circumstances:
        return Circumstances(await self._doorkeeper.require(request), request[REQUEST_ID])

    async def _answered(
        self, request: web.Request, act: Callable[[web.Request, str, Pairs], Awaitable[Reply]]
    ) -> web.Response:
        pairs: Pairs = list(request.query.items())
        handle = None
        is_secret = self._doorkeeper.is_secret(request)
        try:
            handle = handle_in(request.rel_url.raw_path, steps_before=2)
            reply = await act(request, handle, pairs)
        except NotAuthenticated as error:
            reply = write_refusal_reply(error, handle)
            if is_secret:
                reply = replace(reply, challenges=await self._doorkeeper.challenges(error))
        except IdnodeError as error:
            reply = write_refusal_reply(error, handle)
            if reply.status >= 500:
                log.warning("request_failed", code=error.code, detail=error.detail, request_id=request.get(REQUEST_ID))
        return respond(reply, request, Presentation.of(pairs), is_secret=is_secret)
