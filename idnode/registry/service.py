"""The one write path for single records: load, plan, group commit."""

from collections.abc import Callable

from idnode.model.errors import AlreadyRegistered, VersionMoved
from idnode.model.identifier import Identifier
from idnode.model.record import Operation
from idnode.registry.commands import Asked, Content, Revision
from idnode.registry.group_commit import GroupCommit
from idnode.registry.metrics import RegistryCounters
from idnode.registry.planning import RecordPlanner
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

    async def register(self, identifier: Identifier, content: Content, asked: Asked, answer: Answer) -> KeptAnswer:
        """A new record. Raises AlreadyRegistered, InvalidInput, Forbidden, NotFound, Conflict."""
        begun = self._nanoseconds()
        record = await self._planner.register(identifier, content, asked)
        if asked.dry_run:
            if await self._identifiers.find(identifier.folded) is not None:
                raise already_registered(identifier)
            return answer(identifier, record)
        outcome, kept = await self._commit(identifier, record, Operation.REGISTER, asked, answer)
        if outcome is WriteOutcome.EXISTS:
            raise already_registered(identifier)
        self._registered(identifier.prefix.folded, self._nanoseconds() - begun)
        return kept

    async def revise(self, revision: Revision, asked: Asked, answer: Answer) -> KeptAnswer:
        """The next version of a record. Raises NotFound, Deleted, Conflict, VersionMoved, InvalidInput, Forbidden."""
        identifier = revision.identifier
        await self._planner.require_writable(identifier.prefix, asked)
        for _ in range(REPLANS_MAX):
            record = await self._planner.revise(await self._identifiers.find(identifier.folded), revision, asked)
            if asked.dry_run:
                return answer(identifier, record)
            outcome, kept = await self._commit(identifier, record, revision.operation, asked, answer)
            if outcome is WriteOutcome.COMMITTED:
                return kept
            if asked.expected_version is not None:
                break
        raise VersionMoved(f"{identifier.text} was changed by someone else meanwhile")

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


def already_registered(identifier: Identifier) -> AlreadyRegistered:
    """The refusal of a registration whose identifier is taken."""
    return AlreadyRegistered(f"{identifier.text} is registered already (letters compare without case)")
