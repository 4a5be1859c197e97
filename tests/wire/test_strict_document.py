"""One document of many: what every reader makes of it, or a refusal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idnode.model.errors import MalformedInput
from idnode.wire.strict_document import read_document

documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(documents, st.booleans())
def test_a_document_reads_back_exactly_numbers_of_any_length_too(document: object, is_ascii: bool) -> None:
    octets = json.dumps(document, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")

    try:
        read = read_document(octets)
    except MalformedInput:
        # Lone surrogates are the only thing here that is no JSON text.
        assert any("\ud800" <= c <= "\udfff" for c in json.dumps(document, ensure_ascii=False))
    else:
        assert repr(read) == repr(json.loads(octets))


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        (b"", "json"),
        (b"{", "json"),
        (b"NaN", "json"),
        (b'{"a":1} {"a":2}', "json"),
        (b'{"a":"\xff"}', "json"),
        (b'{"a":1e400}', "json"),
        (b'{"a":1,"a":1}', "given-twice"),
        (b'{"a":{"b":":","\\u0062":1}}', "given-twice"),
        (b'{"a":"\\u003a"' + b',"x":' + b"[" * 65 + b"]" * 65 + b"}", "max-depth"),
    ],
)
def test_what_readers_would_not_agree_on_is_refused(octets: bytes, rule: str) -> None:
    with pytest.raises(MalformedInput) as caught:
        read_document(octets)

    assert [violation.rule for violation in caught.value.violations] == [rule]


def test_a_long_number_keeps_its_digits() -> None:
    assert read_document(b'{"a":18446744073709551616}') == {"a": 2**64}
    assert type(read_document(b'{"a":18446744073709551616}')["a"]) is int  # type: ignore[index]  # it is a dict
