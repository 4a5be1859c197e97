"""An answer of any length on its way out: piece by piece, no faster than the client takes it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog
from aiohttp import web

from idnode.frontends.answer import SERVER
from idnode.frontends.boundary import EXCHANGE
from idnode.frontends.request_ids import HEADER
from idnode.frontends.v1.answers import VARY
from idnode.frontends.v1.routes import Streamed
from idnode.model.errors import IdnodeError

PIECE_SECONDS_MAX = 60.0
"""A client that takes nothing for so long is let go of, and what is held for it."""

log = structlog.get_logger("idnode.http")


async def stream_out(request: web.Request, streamed: Streamed) -> web.StreamResponse:
    """Send it. Once it has begun, a failure can only be told by breaking the connection off."""
    exchange = request[EXCHANGE]
    headers = [("Server", SERVER), (HEADER, exchange.request_id), ("Vary", VARY), *streamed.headers]
    response = web.StreamResponse(headers=[*headers, ("Content-Type", streamed.content_type)])
    async with aclosing(streamed.pieces) as pieces:
        try:
            await response.prepare(request)
            await _send(response, pieces)
        except IdnodeError as error:
            log.warning("stream_broken", code=error.code, detail=error.detail, request_id=exchange.request_id)
            _break_off(request)
        except (ConnectionError, TimeoutError):
            _break_off(request)
    return response


async def _send(response: web.StreamResponse, pieces: AsyncGenerator[bytes, None]) -> None:
    async for piece in pieces:
        async with asyncio.timeout(PIECE_SECONDS_MAX):
            await response.write(piece)
    async with asyncio.timeout(PIECE_SECONDS_MAX):
        await response.write_eof()


def _break_off(request: web.Request) -> None:
    """Without the last chunk the client knows that it has not got everything."""
    if request.transport is not None:
        request.transport.abort()
