"""Signed requests over HTTP to one top node: bounded in time and size, refusals as the errors of a transport."""

import gzip
import math
import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from io import BytesIO

import aiohttp
import structlog
from yarl import URL

from idnode import __version__
from idnode.model.errors import shown
from idnode.sync.transport import BatchRefused, TransportFailed, TransportThrottled
from idnode.wire.top_node.problems import Problem, read_problem
from idnode.wire.top_node.signing import Signer

CONNECT_SECONDS_MAX = 5.0
REQUEST_SECONDS_MAX = 30.0
WAIT_SECONDS_MORE = 10.0
"""How long after its wait an answer to a long poll may come."""
CONNECTIONS_MAX = 8
REPLY_BYTES_MAX = 256 << 20
"""The lines of a prefix and day are the longest: a million of them are about 130 MB."""
RETRY_AFTER_SECONDS_MAX = 300.0
RETRY_AFTER_SECONDS_DEFAULT = 1.0
CLOCK_SECONDS_OFF_MIN = 60.0
"""A refused request that was stamped this far from the top node's own clock is stamped anew by that clock."""
GZIP_LEVEL = 1
CREDENTIALS_ADVICE = "IDNODE_SYNC_APP_ID and IDNODE_SYNC_SECRET or IDNODE_SYNC_PRIVATE_KEY must be those that it knows"
ADDRESS_ADVICE = "is IDNODE_SYNC_URL its address?"

_REFUSES_THE_REQUEST = frozenset({400, 413, 422})
_CHUNK_BYTES = 1 << 16

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: `headers` do not care about case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Channel:
    """Requests to one top node over kept connections. `clock` gives seconds since 1970, `nonce` never the same twice.

    Without a signer requests are not signed. Raises TransportFailed, TransportThrottled and BatchRefused, and nothing
    else.
    """

    def __init__(
        self,
        url: str,
        *,
        signer: Signer | None,
        tls: ssl.SSLContext | None,
        clock: Callable[[], float],
        nonce: Callable[[], str],
        has_gzip: bool = False,
        seconds_max: float = REQUEST_SECONDS_MAX,
    ) -> None:
        self._url = url.rstrip("/")
        self._path = URL(self._url, encoded=True).raw_path.rstrip("/")
        self._origin = self._url.removesuffix(self._path)
        self._signer = signer
        self._tls = tls
        self._clock = clock
        self._nonce = nonce
        self._has_gzip = has_gzip
        self._seconds_max = seconds_max
        self._session: aiohttp.ClientSession | None = None
        self._clock_seconds_off = 0.0

    def now(self) -> float:
        """Seconds since 1970 by the top node's clock, as far as it is known to differ."""
        return self._clock() + self._clock_seconds_off

    async def ask(
        self,
        method: str,
        target: str,
        *,
        body: bytes = b"",
        media: str | None = None,
        wait_seconds: float = 0.0,
    ) -> Reply:
        """One request and its answer of status 200; `target` is path and query below the top node's address.

        The answer may come `wait_seconds` and WAIT_SECONDS_MORE later, where that is longer than any request may take.
        """
        seconds_max = max(self._seconds_max, wait_seconds + WAIT_SECONDS_MORE) if wait_seconds else self._seconds_max
        at = self.now()
        reply = await self._send(method, target, body, media, at, seconds_max)
        if reply.status == HTTPStatus.UNAUTHORIZED and self._learns_the_clock(reply, at):
            reply = await self._send(method, target, body, media, self.now(), seconds_max)
        if reply.status == HTTPStatus.OK:
            return reply
        raise self._refusal(reply)

    async def close(self) -> None:
        """Lets go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(
        self, method: str, target: str, body: bytes, media: str | None, at: float, seconds_max: float
    ) -> Reply:
        full = self._path + target or "/"
        headers = {} if media is None else {"Content-Type": media}
        if self._signer is not None:
            headers |= self._signer.headers(method, full, body, at=int(at), nonce=self._nonce())
        if body and self._has_gzip:
            body = gzip.compress(body, GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        timeout = aiohttp.ClientTimeout(total=seconds_max, connect=CONNECT_SECONDS_MAX)
        try:
            # A redirect could lead data and signatures to another host.
            async with self._opened().request(
                method,
                URL(self._origin + full, encoded=True),
                # In pieces, between which others have their turn.
                data=BytesIO(body) if body else None,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                return Reply(response.status, response.headers, await self._body(response))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TransportFailed(f"{method} {self._url}{_short(target)}: {_obstacle(error)}") from error

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            size += len(chunk)
            if size > REPLY_BYTES_MAX:
                raise TransportFailed(f"the answer is longer than {REPLY_BYTES_MAX} bytes")
            chunks.append(chunk)
        return b"".join(chunks)

    def _opened(self) -> aiohttp.ClientSession:
        # Made at the first request: a session wants the event loop that it will live in.
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=CONNECTIONS_MAX, ssl=self._tls if self._tls is not None else True, keepalive_timeout=60
            )
            headers = {"User-Agent": f"idnode/{__version__}"}
            # Cookies of one host; without `unsafe` those of a host named by its IP address would be dropped.
            cookies = aiohttp.CookieJar(unsafe=True)
            self._session = aiohttp.ClientSession(connector=connector, headers=headers, cookie_jar=cookies)
        return self._session

    def _learns_the_clock(self, reply: Reply, at: float) -> bool:
        """Whether the refused request was stamped by a clock that is far from the top node's; it is followed then."""
        told = _date(reply.headers.get("Date"))
        if told is None or abs(told - at) < CLOCK_SECONDS_OFF_MIN:
            return False
        self._clock_seconds_off = told - self._clock()
        log.warning("top_node_clock_differs", seconds=round(self._clock_seconds_off), url=self._url)
        return True

    def _refusal(self, reply: Reply) -> TransportFailed | TransportThrottled | BatchRefused:
        problem = read_problem(reply.body) or Problem("none", shown(reply.body[:200].decode(errors="replace")))
        detail = f"HTTP {reply.status} from {self._url}: {problem.detail or 'no reason given'}"
        seconds = self._retry_after(reply)
        if reply.status in _REFUSES_THE_REQUEST:
            return BatchRefused(detail)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            return TransportThrottled(detail, seconds=RETRY_AFTER_SECONDS_DEFAULT if seconds is None else seconds)
        if reply.status == HTTPStatus.SERVICE_UNAVAILABLE and seconds is not None:
            return TransportThrottled(detail, seconds=seconds)
        if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            who = "unsigned requests" if self._signer is None else f"the app id {self._signer.app_id}"
            return TransportFailed(f"the top node does not take {who}: {detail} ({CREDENTIALS_ADVICE})")
        if reply.status == HTTPStatus.NOT_FOUND:
            return TransportFailed(f"{detail} ({ADDRESS_ADVICE})")
        return TransportFailed(detail)

    def _retry_after(self, reply: Reply) -> float | None:
        """Seconds of either form of Retry-After (RFC 9110 §10.2.3), bounded; None when there is none."""
        told = reply.headers.get("Retry-After", "")
        if told.isascii() and told.isdecimal():
            return min(float(told[:9]), RETRY_AFTER_SECONDS_MAX)
        then = _date(told)
        if then is None:
            return None
        now = _date(reply.headers.get("Date"))
        return min(max(then - (self.now() if now is None else now), 0.0), RETRY_AFTER_SECONDS_MAX)


def waiting(wait_seconds: float) -> int:
    """A wait in whole seconds, as it is asked for."""
    return max(0, math.ceil(wait_seconds))


def _obstacle(error: aiohttp.ClientError | OSError | ValueError) -> str:
    """What stands in the way, and which setting may be wrong."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            said = getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error)
            return f"its certificate is not trusted: {said} (IDNODE_SYNC_CA names a file of the authorities to trust)"
        case aiohttp.ClientConnectorSSLError():
            said = error.os_error.strerror or str(error.os_error)
            return f"no TLS with {error.host}:{error.port}: {said} ({ADDRESS_ADVICE})"
        case aiohttp.ClientConnectorError():
            code = error.os_error.errno
            # What has no such number, a name that is not found say, brings a text that says more than the loop's own.
            said = os.strerror(code) if code is not None and code > 0 else error.os_error.strerror or str(error)
            return f"no connection to {error.host}:{error.port}: {said} ({ADDRESS_ADVICE})"
    return str(error) or type(error).__name__


def _date(header: str | None) -> float | None:
    if not header:
        return None
    try:
        return parsedate_to_datetime(header).timestamp()
    except (ValueError, OverflowError):
        return None


def _short(target: str) -> str:
    return target.partition("?")[0]
