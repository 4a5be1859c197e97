"""Relations as whoever asks may see them: a page of one identifier's, or a walk of several steps, bounded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from idnode.model.access import ApiKey
from idnode.model.identifier import Identifier
from idnode.model.record import State
from idnode.model.relation import Direction, RelationKind
from idnode.resolver.service import FindMany, ResolverService
from idnode.storage.relations import Neighbour, RelationStore

DEPTH_MAX = 8
NODES_MAX = 1_000
"""Identifiers that one walk finds; it says when there were more."""
HIDDEN_AT_ONCE = 256
"""Keys of one statement, as in the resolver."""

_HIDDEN = frozenset({State.RESERVED, State.RELEASED, State.SUSPENDED})
"""What only its owner knows of."""


@dataclass(frozen=True, slots=True)
class Found:
    """An identifier that a walk came to, by which relation, in how many steps."""

    depth: int
    neighbour: Neighbour


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk found, nearest first; `is_truncated` when NODES_MAX were not all."""

    found: tuple[Found, ...]
    is_truncated: bool


class RelationReader:
    """Reads relations. `find_many` gives records by folded identifier."""

    def __init__(self, store: RelationStore, resolver: ResolverService, find_many: FindMany) -> None:
        self._store = store
        self._resolver = resolver
        self._find_many = find_many

    async def page(
        self,
        identifier: Identifier,
        direction: Direction,
        kinds: Sequence[RelationKind],
        *,
        after: tuple[str, str],
        limit: int,
    ) -> list[Neighbour]:
        """A page in the order of kind and name, unfiltered: what the asker may see of it is for `visible`."""
        return await self._store.page(identifier.folded, direction, kinds, after=after, limit=limit)

    async def visible(self, neighbours: Iterable[Neighbour], key: ApiKey | None) -> list[Neighbour]:
        """Those whose other end the asker may know of: everything but what is withheld and not the asker's own."""
        neighbours = list(neighbours)
        hidden = {each.folded for each in neighbours if each.state in _HIDDEN}
        shown = await self._own(sorted(hidden), key) if hidden and key is not None else set[str]()
        return [each for each in neighbours if each.folded not in hidden or each.folded in shown]

    async def walk(
        self,
        identifier: Identifier,
        directions: Sequence[Direction],
        kinds: Sequence[RelationKind],
        *,
        depth: int,
        key: ApiKey | None,
    ) -> Walk:
        """Up to `depth` steps, each direction by itself: parts and their parts, wholes and their wholes, no siblings.

        Each identifier once in each direction, by the shortest way; nothing is gone on from that may not be seen.
        """
        found: list[Found] = []
        is_truncated = False
        for direction in directions:
            seen, frontier = {identifier.folded}, [identifier.folded]
            for step in range(1, depth + 1):
                # One more than may come, and what was seen before comes once more at most by each relation.
                neighbours = await self._store.step(frontier, direction, kinds, limit=2 * NODES_MAX + 1)
                is_truncated |= len(neighbours) > 2 * NODES_MAX
                new = _first_of_each(neighbours, seen)
                told = await self.visible(new.values(), key)
                room = NODES_MAX - len(found)
                is_truncated |= len(told) > room
                found += [Found(step, each) for each in told[:room]]
                seen |= new.keys()
                frontier = [each.folded for each in told[:room]]
                if not frontier:
                    break
        return Walk(tuple(sorted(found, key=_nearest_first)), is_truncated)

    async def _own(self, folded: Sequence[str], key: ApiKey) -> set[str]:
        own = set()
        for first in range(0, len(folded), HIDDEN_AT_ONCE):
            records = await self._find_many(folded[first : first + HIDDEN_AT_ONCE])
            for name, stored in records.items():
                is_there = stored.state is not State.RELEASED
                if is_there and await self._resolver.is_owned(Identifier.parse(name).prefix, stored, key):
                    own.add(name)
        return own


def _first_of_each(neighbours: Iterable[Neighbour], seen: set[str]) -> Mapping[str, Neighbour]:
    new: dict[str, Neighbour] = {}
    for each in neighbours:
        if each.folded not in seen:
            new.setdefault(each.folded, each)
    return new


def _nearest_first(found: Found) -> tuple[int, bool, str, str]:
    each = found.neighbour
    return found.depth, each.direction is Direction.IN, each.kind, each.folded
