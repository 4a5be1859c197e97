"""The one write path for the directory: the row, its change row and the kept answer in one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from idnode.model.change import Change, Subject
from idnode.registry.commands import Asked
from idnode.registry.metrics import RegistryCounters
from idnode.storage.changes import append_change
from idnode.storage.database import Database, Session
from idnode.storage.feed import ChangedThing
from idnode.storage.idempotency import KeptAnswer, KeptClaim, keep_answers

Document = dict[str, object]
Committed = Callable[[Sequence[ChangedThing]], None]
"""Hears what was committed; it may not wait."""


@dataclass(frozen=True, slots=True)
class DirectoryWrite:
    """A planned write of one directory row, and the documents of the row before and after."""

    subject: Subject
    name: str
    version: int
    operation: str
    old: Document | None
    new: Document


class DirectoryWriter:
    """Commits directory writes; shared by the registries of enterprises, prefixes, keys and templates.

    `committed` hears of a write before its caller does, so that whoever goes on from here finds what stands now.
    """

    def __init__(
        self,
        database: Database,
        counters: RegistryCounters,
        *,
        committed: Committed,
        now: Callable[[], datetime],
        new_id: Callable[[], UUID],
    ) -> None:
        self._database = database
        self._counters = counters
        self._committed = committed
        self.now = now
        self.new_id = new_id

    @property
    def database(self) -> Database:
        """What is written to."""
        return self._database

    async def commit(
        self,
        write: DirectoryWrite,
        asked: Asked,
        answer: KeptAnswer,
        act: Callable[[Session], Awaitable[None]],
    ) -> KeptAnswer:
        """Run `act` and log it; dry runs undo it. Raises ClaimTaken and what `act` raises; nothing is written then."""
        if asked.dry_run:
            await self._rehearse(act)
            return answer
        async with self._database.transaction() as session:
            await act(session)
            await self.log(session, write, asked)
            await self.keep(session, asked, answer)
        self.tell(write)
        return answer

    async def keep(self, session: Session, asked: Asked, answer: KeptAnswer) -> None:
        """Keep the answer of a write, also in a transaction that is not ours. Raises ClaimTaken."""
        if asked.claim is not None:
            await keep_answers(session, [KeptClaim(asked.claim, answer, asked.trace.at)])

    def tell(self, write: DirectoryWrite) -> None:
        """It was committed, by whomever."""
        self._committed([ChangedThing(write.subject, write.name, write.operation)])
        self._counters.count_written(f"{write.subject}-{write.operation}")

    async def log(self, session: Session, write: DirectoryWrite, asked: Asked) -> None:
        """The change row of a write; `act` logs here what it writes besides."""
        await append_change(session, _change(write, asked))

    async def _rehearse(self, act: Callable[[Session], Awaitable[None]]) -> None:
        with suppress(_Rehearsed):
            async with self._database.transaction() as session:
                await act(session)
                raise _Rehearsed


class _Rehearsed(Exception):  # never leaves this module: it rolls a dry run back
    """Nothing was refused."""


def _change(write: DirectoryWrite, asked: Asked) -> Change:
    old = None if write.old is None else orjson.dumps(write.old)
    return Change(write.subject, write.name, write.version, write.operation, asked.trace, old, orjson.dumps(write.new))
