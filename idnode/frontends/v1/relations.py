"""Relations between identifiers: say, take back, and follow in both directions."""

from collections.abc import Callable, Sequence

import orjson

from idnode.frontends.v1.answers import answer_json, cursor_key, cursor_text, foreign_cursor
from idnode.frontends.v1.routes import WRITERS, Call, Route, WriteQuery
from idnode.frontends.v1.schemas.relations import (
    RelatedPage,
    RelationQuery,
    RelationsIn,
    RelationsOut,
)
from idnode.model.errors import InvalidIdentifier, InvalidInput, Violation
from idnode.model.identifier import Identifier
from idnode.model.relation import INVERSE, Direction, Relation, RelationKind
from idnode.registry.relations import Relations, Statement
from idnode.resolver.relations import RelationReader
from idnode.resolver.service import ResolverService
from idnode.resolver.views import require_owned, require_public
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.relations import Neighbour

TOPIC = "relations"

_BOTH = (Direction.OUT, Direction.IN)
_BEFORE_EVERYTHING = ("", "")


class RelationsApi:
    """Handlers: parse, call, render."""

    def __init__(self, relations: Relations, reader: RelationReader, resolver: ResolverService) -> None:
        self._relations = relations
        self._reader = reader
        self._resolver = resolver

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        return (
            Route("POST", "/v1/relations", "relate", "Say how identifiers hang together, up to 1,000 at once",
                  self.relate, WRITERS, RelationsOut, body=RelationsIn, query=WriteQuery, topic=TOPIC),
            Route("DELETE", "/v1/relations", "unrelate", "Take relations back, up to 1,000 at once",
                  self.unrelate, WRITERS, RelationsOut, body=RelationsIn, query=WriteQuery, topic=TOPIC),
            Route("GET", "/v1/relations/{identifier}", "follow_relations", "Follow relations in both directions",
                  self.follow, None, RelatedPage, query=RelationQuery, topic=TOPIC),
        )  # fmt: skip

    async def relate(self, call: Call) -> KeptAnswer:
        """POST /v1/relations."""
        statements = _statements(call.body_as(RelationsIn))
        return await self._relations.relate(statements, call.asked, _changed(statements))

    async def unrelate(self, call: Call) -> KeptAnswer:
        """DELETE /v1/relations."""
        statements = _statements(call.body_as(RelationsIn))
        return await self._relations.unrelate(statements, call.asked, _changed(statements))

    async def follow(self, call: Call) -> KeptAnswer:
        """GET /v1/relations/{identifier}."""
        identifier = call.path_as("identifier", Identifier.parse)
        query = call.query_as(RelationQuery)
        stored, is_owned = await self._resolver.resolve_for(identifier, call.key)
        (require_owned if is_owned else require_public)(stored)
        act = self._page if query.depth == 1 else self._walk
        return await act(call, identifier, query)

    async def _page(self, call: Call, identifier: Identifier, query: RelationQuery) -> KeptAnswer:
        """One step may have as many neighbours as it likes: it is read page by page, without counting."""
        direction, after = _position(query.cursor)
        directions = _BOTH if query.direction == "both" else (Direction(query.direction),)
        if direction is not None and direction not in directions:
            raise foreign_cursor(query.cursor or "")
        read: list[Neighbour] = []
        for each in directions[0 if direction is None else directions.index(direction) :]:
            if len(read) < query.limit:
                beginning = after if each is direction else _BEFORE_EVERYTHING
                room = query.limit - len(read)
                read += await self._reader.page(identifier, each, _kinds(query), after=beginning, limit=room)
        items = [_item(1, each) for each in await self._reader.visible(read, call.key)]
        following = _cursor(read[-1]) if len(read) == query.limit else None
        return answer_json({"identifier": identifier.text, "items": items, "truncated": False, "next": following})

    async def _walk(self, call: Call, identifier: Identifier, query: RelationQuery) -> KeptAnswer:
        """Several steps are bounded as a whole; a page is a part of the walk."""
        begin = _offset(query.cursor)
        directions = _BOTH if query.direction == "both" else (Direction(query.direction),)
        walk = await self._reader.walk(identifier, directions, _kinds(query), depth=query.depth, key=call.key)
        page = walk.found[begin : begin + query.limit]
        ending = begin + len(page)
        following = cursor_text(str(ending)) if ending < len(walk.found) else None
        items = [_item(found.depth, found.neighbour) for found in page]
        return answer_json(
            {"identifier": identifier.text, "items": items, "truncated": walk.is_truncated, "next": following}
        )


def _changed(statements: Sequence[Statement]) -> Callable[[int], KeptAnswer]:
    different = len({statement.relation.key for statement in statements})
    return lambda count: answer_json({"changed": count, "unchanged": different - count})


def _kinds(query: RelationQuery) -> Sequence[RelationKind]:
    return tuple(RelationKind) if query.kind is None else (query.kind,)


def _item(depth: int, each: Neighbour) -> dict[str, object]:
    return {
        "depth": depth,
        "direction": each.direction,
        "kind": each.kind,
        "relation": each.kind if each.direction is Direction.OUT else INVERSE[each.kind],
        "from": each.via_shown,
        "identifier": each.shown,
    }


def _statements(body: RelationsIn) -> list[Statement]:
    """Raises InvalidInput with every identifier that is none."""
    violations: list[Violation] = []
    statements = []
    for at, relation in enumerate(body.relations):
        pointer = f"/relations/{at}"
        subject = _parsed(relation.subject, f"{pointer}/subject", violations)
        object = _parsed(relation.object, f"{pointer}/object", violations)
        if subject is not None and object is not None:
            statements.append(Statement(Relation(subject, relation.kind, object), pointer))
    InvalidInput.refuse_any(violations)
    return statements


def _parsed(text: str, pointer: str, violations: list[Violation]) -> Identifier | None:
    try:
        return Identifier.parse(text)
    except InvalidIdentifier as error:
        violations += [violation.under(pointer) for violation in error.violations]
        return None


def _cursor(last: Neighbour) -> str:
    return cursor_text(orjson.dumps((last.direction, last.kind, last.folded)).decode())


def _position(cursor: str | None) -> tuple[Direction | None, tuple[str, str]]:
    """Where the page before ended: direction, kind and name. Raises InvalidInput."""
    if cursor is None:
        return None, _BEFORE_EVERYTHING
    try:
        direction, kind, name = orjson.loads(cursor_key(cursor))
        return Direction(direction), (RelationKind(kind), Identifier.parse(name).folded)
    except (ValueError, TypeError, InvalidIdentifier):
        raise foreign_cursor(cursor) from None


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    key = cursor_key(cursor)
    if not (key.isascii() and key.isdigit() and len(key) <= 9):
        raise foreign_cursor(cursor)
    return int(key)
