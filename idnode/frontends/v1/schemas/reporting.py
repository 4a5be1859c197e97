"""Documents of the operator, of profiles and of applications: the fields of the tables, as far as they are known."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, create_model

from idnode.frontends.v1.schemas.fields import Document, Form, Line, PageQuery, PatchForm, Text
from idnode.model.application import Application, ApplicationKind, ApplicationState
from idnode.model.reporting import Report
from idnode.registry.applications import ApplicationForm
from idnode.wire.reporting_json import CERTIFICATE_TYPE, OF_THE_ENTERPRISE
from idnode.wire.top_node.fields import Kind, TableField
from idnode.wire.top_node.tables import FIELDS

Json = dict[str, Any]
ROUTES_MAX = 64
"""Addresses of resolution (contract table T2)."""
ApplicationType = Annotated[int, Field(ge=1, le=len(ApplicationKind))]
"""The contract's number."""

_PLAIN: Mapping[Kind, Json] = {
    Kind.COUNT: {"type": "integer", "minimum": 0},
    Kind.PORT: {"type": "integer", "minimum": 1, "maximum": 65_535},
    Kind.DECIMAL: {"type": "number", "minimum": 0},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.MOMENT: {"type": "string", "format": "date-time"},
    Kind.PHOTO: {"type": "string", "contentEncoding": "base64"},
}


def _as_the_table(schema: Json) -> None:
    """No field has a default, and there are no other fields."""
    schema["additionalProperties"] = False
    for member in schema.get("properties", {}).values():
        member.pop("default", None)


class Fields(BaseModel):
    """Fields of a table. They are checked against the table, which tells of unknown ones too, and not here."""

    model_config = ConfigDict(extra="allow", frozen=True, json_schema_extra=_as_the_table)

    def members(self) -> Json:
        """What was sent."""
        return self.model_dump(exclude_unset=True)


def fields_model(name: str, fields: Iterable[TableField], description: str) -> type[Fields]:
    """A model that takes everything and shows in the OpenAPI document what the table takes."""
    members: Json = {
        field.name: (Annotated[object, WithJsonSchema(_schema(field))], Field(default=None)) for field in fields
    }
    return create_model(name, __base__=Fields, __doc__=description, **members)


def _schema(field: TableField) -> Json:
    described = {"description": field.title}
    match field.kind:
        case Kind.OBJECT:
            return described | _object(field.fields)
        case Kind.OBJECTS:
            return described | {"type": "array", "maxItems": field.items_max, "items": _object(field.fields)}
        case Kind.TEXTS:
            text = {"type": "string", "minLength": 1, "maxLength": field.max_length}
            return described | {"type": "array", "maxItems": field.items_max, "items": text}
        case Kind.CHOICE | Kind.CODE:
            return described | {"enum": list(field.options or ())}
    return described | _PLAIN.get(field.kind, {"type": "string", "minLength": 1, "maxLength": field.max_length})


def _object(fields: Iterable[TableField]) -> Json:
    """Without `required`: what is missing is told in the answer and does not refuse it."""
    members = {field.name: _schema(field) for field in fields}
    return {"type": "object", "properties": members, "additionalProperties": False}


def _but(fields: Iterable[TableField], names: frozenset[str]) -> list[TableField]:
    return [field for field in fields if field.name not in names]


_ROUTES = next(field for field in FIELDS[Report.T2] if field.name == "routes")

OperatorFields = fields_model("OperatorFields", FIELDS[Report.T1], "Contract table T1, the operator of the node.")
RouteFields = fields_model("RouteFields", _ROUTES.fields, "Contract table T2, an address at which the node resolves.")
ProfileFields = fields_model(
    "ProfileFields",
    _but(FIELDS[Report.T6], frozenset({CERTIFICATE_TYPE, *OF_THE_ENTERPRISE})),
    "Contract table T6 but for what the enterprise itself holds.",
)


class OperatorIn(Form):
    """The operator of the node. What is not sent is not known any more."""

    organisation: OperatorFields  # type: ignore[valid-type]  # made from the table
    resolution: Annotated[list[RouteFields], Field(max_length=ROUTES_MAX)]  # type: ignore[valid-type]  # likewise

    def organisation_members(self) -> Json:
        """The fields of T1 that were sent."""
        return _members(self.organisation)

    def resolution_members(self) -> list[Json]:
        """Those of T2, address by address."""
        return [_members(route) for route in self.resolution]


class OperatorOut(Document):
    """The operator; `missing` are the fields, as pointers, without which tables T1 and T2 are not sent."""

    organisation: Json
    resolution: list[Json]
    missing: list[str]
    version: int
    updated: datetime | None


class ProfileIn(Form):
    """What is told of an enterprise beyond its own row. What is not sent is not known any more."""

    organisation: ProfileFields  # type: ignore[valid-type]  # made from the table

    def organisation_members(self) -> Json:
        """The fields of T6 that were sent."""
        return _members(self.organisation)


class ProfileOut(Document):
    """The profile of an enterprise; `missing` are the fields, as pointers, without which table T6 is not sent."""

    enterprise: UUID
    organisation: Json
    missing: list[str]
    version: int
    updated: datetime | None


class ApplicationIn(Form):
    """An application that is reported each month: of an enterprise (T10), or of the node (T5) when that is null."""

    enterprise: UUID | None = None
    name: Line
    type: ApplicationType
    """1 APP, 2 mini-program, 3 web page, 4 PC client, 5 other."""
    description: Text | None = None
    users: Line | None = None
    recursive_node: Line | None = None
    developed_by: Line | None = None

    def form(self) -> ApplicationForm:
        """As the registry wants it."""
        return ApplicationForm(
            enterprise=self.enterprise,
            name=self.name,
            kind=ApplicationKind(self.type),
            description=self.description,
            users=self.users,
            recursive_node=self.recursive_node,
            developed_by=self.developed_by,
        )


class ApplicationPatch(PatchForm):
    """Members to change; null clears."""

    enterprise: UUID | None = None
    name: Line | None = None
    type: ApplicationType | None = None
    description: Text | None = None
    users: Line | None = None
    recursive_node: Line | None = None
    developed_by: Line | None = None


class ApplicationOut(Document):
    """An application; `enterprise` is null for the node's own."""

    id: UUID
    enterprise: UUID | None
    name: str
    type: int
    description: str | None
    users: str | None
    recursive_node: str | None
    developed_by: str | None
    state: ApplicationState
    version: int
    created: datetime
    updated: datetime


class ApplicationQuery(PageQuery):
    """Filters of the list."""

    enterprise: UUID | None = None
    state: ApplicationState | None = None


class ApplicationPage(Document):
    """A page of applications."""

    items: list[ApplicationOut]
    next: str | None


def application_members(application: Application) -> Json:
    """What ApplicationIn would have to hold to give this application; patches are laid over it."""
    return {
        "enterprise": application.enterprise,
        "name": application.name,
        "type": int(application.kind),
        "description": application.description,
        "users": application.users,
        "recursive_node": application.recursive_node,
        "developed_by": application.developed_by,
    }


def _members(fields: Fields) -> Json:
    return fields.members()
