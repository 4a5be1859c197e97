"""The node against its own OpenAPI document: schemathesis makes requests of it, the answers must be what it says."""

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from harness import NodeUnderTest
from hypothesis import HealthCheck, assume, given, settings
from route_requests import (
    OWN,
    PARTS,
    PUBLIC_VALUE,
    RouteRequests,
    application_form,
    enterprise_form,
    made,
    pattern_form,
    sync_record,
    template,
)
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from idnode.lifecycle import new_id, now
from idnode.model.reporting import RecordState
from idnode.storage.monitoring_events import EventKind, EventStore, Opening, Source
from idnode.storage.reconciliation import ReconciliationStore

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATIONS = 103
ALONE = ("identifiers", "suspend", "restore", "history", "reserve", "relations")
"""Collections whose things are named by an identifier."""
TARGET_BYTES_MAX = 8_000

bounded = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
async def test_every_answer_is_as_the_openapi_document_says(node: NodeUnderTest, mode: GenerationMode) -> None:
    names = await _names(node)
    document = await (await node.call("GET", "/v1/openapi.json", key=None)).json()
    schema = schemathesis.openapi.from_dict(document)
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    base_url = str(node.client.make_url("/")).rstrip("/")

    for operation in operations:
        known = {name: names[operation.path.split("/")[2]][name] for name in _parameters(operation)}
        # Once on things that exist, once on whatever schemathesis makes up.
        for path_parameters in (known, None) if known else (None,):
            await asyncio.to_thread(_explore, operation, mode, path_parameters, base_url, node.admin)

    assert len(operations) == OPERATIONS


def _explore(
    operation: "APIOperation[Any, Any, Any, Any]",
    mode: GenerationMode,
    path_parameters: dict[str, str] | None,
    base_url: str,
    headers: dict[str, str],
) -> None:
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=path_parameters))
    @bounded
    def check(case: Case[Any]) -> None:
        # What does not fit into a request line never gets as far as the API (test_http_requests.py).
        assume(len(case.formatted_path) + len(urlencode(case.query or {}, doseq=True)) < TARGET_BYTES_MAX)
        case.call_and_validate(base_url=base_url, headers=headers, checks=CHECKS)

    check()


def _parameters(operation: "APIOperation[Any, Any, Any, Any]") -> list[str]:
    return [step[1:-1] for step in operation.path.split("/") if step.startswith("{")]


async def _names(node: NodeUnderTest) -> dict[str, dict[str, str]]:
    """For each collection, path parameters that name one of its things."""
    requests = await RouteRequests.prepare(node)
    identifier = f"{OWN}/JX-1"
    await made(node, "/v1/identifiers", {"identifier": identifier, "values": [PUBLIC_VALUE]})
    await made(node, "/v1/templates", template("known"))
    key = await made(node, "/v1/keys", {"name": "known", "role": "reader"})
    number = await sync_record(node, OWN, RecordState.REJECTED)
    asked = await ReconciliationStore(node.node.database).ask(now().date(), repair=False, by="test", at=now())
    assert number == asked.number
    attack = Opening(new_id(), "", Source.OPERATOR, EventKind.ATTACK, now(), "known", "test")
    await EventStore(node.node.database).open(attack, None)
    application = await made(node, "/v1/applications", application_form(requests, 1))
    pattern = await made(node, "/v1/patterns", pattern_form(1))
    reserved = await made(node, "/v1/ranges", {"pattern": pattern["id"], "size": 10})
    receiver = (await made(node, "/v1/enterprises", enterprise_form(1)))["id"]
    transfer = await made(node, "/v1/transfers", {"identifiers": [identifier], "receiver": receiver})
    return {
        "patterns": {"id": pattern["id"]},
        "mint": {"id": pattern["id"]},
        "ranges": {"id": reserved["id"]},
        "transfers": {"id": transfer["id"]},
        "applications": {"id": application["id"]},
        "monitoring": {"id": str(attack.id), "month": "2026-01"},
        "sync": {"number": str(number)},
        "enterprises": {"id": requests.enterprise},
        "prefixes": {"prefix": OWN},
        "keys": {"id": key["id"]},
        "handle-admins": {"prefix": OWN, "index": "301"},
        "signing-keys": {"prefix": OWN},
        "imports": (await PARTS["read_import"](requests, 2)).path,
        "reviews": (await PARTS["read_review"](requests, 1)).path,
        "templates": {"prefix": OWN, "version": "known"},
        **{collection: {"identifier": identifier} for collection in ALONE},
    }
