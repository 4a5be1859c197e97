"""What lenient JSON readers let pass, and where it is."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idnode.model.errors import Violation
from idnode.wire.strict_json import is_surely_strict, looseness

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(documents)
def test_strict_json_is_not_loose(document: object) -> None:
    assert looseness(json.dumps(document)) is None


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ('{"a": 1, "a": 1}', "/a"),
        ('{"a": 1, "b": 2, "\\u0061": 3}', "/a"),
        ('{"": 1, "": 1}', "/"),
        ('[0, {"x": {"a/b": 1, "a/b": 2}}]', "/1/x/a~1b"),
        ('{"x": [[], {"a\\u0000": 1, "a\\u0000": 2}]}', "/x/1/a\\x00"),
    ],
)
def test_a_member_given_twice_is_found_where_it_is(document: str, pointer: str) -> None:
    assert looseness(document) == Violation(pointer, "given-twice", "this member is given twice")


@pytest.mark.parametrize(
    ("document", "pointer", "constant"),
    [
        ("NaN", "", "NaN"),
        ('{"a": [1, -Infinity]}', "/a/1", "-Infinity"),
        ('[{"a": Infinity}, NaN]', "/0/a", "Infinity"),
    ],
)
def test_a_number_that_is_none_is_found_where_it_is(document: str, pointer: str, constant: str) -> None:
    assert looseness(document) == Violation(pointer, "json", f"{constant} is no JSON number", constant)


@pytest.mark.parametrize(
    "document", ['{"a": 1, "b": {"a": 1}}', '[{"a": 1}, {"a": 1}]', '"NaN"', '{"NaN": 1}', "1e999"]
)
def test_what_looks_like_it_is_let_pass(document: str) -> None:
    assert looseness(document) is None


def test_two_hundred_levels_and_a_hundred_thousand_members_are_looked_through() -> None:
    deep = '{"a":' * 190 + '{"x":1,"x":2}' + "}" * 190
    wide = "{" + ",".join(f'"{n}":0' for n in range(100_000)) + ',"0":1}'

    assert looseness(deep) == Violation("/a" * 190 + "/x", "given-twice", "this member is given twice")
    assert looseness(wide) == Violation("/0", "given-twice", "this member is given twice")


letters = st.text(':\\"u03aAb', max_size=4)
pairs = st.recursive(
    letters | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(st.tuples(letters, inner), max_size=4),
)


def written(value: object, *, is_ascii: bool) -> str:
    """Lists of pairs as objects, in which members may come twice; colons sometimes escaped."""
    if not isinstance(value, list):
        text = json.dumps(value)
        return text.replace(":", "\\u003a") if is_ascii else text
    members = (f"{json.dumps(name)}: {written(inner, is_ascii=is_ascii)}" for name, inner in value)
    return "{" + ", ".join(members) + "}"


@given(pairs, st.booleans())
def test_what_is_surely_strict_is_not_loose(value: object, is_ascii: bool) -> None:
    document = written(value, is_ascii=is_ascii).encode()

    assert not is_surely_strict(document, orjson.loads(document)) or looseness(document.decode()) is None


@pytest.mark.parametrize("document", [b'{"a": ":", "b": {"a": "\\u0041\\n"}}', b"[]", b'"a:b"', b' {"a:" :1e5 } '])
def test_ordinary_documents_are_surely_strict(document: bytes) -> None:
    assert is_surely_strict(document, orjson.loads(document))


@pytest.mark.parametrize(
    "document",
    [
        b'{"a":1,"a":1}',
        b'{"a":":","\\u0061":1}',
        b'{"a":1,"a":"\\u003a"}',
        b'{"a":1,"a":"\\u003A"}',
        b"[" * 500 + b"]" * 500,
    ],
)
def test_of_a_doubt_nothing_is_said(document: bytes) -> None:
    assert not is_surely_strict(document, orjson.loads(document))
