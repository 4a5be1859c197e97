"""Forms with every member there is, spoilt at one place after the other: refused or taken, never a fault of ours."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import ClientResponse
from faults import fault_of
from harness import TEXTILE, USCC, NodeUnderTest
from route_requests import uscc
from stored_rows import Row, stored_rows

ITEM = {
    "index": 2000,
    "name": "width",
    "title": "幅宽",
    "type": "number",
    "required": False,
    "enabled": True,
    "description": "of the roll",
    "unit": "cm",
    "minimum": 1,
    "maximum": 9.5,
    "checks": [],
}
NOTE = {
    "index": 2001,
    "name": "note",
    "title": "备注",
    "type": "string",
    "min_length": 1,
    "max_length": 9,
    "pattern": "[a-z]*",
    "checks": [],
}
GRADE = {"index": 2002, "name": "grade", "title": "等级", "type": "enum", "options": ["A", "B"]}
VALUE = {
    "index": 1,
    "type": "URL",
    "data": {"format": "string", "value": "https://example.com/"},
    "ttl": 60,
    "permissions": "1110",
    "timestamp": "2026-01-01T00:00:00Z",
    "references": [{"handle": "88.118.8/JX-2", "index": 1}],
}
ADMIN = {"handle": "88.118.8/JX-1", "index": 300, "permissions": "011111110011"}
VALUES = [
    VALUE,
    {"index": 2, "type": "BLOB", "data": {"format": "base64", "value": "AAEC"}},
    {"index": 3, "type": "BLOB", "data": {"format": "hex", "value": "00ff"}},
    {"index": 4, "type": "NOTE", "data": "text", "ttl": "2033-05-18T03:33:20Z"},
    {"index": 5, "type": "HS_ADMIN", "data": {"format": "admin", "value": ADMIN}},
    {"index": 6, "type": "HS_VLIST", "data": {"format": "vlist", "value": [{"handle": "88.118.8/JX-1", "index": 300}]}},
]
ENTERPRISE = {
    "name": "示例纺织有限公司",
    "uscc": USCC,
    "industry": "C1711",
    "contact": {"name": "张三", "phone": "+8610", "email": "a@example.com"},
    "website": "https://example.com/",
    "address": "示例路 1 号",
}
PREFIX = {
    "prefix": "88.118.9",
    "hosting": "self",
    "site": {"ip": "2001:db8::8", "tcp_port": 2641, "udp_port": 2641, "http_port": 80},
    "state": "waiting",
}
KEY = {"name": "a key", "role": "reader", "prefixes": ["88.118.8"], "expires": "2999-01-01T00:00:00Z"}
TEMPLATE = {
    "prefix": "88.118.8",
    "version": "1.0",
    "title": "模板",
    "description": "of rolls",
    "industry": "C1711",
    "carrier": "other",
    "items": [ITEM, NOTE, GRADE],
    "checks": [{"check": "requires", "items": ["width", "note"]}],
}
TEXTILES = {"prefix": "88.118", "version": "textiles-1.0"}
RECORD = {"template": TEXTILES, "attributes": TEXTILE, "values": VALUES}
FORMS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/v1/enterprises", ENTERPRISE),
    ("PATCH", "/v1/enterprises/{enterprise}", {**ENTERPRISE, "uscc": uscc(0)}),
    ("POST", "/v1/prefixes", PREFIX),
    ("PATCH", "/v1/prefixes/88.118.8", {"hosting": "self", "site": PREFIX["site"]}),
    ("PATCH", "/v1/prefixes/88.118.8", {"state": "stopped"}),
    ("POST", "/v1/keys", KEY),
    ("PATCH", "/v1/keys/{key}", {"name": "b", "prefixes": ["88.118.8"], "expires": "2999-01-01T00:00:00Z"}),
    ("POST", "/v1/keys/{key}/rotate", {"overlap_seconds": 60}),
    ("POST", "/v1/templates", TEMPLATE),
    ("PATCH", "/v1/templates/88.118.8/own", {"title": "t", "description": "d", "items": [NOTE], "checks": []}),
    ("POST", "/v1/identifiers", {"identifier": "88.118.8/JX-2", **RECORD}),
    ("PUT", "/v1/identifiers/88.118.8/JX-1", RECORD),
    ("PATCH", "/v1/identifiers/88.118.8/JX-1", {"values": VALUES, "remove": [], "attributes": {"width": 150}}),
    ("POST", "/v1/resolve", {"identifiers": ["88.118.8/JX-1"]}),
]
"""A method, a path and a form that is accepted."""
SPOILT: tuple[Any, ...] = (
    *(None, True, -1, 1.5, 2**31, 10**300, "", "a\0", "\u202e", "\ud800", "x" * 5_000, [], [[]], {}, {"a\0": {}}),
    "fe80::1%\0",
    "9999-12-31T23:59:59-14:00",
)


CHANGES_OF_ONE = {"/v1/resolve": 0, "/v1/keys/{key}/rotate": 2}
"""Change rows of an accepted request, where that is not one."""


@pytest.mark.parametrize(("method", "path", "form"), FORMS, ids=[f"{method} {path}" for method, path, _ in FORMS])
async def test_no_spoilt_form_is_a_fault_of_ours_or_half_a_write(
    node: NodeUnderTest, dsn: str, method: str, path: str, form: dict[str, Any]
) -> None:
    target, whole = await _prepared(node, path, form)
    tried = await _send(node, method, target if path == "/v1/resolve" else target + "?dry_run=true", whole)
    before = await stored_rows(dsn)
    accepted = 0
    wrong = []

    for changed in _spoilt(whole):
        response = await _send(node, method, target, changed)
        accepted += response.status < 300
        if response.status not in (200, 201, 400, 404, 409, 422):
            wrong.append(f"{fault_of(response.status, await response.read())}: {json.dumps(changed)[:300]}")
    after = await stored_rows(dsn)

    assert tried.status == 200, await tried.text()
    assert wrong == []
    assert _changes(after) - _changes(before) == accepted * CHANGES_OF_ONE.get(path, 1)


async def _prepared(node: NodeUnderTest, path: str, form: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The path and the form, with what they name."""
    enterprise = await node.enterprise(uscc=uscc(0))
    await node.prefix("88.118.8", enterprise=enterprise)
    await node.call("POST", "/v1/templates", {**TEMPLATE, "version": "own"})
    await node.call("POST", "/v1/identifiers", {"identifier": "88.118.8/JX-1", **RECORD})
    key = await node.call("POST", "/v1/keys", {"name": "other", "role": "reader"})
    whole = {**form, "enterprise": enterprise} if path == "/v1/prefixes" else form
    return path.format(enterprise=enterprise, key=(await key.json())["id"]), whole


async def _send(node: NodeUnderTest, method: str, target: str, document: Any) -> ClientResponse:
    headers = {**node.admin, "Content-Type": "application/json"}
    response = await node.client.request(method, target, data=json.dumps(document), headers=headers)
    await response.read()
    return response


def _changes(rows: set[Row]) -> int:
    return sum(place == "change" for place, _ in rows)


def _spoilt(document: Any) -> Iterator[Any]:
    """The document with one thing wrong, at one of its places after the other."""
    yield from SPOILT
    if isinstance(document, dict):
        for name, inner in document.items():
            yield {key: value for key, value in document.items() if key != name}
            yield from ({**document, name: spoilt} for spoilt in _spoilt(inner))
    elif isinstance(document, list):
        for at, inner in enumerate(document):
            yield from ([*document[:at], spoilt, *document[at + 1 :]] for spoilt in _spoilt(inner))
