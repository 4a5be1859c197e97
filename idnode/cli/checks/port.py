"""The port: free, or held by an idnode."""

import errno

import aiohttp

from idnode.cli.checks.finding import Finding, fail, ok
from idnode.config import Settings
from idnode.lifecycle import CannotStart, listening_socket

PROBE_SECONDS_MAX = 3.0
ALIVE = "alive"
"""What /livez of an idnode says."""


async def check_port(settings: Settings) -> Finding:
    """Listens on the port for a moment; where it is taken, asks who is there."""
    try:
        listening_socket(settings.http_host, settings.http_port).close()
    except CannotStart as error:
        return await _holder(settings, error)
    return ok("port", f"{settings.http_host} port {settings.http_port} is free")


async def _holder(settings: Settings, error: CannotStart) -> Finding:
    cause = error.__cause__
    if not isinstance(cause, OSError) or cause.errno != errno.EADDRINUSE:
        return fail(
            "port",
            error.detail,
            "set IDNODE_HTTP_HOST to an address of this machine, IDNODE_HTTP_PORT to a port it may use",
        )
    url = settings.own_url
    if await _is_idnode(url):
        return ok("port", f"{settings.http_port} is held by an idnode that answers at {url}")
    advice = f"set IDNODE_HTTP_PORT, or end the program: ss -ltnp 'sport = :{settings.http_port}'"
    return fail("port", f"{settings.http_port} is held by another program", advice)


async def _is_idnode(url: str) -> bool:
    timeout = aiohttp.ClientTimeout(total=PROBE_SECONDS_MAX)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{url}/livez") as response:
            document: object = await response.json()
    except (aiohttp.ClientError, OSError, ValueError):
        return False
    return document == {"status": ALIVE}
