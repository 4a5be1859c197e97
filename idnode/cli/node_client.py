"""A client of one node's /v1: bounded waits, typed answers, refusals as errors that carry every violation."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Protocol, TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, JsonValue, ValidationError
from yarl import URL

from idnode import __version__
from idnode.cli.destination import Destination
from idnode.cli.errors import NodeRefused, NodeUnreachable, StrangeAnswer
from idnode.frontends.problems import PROBLEM_TYPE
from idnode.frontends.v1.schemas.identifiers import ProblemOut, ViolationOut
from idnode.model.errors import Violation
from idnode.model.limits import PAGE_ITEMS_MAX

CONNECT_SECONDS_MAX = 5.0
REQUEST_SECONDS_MAX = 60.0
CONNECTIONS_DEFAULT = 4
RETRY_AFTER_SECONDS_MAX = 60.0

_LATER = frozenset({408, 429, 502, 503, 504})
"""Statuses that a later attempt may turn into an answer, from the node or from a proxy before it."""

M = TypeVar("M", bound=BaseModel)


class Page(Protocol[M]):
    """A page of a list, as every list of /v1 is paged."""

    @property
    def items(self) -> list[M]:
        """What is on the page."""

    @property
    def next(self) -> str | None:
        """The cursor of the page that follows."""


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


class _Problem(ProblemOut):
    """A problem document with the referral of a prefix that its own enterprise hosts."""

    referral: dict[str, JsonValue] | None = None


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
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS_MAX, sock_connect=CONNECT_SECONDS_MAX)
        headers = {"User-Agent": f"idnode/{__version__}"}
        if destination.key is not None:
            headers["Authorization"] = f"Bearer {destination.key}"
        connector = aiohttp.TCPConnector(limit=connections_max)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as session:
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

    async def items(self, page: type["PageModel"], *steps: str, query: Mapping[str, str]) -> AsyncIterator[BaseModel]:
        """Everything in a list, page by page."""
