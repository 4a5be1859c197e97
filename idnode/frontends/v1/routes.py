"""The route table of /v1: what the dispatcher serves, OpenAPI describes and the permission tests walk through."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from pydantic import BaseModel

from idnode.frontends.v1.sealing import Sealing
from idnode.model.access import ApiKey, Role
from idnode.model.errors import InvalidInput, NotAuthenticated
from idnode.registry.commands import Asked
from idnode.storage.idempotency import KeptAnswer

EVERY_ROLE = frozenset(Role)
ADMIN = frozenset({Role.ADMIN})
REVIEWERS = frozenset({Role.ADMIN, Role.REVIEWER})
WRITERS = frozenset({Role.ADMIN, Role.ENTERPRISE})

B = TypeVar("B", bound=BaseModel)
T = TypeVar("T")


class Received(Protocol):
    """A body that was too large for memory, and lies on disk until it is taken over or given up."""

    @property
    def sha256(self) -> bytes:
        """Of all its bytes."""

    async def give_up(self) -> None:
        """Remove it, unless somebody has taken it over."""


class Call(NamedTuple):
    """One request to a route: who, with which parameters and body. Writes find their circumstances in `asked`.

    `client` is the address that asks. `sealing` is there with an Idempotency-Key: a secret in the answer is kept only
    sealed.
    """

    key: ApiKey | None
    path: dict[str, str]
    query: BaseModel
    body: BaseModel | None
    circumstances: Asked | None
    sealing: Sealing | None
    client: str
    received: Received | None = None
    """The body, of a route that receives a stream."""

    @property
    def asked(self) -> Asked:
        """The circumstances of a write; routes that write always have them."""
        if self.circumstances is None:
            raise NotAuthenticated("this route takes an API key")
        return self.circumstances

    @property
    def reader(self) -> ApiKey:
        """The key of a route that is not public."""
        if self.key is None:
            raise NotAuthenticated("this route takes an API key")
        return self.key

    def path_as(self, name: str, parse: Callable[[str], T]) -> T:
        """A path parameter, parsed. Raises what `parse` raises, its violations under the parameter's name."""
        try:
            return parse(self.path[name])
        except InvalidInput as error:
            violations = tuple(violation.under(f"/{name}") for violation in error.violations)
            raise type(error)(error.detail, violations=violations) from None

    def body_as(self, model: type[B]) -> B:
        """The parsed body; the route table says which model it is."""
        if not isinstance(self.body, model):
            raise TypeError(f"the route's body is {type(self.body).__name__}, not {model.__name__}")
        return self.body

    def query_as(self, model: type[B]) -> B:
        """The parsed query parameters."""
        if not isinstance(self.query, model):
            raise TypeError(f"the route's query is {type(self.query).__name__}, not {model.__name__}")
        return self.query


HeaderValues = Callable[[str], Sequence[str]]
"""All values that were sent under a name, in their order."""
Pieces = AsyncIterator[bytes]


class Streamed(NamedTuple):
    """An answer of any length. `pieces` is closed as soon as the client is gone; what it raises ends the connection."""

    content_type: str
    pieces: AsyncGenerator[bytes, None]
    headers: tuple[tuple[str, str], ...] = ()


Act = Callable[[Call], Awaitable[KeptAnswer]]
Stream = Callable[[Call, HeaderValues], Awaitable[Streamed]]
"""Refuses by raising before it returns; from then on the answer is under way."""
Receive = Callable[[BaseModel, HeaderValues, Pieces], Awaitable[Received]]
"""Takes a body in: by the query parameters, the headers, and its pieces as they arrive."""


async def only_streams(_: Call) -> KeptAnswer:
    """Stands for `act` in a row that has `stream`."""
    raise TypeError("this route answers with a stream")


class NoQuery(BaseModel, extra="forbid"):
    """A route without query parameters."""


class WriteQuery(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """Query parameters of every write."""

    dry_run: bool = False
    """Check everything, write nothing: answers 200 with what would stand."""


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table. `roles` None means public. A body of None means that the route reads none."""

    method: str
    path: str
    name: str
    summary: str
    act: Act
    roles: frozenset[Role] | None
    answer: type[BaseModel]
    status: int = 200
    body: type[BaseModel] | None = None
    is_body_optional: bool = False
    query: type[BaseModel] = NoQuery
    topic: str = "node"
    media_types: tuple[str, ...] = ()
    """What it can answer besides JSON; of a stream: instead."""
    stream: Stream | None = None
    """Answers instead of `act`."""
    receive: Receive | None = None
    """Takes the body in, whatever its length, before `act`; `body` then only describes it, if it is JSON."""
    body_media_types: tuple[str, ...] = ()
    """What `receive` takes."""

    @property
    def is_write(self) -> bool:
        """Takes Idempotency-Key, If-Match and dry_run."""
        return issubclass(self.query, WriteQuery)

    @property
    def is_streaming(self) -> bool:
        """Its body or its answer may be too long to be held in memory: aiohttp serves it."""
        return self.stream is not None or self.receive is not None
