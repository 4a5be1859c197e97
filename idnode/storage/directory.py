"""What every request needs of the directory (keys, prefixes, templates), kept in memory until the doorbell rings."""

from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar, cast

from idnode.model.access import ApiKey
from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import PrefixRegistration
from idnode.model.template import Template, TemplateName
from idnode.storage.keys import KeyStore
from idnode.storage.prefixes import PrefixStore
from idnode.storage.templates import TemplateStore

ENTRIES_MAX = 50_000
KEPT_SECONDS_MAX = 10.0
"""Bounds the harm when a doorbell was lost: a revoked key works no longer than this."""

T = TypeVar("T")


class Directory:
    """Read-through memory of three small tables, absence included. `monotonic` gives seconds."""

    def __init__(
        self, keys: KeyStore, prefixes: PrefixStore, templates: TemplateStore, *, monotonic: Callable[[], float]
    ) -> None:
        self._keys = keys
        self._prefixes = prefixes
        self._templates = templates
        self._monotonic = monotonic
        self._entries: dict[Hashable, tuple[float, object]] = {}
        self._generation = 0

    async def key(self, secret_sha256: bytes) -> ApiKey | None:
        """The API key with this hash."""
        return await self._find(secret_sha256, lambda: self._keys.find_by_secret(secret_sha256))

    async def prefix(self, prefix: Prefix) -> PrefixRegistration | None:
        """The registration of a prefix."""
        return await self._find(prefix.folded, lambda: self._prefixes.find(prefix))

    async def template(self, name: TemplateName) -> Template | None:
        """One version of a template."""
        return await self._find(name.key, lambda: self._templates.find(name))

    def forget(self) -> None:
        """The directory has changed: read everything anew. Reads under way are not kept either."""
        self._generation += 1
        self._entries.clear()

    async def _find(self, key: Hashable, read: Callable[[], Awaitable[T | None]]) -> T | None:
        entry = self._entries.get(key)
        if entry is not None and self._monotonic() < entry[0]:
            return cast("T | None", entry[1])
        generation = self._generation
        found = await read()
        if generation == self._generation:
            if len(self._entries) >= ENTRIES_MAX:
                self._entries.clear()
            self._entries[key] = (self._monotonic() + KEPT_SECONDS_MAX, found)
        return found
