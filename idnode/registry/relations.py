"""The write path of relations: who may say them, which are refused, and the ring that none of them may close."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from idnode.model.errors import Conflict, Forbidden, InvalidInput, NotFound, Violation, shown
from idnode.model.identifier import Identifier
from idnode.model.record import UNBORN, State
from idnode.model.relation import ACYCLIC, Relation, RelationKind, ring_in
from idnode.registry.commands import Asked
from idnode.registry.metrics import RegistryCounters
from idnode.registry.planning import RecordPlanner
from idnode.storage.database import Database, Session
from idnode.storage.directory import Directory
from idnode.storage.idempotency import KeptAnswer, KeptClaim, keep_answers
from idnode.storage.identifiers import IdentifierStore, StoredRecord
from idnode.storage.relations import lock_relations, reachable, relate, unrelate
from idnode.wire.record_head import holder_of

RELATIONS_MAX = 1_000
"""Of one request."""
EDGES_WALKED_MAX = 10_000
"""Relations that are looked at for a ring; who asks for what would take more is refused."""
RING_SHOWN_MAX = 8

Answer = Callable[[int], KeptAnswer]
"""From how many relations were new, or were there."""


class Statement(NamedTuple):
    """A relation and where it stands in the request."""

    relation: Relation
    pointer: str


class ClosesRing(Conflict):
    """Something would become a part of itself, be packed in itself, or replace itself."""

    code = "relation-ring"


class Relations:
    """Writes relations, all of a request or nothing of it."""

    def __init__(
        self,
        database: Database,
        identifiers: IdentifierStore,
        planner: RecordPlanner,
        directory: Directory,
        counters: RegistryCounters,
    ) -> None:
        self._database = database
        self._identifiers = identifiers
        self._planner = planner
        self._directory = directory
        self._counters = counters

    async def relate(self, statements: Sequence[Statement], asked: Asked, answer: Answer) -> KeptAnswer:
        """What is there already stays as it is. Raises Forbidden, NotFound, Conflict, InvalidInput, ClosesRing."""
        await self._check(statements, asked, are_objects_needed=True)
        relations = _different(statements)

        async def act(session: Session) -> int:
            return await relate_without_ring(session, relations, asked)

        return await self._write(act, "relate", asked, answer)

    async def unrelate(self, statements: Sequence[Statement], asked: Asked, answer: Answer) -> KeptAnswer:
        """What is not there is passed over. Raises Forbidden, NotFound, Conflict, InvalidInput."""
        await self._check(statements, asked, are_objects_needed=False)
        relations = _different(statements)

        async def act(session: Session) -> int:
            await lock_relations(session)
            return await unrelate(session, relations, asked.trace)

        return await self._write(act, "unrelate", asked, answer)

    async def _write(
        self, act: Callable[[Session], Awaitable[int]], operation: str, asked: Asked, answer: Answer
    ) -> KeptAnswer:
        with suppress(_Rehearsed):
            async with self._database.transaction() as session:
                kept = answer(await act(session))
                if asked.claim is not None:
                    await keep_answers(session, [KeptClaim(asked.claim, kept, asked.trace.at)])
                if asked.dry_run:
                    raise _Rehearsed
            self._counters.count_written(f"relation-{operation}")
        return kept

    async def _check(self, statements: Sequence[Statement], asked: Asked, *, are_objects_needed: bool) -> None:
        """Rights first, so that nobody learns of what is not theirs; then everything else that is wrong, at once."""
        names = {relation.subject.folded for relation, _ in statements}
        if are_objects_needed:
            names |= {relation.object.folded for relation, _ in statements}
        found = await self._identifiers.find_many(list(names))
        for subject in {relation.subject.folded: relation.subject for relation, _ in statements}.values():
            stored = found.get(subject.folded)
            holder = None if stored is None else holder_of(stored.document, stored.values_at)
            await self._planner.require_writable(subject.prefix, asked, holder=holder)
        violations = [violation for each in statements for violation in _misfits(each, found)]
        if are_objects_needed:
            for each in statements:
                violations += await self._missing_object(each, found, asked)
        InvalidInput.refuse_any(violations)

    async def _missing_object(
        self, statement: Statement, found: Mapping[str, StoredRecord], asked: Asked
    ) -> list[Violation]:
        """An object at this node is there, or its owner says so of a name that is reserved; another node's may be."""
        wanted = statement.relation.object
        stored = found.get(wanted.folded)
        if stored is None:
            registration = await self._directory.prefix(wanted.prefix)
            is_missing = registration is not None and registration.is_answered_here
        elif stored.state in UNBORN:
            is_missing = stored.state is State.RELEASED or not await self._is_writable(wanted, stored, asked)
        else:
            is_missing = False
        return [_unknown(f"{statement.pointer}/object", wanted)] if is_missing else []

    async def _is_writable(self, identifier: Identifier, stored: StoredRecord, asked: Asked) -> bool:
        holder = holder_of(stored.document, stored.values_at)
        try:
            await self._planner.require_writable(identifier.prefix, asked, holder=holder)
        except (Forbidden, NotFound, Conflict):
            return False
        return True


async def relate_without_ring(session: Session, relations: Sequence[Relation], asked: Asked) -> int:
    """Write relations in a transaction of the caller; how many were new. Raises ClosesRing, which must undo it."""
    await lock_relations(session)
    count = await relate(session, relations, asked.trace)
    for kind in sorted(ACYCLIC):
        objects = sorted({relation.object.folded for relation in relations if relation.kind is kind})
        if objects:
            _refuse_ring(kind, await reachable(session, objects, kind, edges_max=EDGES_WALKED_MAX + 1))
    return count


class _Rehearsed(Exception):  # never leaves this module: it rolls a dry run back
    """Nothing was refused."""


def _different(statements: Sequence[Statement]) -> list[Relation]:
    return list({statement.relation.key: statement.relation for statement in statements}.values())


def _misfits(statement: Statement, found: Mapping[str, StoredRecord]) -> list[Violation]:
    subject = statement.relation.subject
    stored = found.get(subject.folded)
    violations = []
    if stored is None or stored.state is State.RELEASED:
        violations.append(_unknown(f"{statement.pointer}/subject", subject))
    if subject.folded == statement.relation.object.folded:
        detail = "an identifier has no relation to itself"
        violations.append(Violation(f"{statement.pointer}/object", "self-relation", detail, shown(subject.text)))
    return violations


def _unknown(pointer: str, identifier: Identifier) -> Violation:
    detail = f"{shown(identifier.text)} is not registered at this node"
    return Violation(pointer, "unknown-identifier", detail, shown(identifier.text))


def _refuse_ring(kind: RelationKind, edges: Sequence[tuple[str, str]]) -> None:
    if len(edges) > EDGES_WALKED_MAX:
        raise ClosesRing(
            f"whether this closes a ring of {kind} takes more than {EDGES_WALKED_MAX} relations to look at; "
            "relate the larger things to fewer others first"
        )
    ring = ring_in(edges)
    if ring:
        way = " → ".join(ring[:RING_SHOWN_MAX]) + (" → …" if len(ring) > RING_SHOWN_MAX else "")
        raise ClosesRing(f"this closes a ring of {kind}: {way}")
