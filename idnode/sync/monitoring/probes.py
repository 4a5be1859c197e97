"""Probes: resolve and register over HTTP as a client does, and call on the sites of enterprises. All have deadlines."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

import aiohttp
import orjson

from idnode import __version__
from idnode.model.errors import IdnodeError
from idnode.storage.monitoring import NODE, SITE, HostedIdentifier, ProbeKind, Site
from idnode.storage.monitoring_events import EventKind
from idnode.sync.monitoring.judging import Fault, Probed

PROBE_SECONDS_MAX = 5.0
CONNECT_SECONDS_MAX = 4.0
"""Shorter, so that a host that does not answer is told from a node that does not."""
PROBES_AT_ONCE_MAX = 8
ANSWER_BYTES_MAX = 1 << 20
RESPONSE_CODE_SUCCESS = 1

_NO_KEY = Fault(EventKind.SYSTEM, "no API key to register with")
_NO_HANDLE_ANSWER = Fault(EventKind.OTHER, "no answer of the Handle interface")
_TOO_LATE = Fault(EventKind.SYSTEM, "no answer in time")
_NO_CONNECTION = Fault(EventKind.NETWORK, "no connection in time")
_CONNECTION_LOST = Fault(EventKind.NETWORK, "connection lost")
_CANNOT_CONNECT = Fault(EventKind.NETWORK, "cannot connect")
_NO_HTTP = Fault(EventKind.OTHER, "no answer in HTTP")


class Credential(Protocol):
    """An API key that may write the node's own prefix."""

    async def secret(self) -> str:
        """Raises IdnodeError when there is none to be had now."""

    def discard(self) -> None:
        """It was refused: the next secret is another one."""


class Prober:
    """Probes one node from `points` (base URLs of it, one at least) and the sites of enterprises.

    Point n (from 1) registers and resolves `{own}/probe-n`: made in the first round, given a new value in every later
    one, so that an answer from a cache is not what is seen. A probe may take `seconds_max`; `nanoseconds` times it.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        points: Sequence[str],
        credential: Credential,
        *,
        own: str,
        nanoseconds: Callable[[], int],
        seconds_max: float = PROBE_SECONDS_MAX,
    ) -> None:
        self._session = session
        self._points = tuple(point.rstrip("/") for point in points)
        self._credential = credential
        self._own = own
        self._nanoseconds = nanoseconds
        self._seconds_max = seconds_max
        self._at_once = asyncio.Semaphore(PROBES_AT_ONCE_MAX)
        self._rounds = 0

    async def probe(self, sites: Sequence[Site], hosted: HostedIdentifier | None) -> list[Probed]:
        """One round: every point, every site given, and one identifier of a hosted prefix."""
        self._rounds += 1
        secret = await self._secret()
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(self._point(url, f"{self._own}/probe-{number}", secret))
                for number, url in enumerate(self._points, 1)
            ]
            running += [tasks.create_task(self._site(site)) for site in sites]
            if hosted is not None:
                running.append(tasks.create_task(self._hosted(hosted)))
        return [probed for task in running for probed in task.result()]

    async def _secret(self) -> str | None:
        """Before the round, so that no probe is timed with the making of a key; it waits for the database at most."""
        try:
            return await self._credential.secret()
        except IdnodeError:
            return None

    async def _point(self, url: str, identifier: str, secret: str | None) -> list[Probed]:
        async with self._at_once:
            registration = await self._timed(self._register(url, identifier, secret))
            resolution = await self._timed(self._resolve(url, identifier))
        return [
            Probed(url, ProbeKind.REGISTRATION, NODE, *registration),
            Probed(url, ProbeKind.RESOLUTION, NODE, *resolution),
        ]

    async def _hosted(self, hosted: HostedIdentifier) -> list[Probed]:
        url = self._points[self._rounds % len(self._points)]
        async with self._at_once:
            found = await self._timed(self._resolve(url, hosted.identifier))
        return [Probed(url, ProbeKind.RESOLUTION, hosted.prefix, *found)]

    async def _site(self, site: Site) -> list[Probed]:
        async with self._at_once:
            found = await self._timed(_connect(site))
        return [Probed(SITE, ProbeKind.RESOLUTION, site.prefix, *found)]

    async def _timed(self, probe: Awaitable[Fault | None]) -> tuple[int, Fault | None]:
        """Microseconds until the answer was there, and why it was none."""
        began = self._nanoseconds()
        try:
            async with asyncio.timeout(self._seconds_max):
                fault = await probe
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: a URL that aiohttp cannot take
            fault = _fault_of(error)
        return (self._nanoseconds() - began) // 1_000, fault

    async def _register(self, url: str, identifier: str, secret: str | None) -> Fault | None:
        if secret is None:
            return _NO_KEY
        headers = {"Authorization": f"Bearer {secret}"}
        values = [{"index": 1, "type": "DESC", "data": {"format": "string", "value": f"probe {self._nanoseconds()}"}}]
        status, _ = await self._ask("PUT", f"{url}/v1/identifiers/{identifier}", {"values": values}, headers)
        if status == 404:
            form = {"identifier": identifier, "values": values}
            status, _ = await self._ask("POST", f"{url}/v1/identifiers", form, headers)
        if status == 401:
            self._credential.discard()
        return None if status in (200, 201) else _refused(status)

    async def _resolve(self, url: str, identifier: str) -> Fault | None:
        status, body = await self._ask("GET", f"{url}/api/handles/{identifier}", None, {})
        if status != 200:
            return _refused(status)
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            return _NO_HANDLE_ANSWER
        is_success = isinstance(answer, dict) and answer.get("responseCode") == RESPONSE_CODE_SUCCESS
        return None if is_success else _NO_HANDLE_ANSWER

    async def _ask(self, method: str, url: str, document: object, headers: dict[str, str]) -> tuple[int, bytes]:
        body = None if document is None else orjson.dumps(document)
        sent = {**headers, "Content-Type": "application/json"} if body else headers
        # A redirect could lead the key to another host.
        async with self._session.request(method, url, data=body, headers=sent, allow_redirects=False) as response:
            received = bytearray()
            async for chunk in response.content.iter_chunked(1 << 16):
                received += chunk
                if len(received) > ANSWER_BYTES_MAX:
                    raise aiohttp.ClientPayloadError
            return response.status, bytes(received)


def probing_session() -> aiohttp.ClientSession:
    """Every probe makes a connection of its own, as a new client would."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True, limit=PROBES_AT_ONCE_MAX),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS_MAX),
        headers={"User-Agent": f"idnode-probe/{__version__}"},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def _connect(site: Site) -> Fault | None:
    """Every TCP port accepts a connection."""
    for port in site.ports:
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                _, writer = await asyncio.open_connection(site.ip, port)
        except TimeoutError:
            return _NO_CONNECTION
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    return None


def _refused(status: int) -> Fault:
    return Fault(EventKind.SYSTEM if status >= 500 else EventKind.OTHER, f"HTTP {status}")


def _fault_of(error: Exception) -> Fault:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return _NO_CONNECTION
    if isinstance(error, TimeoutError):
        return _TOO_LATE
    if isinstance(error, aiohttp.ClientConnectorError):
        # Its own words hold the address.
        number = error.os_error.errno
    else:
        number = error.errno if isinstance(error, OSError) else None
    if number is not None and number > 0:
        return Fault(EventKind.NETWORK, os.strerror(number).lower())
    if isinstance(error, aiohttp.ClientConnectorError):
        return _CANNOT_CONNECT
    if isinstance(error, OSError | aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
        return _CONNECTION_LOST
    return _NO_HTTP
