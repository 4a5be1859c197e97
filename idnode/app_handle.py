"""The composition root of the Handle REST interface."""

from aiohttp import web

from idnode.app_services import Services
from idnode.frontends.rest.handles import HandleRest


def compose_handle_rest(services: Services) -> list[web.RouteDef]:
    """Reading, and the proxy; the last route takes every path that can be an identifier."""
    return HandleRest(services.resolver, services.authentication).routes()
