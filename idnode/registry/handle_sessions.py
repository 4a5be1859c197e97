"""Sessions of Handle clients: opened for anybody, of use once an identity is proved (handle-protocol.md §2)."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from idnode.model.errors import Unavailable
from idnode.registry.handle_admin import HandleAdministrators, HandleIdentity, Proof
from idnode.storage.handle_sessions import HandleSessionStore

NONCE_BYTES = 16
SESSION_ID_BYTES = 24
IDLE_MAX = timedelta(minutes=30)
"""Without a request a session has ended."""
UNVERIFIED_MAX = timedelta(minutes=5)
"""From the nonce to the proof."""
SESSIONS_UNVERIFIED_MAX = 10_000
"""Sessions that wait for their proof; anybody may open one."""

MakeProof = Callable[[bytes], Proof]
"""From the session's nonce to the proof that was given."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its client knows it; `identity` is None until it is proved."""

    id: str = field(repr=False)
    nonce: bytes
    identity: HandleIdentity | None = None


class HandleSessions:
    """The node keeps the SHA-256 of an id only. `now` is the clock, `random` gives random bytes."""

    def __init__(
        self,
        store: HandleSessionStore,
        administrators: HandleAdministrators,
        *,
        now: Callable[[], datetime],
        random: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._administrators = administrators
        self._now = now
        self._random = random

    async def open(self) -> Session:
        """A new session with a nonce to answer. Raises Unavailable when too many wait for their proof."""
        now = self._now()
        session = Session(self._random(SESSION_ID_BYTES).hex(), self._random(NONCE_BYTES))
        await self._store.forget(used_before=now - IDLE_MAX, unverified_before=now - UNVERIFIED_MAX)
        if not await self._store.open(_token(session.id), session.nonce, now, unverified_max=SESSIONS_UNVERIFIED_MAX):
            raise Unavailable(f"{SESSIONS_UNVERIFIED_MAX} sessions wait for their proof already; try again shortly")
        return session

    async def find(self, id: str) -> Session | None:
        """The session, kept alive; None when there is none (any more)."""
        now = self._now()
        stored = await self._store.use(
            _token(id), now, used_after=now - IDLE_MAX, unverified_after=now - UNVERIFIED_MAX
        )
        if stored is None:
            return None
        identity = None if stored.identity is None else HandleIdentity.parse(stored.identity)
        return Session(id, stored.nonce, identity)

    async def prove(self, session: Session, claimed: HandleIdentity, proof: MakeProof) -> Session:
        """The session with its identity. Raises IdentityNotVerified, Unavailable when it ended meanwhile."""
        identity = await self._administrators.verify(claimed, proof(session.nonce))
        if not await self._store.verify(_token(session.id), identity.text, self._now()):
            raise Unavailable("the session has ended; open another one")
        return Session(session.id, session.nonce, identity)

    async def end(self, id: str) -> bool:
        """False when there was none."""
        return await self._store.end(_token(id))


def _token(id: str) -> bytes:
    return hashlib.sha256(id.encode("utf-8", "replace")).digest()
