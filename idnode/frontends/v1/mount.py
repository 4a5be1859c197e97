"""Puts the route table, its OpenAPI document and the documentation page into an aiohttp application."""

from collections.abc import Sequence

import orjson
from aiohttp import web

from idnode import __version__
from idnode.frontends.boundary import ROUTE
from idnode.frontends.v1.dispatch import Dispatcher
from idnode.frontends.v1.docs_page import CONTENT_SECURITY_POLICY, docs_page
from idnode.frontends.v1.openapi import openapi_document
from idnode.frontends.v1.routes import Route


def v1_routes(table: Sequence[Route], dispatcher: Dispatcher) -> list[web.RouteDef]:
    """One aiohttp route for each row, and two for the descriptions."""
    document = openapi_document(table, version=__version__)
    json, page = orjson.dumps(document), docs_page(document)

    async def openapi(request: web.Request) -> web.Response:
        request[ROUTE] = "openapi"
        return web.Response(body=json, content_type="application/json")

    async def docs(request: web.Request) -> web.Response:
        request[ROUTE] = "docs"
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        return web.Response(text=page, content_type="text/html", headers=headers)

    return [
        web.get("/v1/openapi.json", openapi),
        web.get("/v1/docs", docs),
        *(_route(row, dispatcher) for row in table),
    ]


def _route(row: Route, dispatcher: Dispatcher) -> web.RouteDef:
    async def handler(request: web.Request) -> web.Response:
        return await dispatcher.serve(row, request)

    # An identifier may hold slashes: its parameter takes the rest of the path, line ends too, which it refuses by name.
    pattern = row.path.replace("{identifier}", "{identifier:(?s:.+)}")
    return web.get(pattern, handler) if row.method == "GET" else web.route(row.method, pattern, handler)
