"""Parameters of the Handle REST interface."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idnode.frontends.rest.parameters import (
    FORM,
    JSON,
    Lookup,
    Presentation,
    is_flag_set,
    pairs_of_body,
    selection_of,
)
from idnode.model.errors import InvalidInput, MalformedInput
from idnode.model.handle_value import HandleValue


def a_value(index: int, value_type: str) -> HandleValue:
    return HandleValue(index, value_type, b"", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC))


def taken(*pairs: tuple[str, str]) -> list[str]:
    """Which values of a small record are taken."""
    record = [a_value(1, "URL"), a_value(2, "EMAIL"), a_value(100, "HS_ADMIN"), a_value(300, "HS_PUBKEY")]
    return [value.type for value in record if selection_of(pairs).takes(value)]


def test_without_parameters_everything_is_taken() -> None:
    assert selection_of([]).is_everything
    assert taken() == ["URL", "EMAIL", "HS_ADMIN", "HS_PUBKEY"]


def test_indexes_and_types_add_up() -> None:
    assert taken(("index", "100"), ("index", "7"), ("type", "URL")) == ["URL", "HS_ADMIN"]


def test_types_compare_without_regard_to_case() -> None:
    assert taken(("type", "eMail")) == ["EMAIL"]


def test_a_type_that_ends_in_a_dot_is_a_beginning() -> None:
    record = [a_value(1, "10320/loc"), a_value(2, "10320/loc.a"), a_value(3, "10320/LOC.B"), a_value(4, "URL")]
    selection = selection_of([("type", "10320/Loc.")])

    assert [value.index for value in record if selection.takes(value)] == [2, 3]


def test_a_type_without_a_dot_is_no_beginning() -> None:
    assert taken(("type", "HS_")) == []


def test_an_empty_type_takes_nothing() -> None:
    assert taken(("type", "")) == []


def test_a_negative_index_takes_nothing() -> None:
    assert taken(("index", "-1")) == []


@pytest.mark.parametrize("text", ["", "x", "1.0", "1e3", "0x1", " 1", "+1", "１", "2147483648", "99999999999999999999"])
def test_what_is_no_index_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a number of at most 2147483647") as refusal:
        selection_of([("index", text)])

    assert refusal.value.violations[0].pointer == "index"


def test_more_types_than_the_limit_are_refused() -> None:
    with pytest.raises(InvalidInput, match="257 type parameters, the limit is 256"):
        selection_of([("type", "URL")] * 257)


def test_more_parameters_than_the_limit_are_refused() -> None:
    with pytest.raises(InvalidInput, match="4097 parameters, the limit is 4096"):
        Lookup.of([("x", "")] * 4_097)


@pytest.mark.parametrize("text", ["", "true", "yes", "TRUE"])
def test_a_flag_is_set_by_its_name_true_or_yes(text: str) -> None:
    assert is_flag_set(text)


@pytest.mark.parametrize("text", [None, "false", "no", "0", "1", "on"])
def test_a_flag_is_not_set_by_anything_else(text: str | None) -> None:
    assert not is_flag_set(text)


def test_the_flags_of_a_lookup() -> None:
    lookup = Lookup.of([("auth", ""), ("cert", "yes"), ("doNotRefer", "true"), ("publicOnly", "false")])

    assert (lookup.is_authoritative, lookup.is_certified, lookup.refuses_referral) == (True, True, True)
    assert lookup.public_only is False


def test_public_only_is_left_to_the_credentials_when_it_is_not_given() -> None:
    assert Lookup.of([]).public_only is None


def test_a_callback_keeps_letters_digits_underscore_dollar_and_dot() -> None:
    assert Presentation.of([("callback", "app.$callbacks.on_1"), ("pretty", "")]) == Presentation(
        "app.$callbacks.on_1", is_pretty=True
    )


def test_a_callback_cannot_carry_a_script() -> None:
    assert Presentation.of([("callback", "alert(1)//\n<é")]).callback == "alert_1______"


def test_an_empty_callback_is_none() -> None:
    assert Presentation.of([("callback", "")]) == Presentation()


@given(st.text())
def test_whatever_the_callback_it_is_a_path_of_names(text: str) -> None:
    callback = Presentation.of([("callback", text)]).callback

    assert callback is None or all(c.isascii() and (c.isalnum() or c in "_$.") for c in callback)


def test_a_form_carries_parameters() -> None:
    assert pairs_of_body(FORM, b"index=1&index=2&type=%E4%BA%A7%E5%93%81&pretty") == [
        ("index", "1"),
        ("index", "2"),
        ("type", "产品"),
        ("pretty", ""),
    ]


def test_an_object_carries_parameters() -> None:
    assert pairs_of_body(JSON, b'{"index": [1, "2"], "type": "URL", "pretty": true, "publicOnly": false}') == [
        ("index", "1"),
        ("index", "2"),
        ("type", "URL"),
        ("pretty", "true"),
        ("publicOnly", "false"),
    ]


@pytest.mark.parametrize(
    ("content_type", "body", "why"),
    [
        ("text/plain", b"index=1", "not text/plain"),
        (FORM, b"type=%FF", "not UTF-8"),
        (FORM, b"type=\xff", "not UTF-8"),
        (FORM, b"&".join([b"x=1"] * 4_097), "more than 4096 parameters"),
        (JSON, b"{", "not JSON"),
        (JSON, b'{"type": "\\ud800"}', "not JSON"),
        (JSON, b"[" * 5_000, "not JSON"),
        (JSON, b"[1]", "must be an object"),
        (JSON, b'{"index": null}', "parameter index takes text"),
        (JSON, b'{"index": 99999999999999999999}', "parameter index takes text"),
        (JSON, b'{"index": {"a": 1}}', "parameter index takes text"),
        (JSON, b'{"index": [[1]]}', "parameter index takes text"),
    ],
)
def test_a_body_that_carries_no_parameters_is_refused(content_type: str, body: bytes, why: str) -> None:
    with pytest.raises(MalformedInput, match=why):
        pairs_of_body(content_type, body)
