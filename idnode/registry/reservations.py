"""Names that are kept free for their owner: reserved many at once, best effort, each with a verdict of its own."""

from collections.abc import Callable, Sequence

from idnode.model.errors import IdnodeError
from idnode.model.identifier import Identifier
from idnode.model.record import Operation
from idnode.registry.batches import DuplicateInBatch, Verdict
from idnode.registry.commands import Asked
from idnode.registry.metrics import RegistryCounters
from idnode.registry.planning import RecordPlanner, already_registered
from idnode.storage.database import Session
from idnode.storage.idempotency import KeptAnswer, KeptClaim, keep_answers
from idnode.storage.identifiers import IdentifierStore, RecordWrite, StoredRecord, WriteOutcome
from idnode.storage.reservations import insert_reservations

RESERVATIONS_MAX = 2_000

Name = Identifier | IdnodeError
"""What is to be reserved, or why it could not even be read."""
Answer = Callable[[Sequence[Verdict]], KeptAnswer]


class Reservations:
    """Reserves names. The public sees no difference, so no answer that is kept has to be forgotten."""

    def __init__(self, identifiers: IdentifierStore, planner: RecordPlanner, counters: RegistryCounters) -> None:
        self._identifiers = identifiers
        self._planner = planner
        self._counters = counters

    async def reserve(self, names: Sequence[Name], asked: Asked, answer: Answer) -> KeptAnswer:
        """What can be reserved is. Raises what `answer` raises, which refuses all, and Unavailable."""
        found = await self._identifiers.find_many([name.folded for name in names if isinstance(name, Identifier)])
        planned = await self._plan(names, found, asked)
        if asked.dry_run:
            return answer(planned)
        kept: list[KeptAnswer] = []
        records = [verdict.record for verdict in planned if verdict.record is not None]
        new = [record for record in records if record.version == 1]
        again = [RecordWrite(record, Operation.RESERVE, asked.trace) for record in records if record.version > 1]
        count = 0

        async def settle(session: Session, outcomes: list[WriteOutcome]) -> None:
            nonlocal count
            done = await insert_reservations(session, new, asked.trace)
            for write, outcome in zip(again, outcomes, strict=True):
                if outcome is WriteOutcome.COMMITTED:
                    done.add(write.record.folded)
            count = len(done)
            kept.append(answer([_concluded(name, verdict, done) for name, verdict in zip(names, planned, strict=True)]))
            if asked.claim is not None:
                await keep_answers(session, [KeptClaim(asked.claim, kept[0], asked.trace.at)])

        await self._identifiers.commit_batch(again, is_atomic=False, also=settle)
        self._counters.count_written(Operation.RESERVE, count)
        return kept[0]

    async def _plan(self, names: Sequence[Name], found: dict[str, StoredRecord], asked: Asked) -> list[Verdict]:
        seen: set[str] = set()
        verdicts = []
        for name in names:
            try:
                verdicts.append(Verdict(await self._planned(name, found, seen, asked), None))
            except IdnodeError as refusal:
                verdicts.append(Verdict(None, refusal))
        return verdicts

    async def _planned(self, name: Name, found: dict[str, StoredRecord], seen: set[str], asked: Asked) -> StoredRecord:
        if isinstance(name, IdnodeError):
            raise name
        if name.folded in seen:
            raise DuplicateInBatch(f"{name.text} stands in an earlier row of this batch")
        seen.add(name.folded)
        return await self._planner.reserve(name, found.get(name.folded), asked)


def _concluded(name: Name, verdict: Verdict, done: set[str]) -> Verdict:
    if verdict.record is None or isinstance(name, IdnodeError) or verdict.record.folded in done:
        return verdict
    return Verdict(None, already_registered(name))
