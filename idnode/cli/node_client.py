"""A client of one node's /v1: bounded waits, typed answers, refusals as errors that carry every violation."""

import os
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, ValidationError
from yarl import URL

from idnode import __version__
from idnode.cli.destination import Destination
from idnode.cli.errors import NodeRefused, NodeUnreachable, StrangeAnswer
from idnode.frontends.problems import PROBLEM_TYPE
from idnode.frontends.v1.schemas.directory import KeyPage
from idnode.frontends.v1.schemas.identifiers import ProblemOut, ViolationOut
from idnode.frontends.v1.schemas.templates import TemplatePage
from idnode.model.errors import Violation
from idnode.model.limits import PAGE_ITEMS_MAX

CONNECT_SECONDS_MAX = 5.0
REQUEST_SECONDS_MAX = 60.0
STREAM_SECONDS_MAX = 300.0
"""Without a byte of an answer: the node may be making sure that a large file is on its disk."""
PIECE_BYTES = 1 << 16
CONNECTIONS_DEFAULT = 4
RETRY_AFTER_SECONDS_MAX = 60.0

HTTP_OK = 200

_WHOLE = aiohttp.ClientTimeout(total=REQUEST_SECONDS_MAX, sock_connect=CONNECT_SECONDS_MAX)
_STREAMED = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS_MAX, sock_read=STREAM_SECONDS_MAX)
_LATER = frozenset({408, 429, 502, 503, 504})
"""Statuses that a later attempt may turn into an answer, from the node or from a proxy before it."""

M = TypeVar("M", bound=BaseModel)
P = TypeVar("P", KeyPage, TemplatePage)


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: its JSON as it came, and the node's own clock (the Date header) when it gave it."""

    status: int
    body: bytes
    date: datetime | None = None

    def as_model(self, model: type[M]) -> M:
        """The answer as its schema. Raises StrangeAnswer."""
        try:
            return model.model_validate_json(self.body)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = "/".join(str(step) for step in first["loc"])
            raise StrangeAnswer(f"the answer is no {model.__name__} of /v1: {place} {first['msg']}") from error


class NodeClient:
    """Calls one node. Every request raises NodeRefused, NodeUnreachable or StrangeAnswer."""

    def __init__(self, session: aiohttp.ClientSession, destination: Destination) -> None:
        self._session = session
        self._destination = destination

    @classmethod
    @asynccontextmanager
    async def connected(
        cls, destination: Destination, *, connections_max: int = CONNECTIONS_DEFAULT
    ) -> AsyncIterator["NodeClient"]:
        """A client for the length of a block; nothing is sent before the first request."""
        headers = {"User-Agent": f"idnode/{__version__}"}
        if destination.key is not None:
            headers["Authorization"] = f"Bearer {destination.key}"
        connector = aiohttp.TCPConnector(limit=connections_max)
        async with aiohttp.ClientSession(connector=connector, timeout=_WHOLE, headers=headers) as session:
            yield cls(session, destination)

    async def read(self, *steps: str, query: Mapping[str, str] | None = None) -> Answer:
        """GET /v1/<steps>; each step is percent-encoded whole."""
        return await self._ask("GET", steps, query=query)

    async def write(
        self,
        method: str,
        *steps: str,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """A request with an effect; `body` is JSON."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        return await self._ask(method, steps, body=body, query=query, headers=headers)

    async def pages(self, model: type[P], *steps: str, query: Mapping[str, str] | None = None) -> AsyncIterator[P]:
        """Every page of a list, in order."""
        members = {"limit": str(PAGE_ITEMS_MAX), **(query or {})}
        while True:
            page = (await self.read(*steps, query=members)).as_model(model)
            yield page
            if page.next is None:
                return
            members["cursor"] = page.next

    async def upload(self, *steps: str, pieces: AsyncIterable[bytes], query: Mapping[str, str]) -> Answer:
        """POST a file of any size, piece by piece; its name in `query` says what it is."""
        headers = {"Content-Type": "application/octet-stream"}
        return await self._ask("POST", steps, body=pieces, query=query, headers=headers, timeout=_STREAMED)

    @asynccontextmanager
    async def download(
        self, *steps: str, query: Mapping[str, str] | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """GET an answer of any size: its pieces, for the length of a block. NodeUnreachable where it breaks off."""
        with self._unreachable():
            request = self._session.get(self._address(steps, query), allow_redirects=False, timeout=_STREAMED)
            async with request as response:
                if response.status != HTTP_OK:
                    answer = Answer(response.status, await response.read())
                    raise self._refusal(answer, response.headers.get("Retry-After"))
                yield response.content.iter_chunked(PIECE_BYTES)

    async def _ask(
        self,
        method: str,
        steps: tuple[str, ...],
        *,
        body: bytes | AsyncIterable[bytes] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: aiohttp.ClientTimeout = _WHOLE,  # noqa: ASYNC109  # aiohttp's, which has parts
    ) -> Answer:
        with self._unreachable():
            # A redirect could lead the key to another host.
            async with self._session.request(
                method, self._address(steps, query), data=body, headers=headers, allow_redirects=False, timeout=timeout
            ) as response:
                answer = Answer(response.status, await response.read(), _date_of(response.headers.get("Date")))
                retry_after = response.headers.get("Retry-After")
        if 200 <= answer.status < 300:
            return answer
        raise self._refusal(answer, retry_after)

    def _address(self, steps: tuple[str, ...], query: Mapping[str, str] | None) -> URL:
        address = self._destination.url + "/v1/" + "/".join(quote(step, safe="") for step in steps)
        return URL(address, encoded=True).with_query(query)

    @contextmanager
    def _unreachable(self) -> Iterator[None]:
        try:
            yield
        except (aiohttp.ClientError, OSError) as error:
            raise NodeUnreachable(f"cannot reach the node at {self._destination.url}: {_reason(error)}") from error

    def _refusal(self, answer: Answer, retry_after: str | None) -> NodeRefused | NodeUnreachable:
        url = self._destination.url
        try:
            problem = ProblemOut.model_validate_json(answer.body)
        except ValidationError:
            detail = f"HTTP {answer.status} from {url} without a problem document"
            if answer.status in _LATER:
                return NodeUnreachable(detail, retry_after_seconds=_seconds_of(retry_after))
            return StrangeAnswer(f"{detail}: is an idnode there?")
        detail = problem.detail
        if answer.status in _LATER:
            return NodeUnreachable(f"{url} answers: {detail}", retry_after_seconds=_seconds_of(retry_after))
        if answer.status == 401 and self._destination.key is None:
            detail = f"{detail} ({self._destination.keyless_because})"
        return NodeRefused(
            detail,
            status=answer.status,
            refused_as=problem.type.removeprefix(PROBLEM_TYPE),
            title=problem.title,
            violations=tuple(_violation(each) for each in problem.errors or ()),
            referral=problem.referral,
        )


def _violation(document: ViolationOut) -> Violation:
    return Violation(**document.model_dump())


def _reason(error: Exception) -> str:
    """The operating system's word for it where there is one; "Connect call failed" is said of everything."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
        return os.strerror(cause.errno)
    return str(error) or type(error).__name__


def _date_of(header: str | None) -> datetime | None:
    try:
        return None if header is None else parsedate_to_datetime(header)
    except ValueError:
        return None


def _seconds_of(retry_after: str | None) -> float:
    """Retry-After in seconds; its other form, a date, counts as nothing."""
    return min(float(retry_after), RETRY_AFTER_SECONDS_MAX) if retry_after and retry_after.isdecimal() else 0.0
