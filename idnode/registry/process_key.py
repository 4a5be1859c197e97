"""An API key for the life of a process: made when it is first needed, kept in memory alone, revoked at the end."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from idnode.model.access import ApiKey, Role
from idnode.model.change import Trace
from idnode.model.errors import IdnodeError
from idnode.model.identifier import Prefix
from idnode.registry.commands import Asked, KeyForm
from idnode.registry.keys import KeyRegistry
from idnode.storage.idempotency import KeptAnswer

LIFE = timedelta(days=30)
"""Of a key whose process died without revoking it."""
RENEWED_AFTER = LIFE / 2
_SILENT = KeptAnswer(200, "", None, None, b"")


@dataclass(frozen=True, slots=True)
class _Held:
    id: UUID
    secret: str = field(repr=False)
    made: datetime


class ProcessKey:
    """A key of role enterprise with one prefix as its scope. Its secret is never written down."""

    def __init__(self, keys: KeyRegistry, *, name: str, prefix: Prefix, now: Callable[[], datetime]) -> None:
        self._keys = keys
        self._name = name
        self._prefix = prefix
        self._now = now
        self._held: _Held | None = None

    async def secret(self) -> str:
        """A secret that works; one caller at a time. Raises Unavailable when a new one is due and cannot be stored."""
        held = self._held
        if held is not None and self._now() - held.made < RENEWED_AFTER:
            return held.secret
        self._held = await self._made()
        if held is not None:
            await self._revoke(held)
        return self._held.secret

    def discard(self) -> None:
        """The node refused it (somebody has revoked it): the next secret is a new one."""
        self._held = None

    async def close(self) -> None:
        """Revoke it."""
        held, self._held = self._held, None
        if held is not None:
            await self._revoke(held)

    async def _made(self) -> _Held:
        now = self._now()
        made: list[_Held] = []

        def answer(key: ApiKey, secret: str) -> KeptAnswer:
            made.append(_Held(key.id, secret, now))
            return _SILENT

        form = KeyForm(self._name, Role.ENTERPRISE, (self._prefix,), now + LIFE)
        await self._keys.make(form, self._asked(), answer)
        return made[0]

    async def _revoke(self, held: _Held) -> None:
        # It ends by itself in any case.
        with suppress(IdnodeError):
            await self._keys.revoke(held.id, self._asked(), lambda _: _SILENT)

    def _asked(self) -> Asked:
        at = self._now()
        key = ApiKey(UUID(int=0), self._name, Role.ADMIN, (), "", at, None, None, None, None, 1)
        return Asked(key, Trace(self._name, self._name, at))
