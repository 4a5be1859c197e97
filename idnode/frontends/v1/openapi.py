"""The OpenAPI 3.1 document, built from the route table and the types of its documents."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from idnode.frontends.problems import CONTENT_TYPE, KINDS
from idnode.frontends.v1.routes import Route
from idnode.frontends.v1.schemas.identifiers import HandleValueDocument, ProblemOut, ViolationOut
from idnode.model.access import Role
from idnode.model.limits import IDEMPOTENCY_KEY_CHARACTERS_MAX

Json = dict[str, Any]
REF = "#/components/schemas/{model}"

_TOPICS = {
    "enterprises": "Enterprises: name, USCC, industry, contact.",
    "prefixes": "Prefixes under the node's own, their states and hosting.",
    "handle-admins": "Keys of a prefix's administrators, for clients of the Handle System.",
    "signing-keys": "Keys that the records of a prefix are signed with.",
    "keys": "API keys: role, scope, rotation.",
    "templates": "Templates: versioned, typed item lists with semantic checks.",
    "identifiers": "Identifiers: register, resolve, change, history.",
    "relations": "Relations between identifiers: part of, made from, packed in, replaced by, in both directions.",
    "minting": "Patterns of suffixes, minting, ranges for printing lines.",
    "transfers": "Transfers of prefixes and identifiers between enterprises.",
    "reviews": "Reviews: applications of enterprises that came through SNMS.",
    "imports": "Imports: files of any size become identifiers in the background.",
    "reporting": "What the top node is told besides: the operator, profiles of enterprises, applications.",
    "sync": "What the top node is owed: the ledger, the relay, reconciliation.",
    "monitoring": "Probes, events, maintenance stops, the monthly report.",
}
_EVENT: Json = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
    "required": ["event", "data"],
}
"""One of a stream of server-sent events."""
_WRITE_HEADERS = (
    (
        "Idempotency-Key",
        "The same key and the same request give the same answer, byte for byte; another request with it is refused.",
        {"type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_CHARACTERS_MAX, "pattern": "^[!-~]+$"},
    ),
    (
        "If-Match",
        'The version that the write is meant for, as ETag: "3". Another present version gives 412.',
        {"type": "string", "pattern": '^("[0-9]{1,9}"|\\*)$'},
    ),
)


def openapi_document(routes: Sequence[Route], *, version: str) -> Json:
    """The document. Paths hold the identifier as one parameter; a slash in it may be sent plain or as %2F."""
    schemas, definitions = _schemas(routes)
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "idnode",
            "version": version,
            "summary": "Secondary node of the industrial-internet identifier system (工业互联网标识解析二级节点)",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TOPICS.items()],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key"}},
        },
    }


def _schemas(routes: Iterable[Route]) -> tuple[dict[type[BaseModel], Json], Json]:
    """A reference for each model of the table, and the definitions that they point to."""
    models: set[type[BaseModel]] = {ProblemOut, ViolationOut, HandleValueDocument}
    for route in routes:
        models |= {route.answer} if route.body is None else {route.answer, route.body}
    ordered = sorted(models, key=lambda model: model.__name__)
    references, document = models_json_schema([(model, "validation") for model in ordered], ref_template=REF)
    return {model: references[(model, "validation")] for model in ordered}, document["$defs"]


def _operation(route: Route, schemas: dict[type[BaseModel], Json]) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "description": _who(route),
        "tags": [route.topic],
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)],
        "responses": _responses(route, schemas),
        "security": [{"key": []}] if route.roles is not None else [{}, {"key": []}],
    }
    binary = {"schema": {"type": "string", "format": "binary"}}
    content: Json = dict.fromkeys(route.body_media_types, binary)
    if route.body is not None:
        content["application/json"] = {"schema": schemas[route.body]}
    if content:
        operation["requestBody"] = {"required": not route.is_body_optional, "content": content}
    return operation


def _who(route: Route) -> str:
    if route.roles is None:
        return "Public; a key whose scope holds the prefix sees more."
    return "Roles: " + ", ".join(role for role in Role if role in route.roles) + "."


def _path_parameters(route: Route) -> list[Json]:
    names = [step[1:-1] for step in route.path.split("/") if step.startswith("{")]
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}} for name in names
    ]


def _query_parameters(route: Route) -> list[Json]:
    schema = route.query.model_json_schema(ref_template=REF)
    definitions = schema.get("$defs", {})
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _inlined(member, definitions)}
        for name, member in schema.get("properties", {}).items()
    ]


def _inlined(member: Json, definitions: Json) -> Json:
    """A parameter's schema without references: definitions of query models are not among the components."""
    if "$ref" in member:
        target: Json = definitions[member["$ref"].rpartition("/")[2]]
        return target
    # An absent parameter is absent; null cannot be sent in a query string.
    choices = [_inlined(choice, definitions) for choice in member.get("anyOf", ()) if choice.get("type") != "null"]
    rest = {name: value for name, value in member.items() if name not in ("anyOf", "default") or value is not None}
    if not choices:
        return rest
    rest.pop("anyOf", None)
    return {**rest, **choices[0]} if len(choices) == 1 else {**rest, "anyOf": choices}


def _header_parameters(route: Route) -> list[Json]:
    if not route.is_write:
        return []
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": schema}
        for name, text, schema in _WRITE_HEADERS
    ]


def _responses(route: Route, schemas: dict[type[BaseModel], Json]) -> Json:
    others: Json = {
        media_type: {"schema": _EVENT if media_type == "text/event-stream" else {"type": "string"}}
        for media_type in route.media_types
    }
    own: Json = {} if route.stream is not None else {"application/json": {"schema": schemas[route.answer]}}
    done = {"description": "Done", "content": {**own, **others}}
    responses: Json = {str(route.status): done}
    if route.is_write and route.receive is None:
        responses["200"] = {**done, "description": "Done; for a dry run: what would stand"}
    problem = {CONTENT_TYPE: {"schema": schemas[ProblemOut]}}
    if route.method == "GET" and route.stream is None and "version" in route.answer.model_fields:
        responses["304"] = {"description": "Not modified"}
    for status in sorted({kind.status for kind in KINDS.values()} | {500}):
        titles = sorted({kind.title for kind in KINDS.values() if kind.status == status})
        responses[str(status)] = {"description": "; ".join(titles) or "The node failed", "content": problem}
    return responses
