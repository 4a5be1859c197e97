"""Relations between identifiers: their kinds, how each is called from the other side, and the search for a ring."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from idnode.model.identifier import Identifier


class RelationKind(StrEnum):
    """What the subject is to the object."""

    PART_OF = "part_of"
    MADE_FROM = "made_from"
    PACKED_IN = "packed_in"
    REPLACED_BY = "replaced_by"


INVERSE: Mapping[RelationKind, str] = {
    RelationKind.PART_OF: "has_part",
    RelationKind.MADE_FROM: "made_into",
    RelationKind.PACKED_IN: "contains",
    RelationKind.REPLACED_BY: "replaces",
}
"""What the object is to the subject."""

ACYCLIC = frozenset({RelationKind.PART_OF, RelationKind.PACKED_IN, RelationKind.REPLACED_BY})
"""No ring of these: nothing is a part of itself. What a thing is made from may come round (recycled fibre does)."""


class Direction(StrEnum):
    """From an identifier to what it is part of (out), or from it to its parts (in)."""

    OUT = "out"
    IN = "in"


@dataclass(frozen=True, slots=True)
class Relation:
    """One statement: `subject` is `kind` `object`."""

    subject: Identifier
    kind: RelationKind
    object: Identifier

    @property
    def key(self) -> tuple[str, RelationKind, str]:
        """What tells relations apart: letters compare without case."""
        return self.subject.folded, self.kind, self.object.folded


def ring_in(edges: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """A ring among these edges, from one of its nodes back to it; empty when there is none."""
    following: dict[str, list[str]] = {}
    for begin, end in edges:
        following.setdefault(begin, []).append(end)
    finished: set[str] = set()
    for start in following:
        ring = _ring_from(start, following, finished)
        if ring:
            return ring
    return ()


def _ring_from(start: str, following: Mapping[str, list[str]], finished: set[str]) -> tuple[str, ...]:
    """Depth first without recursion: `path` is where the search stands, with what is left to try at each node."""
    if start in finished:
        return ()
    path = {start: iter(following[start])}
    while path:
        node = next(reversed(path))
        step = next(path[node], None)
        if step is None:
            finished.add(node)
            del path[node]
        elif step in path:
            nodes = list(path)
            return (*nodes[nodes.index(step) :], step)
        elif step not in finished:
            path[step] = iter(following.get(step, ()))
    return ()
