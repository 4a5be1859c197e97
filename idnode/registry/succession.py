"""Deletions that name a successor, and restoring: the record and its relation replaced_by in one transaction."""

from idnode.model.errors import VersionMoved
from idnode.model.identifier import Identifier
from idnode.model.record import Operation
from idnode.model.relation import Relation, RelationKind
from idnode.registry.batches import BatchWriter, Verdict
from idnode.registry.commands import Asked, Deletion, Revision
from idnode.registry.relations import relate_without_ring
from idnode.registry.service import REPLANS_MAX, Answer, RegistryService, moved
from idnode.storage.database import Session
from idnode.storage.idempotency import KeptAnswer, KeptClaim, keep_answers
from idnode.storage.identifiers import IdentifierStore
from idnode.storage.relations import lock_relations, unrelate
from idnode.wire.record_json import read_record


class Succession:
    """Ends identifiers, and brings them back."""

    def __init__(self, registry: RegistryService, batches: BatchWriter, identifiers: IdentifierStore) -> None:
        self._registry = registry
        self._batches = batches
        self._identifiers = identifiers

    async def delete(
        self, identifier: Identifier, successor: Identifier | None, asked: Asked, answer: Answer
    ) -> KeptAnswer:
        """Delete; the tombstone and a relation name the successor. Raises as `RegistryService.revise`, ClosesRing."""
        if successor is None:
            return await self._registry.revise(Revision(identifier, Operation.DELETE), asked, answer)
        revision = Revision(identifier, Operation.DELETE, Deletion(successor), asked.expected_version)
        return await self._write(revision, Relation(identifier, RelationKind.REPLACED_BY, successor), asked, answer)

    async def restore(self, identifier: Identifier, asked: Asked, answer: Answer) -> KeptAnswer:
        """Undo a suspension or a deletion, with what it said of a successor. Raises as `RegistryService.revise`."""
        for _ in range(REPLANS_MAX):
            found = await self._identifiers.find(identifier.folded)
            successor = None if found is None else read_record(found.document).successor
            if found is None or successor is None:
                return await self._registry.revise(Revision(identifier, Operation.RESTORE), asked, answer)
            # The successor that is taken back is the one of this version.
            expected = found.version if asked.expected_version is None else asked.expected_version
            revision = Revision(identifier, Operation.RESTORE, expected_version=expected)
            relation = Relation(identifier, RelationKind.REPLACED_BY, Identifier.parse(successor))
            try:
                return await self._write(revision, relation, asked, answer)
            except VersionMoved:
                if asked.expected_version is not None:
                    raise
        raise moved(identifier)

    async def _write(self, revision: Revision, relation: Relation, asked: Asked, answer: Answer) -> KeptAnswer:
        async def along(session: Session, verdicts: list[Verdict]) -> None:
            record = verdicts[0].record
            if record is None:
                return
            if revision.operation is Operation.DELETE:
                await relate_without_ring(session, [relation], asked)
            else:
                await lock_relations(session)
                await unrelate(session, [relation], asked.trace)
            if asked.claim is not None:
                kept = KeptClaim(asked.claim, answer(revision.identifier, record), asked.trace.at)
                await keep_answers(session, [kept])

        verdict = (await self._batches.write([revision], asked, is_atomic=False, along=along))[0]
        if verdict.record is None:
            raise verdict.refusal or moved(revision.identifier)
        return answer(revision.identifier, verdict.record)
