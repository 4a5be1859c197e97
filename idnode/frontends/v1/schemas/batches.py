"""Documents of batches: rows in, one result for each out."""

from typing import Annotated, Literal

from pydantic import Field

from idnode.frontends.v1.routes import WriteQuery
from idnode.frontends.v1.schemas.fields import Document, Form
from idnode.frontends.v1.schemas.identifiers import (
    Attributes,
    IdentifierText,
    ProblemOut,
    TemplateNameIn,
    ValuesIn,
)
from idnode.model.limits import VALUE_INDEX_MAX, VALUES_MAX
from idnode.registry.batches import BATCH_ROWS_MAX


class BatchRow(Form):
    """What to do with one identifier: `register` unless `op` says otherwise; `version` is the one that is expected.

    A row that is wrong, of whatever kind, is refused alone.
    """

    op: Literal["register", "replace", "patch", "delete"] = "register"
    identifier: IdentifierText
    template: TemplateNameIn | None = None
    attributes: Attributes = {}
    values: ValuesIn = []
    remove: Annotated[list[Annotated[int, Field(ge=1, le=VALUE_INDEX_MAX)]], Field(max_length=VALUES_MAX)] = []
    version: Annotated[int, Field(ge=1)] | None = None


class BatchIn(Form):
    """A batch. `atomic`: everything or nothing of it is written."""

    rows: Annotated[list[BatchRow], Field(min_length=1, max_length=BATCH_ROWS_MAX)]
    atomic: bool = False


class BatchQuery(WriteQuery):
    """Query parameters of a batch."""

    atomic: bool = False
    """Everything or nothing, as `atomic` in a JSON body says it."""


class BatchResult(Document):
    """What became of a row; `row` counts from 0. `code` is what was done, or that of the problem."""

    row: int
    identifier: str | None
    code: str
    version: int | None = None
    problem: ProblemOut | None = None


class BatchOut(Document):
    """The results in the order of the rows."""

    results: list[BatchResult]
    done: int
    refused: int
