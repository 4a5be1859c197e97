"""The route table of /v1: what the dispatcher serves, OpenAPI describes and the permission tests walk through."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

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


Act = Callable[[Call], Awaitable[KeptAnswer]]


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
    """What it can answer besides JSON."""

    @property
    def is_write(self) -> bool:
        """Takes Idempotency-Key, If-Match and dry_run."""
        return issubclass(self.query, WriteQuery)
