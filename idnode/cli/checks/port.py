"""The ports: free, or held by an idnode."""

import errno
import socket

import aiohttp

from idnode.cli.checks.finding import Finding, fail, ok, warn
from idnode.config import Settings
from idnode.lifecycle import RECEIVE_BYTES, CannotStart, listening_socket, receiving_socket

PROBE_SECONDS_MAX = 3.0
_NATIVE = "IDNODE_NATIVE_PORT"
ALIVE = "alive"
"""What /livez of an idnode says."""


async def check_port(settings: Settings) -> Finding:
    """Listens on the port for a moment; where it is taken, asks who is there."""
    try:
        listening_socket(settings.http_host, settings.http_port).close()
    except CannotStart as error:
        return await _holder(settings, error)
    return ok("port", f"{settings.http_host} port {settings.http_port} is free")


async def check_native_port(settings: Settings) -> list[Finding]:
    """The same of the native protocol, over TCP and UDP; nothing to say where it is off."""
    host, port = settings.http_host, settings.native_port
    if not port:
        return []
    try:
        listening_socket(host, port, setting=_NATIVE).close()
        with receiving_socket(host, port, setting=_NATIVE) as receiver:
            buffer_bytes = receiver.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    except CannotStart as error:
        if _is_taken(error) and await _is_idnode(settings.own_url):
            return [ok("native port", f"{port} is held, and an idnode answers at {settings.own_url}")]
        advice = f"set IDNODE_NATIVE_PORT, 0 turns it off; who has it: ss -lnptu 'sport = :{port}'"
        return [fail("native port", error.detail, advice)]
    if buffer_bytes < RECEIVE_BYTES:
        found = f"{host} port {port} is free; {buffer_bytes:,} bytes of datagrams may wait there"
        return [warn("native port", found, f"sysctl -w net.core.rmem_max={RECEIVE_BYTES}")]
    return [ok("native port", f"{host} port {port} is free, over TCP and UDP")]


async def _holder(settings: Settings, error: CannotStart) -> Finding:
    if not _is_taken(error):
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


def _is_taken(error: CannotStart) -> bool:
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE


async def _is_idnode(url: str) -> bool:
    timeout = aiohttp.ClientTimeout(total=PROBE_SECONDS_MAX)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{url}/livez") as response:
            document: object = await response.json()
    except (aiohttp.ClientError, OSError, ValueError):
        return False
    return document == {"status": ALIVE}
