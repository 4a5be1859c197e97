"""API keys: make, rotate with overlap, revoke. A secret is shown once and kept as SHA-256 only."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from idnode.model.access import ApiKey
from idnode.model.change import Subject
from idnode.model.errors import Conflict, NotFound
from idnode.registry.commands import Asked, KeyForm
from idnode.registry.directory_writes import DirectoryWrite, DirectoryWriter
from idnode.storage.database import Session
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.keys import KeyStore
from idnode.wire.directory_json import key_document

HINT_CHARACTERS = 8

Answer = Callable[[ApiKey], KeptAnswer]
SecretAnswer = Callable[[ApiKey, str], KeptAnswer]


def secret_sha256(secret: str) -> bytes:
    """What is stored of a secret. It has 256 random bits, so a plain hash is as good as a slow one."""
    return hashlib.sha256(secret.encode()).digest()


class KeyRegistry:
    """The API keys of the node. `new_secret` gives a fresh secret of 256 random bits."""

    def __init__(self, store: KeyStore, writer: DirectoryWriter, *, new_secret: Callable[[], str]) -> None:
        self._store = store
        self._writer = writer
        self._new_secret = new_secret

    async def find(self, id: UUID) -> ApiKey:
        """Raises NotFound."""
        key = await self._store.find(id)
        if key is None:
            raise NotFound(f"there is no key {id}")
        return key

    async def page(self, *, after: UUID | None, limit: int) -> list[ApiKey]:
        """A page in order of creation."""
        return await self._store.page(after=after, limit=limit)

    async def has_admin(self) -> bool:
        """Whether an admin key works now."""
        return await self._store.has_admin(self._writer.now())

    async def make(self, form: KeyForm, asked: Asked, answer: SecretAnswer) -> KeptAnswer:
        """A new key."""
        secret = self._new_secret()
        key = self._fresh(form, secret, replaces=None)
        return await self._insert(key, secret, asked, answer, lambda session: self._insert_row(session, key, secret))

    async def rotate(
        self,
        id: UUID,
        overlap: timedelta,
        asked: Asked,
        answer: SecretAnswer,
    ) -> KeptAnswer:
        """A successor with the same role and scope; the old key works on for `overlap`. Raises NotFound, Conflict."""
        current = await self.find(id)
        asked.require_version(current.version)
        now = self._writer.now()
        if not current.is_usable(now):
            raise Conflict(f"key {id} no longer works; make a new one instead")
        secret = self._new_secret()
        form = KeyForm(current.name, current.role, current.prefixes, current.expires)
        successor = self._fresh(form, secret, replaces=current.id)
        ends = now + overlap if current.revoked is None else min(current.revoked, now + overlap)
        ending = replace(current, revoked=ends, version=current.version + 1)

        async def act(session: Session) -> None:
            await self._insert_row(session, successor, secret)
            await self._store.update(session, ending)
            await self._writer.log(session, _rewrite(current, ending, "replace"), asked)

        return await self._insert(successor, secret, asked, answer, act)

    async def revise(
        self,
        id: UUID,
        revised: Callable[[ApiKey], KeyForm],
        asked: Asked,
        answer: Answer,
    ) -> KeptAnswer:
        """Change name, role, scope or expiry. Raises NotFound, VersionMoved."""
        current = await self.find(id)
        asked.require_version(current.version)
        form = revised(current)
        changed = replace(current, name=form.name, role=form.role, prefixes=form.prefixes, expires=form.expires)
        return await self._update(current, changed, "revise", asked, answer)

    async def revoke(self, id: UUID, asked: Asked, answer: Answer) -> KeptAnswer:
        """The key stops working now. Raises NotFound, Conflict."""
        current = await self.find(id)
        asked.require_version(current.version)
        now = self._writer.now()
        if current.revoked is not None and current.revoked <= now:
            raise Conflict(f"key {id} is revoked already")
        return await self._update(current, replace(current, revoked=now), "revoke", asked, answer)

    def _fresh(self, form: KeyForm, secret: str, *, replaces: UUID | None) -> ApiKey:
        return ApiKey(
            id=self._writer.new_id(),
            name=form.name,
            role=form.role,
            prefixes=form.prefixes,
            hint=secret[:HINT_CHARACTERS],
            created=self._writer.now(),
            expires=form.expires,
            revoked=None,
            last_used=None,
            replaces=replaces,
            version=1,
        )

    async def _insert_row(self, session: Session, key: ApiKey, secret: str) -> None:
        await self._store.insert(session, key, secret_sha256(secret))

    async def _insert(
        self,
        key: ApiKey,
        secret: str,
        asked: Asked,
        answer: SecretAnswer,
        act: Callable[[Session], Awaitable[None]],
    ) -> KeptAnswer:
        operation = "make" if key.replaces is None else "rotate"
        write = DirectoryWrite(Subject.KEY, str(key.id), 1, operation, None, key_document(key))
        return await self._writer.commit(write, asked, answer(key, secret), act)

    async def _update(
        self, current: ApiKey, changed: ApiKey, operation: str, asked: Asked, answer: Answer
    ) -> KeptAnswer:
        following = replace(changed, version=current.version + 1)
        write = _rewrite(current, following, operation)
        return await self._writer.commit(
            write, asked, answer(following), lambda session: self._store.update(session, following)
        )


def _rewrite(current: ApiKey, following: ApiKey, operation: str) -> DirectoryWrite:
    old, new = key_document(current), key_document(following)
    return DirectoryWrite(Subject.KEY, str(current.id), following.version, operation, old, new)
