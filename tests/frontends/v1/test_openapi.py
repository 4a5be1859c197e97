"""The OpenAPI document says what the node does, and the documentation page shows all of it without the internet."""

import asyncio
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from harness import NodeUnderTest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from route_requests import RouteRequest, RouteRequests

from idnode.app import compose
from idnode.config import Settings
from idnode.frontends.v1.openapi import openapi_document
from idnode.frontends.v1.routes import Route
from idnode.storage.database import Database
from idnode.storage.embedded import EmbeddedPostgres

Json = dict[str, Any]
Routes = tuple[Route, ...]
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def routes(postgres: EmbeddedPostgres) -> Routes:
    """The route table of a node; nothing is asked of it."""

    async def composed() -> Routes:
        database = await Database.open(postgres.dsn, connections_max=2)
        await database.close()
        return compose(Settings(native_port=0, seed="none"), database, postgres.dsn).routes

    return asyncio.run(composed())


@pytest.fixture(scope="module")
def document(routes: Routes) -> Json:
    return openapi_document(routes, version="1")


async def test_the_document_is_valid_and_needs_no_key(node: NodeUnderTest) -> None:
    response = await node.call("GET", "/v1/openapi.json", key=None)
    document = await response.json()

    assert (response.status, response.content_type) == (200, "application/json")
    assert (document["openapi"], document["info"]["title"]) == ("3.1.0", "idnode")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_route_is_in_the_document_once_and_nothing_else(routes: Routes, document: Json) -> None:
    described = [
        (method.upper(), path, operation["operationId"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]

    assert sorted(described) == sorted((route.method, route.path, route.name) for route in routes)
    assert len({name for _, _, name in described}) == len(described)


def test_every_operation_says_who_may_call_it(routes: Routes, document: Json) -> None:
    security = {route.name: _operation(document, route)["security"] for route in routes}
    public = sorted(name for name, choices in security.items() if {} in choices)

    assert public == ["follow_relations", "read_identifier", "read_monitoring_status", "resolve"]
    assert all({"key": []} in choices for choices in security.values())
    assert _operation(document, _route(routes, "revise_prefix"))["description"] == "Roles: admin, reviewer."
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_every_write_takes_the_headers_of_writes_and_dry_run(routes: Routes, document: Json) -> None:
    names = {
        route.name: {parameter["name"] for parameter in _operation(document, route)["parameters"]} for route in routes
    }

    with_all = {name for name, found in names.items() if {"Idempotency-Key", "If-Match", "dry_run"} <= found}
    with_any = {name for name, found in names.items() if {"Idempotency-Key", "If-Match", "dry_run"} & found}

    assert with_all == with_any == {route.name for route in routes if route.is_write}


def test_limits_stand_in_the_document(routes: Routes, document: Json) -> None:
    schemas = document["components"]["schemas"]
    parameters = {
        parameter["name"]: parameter
        for parameter in _operation(document, _route(routes, "list_identifiers"))["parameters"]
    }

    assert (parameters["prefix"]["in"], parameters["prefix"]["required"]) == ("query", True)
    assert (parameters["limit"]["schema"]["minimum"], parameters["limit"]["schema"]["maximum"]) == (1, 1000)
    assert parameters["state"]["schema"]["enum"] == ["active", "suspended", "deleted", "reserved", "released"]
    assert schemas["ResolveIn"]["properties"]["identifiers"]["maxItems"] == 1000
    assert schemas["IdentifierIn"]["properties"]["values"]["maxItems"] == 2048
    assert schemas["EnterpriseIn"]["additionalProperties"] is False


async def test_what_succeeds_fits_the_schemas_of_its_body_and_its_answer(node: NodeUnderTest) -> None:
    document = await _document(node)
    requests = await RouteRequests.prepare(node)
    misfits = []

    for route in (route for route in node.node.routes if not route.is_streaming):
        request = await requests.of(route)
        operation = _operation(document, route)
        misfits += [f"{route.name} body {fault}" for fault in _body_faults(document, operation, request)]
        queries = ["dry_run=true", ""] if route.is_write else [""]
        for query in queries:
            path = request.path + ("?" if query else "") + query
            response = await node.call(request.method, path, request.body)
            described = operation["responses"].get(str(response.status), {}).get("content", {})
            schema = described.get(response.content_type, {"schema": False})["schema"]
            faults = _faults(document, schema, await response.json())
            misfits += [f"{route.name} {query} {response.status} {fault}" for fault in faults]

    assert misfits == []


async def test_refusals_fit_the_schema_of_problems(node: NodeUnderTest) -> None:
    document = await _document(node)
    requests = await RouteRequests.prepare(node)
    misfits, statuses = [], set()

    for route in node.node.routes:
        request = await requests.of(route)
        operation = _operation(document, route)
        for response in [
            await node.call(request.method, request.path, request.body, key="idn_unknown"),
            await node.call(request.method, request.path, {"colour": "blue"}),
            await node.call(request.method, request.path, request.body, If_Match='"9"'),
        ]:
            if response.status >= 400:
                statuses.add(response.status)
                schema = operation["responses"][str(response.status)]["content"][PROBLEM]["schema"]
                faults = _faults(document, schema, await response.json())
                misfits += [f"{route.name} {response.status} {fault}" for fault in faults]

    assert misfits == []
    assert statuses == {401, 409, 412, 422}


def test_a_get_that_may_answer_304_says_so(routes: Routes, document: Json) -> None:
    unmodified = [route.name for route in routes if "304" in _operation(document, route)["responses"]]

    assert unmodified == [
        "read_enterprise", "read_prefix", "read_key", "read_template", "read_identifier", "read_import", "read_pattern",
        "read_range", "read_transfer", "read_review", "list_handle_keys", "read_signing_key", "read_operator",
        "read_profile", "read_application", "read_event",
    ]  # fmt: skip


async def test_the_page_shows_every_operation_and_schema_and_loads_nothing(node: NodeUnderTest) -> None:
    document = await _document(node)
    response = await node.call("GET", "/v1/docs", key=None)
    text = await response.text()
    page = _Page()
    page.feed(text)

    assert (response.status, response.content_type) == (200, "text/html")
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert {route.name for route in node.node.routes} <= page.ids
    assert {f"schema-{name}" for name in document["components"]["schemas"]} <= page.ids
    assert [route.path for route in node.node.routes if f"<code>{route.path}</code>" not in text] == []
    assert [route.summary for route in node.node.routes if route.summary not in page.text] == []
    assert page.loading == []
    assert [link for link in page.links if not (link == "/v1/openapi.json" or link.removeprefix("#") in page.ids)] == []
    assert "url(" not in text
    assert "@import" not in text


class _Page(HTMLParser):
    """What a page has and what it would load."""

    LOADING = frozenset({"script", "link", "img", "iframe", "object", "embed", "video", "audio", "source", "base"})

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loading: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        members = dict(attrs)
        if members.get("id"):
            self.ids.add(str(members["id"]))
        if tag == "a":
            self.links.append(str(members["href"]))
        if tag in self.LOADING or "src" in members:
            self.loading.append(f"{tag} {attrs}")

    def handle_data(self, data: str) -> None:
        self.text += data


async def _document(node: NodeUnderTest) -> Json:
    return dict(await (await node.call("GET", "/v1/openapi.json", key=None)).json())


def _route(routes: Routes, name: str) -> Route:
    return next(route for route in routes if route.name == name)


def _operation(document: Json, route: Route) -> Json:
    return dict(document["paths"][route.path][route.method.lower()])


def _body_faults(document: Json, operation: Json, request: RouteRequest) -> Iterator[str]:
    if request.body is not None:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        yield from _faults(document, schema, request.body)


def _faults(document: Json, schema: Any, instance: Any) -> list[str]:
    whole = {"components": document["components"], **schema} if isinstance(schema, dict) else schema
    validator = OAS31Validator(whole, format_checker=OAS31Validator.FORMAT_CHECKER)
    return [f"/{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(instance)]
