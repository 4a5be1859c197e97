"""Documents of identifiers, their history, and batch resolution."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, JsonValue, WithJsonSchema

from idnode.frontends.v1.schemas.fields import Document, Form, Instant, PageQuery, PrefixText, TemplateVersion
from idnode.model.limits import IDENTIFIER_BYTES_MAX, RESOLVE_BATCH_MAX, VALUE_INDEX_MAX, VALUES_MAX
from idnode.model.record import State

IdentifierText = Annotated[
    str,
    Field(max_length=4_096),
    WithJsonSchema({"type": "string", "maxLength": IDENTIFIER_BYTES_MAX, "examples": ["88.118.8/JXDY2106023"]}),
]
"""Read as text here; the domain's own parser judges it and names the limit in bytes."""


class ValueData(Document):
    """Data of a value: `string` is text, `base64` and `hex` are bytes; `admin`, `vlist`, `site`, `key` are objects."""

    format: Literal["string", "base64", "hex", "admin", "vlist", "site", "key"]
    value: JsonValue


class ReferenceDocument(Document):
    """A reference to a value of another identifier."""

    handle: str
    index: int


class HandleValueDocument(Document):
    """A Handle value (RFC 3651 §3.1). `permissions` are admin read, admin write, public read, public write."""

    index: Annotated[int, Field(ge=1, le=VALUE_INDEX_MAX)]
    type: str
    data: ValueData | str
    ttl: int | str = 86_400
    permissions: Annotated[str, Field(pattern="^[01]{4}$")] = "1110"
    timestamp: datetime | None = None
    references: list[ReferenceDocument] = []


# The codec of the Handle REST form reads values (wire/handle_json): one reader for every face of a record.
ValuesIn = Annotated[
    list[Any],
    WithJsonSchema(
        {"type": "array", "maxItems": VALUES_MAX, "items": {"$ref": "#/components/schemas/HandleValueDocument"}}
    ),
]
Attributes = dict[str, JsonValue]


class TemplateNameIn(Form):
    """Which template."""

    prefix: PrefixText
    version: TemplateVersion


class ContentIn(Form):
    """What a record holds: values, or a template with attributes, or both."""

    template: TemplateNameIn | None = None
    attributes: Attributes = {}
    values: ValuesIn = []


class IdentifierIn(ContentIn):
    """An identifier to register."""

    identifier: IdentifierText


class IdentifierPatch(Form):
    """Changes: `values` set by index, `remove` takes indexes away, `attributes` set by name (null removes)."""

    values: ValuesIn = []
    remove: Annotated[list[Annotated[int, Field(ge=1, le=VALUE_INDEX_MAX)]], Field(max_length=VALUES_MAX)] = []
    attributes: Attributes = {}


class RecordOut(Document):
    """A record. Its owner's key sees every value, others the publicly readable ones.

    `successor` stands in a tombstone; `holder` is the enterprise that the identifier was transferred to, absent where
    it is that of the prefix.
    """

    identifier: str
    prefix: str
    version: int
    state: State
    template: TemplateNameIn | None
    attributes: Attributes
    created: datetime
    updated: datetime
    successor: str | None = None
    holder: UUID | None = None
    values: list[HandleValueDocument]
    warnings: list[str] | None = None


class RecordQuery(BaseModel, extra="forbid"):
    """`at` asks for the record as it was then (RFC 3339); it takes a key whose scope holds the prefix."""

    at: Instant | None = None


class IdentifierQuery(PageQuery):
    """Which prefix to list."""

    prefix: PrefixText
    state: State | None = None


class RecordPage(Document):
    """A page of records in the order of their folded identifiers."""

    items: list[RecordOut]
    next: str | None


class ChangeOut(Document):
    """One change: who, when, and the record before and after."""

    version: int
    operation: str
    at: datetime
    actor: str
    request_id: str
    old: RecordOut | None
    new: RecordOut | None


class ChangePage(Document):
    """A page of changes, newest first."""

    items: list[ChangeOut]
    next: str | None


class ResolveIn(Form):
    """Identifiers to resolve at once."""

    identifiers: Annotated[
        list[Annotated[str, Field(max_length=4_096)]], Field(min_length=1, max_length=RESOLVE_BATCH_MAX)
    ]


class ProblemOut(Document):
    """A problem document (RFC 9457). `referral` tells the site of an enterprise that answers itself."""

    type: str
    title: str
    status: int
    detail: str
    errors: list["ViolationOut"] | None = None
    errors_unlisted: int | None = None
    deleted: str | None = None
    successor: str | None = None
    referral: dict[str, JsonValue] | None = None


class ViolationOut(Document):
    """One broken rule, with the JSON pointer to what broke it."""

    pointer: str
    rule: str
    detail: str
    value: str | None = None
    limit: str | None = None
    item: str | None = None


class ResolutionOut(Document):
    """What became of one identifier."""

    identifier: str
    found: bool
    record: RecordOut | None = None
    problem: ProblemOut | None = None


class ResolveOut(Document):
    """Results in the order asked."""

    results: list[ResolutionOut]
