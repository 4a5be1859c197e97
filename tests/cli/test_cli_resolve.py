"""`idnode resolve` against a played node: one by GET, many in lots, terminals kept safe."""

import orjson
from played_node import Asked, Said, idnode, played_node, problem, record

RESOLVE = "POST /v1/resolve"
VALUE = {
    "index": 1,
    "type": "URL",
    "data": {"format": "string", "value": "https://example.com/a"},
    "ttl": 86400,
    "permissions": "1110",
    "timestamp": "2026-01-15T09:30:00Z",
}


def results(asked: Asked) -> Said:
    """Everything is found but what ends in MISSING, and what has no slash."""
    found = []
    for text in orjson.loads(asked.body)["identifiers"]:
        if "/" not in text:
            refusal = problem(422, "invalid-identifier", f"no slash in '{text}'").document
            found.append({"identifier": text, "found": False, "problem": refusal})
        elif text.endswith("MISSING"):
            refusal = problem(404, "not-found", f"{text} is not registered").document
            found.append({"identifier": text, "found": False, "problem": refusal})
        else:
            found.append({"identifier": text, "found": True, "record": record(text)})
    return Said(200, {"results": found})


def test_one_identifier_is_shown_with_attributes_and_values() -> None:
    shown = record(
        "88.118.8/A", attributes={"width": 150.5}, values=[VALUE], template={"prefix": "88.118", "version": "r"}
    )
    with played_node() as node:
        node.says("GET /v1/identifiers/88.118.8%2FA", Said(200, shown))
        ended = idnode("resolve", "88.118.8/A", node=node)

    assert ended.exit == 0
    assert [" ".join(line.split()) for line in ended.out.splitlines() if line.strip() and "─" not in line] == [
        "88.118.8/A (active, version 1)",
        "template 88.118 r",
        "created 2026-01-15 09:30:00Z, updated 2026-01-15 09:30:00Z",
        "attribute value",
        "width 150.5",
        "index type data ttl permissions changed",
        "1 URL https://example.com/a 86400 1110 2026-01-15 09:30:00Z",
    ]


def test_json_is_the_record_as_the_node_gave_it() -> None:
    with played_node() as node:
        node.says("GET /v1/identifiers/88.118.8%2FA", Said(200, record("88.118.8/A", later_member=1)))
        ended = idnode("resolve", "88.118.8/A", "--json", node=node)

    assert ended.document == record("88.118.8/A", later_member=1)


def test_an_identifier_that_is_not_found_ends_with_5() -> None:
    with played_node() as node:
        node.says("GET /v1/identifiers/88.118.8%2FA", problem(404, "not-found", "88.118.8/A is not registered"))
        ended = idnode("resolve", "88.118.8/A", node=node)

    assert (ended.exit, ended.out, ended.error) == (5, "", "idnode: 88.118.8/A is not registered\n")


def test_an_identifier_hosted_elsewhere_comes_with_the_referral() -> None:
    elsewhere = problem(404, "hosted-elsewhere", "88.118.9 is hosted by its enterprise").document
    assert isinstance(elsewhere, dict)
    with played_node() as node:
        node.says(
            "GET /v1/identifiers/88.118.9%2FA", Said(404, elsewhere | {"referral": {"site": {"ip": "192.0.2.1"}}})
        )
        ended = idnode("resolve", "88.118.9/A", node=node)

    assert ended.exit == 5
    assert ended.error.splitlines()[1] == '  ask there: {"site":{"ip":"192.0.2.1"}}'


def test_many_identifiers_are_resolved_in_one_request() -> None:
    with played_node() as node:
        node.plays(RESOLVE, results)
        ended = idnode("resolve", "88.118.8/A", "88.118.8/MISSING", "--json", node=node)

    assert ended.exit == 5
    assert len(node.asked) == 1
    assert ended.document == {
        "results": [
            {"identifier": "88.118.8/A", "found": True, "record": record("88.118.8/A")},
            {
                "identifier": "88.118.8/MISSING",
                "found": False,
                "problem": problem(404, "not-found", "88.118.8/MISSING is not registered").document,
            },
        ]
    }


def test_a_text_that_is_no_identifier_weighs_more_than_one_that_is_missing() -> None:
    with played_node() as node:
        node.plays(RESOLVE, results)
        ended = idnode("resolve", "nothing", "88.118.8/MISSING", node=node)

    assert ended.exit == 1
    assert ended.error == "idnode: no slash in 'nothing'\nidnode: 88.118.8/MISSING is not registered\n"


def test_standard_input_is_resolved_in_lots_of_a_thousand() -> None:
    lines = b"".join(b"88.118.8/%d\n\n" % number for number in range(2001))
    with played_node() as node:
        node.plays(RESOLVE, results)
        ended = idnode("resolve", "-", "--json", node=node, stdin=lines)

    assert ended.exit == 0
    assert [len(orjson.loads(asked.body)["identifiers"]) for asked in node.asked] == [1000, 1000, 1]
    assert len(orjson.loads(ended.out)["results"]) == 2001


def test_nothing_on_standard_input_is_nothing_to_do() -> None:
    ended = idnode("resolve", "-", "--json", "--url", "http://127.0.0.1:1", "--key", "k", stdin=b"")

    assert (ended.exit, ended.document) == (0, {"results": []})


def test_what_a_terminal_would_obey_is_shown_escaped() -> None:
    evil = VALUE | {"data": {"format": "string", "value": "\x1b[2Jgone"}}
    with played_node() as node:
        node.says("GET /v1/identifiers/88.118.8%2FA", Said(200, record("88.118.8/A", values=[evil])))
        ended = idnode("resolve", "88.118.8/A", node=node)

    assert "\x1b" not in ended.out
    assert "\\x1b[2Jgone" in ended.out


def test_markup_in_a_record_is_text() -> None:
    marked = VALUE | {"data": {"format": "string", "value": "[red]:smile: /not closed"}}
    with played_node() as node:
        node.says("GET /v1/identifiers/88.118.8%2FA", Said(200, record("88.118.8/A", values=[marked])))
        ended = idnode("resolve", "88.118.8/A", node=node)

    assert "[red]:smile: /not closed" in ended.out


def test_a_node_that_cannot_be_reached_ends_with_3() -> None:
    ended = idnode("resolve", "88.118.8/A", "--url", "http://127.0.0.1:1", "--key", "k", "--json")

    assert ended.exit == 3
    assert ended.document == {
        "problem": {
            "type": "urn:idnode:problem:node-unreachable",
            "detail": "cannot reach the node at http://127.0.0.1:1: Connection refused",
        }
    }
