"""Logging in to the SNMS interface: passwords become tokens, tokens become who asks."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from uuid import UUID

from idnode.model.access import ApiKey
from idnode.model.errors import IdnodeError, NotAuthenticated
from idnode.model.snms_user import SnmsUser, UserState
from idnode.registry.snms_users import PasswordSealing
from idnode.storage.snms_users import SnmsUserStore
from idnode.wire.snms_passwords import DIGEST_BYTES, Proof

TOKEN_LIFE = timedelta(hours=24)
TOKENS_MAX = 10_000
"""Of one user; the oldest go first."""
KEPT_SECONDS_MAX = 3.0
"""How long a worker believes that a token is good: bounds the harm of one that was revoked."""
ENTRIES_MAX = 10_000
FAILURES_MAX = 10
"""Wrong passwords for one user from one address before they have to wait."""
FAILURES_OF_ADDRESS_MAX = 100
"""Wrong passwords from one address, whomever they are for."""
FAILURE_SECONDS = 300.0
ADDRESSES_MAX = 100_000

_NOBODY = UUID(int=0)


class WrongPassword(IdnodeError):
    """User and password do not go together; which of them is wrong is not said."""

    code = "wrong-password"


class TooManyTries(IdnodeError):
    """So many wrong passwords came that further ones are not looked at for a while."""

    code = "too-many-tries"


class Failures:
    """Counts failed tries of each key within the last FAILURE_SECONDS, at this worker. `monotonic` gives seconds.

    Of a key at most `failures_max` are remembered, and of ADDRESSES_MAX keys: beyond that all are forgotten.
    """

    def __init__(self, failures_max: int, *, monotonic: Callable[[], float]) -> None:
        self._failures_max = failures_max
        self._monotonic = monotonic
        self._last: dict[str, list[float]] = {}

    def is_blocked(self, key: str) -> bool:
        """Whether there were as many failures as may be."""
        return len(self._recent(key)) >= self._failures_max

    def note(self, key: str) -> None:
        """One more failure."""
        recent = self._recent(key)
        if not recent and len(self._last) >= ADDRESSES_MAX:
            self._last.clear()
        self._last[key] = [*recent, self._monotonic()][-self._failures_max :]

    def forget(self, key: str) -> None:
        """It went well after all."""
        self._last.pop(key, None)

    def _recent(self, key: str) -> list[float]:
        since = self._monotonic() - FAILURE_SECONDS
        return [at for at in self._last.get(key, ()) if at > since]


class SnmsLogins:
    """Gives tokens for passwords. `new_token` gives 256 random bits as text."""

    def __init__(
        self,
        store: SnmsUserStore,
        sealing: PasswordSealing,
        *,
        new_token: Callable[[], str],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._sealing = sealing
        self._new_token = new_token
        self._now = now
        self._of_users = Failures(FAILURES_MAX, monotonic=monotonic)
        self._of_addresses = Failures(FAILURES_OF_ADDRESS_MAX, monotonic=monotonic)

    async def token_for(self, name: str, proof: Proof, *, client: str) -> str:
        """A token that works for TOKEN_LIFE. Raises WrongPassword, and TooManyTries without looking at `proof`."""
        address = _network_of(client)
        tried = f"{address} {name}"
        if self._of_users.is_blocked(tried) or self._of_addresses.is_blocked(address):
            raise TooManyTries(f"{client} has tried too many wrong passwords")
        user = await self._proven(name, proof)
        if user is None:
            self._of_users.note(tried)
            self._of_addresses.note(address)
            raise WrongPassword("user and password do not go together")
        self._of_users.forget(tried)
        token, now = self._new_token(), self._now()
        await self._store.issue(token_sha256(token), user.id, now=now, expires=now + TOKEN_LIFE, tokens_max=TOKENS_MAX)
        return token

    async def _proven(self, name: str, proof: Proof) -> SnmsUser | None:
        found = await self._store.find_by_name(name)
        if found is None:
            # As much work as for a user that there is: the time of the answer does not tell names.
            sealed = self._sealing.seal(_NOBODY, bytes(DIGEST_BYTES))
            proof(self._sealing.unseal(_NOBODY, sealed))
            return None
        user, sealed = found
        is_proven = proof(self._sealing.unseal(user.id, sealed))
        return user if is_proven and user.state is UserState.ACTIVE else None


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the user, and the API key they act like."""

    user: SnmsUser
    key: ApiKey


class SnmsAccess:
    """Knows users by their tokens. `now` is the clock, `monotonic` gives seconds."""

    def __init__(self, store: SnmsUserStore, *, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self._monotonic = monotonic
        self._known: dict[bytes, tuple[Asker, float]] = {}

    async def asker_of(self, token: str) -> Asker:
        """Whose token this is. Raises NotAuthenticated for one that is unknown, has expired or was revoked."""
        sha256, now = token_sha256(token), self._now()
        known = self._known.get(sha256)
        if known is not None:
            asker, read_at = known
            if self._monotonic() - read_at < KEPT_SECONDS_MAX and asker.key.is_usable(now):
                return asker
            del self._known[sha256]
        holder = await self._store.holder_of(sha256, now)
        if holder is None:
            raise NotAuthenticated("this token is unknown, has expired or was revoked")
        asker = Asker(holder.user, holder.user.key(holder.prefixes, expires=holder.expires))
        if len(self._known) >= ENTRIES_MAX:
            self._known.clear()
        self._known[sha256] = (asker, self._monotonic())
        return asker


def token_sha256(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def _network_of(client: str) -> str:
    """IPv6 is counted by /64, which is one customer."""
    if ":" not in client:
        return client
    try:
        return str(ip_network((client, 64), strict=False))
    except ValueError:
        return client
