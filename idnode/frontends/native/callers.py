"""Who sends a message of the native protocol: an address, the connection that it came on, the session it belongs to."""

from dataclasses import dataclass, field

from idnode.registry.handle_admin import HandleIdentity
from idnode.resolver.tally import Source
from idnode.wire.messages.message import Message


@dataclass(frozen=True, slots=True)
class NativeSession:
    """A session as its messages find it; `identity` is None until it is proved."""

    id: int
    key: bytes = field(repr=False)
    identity: HandleIdentity | None


@dataclass(frozen=True, slots=True)
class Login:
    """A login by key (2001) that waits for its answer on the same connection."""

    request: Message
    claimed: HandleIdentity
    challenge_id: int
    nonce: bytes


@dataclass(slots=True, eq=False)
class Connection:
    """What a connection remembers for as long as it lives: who has logged in on it."""

    identity: HandleIdentity | None = None
    login: Login | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Caller:
    """Without a connection it was a datagram."""

    source: Source
    connection: Connection | None = None
    session: NativeSession | None = None

    @property
    def address(self) -> str:
        """The client's."""
        return self.source.address

    @property
    def identity(self) -> HandleIdentity | None:
        """Who it is known to be without being asked: by its session, else by its connection."""
        if self.session is not None:
            return self.session.identity
        return None if self.connection is None else self.connection.identity
