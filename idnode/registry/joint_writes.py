"""Several directory writes as one: all of them are committed, or none."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from idnode.registry.commands import Asked
from idnode.registry.directory_writes import Committed, DirectoryWriter
from idnode.registry.metrics import RegistryCounters
from idnode.storage.database import Database
from idnode.storage.feed import ChangedThing
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.one_transaction import OneTransaction

Act = Callable[[Database, DirectoryWriter], Awaitable[KeptAnswer]]
"""Writes with registries that are built upon these two."""


class JointWriter:
    """Lets registries write within one transaction. `committed` hears of all of it at once."""

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

    async def run(self, asked: Asked, act: Act) -> KeptAnswer:
        """Commit what `act` writes; what it raises, and a dry run, undo all of it.

        The claim of `asked` is to be handed to one of the writes, and `dry_run` to none.
        """
        heard: list[ChangedThing] = []
        counted = RegistryCounters()
        answers: list[KeptAnswer] = []
        with suppress(_Rehearsed):
            async with self._database.transaction() as session:
                joint = OneTransaction(session)
                writer = DirectoryWriter(joint, counted, committed=heard.extend, now=self.now, new_id=self.new_id)
                answers.append(await act(joint, writer))
                if asked.dry_run:
                    raise _Rehearsed
            self._committed(heard)
            for operation, times in counted.written.items():
                for _ in range(times):
                    self._counters.count_written(operation)
        return answers[0]


class _Rehearsed(Exception):  # never leaves this module: it rolls a dry run back
    """Nothing was refused."""
