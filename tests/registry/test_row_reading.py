"""Rows of batches and imports against the forms of the single routes: the same commands, or refused by both."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idnode.frontends.bodies import parse_body
from idnode.frontends.v1.content import content_of, patch_of, registration_of
from idnode.frontends.v1.schemas.identifiers import ContentIn, IdentifierIn, IdentifierPatch
from idnode.model.errors import IdnodeError, InvalidIdentifier, InvalidInput, MalformedInput
from idnode.model.identifier import Identifier, Prefix
from idnode.model.record import Operation
from idnode.model.template import TemplateName
from idnode.registry.batches import Registration, Row
from idnode.registry.commands import Content, Patch, Revision
from idnode.registry.row_reading import read_row

NOW = datetime(2026, 11, 24, 8, 0, 0, 250_000, tzinfo=UTC)
URL = {"index": 1, "type": "URL", "data": "https://example.com/"}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
junk = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**31) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
identifiers = st.sampled_from(
    ["88.118.8/JX-1", "88.118.8/二维码", "x", "/x", "88..8/x", "x" * 4_097, "88.118.8/" + "x" * 300]
)
templates = st.fixed_dictionaries(
    {
        "prefix": st.sampled_from(["88.118", "88..1", "", "8" * 161]),
        "version": st.sampled_from(["1.0", "", " 1", "x" * 129, "\t"]),
    },
    optional={"else": st.just(1)},
)
values = st.lists(
    st.sampled_from([URL, {**URL, "index": 2, "ttl": 60}, {**URL, "index": 0}, {"index": 3}, {**URL, "more": 1}]),
    max_size=3,
)
members = {
    "identifier": identifiers | junk,
    "template": templates | junk,
    "attributes": st.dictionaries(texts, junk, max_size=3) | junk,
    "values": values | junk,
    "remove": st.lists(st.integers(0, 3) | junk, max_size=3) | junk,
    "else": st.just(None),
}


def mostly(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Rows of these members, each of them there, or not, or wrong."""
    return st.fixed_dictionaries({}, optional={name: members[name] for name in (*names, "else")})


def by_the_forms(op: str, row: dict[str, Any]) -> Row | None:
    """What the single route makes of the same."""
    body = {name: value for name, value in row.items() if name != "identifier"}
    try:
        if op == "register":
            return Registration(*registration_of(parse_body(IdentifierIn, json.dumps(row).encode()), now=NOW))
        identifier = Identifier.parse(row["identifier"]) if isinstance(row.get("identifier"), str) else None
        if identifier is None or len(row["identifier"]) > 4_096:
            return None
        if op == "replace":
            content = content_of(parse_body(ContentIn, json.dumps(body).encode()), now=NOW)
            return Revision(identifier, Operation.REPLACE, content)
        return Revision(
            identifier, Operation.PATCH, patch_of(parse_body(IdentifierPatch, json.dumps(body).encode()), now=NOW)
        )
    except IdnodeError:
        return None


def compare(op: str, row: dict[str, Any]) -> None:
    read, formed = read_row({"op": op, **row}, now=NOW), by_the_forms(op, row)

    assert isinstance(read, IdnodeError) == (formed is None)
    assert formed is None or (read == formed and repr(read) == repr(formed))


@given(mostly("identifier", "template", "attributes", "values"))
def test_a_registration_is_read_as_the_single_route_reads_it(row: dict[str, Any]) -> None:
    compare("register", row)
    bare = read_row(row, now=NOW)

    assert repr(bare) == repr(read_row({"op": "register", **row}, now=NOW))


@given(mostly("identifier", "template", "attributes", "values"))
def test_a_replacement_is_read_as_the_single_route_reads_it(row: dict[str, Any]) -> None:
    compare("replace", row)


@given(mostly("identifier", "attributes", "values", "remove"))
def test_a_patch_is_read_as_the_single_route_reads_it(row: dict[str, Any]) -> None:
    compare("patch", row)


def test_rows_of_each_kind_become_what_the_registry_takes() -> None:
    named, name = Identifier.parse("88.118.8/JX-1"), TemplateName(Prefix.parse("88.118"), "1.0")
    template = {"prefix": "88.118", "version": "1.0"}

    assert read_row({"identifier": "88.118.8/JX-1", "template": template, "attributes": {"a": 1}}, now=NOW) == (
        Registration(named, Content(name, {"a": 1}, ()))
    )
    assert read_row(
        {"op": "replace", "identifier": "88.118.8/JX-1", "template": template, "version": 3}, now=NOW
    ) == Revision(named, Operation.REPLACE, Content(name, {}, ()), 3)
    assert read_row({"op": "patch", "identifier": "88.118.8/JX-1", "remove": [2, 2]}, now=NOW) == Revision(
        named, Operation.PATCH, Patch((), frozenset({2}), {})
    )
    assert read_row({"op": "delete", "identifier": "88.118.8/JX-1", "version": 2}, now=NOW) == Revision(
        named, Operation.DELETE, None, 2
    )


@pytest.mark.parametrize(
    ("row", "broken"),
    [
        (7, [("", "object", "7")]),
        ([], [("", "object", "an array of 0")]),
        ({"op": "restore"}, [("/op", "option", "restore")]),
        ({"op": 1}, [("/op", "option", "1")]),
        ({}, [("/identifier", "required", None)]),
        ({"identifier": 5, "x~/": 1}, [("/x~0~1", "unknown-member", None), ("/identifier", "string-type", "5")]),
        (
            {"identifier": "x", "template": {"prefix": 1}, "values": {}, "attributes": None},
            [
                ("/template/prefix", "string-type", "1"),
                ("/template/version", "required", None),
                ("/attributes", "dict-type", "null"),
                ("/values", "list-type", "an object of 0"),
            ],
        ),
        ({"identifier": "x", "version": 1}, [("/version", "unknown-member", None)]),
        ({"op": "delete", "identifier": "x", "values": []}, [("/values", "unknown-member", None)]),
        ({"op": "delete", "identifier": "a/b", "version": 0}, [("/version", "minimum", "0")]),
        ({"op": "delete", "identifier": "a/b", "version": True}, [("/version", "int-type", "true")]),
        (
            {"op": "patch", "identifier": "a/b", "remove": [0, 2**31]},
            [("/remove/0", "minimum", "0"), ("/remove/1", "maximum", "2147483648")],
        ),
        ({"op": "patch", "identifier": "a/b"}, [("", "empty-patch", None)]),
        ({"op": "patch", "identifier": "a/b", "values": [URL], "remove": [1]}, [("/remove", "set-and-removed", "1")]),
        (
            {"identifier": "x", "values": [{"index": 1}]},
            [
                ("/identifier", "prefix-slash-suffix", "x"),
                ("/values/0/type", "required", None),
                ("/values/0/data", "required", None),
            ],
        ),
    ],
)  # fmt: skip
def test_every_fault_of_a_row_is_told_with_place_rule_and_value(
    row: object, broken: list[tuple[str, str, str]]
) -> None:
    refusal = read_row(row, now=NOW)

    assert isinstance(refusal, InvalidInput)
    assert [(each.pointer, each.rule, each.value) for each in refusal.violations] == broken


def test_an_identifier_that_is_wrong_alone_has_its_own_code_and_a_line_that_is_no_json_keeps_its_refusal() -> None:
    line = MalformedInput("no JSON")

    assert isinstance(read_row({"identifier": "x"}, now=NOW), InvalidIdentifier)
    assert read_row(line, now=NOW) is line
