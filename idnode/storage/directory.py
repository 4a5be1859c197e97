"""What every request needs of the directory (keys, prefixes, templates), kept in memory until it changes."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar, cast
from uuid import UUID

from idnode.model.access import ApiKey
from idnode.model.errors import IdnodeError, Unavailable
from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import RECORDS_OF_PREFIXES, PrefixRegistration, records_of_prefixes
from idnode.model.template import Template, TemplateName
from idnode.storage.keys import KeyStore
from idnode.storage.prefixes import PrefixStore
from idnode.storage.templates import TemplateStore

ENTRIES_MAX = 50_000
"""Of what exists, and as many of what does not: asking for what is not there pushes nothing out that is."""
KEPT_SECONDS_MAX = 10.0
"""Bounds the harm when the change feed fails: a revoked key works no longer than this."""
STALE_SECONDS_MAX = 86_400
"""While the database is away, prefixes and templates are believed this long."""
READ_SECONDS_MAX = 0.8
READS_IN_FLIGHT_MAX = 4
WAITING_READS_MAX = 1_000

T = TypeVar("T")
Outcome = asyncio.Future[object | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a read found, when it ended (monotonic seconds), and how often the directory had been forgotten by then."""

    found: object | None
    read_at: float
    generation: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """A read that somebody waits for: what it asks, since when, and its outcome for everyone who asks the same."""

    key: Hashable
    read: Callable[[], Awaitable[object | None]]
    since: float
    generation: int
    outcome: Outcome


class Directory:
    """Read-through memory of three small tables, absence included. `monotonic` gives seconds.

    Raises Unavailable when the database does not answer within READ_SECONDS_MAX. A prefix or a template that was read
    in the last STALE_SECONDS_MAX is then given instead; never a key, and never the absence of anything.
    """

    def __init__(
        self, keys: KeyStore, prefixes: PrefixStore, templates: TemplateStore, *, monotonic: Callable[[], float]
    ) -> None:
        self._keys = keys
        self._prefixes = prefixes
        self._templates = templates
        self._monotonic = monotonic
        self._present: dict[Hashable, Entry] = {}
        self._absent: dict[Hashable, Entry] = {}
        self._generation = 0
        self._wanted: dict[Hashable, Wanted] = {}
        self._queue: asyncio.Queue[Wanted] = asyncio.Queue(WAITING_READS_MAX)

    async def run(self) -> None:
        """Read until cancelled; without it only what is kept is found."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(READS_IN_FLIGHT_MAX):
                tasks.create_task(self._read_wanted())

    async def key(self, secret_sha256: bytes) -> ApiKey | None:
        """The API key with this hash."""
        return await self._find(secret_sha256, lambda: self._keys.find_by_secret(secret_sha256), stale_seconds_max=0)

    async def prefix(self, prefix: Prefix) -> PrefixRegistration | None:
        """The registration of a prefix."""
        if prefix.folded == RECORDS_OF_PREFIXES.folded:
            # Never kept, so that `known_prefix` does not know it: below it, to resolve takes more than a read.
            return records_of_prefixes()
        return await self._find(prefix.folded, lambda: self._prefixes.find(prefix))

    async def template(self, name: TemplateName) -> Template | None:
        """One version of a template."""
        return await self._find(name.key, lambda: self._templates.find(name))

    async def acts_for(self, key: ApiKey, enterprise: UUID) -> bool:
        """Whether a key may write what this enterprise holds: a key of all prefixes, or one of its own prefixes'."""
        if not key.prefixes:
            return True
        for prefix in key.prefixes:
            registration = await self.prefix(prefix)
            if registration is not None and registration.enterprise == enterprise:
                return True
        return False

    def known_prefix(self, prefix: Prefix) -> tuple[bool, PrefixRegistration | None]:
        """Whether it is known without reading what is registered under a prefix, and what that is."""
        entry = self._current(prefix.folded)
        return (False, None) if entry is None else (True, cast("PrefixRegistration | None", entry.found))

    def forget(self) -> None:
        """The directory has changed: read everything anew. Reads under way are not kept either.

        What was kept stays for the time when the database is away.
        """
        self._generation += 1
        self._wanted.clear()
        self._absent.clear()

    async def _find(
        self,
        key: Hashable,
        read: Callable[[], Awaitable[T | None]],
        *,
        stale_seconds_max: float = STALE_SECONDS_MAX,
    ) -> T | None:
        entry = self._current(key)
        if entry is None:
            try:
                return cast("T | None", await self._read(key, read))
            except Unavailable:
                entry = self._present.get(key)
                if entry is None or self._monotonic() - entry.read_at >= stale_seconds_max:
                    raise
        return cast("T | None", entry.found)

    def _current(self, key: Hashable) -> Entry | None:
        entry = self._present.get(key) or self._absent.get(key)
        if entry is None or entry.generation != self._generation:
            return None
        return entry if self._monotonic() - entry.read_at < KEPT_SECONDS_MAX else None

    async def _read(self, key: Hashable, read: Callable[[], Awaitable[object | None]]) -> object | None:
        """Wait for the read of this key. One that hangs is waited for once, not by every caller anew."""
        wanted = self._wanted.get(key)
        if wanted is None:
            outcome: Outcome = asyncio.get_running_loop().create_future()
            wanted = Wanted(key, read, self._monotonic(), self._generation, outcome)
            try:
                self._queue.put_nowait(wanted)
            except asyncio.QueueFull as error:
                raise Unavailable(f"{WAITING_READS_MAX} reads of the directory wait already") from error
            self._wanted[key] = wanted
        try:
            async with asyncio.timeout(max(wanted.since + READ_SECONDS_MAX - self._monotonic(), 0)):
                return await asyncio.shield(wanted.outcome)
        except TimeoutError as error:
            raise Unavailable("the database does not answer; the same request will work when it does") from error

    async def _read_wanted(self) -> None:
        while True:
            wanted = await self._queue.get()
            try:
                found = await wanted.read()
            except IdnodeError as error:
                wanted.outcome.set_exception(error)
                # Whoever asked may have gone away; the loop is not to complain of an error that nobody fetched.
                wanted.outcome.exception()
            else:
                self._keep(wanted, found)
                wanted.outcome.set_result(found)
            if self._wanted.get(wanted.key) is wanted:
                del self._wanted[wanted.key]

    def _keep(self, wanted: Wanted, found: object | None) -> None:
        if wanted.generation != self._generation:
            return
        if found is None:
            self._present.pop(wanted.key, None)
            entries = self._absent
        else:
            self._absent.pop(wanted.key, None)
            entries = self._present
        if len(entries) >= ENTRIES_MAX and wanted.key not in entries:
            entries.clear()
        entries[wanted.key] = Entry(found, self._monotonic(), wanted.generation)
