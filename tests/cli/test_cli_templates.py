"""`idnode templates` against a played node: shown, defined from JSON and TOML, exported as it is defined."""

from pathlib import Path

import orjson
from played_node import Said, idnode, item, played_node, problem, template

DEFINE = "POST /v1/templates"
TOML = """
title = "Rolls"
version = "rolls-1.0"
industry = "C1713"
carrier = "active"

[[items]]
index = 2000
name = "width"
title = "幅宽"
type = "number"
minimum = 1.5
"""


def rows_of(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip() and "─" not in line]


def test_the_list_passes_its_filters_on() -> None:
    with played_node() as node:
        node.says("GET /v1/templates", Said(200, {"items": [template()], "next": None}))
        ended = idnode("templates", "list", "--prefix", "88.118.8", "--state", "active", node=node)

    assert node.asked[0].target == "/v1/templates?limit=1000&prefix=88.118.8&state=active"
    assert rows_of(ended.out) == [
        "prefix version title industry items state revision",
        "88.118.8 rolls-1.0 Rolls C1713 4 active 1",
    ]


def test_a_template_is_shown_with_what_its_items_allow() -> None:
    items = [
        item(2000, "width", "number", unit="cm", minimum=1, maximum=1000, required=True),
        item(2001, "grade", "enum", options=["a", "b"], enabled=False),
    ]
    with played_node() as node:
        node.says("GET /v1/templates/88.118.8/rolls%201", Said(200, template("rolls 1", items=items)))
        ended = idnode("templates", "show", "88.118.8", "rolls 1", node=node)

    assert rows_of(ended.out) == [
        "88.118.8 rolls 1 Rolls (active, revision 1)",
        "industry C1713, carrier other",
        "index name title type use limits",
        "2000 width width number required min 1 cm; max 1000 cm",
        "2001 grade grade enum disabled options a, b",
    ]


def test_toml_is_defined_under_the_prefix_given(tmp_path: Path) -> None:
    path = tmp_path / "rolls.toml"
    path.write_text(TOML)
    with played_node() as node:
        node.says(DEFINE, Said(201, template()))
        ended = idnode("templates", "define", str(path), "--prefix", "88.118.8", node=node)

    assert (ended.exit, ended.out) == (0, "defined 88.118.8 rolls-1.0\n")
    assert node.asked[0].document == {
        "prefix": "88.118.8",
        "title": "Rolls",
        "version": "rolls-1.0",
        "industry": "C1713",
        "carrier": "active",
        "items": [{"index": 2000, "name": "width", "title": "幅宽", "type": "number", "minimum": 1.5}],
    }


def test_toml_without_a_prefix_is_wrong_usage(tmp_path: Path) -> None:
    path = tmp_path / "rolls.toml"
    path.write_text(TOML)
    ended = idnode("templates", "define", str(path))

    assert (ended.exit, ended.error) == (2, "idnode: a TOML template has no prefix of its own: give --prefix\n")


def test_mistakes_in_toml_are_told_by_item_before_anything_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "rolls.toml"
    path.write_text(TOML.replace('type = "number"', 'type = "numbr"\ncolour = 1'))
    with played_node() as node:
        ended = idnode("templates", "define", str(path), "--prefix", "88.118.8", node=node)

    assert ended.exit == 1
    assert len(ended.error.splitlines()) == 3
    assert "  width: unknown-member: colour is not a member of a template file (value 1)" in ended.error.splitlines()
    assert node.asked == []


def test_an_export_is_what_defines_the_same_templates_anew() -> None:
    with played_node() as node:
        node.says("GET /v1/templates", Said(200, {"items": [template("a"), template("b")], "next": None}))
        node.says(DEFINE, Said(201, template("a")), problem(409, "already-registered", "88.118.8 b exists"))
        exported = idnode("templates", "export", node=node)
        ended = idnode("templates", "define", "-", node=node, stdin=exported.out.encode())

    assert node.asked[0].target == "/v1/templates?limit=1000&state=active"
    definitions = orjson.loads(exported.out)
    assert [definition["version"] for definition in definitions] == ["a", "b"]
    assert set(definitions[0]) == {"prefix", "version", "title", "industry", "carrier", "items", "checks"}
    assert [asked.document for asked in node.asked[1:]] == definitions
    assert (ended.exit, ended.out, ended.error) == (1, "defined 88.118.8 a\n", "idnode: 88.118.8 b exists\n")


def test_json_tells_each_definition_apart() -> None:
    with played_node() as node:
        node.says(DEFINE, problem(409, "already-registered", "it exists"))
        ended = idnode(
            "templates", "define", "-", "--json", "--prefix", "88.118.9", node=node, stdin=b'{"version":"a"}'
        )

    assert node.asked[0].document == {"version": "a", "prefix": "88.118.9"}
    assert ended.document == {
        "results": [
            {
                "template": "88.118.9 a",
                "defined": False,
                "problem": {
                    "type": "urn:idnode:problem:already-registered",
                    "title": "A title",
                    "status": 409,
                    "detail": "it exists",
                },
            }
        ]
    }


def test_what_is_no_template_file_is_refused() -> None:
    for content, message in (
        (b"{", "idnode: not JSON: unexpected end of data: line 1 column 2 (char 1)\n"),
        (b"[1]", "idnode: a template file holds a JSON object, or an array of them\n"),
        (b"\xff", "idnode: the file is not UTF-8: byte 0\n"),
    ):
        ended = idnode("templates", "define", "-", stdin=content)

        assert (ended.exit, ended.error) == (1, message)
