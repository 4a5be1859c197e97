"""The composition root of the SNMS interface."""

from aiohttp import web

from idnode.app_services import Services


def compose_snms_identifiers(_: Services) -> list[web.RouteDef]:
    """Tokens, identifiers, batches and templates."""
    return []


def compose_snms_enterprises(_: Services) -> list[web.RouteDef]:
    """Prefixes, hosting, applications of enterprises, files."""
    return []
