"""Relations between identifiers: written many at once with their change rows, read in both directions by index."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import asyncpg
import orjson

from idnode.model.change import Trace
from idnode.model.record import State
from idnode.model.relation import Direction, Relation, RelationKind
from idnode.storage.database import Database, Session
from idnode.storage.statements import statements
from idnode.wire.relation_json import relation_document, relation_name

SQL = statements("relations")

_PAGES = {Direction.OUT: SQL["page_out"], Direction.IN: SQL["page_in"]}
_STEPS = {Direction.OUT: SQL["step_out"], Direction.IN: SQL["step_in"]}


class Neighbour(NamedTuple):
    """One relation seen from `via`: how it is called, and the other identifier; `state` None is another node's."""

    kind: RelationKind
    direction: Direction
    via: str
    via_shown: str
    folded: str
    shown: str
    state: State | None


async def lock_relations(session: Session) -> None:
    """Let nobody else write relations until the transaction ends."""
    await session.run(SQL["lock_relations"])


async def relate(session: Session, relations: Sequence[Relation], trace: Trace) -> int:
    """Write different relations; how many of them were not there yet. The caller has locked."""
    rows = await session.rows(
        SQL["relate"],
        *_keys(relations),
        [relation.subject.text for relation in relations],
        [relation.object.text for relation in relations],
        *_logged(relations),
        trace.at,
        trace.actor,
        trace.request_id,
    )
    return len(rows)


async def unrelate(session: Session, relations: Sequence[Relation], trace: Trace) -> int:
    """Take different relations back; how many of them were there. The caller has locked."""
    rows = await session.rows(
        SQL["unrelate"], *_keys(relations), *_logged(relations), trace.at, trace.actor, trace.request_id
    )
    return len(rows)


async def reachable(
    session: Session, names: Sequence[str], kind: RelationKind, *, edges_max: int
) -> list[tuple[str, str]]:
    """The relations of one kind on every way from these names, as subject and object; `edges_max` of them at most."""
    rows = await session.rows(SQL["reachable"], names, kind, edges_max)
    return [(row["subject"], row["object"]) for row in rows]


class RelationStore:
    """Reading side of the relation table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        folded: str,
        direction: Direction,
        kinds: Sequence[RelationKind],
        *,
        after: tuple[str, str],
        limit: int,
    ) -> list[Neighbour]:
        """A page of one identifier's relations in one direction, in the order of kind and name."""
        async with self._database.session() as session:
            rows = await session.rows(_PAGES[direction], folded, kinds, *after, limit)
        return [_neighbour(row, direction) for row in rows]

    async def step(
        self, folded: Sequence[str], direction: Direction, kinds: Sequence[RelationKind], *, limit: int
    ) -> list[Neighbour]:
        """The relations of many identifiers in one direction, `limit` at most; those that come, in order of kind."""
        async with self._database.session() as session:
            rows = await session.rows(_STEPS[direction], folded, kinds, limit)
        return sorted(_neighbour(row, direction) for row in rows)


_STATES: Mapping[str, State] = {state.value: state for state in State}
_KINDS: Mapping[str, RelationKind] = {kind.value: kind for kind in RelationKind}


def _neighbour(row: asyncpg.Record, direction: Direction) -> Neighbour:
    state = None if row["state"] is None else _STATES[row["state"]]
    return Neighbour(_KINDS[row["kind"]], direction, row["via"], row["via_shown"], row["folded"], row["shown"], state)


def _keys(relations: Sequence[Relation]) -> tuple[list[str], list[str], list[str]]:
    return (
        [relation.subject.folded for relation in relations],
        [relation.kind.value for relation in relations],
        [relation.object.folded for relation in relations],
    )


def _logged(relations: Sequence[Relation]) -> tuple[list[str], list[bytes]]:
    return (
        [relation_name(relation) for relation in relations],
        [orjson.dumps(relation_document(relation)) for relation in relations],
    )
