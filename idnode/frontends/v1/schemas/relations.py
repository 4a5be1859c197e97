"""Documents of the life of identifiers (reservations, deletion) and of the relations between them."""

from typing import Annotated, Literal

from pydantic import Field

from idnode.frontends.v1.routes import WriteQuery
from idnode.frontends.v1.schemas.fields import Document, Form, PageQuery
from idnode.frontends.v1.schemas.identifiers import IdentifierText, ProblemOut
from idnode.model.relation import Direction, RelationKind
from idnode.registry.relations import RELATIONS_MAX
from idnode.registry.reservations import RESERVATIONS_MAX
from idnode.resolver.relations import DEPTH_MAX


class DeleteQuery(WriteQuery):
    """How to delete."""

    successor: IdentifierText | None = None
    """The identifier to go on with, of this node or another; it stands in the tombstone."""


class ReservationsIn(Form):
    """Names to reserve at once."""

    identifiers: Annotated[list[IdentifierText], Field(min_length=1, max_length=RESERVATIONS_MAX)]


class ReservationOut(Document):
    """What became of one name: `reserved`, or the code of a problem."""

    row: int
    identifier: str
    code: str
    version: int | None = None
    problem: ProblemOut | None = None


class ReservationsOut(Document):
    """Results in the order asked."""

    results: list[ReservationOut]
    done: int
    refused: int


class RelationIn(Form):
    """One statement: the subject is part of (made from, packed in, replaced by) the object."""

    subject: IdentifierText
    kind: RelationKind = Field(strict=False)
    object: IdentifierText


class RelationsIn(Form):
    """Relations to write or to take back, all or nothing."""

    relations: Annotated[list[RelationIn], Field(min_length=1, max_length=RELATIONS_MAX)]


class RelationsOut(Document):
    """How many of them were written (taken back), and how many were there (gone) already."""

    changed: int
    unchanged: int


class RelationQuery(PageQuery):
    """Which relations of an identifier."""

    direction: Literal["out", "in", "both"] = "both"
    """`out`: what it is to others (part_of); `in`: what others are to it (has_part)."""
    kind: RelationKind | None = None
    """Only this kind."""
    depth: Annotated[int, Field(ge=1, le=DEPTH_MAX)] = 1
    """How many steps to go, each direction by itself: parts of parts, wholes of wholes."""


class RelatedOut(Document):
    """`from` is `relation` (has_part, say) `identifier`, in `depth` steps from what was asked for."""

    depth: int
    direction: Direction
    kind: RelationKind
    relation: str
    origin: Annotated[str, Field(alias="from")]
    identifier: str


class RelatedPage(Document):
    """A page, nearest first. `truncated`: a walk of several steps found more than it goes through (1,000)."""

    identifier: str
    items: list[RelatedOut]
    truncated: bool
    next: str | None
