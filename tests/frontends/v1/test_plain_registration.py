"""The quick reading of a registration against the model's: the same form, or left to the model."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from idnode.frontends.bodies import parse_body
from idnode.frontends.v1.plain_registration import plain_registration
from idnode.frontends.v1.schemas.identifiers import IdentifierIn
from idnode.model.errors import IdnodeError

texts = st.text(st.characters(exclude_categories=[]), max_size=12)
numbers = st.integers() | st.integers(2**63 - 2, 2**64 + 2) | st.floats()
documents = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
templates = st.fixed_dictionaries(
    {"prefix": st.sampled_from(["88.118", "88..118", "", "88/1"]) | documents, "version": texts},
    optional={"revision": st.just(1)},
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "identifier": st.sampled_from(["88.118.8/JX-1", "二维码", "x" * 4_096, "x" * 4_097]) | documents,
        "template": templates | documents,
        "attributes": st.dictionaries(texts, documents, max_size=4) | documents,
        "values": st.lists(documents, max_size=3) | documents,
        "else": st.just(None),
    },
) | st.dictionaries(texts, documents, max_size=2)
spoilt = st.sampled_from(
    [
        (b"", b""),
        (b": ", b":"),
        (b'"', b"'"),
        (b"}", b',"values":[]}'),
        (b"{", b'{"identifier":1,'),
        (b"1", b"1e400"),
        (b"x", b"\\u003a"),
        (b",", b",,"),
        (b"[", b"[NaN,"),
        (b"8", b"\xff"),
        (b"}", b"}x"),
        (b"{", b"\xef\xbb\xbf{"),
    ]
)


def by_the_model(body: bytes) -> IdentifierIn | None:
    try:
        return parse_body(IdentifierIn, body)
    except IdnodeError:
        return None


@given(bodies, st.booleans(), spoilt)
@example({"identifier": "88.118/a:b", "attributes": {"a": {"b": [1.5, -0.0, True, None, "x:y"]}}}, False, (b"", b""))
def test_a_body_is_read_as_the_model_reads_it_or_left_to_it(
    document: object, is_ascii: bool, change: tuple[bytes, bytes]
) -> None:
    body = json.dumps(document, ensure_ascii=is_ascii).encode("utf-8", "replace").replace(*change, 1)

    plain, form = plain_registration(body), by_the_model(body)

    assert plain is None or (plain == form and repr(plain) == repr(form))


@pytest.mark.parametrize(
    "body",
    [
        b'{"identifier":"88.118.8/1","values":[{"index":1,"type":"URL","data":"https://example.com:80/"}]}',
        b' { "template": {"version":"1", "prefix":"88.118"}, "identifier": "\xe4\xba\x8c/\\u4e8c" } ',
        b'{"identifier":"a/b","attributes":{"a\\u0041:":[1,{"b":0.5}]}}',
        b'{"identifier":"","template":null}',
    ],
)
def test_plain_bodies_are_read_without_the_model(body: bytes) -> None:
    plain = plain_registration(body)

    assert plain is not None
    assert plain == parse_body(IdentifierIn, body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"identifier":"a/b","identifier":"a/c"}',
        b'{"identifier":"a/b","attributes":{"a":1,"a":1}}',
        b'{"identifier":"a/b","attributes":{"a":":","\\u0061":1}}',
        b'{"identifier":"a/b","attributes":{"a":1,"a":"\\u003a"}}',
        b'{"identifier":"a/b","attributes":{"a":18446744073709551616}}',
        b'{"identifier":"a/b","attributes":{"a":NaN}}',
        b'{"identifier":"a/b","attributes":{"a":' + b"[" * 300 + b"]" * 300 + b"}}",
        b'{"identifier":"a/b","attributes":null}',
        b'{"identifier":"a/b","values":{}}',
        b'{"identifier":"a/b","template":{"prefix":"88..1","version":"1"}}',
        b'{"identifier":"a/b","template":{}}',
        b'{"identifier":"a/b","unknown":1}',
    ],
)
def test_what_is_not_plain_is_left_to_the_model(body: bytes) -> None:
    assert plain_registration(body) is None


def test_two_forms_share_nothing_that_can_change() -> None:
    body = b'{"identifier":"a/b"}'
    first, second = plain_registration(body), plain_registration(body)

    assert first is not None
    assert second is not None
    assert first.attributes is not second.attributes
    assert first.values is not second.values
