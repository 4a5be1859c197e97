"""The one write path for single records: load, plan, group commit."""

from collections.abc import Callable

from idnode.model.errors import VersionMoved
from idnode.model.identifier import Identifier
from idnode.model.record import UNBORN, Operation
from idnode.registry.commands import Asked, Content, Revision
from idnode.registry.group_commit import GroupCommit
from idnode.registry.metrics import RegistryCounters
from idnode.registry.planning import RecordPlanner, already_registered, fitted
from idnode.storage.idempotency import ClaimTaken, KeptAnswer, KeptClaim
from idnode.storage.identifiers import IdentifierStore, RecordWrite, StoredRecord, WriteOutcome

REPLANS_MAX = 8

Answer = Callable[[Identifier, StoredRecord], KeptAnswer]
"""How a front-end answers a write: from the identifier as asked and the record that stands afterwards."""


Registered = Callable[[str, int], None]
"""Hears of a registration that was committed: its prefix, folded, and how long it took, nanoseconds."""


class RegistryService:
    """Registers and revises records; what is written bears the instant at which it was asked."""

    def __init__(
        self,
        identifiers: IdentifierStore,
        planner: RecordPlanner,
        group_commit: GroupCommit,
        counters: RegistryCounters,
        *,
        registered: Registered = lambda _prefix, _nanoseconds: None,
        nanoseconds: Callable[[], int] = lambda: 0,
    ) -> None:
        self._identifiers = identifiers
        self._planner = planner
        self._group_commit = group_commit
        self._counters = counters
        self._registered = registered
        self._nanoseconds = nanoseconds

    @property
    def counters(self) -> RegistryCounters:
        """What is counted of writes."""
        return self._counters

    async def register(self, identifier: Identifier, content: Content, asked: Asked, answer: Answer) -> KeptAnswer:
        """A new record; one of a reserved name activates it.

        Raises AlreadyRegistered, InvalidInput, Forbidden, NotFound, Conflict.
        """
        begun = self._nanoseconds()
        record = await self._planner.register(identifier, content, asked)
        if asked.dry_run:
            found = await self._identifiers.find(identifier.folded)
            return answer(identifier, record if found is None else await self._planner.activate(found, content, asked))
        outcome, kept = await self._commit(identifier, record, Operation.REGISTER, asked, answer)
        if outcome is WriteOutcome.EXISTS:
            kept = await self._activate(identifier, content, asked, answer)
        self._registered(identifier.prefix.folded, self._nanoseconds() - begun)
        return kept

    async def revise(self, revision: Revision, asked: Asked, answer: Answer) -> KeptAnswer:
        """The next version of a record. Raises NotFound, Deleted, Conflict, VersionMoved, InvalidInput, Forbidden."""
        identifier = revision.identifier
        begun = self._nanoseconds()
        for _ in range(REPLANS_MAX):
            found = await self._identifiers.find(identifier.folded)
            fitting = fitted(revision, found)
            record = await self._planner.revise(found, fitting, asked)
            if asked.dry_run:
                return answer(identifier, record)
            outcome, kept = await self._commit(identifier, record, fitting.operation, asked, answer)
            if outcome is WriteOutcome.COMMITTED:
                if fitting.operation is Operation.ACTIVATE:
                    self._registered(identifier.prefix.folded, self._nanoseconds() - begun)
                return kept
            if asked.expected_version is not None:
                break
        raise moved(identifier)

    async def _activate(self, identifier: Identifier, content: Content, asked: Asked, answer: Answer) -> KeptAnswer:
        """A registration of what is there already: right if it was only reserved. Raises AlreadyRegistered."""
        for _ in range(REPLANS_MAX):
            found = await self._identifiers.find(identifier.folded)
            if found is None or found.state not in UNBORN:
                raise already_registered(identifier)
            record = await self._planner.activate(found, content, asked)
            outcome, kept = await self._commit(identifier, record, Operation.ACTIVATE, asked, answer)
            if outcome is WriteOutcome.COMMITTED:
                return kept
        raise moved(identifier)

    async def _commit(
        self, identifier: Identifier, record: StoredRecord, operation: Operation, asked: Asked, answer: Answer
    ) -> tuple[WriteOutcome, KeptAnswer]:
        kept = answer(identifier, record)
        claim = None if asked.claim is None else KeptClaim(asked.claim, kept, asked.trace.at)
        outcome = await self._group_commit.submit(RecordWrite(record, operation, asked.trace, claim))
        if outcome is WriteOutcome.CLAIM_TAKEN:
            raise ClaimTaken
        if outcome is WriteOutcome.COMMITTED:
            self._counters.count_written(operation)
        return outcome, kept


def moved(identifier: Identifier) -> VersionMoved:
    """The refusal of a write that others were faster than, again and again."""
    return VersionMoved(f"{identifier.text} was changed by someone else meanwhile")
