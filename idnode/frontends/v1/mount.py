"""Puts the route table, its OpenAPI document and the documentation page into an aiohttp application."""

from collections.abc import Callable, Sequence

import orjson
from aiohttp import web

from idnode import __version__
from idnode.frontends.answer import response_of
from idnode.frontends.boundary import ROUTE
from idnode.frontends.v1.dispatch import Dispatcher
from idnode.frontends.v1.docs_page import CONTENT_SECURITY_POLICY, docs_page
from idnode.frontends.v1.incoming import incoming_of
from idnode.frontends.v1.openapi import openapi_document
from idnode.frontends.v1.routes import Route
from idnode.frontends.v1.streaming import stream_out


def v1_routes(
    table: Sequence[Route], dispatcher: Dispatcher, *, client_of: Callable[[web.Request], str], body_seconds_max: float
) -> list[web.RouteDef]:
    """One aiohttp route for each row, and two for the descriptions. A body has `body_seconds_max` to arrive."""
    document = openapi_document(table, version=__version__)
    json, page = orjson.dumps(document), docs_page(document)

    async def openapi(request: web.Request) -> web.Response:
        request[ROUTE] = "openapi"
        return web.Response(body=json, content_type="application/json")

    async def docs(request: web.Request) -> web.Response:
        request[ROUTE] = "docs"
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        return web.Response(text=page, content_type="text/html", headers=headers)

    def route(row: Route) -> web.RouteDef:
        async def handler(request: web.Request) -> web.StreamResponse:
            incoming = incoming_of(request, client_of=client_of, body_seconds_max=body_seconds_max)
            if row.stream is not None:
                return await stream_out(request, await dispatcher.begin_stream(row, incoming, row.stream))
            return response_of(await dispatcher.serve(row, incoming))

        # An identifier may hold slashes: its parameter takes the rest of the path, line ends too, which it refuses by
        # name.
        pattern = row.path.replace("{identifier}", "{identifier:(?s:.+)}")
        return web.get(pattern, handler) if row.method == "GET" else web.route(row.method, pattern, handler)

    return [web.get("/v1/openapi.json", openapi), web.get("/v1/docs", docs), *map(route, table)]
