"""GET /api/site: where this node answers, as HS_SITE has it (handle-protocol.md §1.5, §2)."""

import orjson
from aiohttp import web

from idnode.frontends.boundary import ROUTE
from idnode.frontends.rest.parameters import Presentation
from idnode.frontends.rest.replies import Reply, not_supported_reply, options_response, respond
from idnode.resolver.prefix_records import OwnSite

PATH = "/api/site"
NO_ADDRESS = "this node knows no address that it could tell (IDNODE_SITE_ADDRESS)"


class SiteApi:
    """One endpoint."""

    def __init__(self, own_site: OwnSite) -> None:
        self._own_site = own_site

    def routes(self) -> list[web.RouteDef]:
        """To be mounted before what answers for the rest of /api."""
        return [web.route("*", PATH, self._serve)]

    async def _serve(self, request: web.Request) -> web.Response:
        request[ROUTE] = "handle-rest"
        if request.method == "OPTIONS":
            return options_response(request)
        if request.method not in ("GET", "HEAD", "POST"):
            return _respond(request, not_supported_reply(f"{request.method} is not served"))
        site = self._own_site()
        document = None if site is None else site.to_json()
        return _respond(
            request, not_supported_reply(NO_ADDRESS) if document is None else Reply(200, orjson.dumps(document))
        )


def _respond(request: web.Request, reply: Reply) -> web.Response:
    return respond(reply, request, Presentation.of(list(request.query.items())))
