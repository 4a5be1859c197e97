"""Bad enterprises, prefixes, keys, templates and batches: each is refused by name and leaves nothing behind."""

import json
from typing import Any

from faults import Fault, Table, expected, faults
from harness import USCC, NodeUnderTest
from route_requests import ITEM, uscc
from stored_rows import stored_rows

LONG = "x" * 79 + "…"
ENTERPRISE = {"name": "示例纺织有限公司", "uscc": USCC, "industry": "C1711"}
KEY = {"name": "a key", "role": "reader", "prefixes": ["88.118.8"]}
TEMPLATE = {"prefix": "88.118.8", "version": "1.0", "title": "模板", "industry": "C1711", "items": [ITEM]}
SITE = {"ip": "192.0.2.8", "tcp_port": 2641}

Cases = list[tuple[dict[str, Any], Fault]]
"""Members to change in a good form, and what is wrong then."""

ENTERPRISES: Cases = [
    ({"name": ""}, (422, "/name", "min-length", "", "1")),
    ({"name": "a\0"}, (422, "/name", "printable", "a\\x00", None)),
    ({"name": "a\u202eb"}, (422, "/name", "printable", "a\\u202eb", None)),
    ({"name": " a"}, (422, "/name", "no-outer-space", " a", None)),
    ({"name": "x" * 256}, (422, "/name", "max-length", LONG, "255")),
    ({"name": 5}, (422, "/name", "string-type", "5", None)),
    ({"name": "\ud800"}, (400, "", "json", None, None)),
    ({"uscc": "9111"}, (422, "/uscc", "uscc", "9111", None)),
    ({"uscc": "91110108589104047X"}, (422, "/uscc", "uscc", "91110108589104047X", None)),
    ({"uscc": "９" * 17 + "E"}, (422, "/uscc", "uscc", "９" * 17 + "E", None)),
    ({"industry": "C17１１"}, (422, "/industry", "industry", "C17１１", None)),
    ({"industry": "Z99"}, (422, "/industry", "industry", "Z99", None)),
    ({"contact": []}, (422, "/contact", "model-type", "an array of 0", None)),
    ({"contact": {"phone": "1" * 17}}, (422, "/contact/phone", "max-length", "1" * 17, "16")),
    ({"contact": {"email": "a@b.c\0"}}, (422, "/contact/email", "printable", "a@b.c\\x00", None)),
    ({"contact": {"fax": "1"}}, (422, "/contact/fax", "unknown-member", "1", None)),
    ({"website": "a\nb"}, (422, "/website", "printable", "a\\nb", None)),
    ({"id": "mine"}, (422, "/id", "unknown-member", "mine", None)),
]
PREFIXES: Cases = [
    ({"prefix": "88.118"}, (422, "/prefix", "under-node-prefix", "88.118", "88.118.<digits>")),
    ({"prefix": "88.118.8.1"}, (422, "/prefix", "under-node-prefix", "88.118.8.1", "88.118.<digits>")),
    ({"prefix": "88.118.８"}, (422, "/prefix", "under-node-prefix", "88.118.８", "88.118.<digits>")),
    ({"prefix": "10.1000"}, (422, "/prefix", "under-node-prefix", "10.1000", "88.118.<digits>")),
    ({"prefix": "88.118.\0"}, (422, "/prefix", "prefix", "88.118.\\x00", None)),
    ({"prefix": "x" * 5_000}, (422, "/prefix", "max-length", LONG, "160")),
    ({"enterprise": "mine"}, (422, "/enterprise", "uuid-parsing", "mine", None)),
    ({"enterprise": "00000000-0000-0000-0000-000000000000"}, (404, None, None, None, None)),
    ({"hosting": "both"}, (422, "/hosting", "option", "both", "'hosted' or 'self'")),
    ({"hosting": "self"}, (422, "", "site", "an object of 3", None)),
    ({"site": SITE}, (422, "", "site", "an object of 4", None)),
    ({"hosting": "self", "site": {"ip": "::1"}}, (422, "/site", "ports", "an object of 1", None)),
    ({"hosting": "self", "site": {**SITE, "ip": "192.0.2"}}, (422, "/site/ip", "ip-address", "192.0.2", None)),
    ({"hosting": "self", "site": {**SITE, "ip": "fe80::1%\0"}}, (422, "/site/ip", "ip-address", "fe80::1%\\x00", None)),
    ({"hosting": "self", "site": {**SITE, "tcp_port": 0}}, (422, "/site/tcp_port", "minimum", "0", "1")),
    ({"hosting": "self", "site": {**SITE, "tcp_port": 65_536}}, (422, "/site/tcp_port", "maximum", "65536", "65535")),
    ({"state": "stopped"}, (422, "/state", "option", "stopped", "'active' or 'waiting'")),
]
KEYS: Cases = [
    ({"name": "\0"}, (422, "/name", "printable", "\\x00", None)),
    ({"role": "root"}, (422, "/role", "option", "root", "'admin', 'reviewer', 'enterprise' or 'reader'")),
    ({"role": "enterprise", "prefixes": []}, (422, "", "scope", "an object of 3", None)),
    ({"prefixes": ["88.118.\0"]}, (422, "/prefixes/0", "prefix", "88.118.\\x00", None)),
    ({"prefixes": ["88.118.8"] * 1_001}, (422, "/prefixes", "max-items", "an array of 1001", "1000")),
    ({"expires": "soon"}, (422, "/expires", "date-time", "soon", None)),
    ({"expires": "2030-01-01"}, (422, "/expires", "date-time", "2030-01-01", None)),
    ({"expires": "2030-01-01T00:00:00"}, (422, "/expires", "date-time", "2030-01-01T00:00:00", None)),
    ({"expires": "2030-02-30T00:00:00Z"}, (422, "/expires", "date-time", "2030-02-30T00:00:00Z", None)),
    ({"expires": "1893456000"}, (422, "/expires", "date-time", "1893456000", None)),
    ({"expires": 1893456000}, (422, "/expires", "datetime-type", "1893456000", None)),
    ({"expires": "9999-12-31T23:59:59-14:00"}, (422, "/expires", "calendar", "9999-12-31T23:59:59-14:00", None)),
    ({"expires": "0001-01-01T00:00:00+14:00"}, (422, "/expires", "calendar", "0001-01-01T00:00:00+14:00", None)),
]
TEMPLATES: Cases = [
    ({"prefix": "10.1000"}, (404, None, None, None, None)),
    ({"version": ""}, (422, "/version", "min-length", "", "1")),
    ({"version": "a/b"}, (422, "/version", "version", "a/b", None)),
    ({"version": "a\0"}, (422, "/version", "printable", "a\\x00", None)),
    ({"version": "x" * 129}, (422, "/version", "max-length", LONG, "128")),
    ({"title": "\u202e"}, (422, "/title", "printable", "\\u202e", None)),
    ({"description": "a\0"}, (422, "/description", "printable", "a\\x00", None)),
    ({"items": []}, (422, "/items", "min-items", "an array of 0", "1")),
    ({"items": [ITEM] * 513}, (422, "/items", "max-items", "an array of 513", "512")),
    ({"items": [ITEM, ITEM]}, (422, "/items/1/index", "unique", None, None)),
    ({"checks": [{"check": "nope", "items": ["note"]}]}, (422, "/checks/0/check", "record-check", "nope", None)),
]
ITEMS: Cases = [
    ({"index": 0}, (422, "/items/0/index", "minimum", "0", "1")),
    ({"index": 1000}, (422, "/items/0/index", "index", "1000", None)),
    ({"index": 1999}, (422, "/items/0/index", "index", "1999", None)),
    ({"index": 2**31}, (422, "/items/0/index", "maximum", "2147483648", "2147483647")),
    ({"name": "a\0"}, (422, "/items/0/name", "printable", "a\\x00", None)),
    ({"name": "a/b"}, (422, "/items/0/name", "name", "a/b", None)),
    ({"name": "HS_ADMIN"}, (422, "/items/0/name", "name", "HS_ADMIN", None)),
    ({"unit": "\0"}, (422, "/items/0/unit", "printable", "\\x00", None)),
    ({"type": "number", "minimum": float("nan")}, (400, "/items/0/minimum", "json", "NaN", None)),
    ({"type": "number", "minimum": 10**400}, (422, "/items/0/minimum", "bounds", "inf", None)),
    ({"max_length": 65_537}, (422, "/items/0/max_length", "maximum", "65537", "65536")),
    ({"pattern": "("}, (422, "/items/0/pattern", "pattern", "(", None)),
    ({"pattern": "(?=a)"}, (422, "/items/0/pattern", "pattern", "(?=a)", None)),
    ({"pattern": "a\0"}, (422, "/items/0/pattern", "printable", "a\\x00", None)),
    ({"pattern": "x" * 513}, (422, "/items/0/pattern", "max-length", LONG, "512")),
    ({"type": "enum"}, (422, "/items/0/options", "options", None, None)),
    ({"type": "enum", "options": ["a\0"]}, (422, "/items/0/options/0", "printable", "a\\x00", None)),
    ({"checks": ["nope"]}, (422, "/items/0/checks/0", "checks", "nope", None)),
]
BATCHES: Cases = [
    ({"identifiers": []}, (422, "/identifiers", "min-items", "an array of 0", "1")),
    ({"identifiers": ["88.118.8/JX-1"] * 1_001}, (422, "/identifiers", "max-items", "an array of 1001", "1000")),
    ({"identifiers": "88.118.8/JX-1"}, (422, "/identifiers", "list-type", "88.118.8/JX-1", None)),
    ({"identifiers": [5]}, (422, "/identifiers/0", "string-type", "5", None)),
    ({"identifiers": ["x" * 4_097]}, (422, "/identifiers/0", "max-length", LONG, "4096")),
]


def table_of(form: dict[str, Any], cases: Cases) -> Table:
    """The good form with the members of each case changed."""
    return {f"{number}: {str(changes)[:60]}": (json.dumps({**form, **changes}).encode(), fault)
            for number, (changes, fault) in enumerate(cases)}  # fmt: skip


async def test_no_bad_form_of_the_directory_is_accepted_or_leaves_anything_behind(
    node: NodeUnderTest, dsn: str
) -> None:
    enterprise = await node.enterprise(uscc=uscc(0))
    await node.prefix("88.118.8", enterprise=enterprise)
    prefix = {"prefix": "88.118.9", "enterprise": enterprise, "hosting": "hosted"}
    items = [({"items": [{**ITEM, **changes}]}, fault) for changes, fault in ITEMS]
    tables = {
        "/v1/enterprises": table_of(ENTERPRISE, ENTERPRISES),
        "/v1/prefixes": table_of(prefix, PREFIXES),
        "/v1/keys": table_of(KEY, KEYS),
        "/v1/templates": table_of(TEMPLATE, TEMPLATES + items),
        "/v1/resolve": table_of({}, BATCHES),
    }
    before = await stored_rows(dsn)

    found = {path: await faults(node, "POST", path, table) for path, table in tables.items()}

    assert found == {path: expected(table) for path, table in tables.items()}
    assert await stored_rows(dsn) == before


async def test_a_batch_says_of_each_identifier_what_is_wrong_with_it(node: NodeUnderTest) -> None:
    await node.prefix("88.118.8")
    asked = ["88.118.8", "88.118.8/a\0", "88.118.8/\u202e", "x" * 4_096, "", "88.118.8/JX-1"]

    response = await node.call("POST", "/v1/resolve", {"identifiers": asked}, key=None)
    results = (await response.json())["results"]

    assert [result["identifier"] for result in results] == asked
    assert [result["problem"].get("errors", [{}])[0].get("rule") for result in results] == [
        "prefix-slash-suffix",
        "printable",
        "printable",
        "prefix-slash-suffix",
        "prefix-slash-suffix",
        None,
    ]
    assert results[-1]["problem"]["type"] == "urn:idnode:problem:not-found"
