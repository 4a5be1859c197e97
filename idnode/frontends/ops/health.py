"""/livez: the process answers. /readyz: it can do its work, and says what is in the way when it cannot."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from idnode.frontends.boundary import ROUTE
from idnode.model.errors import Unavailable
from idnode.storage.database import Database

PROBE_SECONDS_MAX = 2.0


class Health:
    """Liveness and readiness. `is_draining` tells that the node is going down."""

    def __init__(self, database: Database, *, is_draining: Callable[[], bool]) -> None:
        self._database = database
        self._is_draining = is_draining

    def routes(self) -> list[web.RouteDef]:
        """The two probes."""
        return [web.get("/livez", self.livez), web.get("/readyz", self.readyz)]

    async def livez(self, request: web.Request) -> web.Response:
        """200 as long as the event loop turns."""
        request[ROUTE] = "livez"
        return web.json_response({"status": "alive"})

    async def readyz(self, request: web.Request) -> web.Response:
        """200 when requests can be served, else 503 with the checks that failed."""
        request[ROUTE] = "readyz"
        checks = {"database": await self._database_state(), "node": "draining" if self._is_draining() else "ok"}
        ready = all(state == "ok" for state in checks.values())
        document = {"status": "ready" if ready else "not ready", "checks": checks}
        return web.json_response(document, status=200 if ready else 503)

    async def _database_state(self) -> str:
        try:
            async with asyncio.timeout(PROBE_SECONDS_MAX):
                await self._database.ping()
        except (Unavailable, TimeoutError) as error:
            return str(error) or "no answer in time"
        return "ok"
