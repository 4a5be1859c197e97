"""`Authorization: Bearer <key>`: from a header to an API key, and the record of when it was last used."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from idnode.model.access import ApiKey
from idnode.model.errors import NotAuthenticated, Unavailable
from idnode.registry.keys import secret_sha256
from idnode.storage.directory import Directory
from idnode.storage.keys import KeyStore

SECRET_CHARACTERS_MAX = 256


def bearer_secret(header: str) -> str:
    """The secret in an Authorization header. Raises NotAuthenticated."""
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret or len(secret) > SECRET_CHARACTERS_MAX or not secret.isascii():
        raise NotAuthenticated("send the header `Authorization: Bearer <key>`")
    return secret.strip()


class Authentication:
    """Knows keys by the SHA-256 of what was sent. `now` is the clock."""

    def __init__(self, directory: Directory, keys: KeyStore, *, now: Callable[[], datetime]) -> None:
        self._directory = directory
        self._keys = keys
        self._now = now
        self._uses: dict[UUID, datetime] = {}

    async def key_of(self, header: str | None) -> ApiKey | None:
        """The key behind an Authorization header, None without one. Raises NotAuthenticated."""
        if header is None:
            return None
        key = await self._directory.key(secret_sha256(bearer_secret(header)))
        now = self._now()
        if key is None or not key.is_usable(now):
            raise NotAuthenticated("this API key is unknown, has expired or was revoked")
        self._uses[key.id] = now
        return key

    async def flush_uses(self) -> None:
        """Write down last uses; kept for the next time while the database is away."""
        uses, self._uses = self._uses, {}
        try:
            await self._keys.record_uses(uses)
        except Unavailable:
            self._uses = uses | self._uses
